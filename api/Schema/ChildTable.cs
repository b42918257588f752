using Google.Protobuf;

namespace Aurae.Schema;

/// <summary>
/// A nested message of a record, in rows of its own. In SQL:
/// <c>parent INTEGER (the record's row_id, ON DELETE CASCADE), ordinal INTEGER (from 0), [Columns...], unknown_fields BLOB, PRIMARY KEY (parent, ordinal)</c>.
/// </summary>
public abstract class ChildTable
{
    /// <summary>The table in SQL: <c>virtual_machine_root_drive</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The field of the parent: <c>root_drive</c>.</summary>
    public abstract string FieldPath { get; }

    /// <summary>False: at most one row, of ordinal 0, and none when the field is unset.</summary>
    public abstract bool IsRepeated { get; }

    public abstract IReadOnlyList<ColumnDescriptor> Columns { get; }

    /// <summary>Values that one row takes: the columns and unknown_fields; parent and ordinal are the caller's.</summary>
    public int ValueCount => Columns.Count + 1;

    public string ColumnList => field ??= string.Concat(Columns.Select(static c => "\"" + c.Name + "\", ")) + "unknown_fields";

    /// <summary>Rows that the parent has.</summary>
    public abstract int Count(IMessage parent);

    /// <summary>Writes the row at <paramref name="ordinal"/> as <see cref="ValueCount"/> values from <paramref name="first"/> on.</summary>
    public abstract void Bind(IMessage parent, int ordinal, IColumnWriter writer, int first);

    /// <summary>Adds the row to the parent. Rows come in the order of their ordinals.</summary>
    public abstract void Read(IMessage parent, IColumnReader reader, int first);
}
