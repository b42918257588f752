namespace Aurae.Schema;

/// <summary>The storage class of a column in a STRICT table.</summary>
public enum ColumnType
{
    Integer,
    Real,
    Text,
    Blob,
}

/// <summary>What a field is on the wire; decides how a filter's literal is read and how the value is stored.</summary>
public enum FieldKind
{
    /// <summary>INTEGER 0 or 1.</summary>
    Bool,
    Int32,
    Int64,
    UInt32,
    /// <summary>INTEGER with the same 64 bits: values from 2^63 up are stored, and sort, as negative numbers.</summary>
    UInt64,
    Float,
    Double,
    String,
    Bytes,
    /// <summary>INTEGER, the value's number; numbers that this build has no name for are kept.</summary>
    Enum,
    /// <summary>INTEGER, nanoseconds since 1970 UTC.</summary>
    Timestamp,
    /// <summary>INTEGER, nanoseconds.</summary>
    Duration,
    /// <summary>TEXT: a message, a list or a map, as JSON with the names of the proto fields.</summary>
    Json,
}

/// <summary>What happens to a record when the one it refers to is deleted.</summary>
public enum OnDelete
{
    /// <summary>The delete is refused.</summary>
    Restrict,
    /// <summary>The record goes too.</summary>
    Cascade,
    /// <summary>The reference becomes unset.</summary>
    SetNull,
}

/// <summary>Parameters of one statement. Indexes count from 0.</summary>
public interface IColumnWriter
{
    void Integer(int index, long value);

    void Real(int index, double value);

    void Text(int index, string value);

    /// <summary>Binds TEXT that is UTF-8 already; the writer copies before it returns.</summary>
    void Text(int index, ReadOnlySpan<byte> utf8);

    /// <summary>Binds a BLOB; the writer copies before it returns. An empty span is an empty BLOB, not NULL.</summary>
    void Blob(int index, ReadOnlySpan<byte> value);

    void Null(int index);
}

/// <summary>The columns of one result row. Indexes count from 0.</summary>
public interface IColumnReader
{
    bool IsNull(int index);

    long Integer(int index);

    double Real(int index);

    string Text(int index);

    /// <summary>The bytes of a BLOB, or of a TEXT as UTF-8; valid until the statement's next step or reset.</summary>
    ReadOnlySpan<byte> Blob(int index);
}

/// <summary>One column that holds a field of a message.</summary>
public sealed class ColumnDescriptor
{
    /// <summary>The column's name in SQL; the field's name in the proto file.</summary>
    public required string Name { get; init; }

    /// <summary>The field as a filter or a mask names it: <c>mem_size_mb</c>; in a child table with the parent's field before it: <c>root_drive.image_path</c>.</summary>
    public required string FieldPath { get; init; }

    /// <summary>The field's number in its message.</summary>
    public required int FieldNumber { get; init; }

    public required ColumnType Type { get; init; }

    public required FieldKind Kind { get; init; }

    /// <summary>True when NULL stands for "not set": fields with presence, references and unique strings. Otherwise an unset field is its default value.</summary>
    public bool IsNullable { get; init; }

    /// <summary>Unique within the tenant.</summary>
    public bool IsUnique { get; init; }

    public bool IsIndexed { get; init; }

    /// <summary>Fixed at creation; a trigger refuses a change.</summary>
    public bool IsImmutable { get; init; }

    /// <summary>Listed in the table's full-text index.</summary>
    public bool IsFullText { get; init; }

    /// <summary>Never in a log, an event's text or an error's message.</summary>
    public bool IsSecret { get; init; }

    /// <summary>Set by the daemon; a client's value is ignored.</summary>
    public bool IsGenerated { get; init; }

    /// <summary>Elements of the vector that a bytes column holds (little-endian float32); 0 for any other column.</summary>
    public int VectorDimensions { get; init; }

    /// <summary>The record that the value names; null when it names none.</summary>
    public ReferenceDescriptor? Reference { get; init; }
}

/// <summary>A column of one record that holds the id of another, of the same tenant.</summary>
public sealed class ReferenceDescriptor
{
    /// <summary>The column that holds the target's id.</summary>
    public required string ColumnName { get; init; }

    /// <summary>The target's table: <c>virtual_machine</c>.</summary>
    public required string TargetTable { get; init; }

    /// <summary>The target's message: <c>aurae.vms.v0.VirtualMachine</c>.</summary>
    public required string TargetTypeName { get; init; }

    public required OnDelete OnDelete { get; init; }
}
