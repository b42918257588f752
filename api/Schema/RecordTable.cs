using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Aurae.Schema;

/// <summary>
/// How records of one message lie in SQL, and the code that moves them there and back. Generated from the message's annotations; free of reflection.
/// Invariants: in SQL a record table is
/// <c>row_id INTEGER PRIMARY KEY, tenant, id, revision, create_time, update_time, labels, [Columns...], unknown_fields BLOB</c>;
/// <see cref="Bind"/> writes and <see cref="Read"/> reads <see cref="ValueCount"/> values: those of <see cref="Columns"/> in their order, then unknown_fields.
/// The key field has no column of its own: it is <c>id</c>.
/// </summary>
public abstract class RecordTable
{
    /// <summary>The table in SQL: <c>virtual_machine</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The message: <c>aurae.vms.v0.VirtualMachine</c>.</summary>
    public abstract string TypeName { get; }

    public abstract MessageDescriptor Message { get; }

    /// <summary>The field that is the record's id; its column in SQL is <c>id</c>.</summary>
    public abstract ColumnDescriptor Key { get; }

    /// <summary>The message's columns in bind order, without the key.</summary>
    public abstract IReadOnlyList<ColumnDescriptor> Columns { get; }

    public abstract IReadOnlyList<ChildTable> Children { get; }

    public abstract IReadOnlyList<ReferenceDescriptor> References { get; }

    /// <summary>Values that one row takes: the columns and unknown_fields.</summary>
    public int ValueCount => Columns.Count + 1;

    /// <summary>The columns in SQL that <see cref="Bind"/> and <see cref="Read"/> go through, joined by commas: the message's and unknown_fields.</summary>
    public string ColumnList => field ??= string.Concat(Columns.Select(static c => "\"" + c.Name + "\", ")) + "unknown_fields";

    /// <summary>The column of that name, the key included; null when there is none.</summary>
    public ColumnDescriptor? FindColumn(string name) => Columns.FirstOrDefault(c => c.Name == name) ?? (Key.Name == name ? Key : null);

    public abstract IMessage New();

    /// <summary>Parses wire bytes. <see cref="FieldValueException"/> on text that is not UTF-8; <see cref="InvalidProtocolBufferException"/> on bytes that are no message.</summary>
    public abstract IMessage Parse(ByteString bytes);

    public abstract string KeyOf(IMessage message);

    public abstract void SetKey(IMessage message, string key);

    /// <summary>Writes <see cref="ValueCount"/> values from <paramref name="first"/> on. <see cref="FieldValueException"/> on a value that no column holds.</summary>
    public abstract void Bind(IMessage message, IColumnWriter writer, int first);

    /// <summary>Makes the message of a row; its children are added by <see cref="ChildTable.Read"/>.</summary>
    public abstract IMessage Read(string key, IColumnReader reader, int first);
}

/// <summary>The same, typed.</summary>
public abstract class RecordTable<T> : RecordTable
    where T : class, IMessage<T>, new()
{
    public sealed override IMessage New() => new T();

    public sealed override IMessage Parse(ByteString bytes) => ParseRecord(bytes);

    public sealed override string KeyOf(IMessage message) => KeyOf((T)message);

    public sealed override void SetKey(IMessage message, string key) => SetKey((T)message, key);

    public sealed override void Bind(IMessage message, IColumnWriter writer, int first) => Bind((T)message, writer, first);

    public sealed override IMessage Read(string key, IColumnReader reader, int first) => ReadRecord(key, reader, first);

    public abstract T ParseRecord(ByteString bytes);

    public abstract string KeyOf(T record);

    public abstract void SetKey(T record, string key);

    public abstract void Bind(T record, IColumnWriter writer, int first);

    public abstract T ReadRecord(string key, IColumnReader reader, int first);
}
