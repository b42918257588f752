using System.Text.Json.Serialization;
using Google.Protobuf.Reflection;

namespace Auraed.Migrations;

/// <summary>How a field is kept; the names are those of Aurae.Schema.FieldKind.</summary>
public enum Kind
{
    Bool,
    Int32,
    Int64,
    UInt32,
    UInt64,
    Float,
    Double,
    String,
    Bytes,
    Enum,
    Timestamp,
    Duration,
    Json,
}

/// <summary>What happens to a record when its target is deleted; the names are those of Aurae.Schema.OnDelete.</summary>
public enum DeleteRule
{
    Restrict,
    Cascade,
    SetNull,
}

/// <summary>The tables of a set of proto files; targets of references stand before those that refer to them.</summary>
public sealed record SchemaModel(IReadOnlyList<TableModel> Tables);

/// <summary>One annotated message.</summary>
public sealed record TableModel(string Name, string TypeName, ColumnModel Key, IReadOnlyList<ColumnModel> Columns, IReadOnlyList<ChildModel> Children)
{
    /// <summary>The columns that hold another record's id, the key among them.</summary>
    [JsonIgnore]
    public IEnumerable<ColumnModel> References => new[] { Key }.Concat(Columns).Where(static c => c.Reference is not null);

    /// <summary>The name in SQL: the key's column is <c>id</c>.</summary>
    public string SqlName(ColumnModel column) => column == Key ? "id" : column.Name;
}

/// <summary>A nested message in rows of its own.</summary>
public sealed record ChildModel(string Name, string Field, string TypeName, bool IsRepeated, IReadOnlyList<ColumnModel> Columns);

public sealed record ReferenceModel(string TypeName, string Table, DeleteRule OnDelete);

/// <summary>One field as a column.</summary>
public sealed record ColumnModel(string Name, int Number, Kind Kind)
{
    /// <summary>The field as it stands in the proto file; empty in a model that was read from a snapshot.</summary>
    [JsonIgnore]
    public FieldDescriptorProto Field { get; init; } = new();

    /// <summary>A list: JSON, <c>[]</c> when empty.</summary>
    public bool IsList { get; init; }

    /// <summary>A map: JSON, <c>{}</c> when empty.</summary>
    public bool IsMap { get; init; }

    /// <summary>The wire tells "not set" from the default.</summary>
    public bool HasPresence { get; init; }

    public bool IsNullable { get; init; }

    public bool IsUnique { get; init; }

    public bool IsIndexed { get; init; }

    public bool IsImmutable { get; init; }

    public bool IsFullText { get; init; }

    public bool IsSecret { get; init; }

    public bool IsGenerated { get; init; }

    public int VectorDimensions { get; init; }

    public ReferenceModel? Reference { get; init; }

    [JsonIgnore]
    public string SqlType => Kind switch
    {
        Kind.Bool or Kind.Int32 or Kind.Int64 or Kind.UInt32 or Kind.UInt64 or Kind.Enum or Kind.Timestamp or Kind.Duration => "INTEGER",
        Kind.Float or Kind.Double => "REAL",
        Kind.String or Kind.Json => "TEXT",
        Kind.Bytes => "BLOB",
    };
}

/// <summary>A message is annotated in a way that has no table. The text names the message, the field and the change that mends it.</summary>
public sealed class SchemaException(string message) : Exception(message);
