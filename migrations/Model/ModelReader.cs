using System.Text.RegularExpressions;
using Aurae.Store.V0;
using Google.Protobuf.Reflection;
using FieldType = Google.Protobuf.Reflection.FieldDescriptorProto.Types.Type;
using Label = Google.Protobuf.Reflection.FieldDescriptorProto.Types.Label;

namespace Auraed.Migrations;

/// <summary>Makes the tables of annotated messages, and says plainly what cannot be one.</summary>
public sealed partial class ModelReader
{
    private static readonly string[] RecordColumns = ["row_id", "tenant", "id", "revision", "create_time", "update_time", "labels", "unknown_fields"];
    private static readonly string[] ChildColumns = ["parent", "ordinal", "unknown_fields"];

    private readonly Descriptors _descriptors;
    private readonly Dictionary<string, TableOptions> _tables = [];

    private ModelReader(Descriptors descriptors) => _descriptors = descriptors;

    public static SchemaModel Read(Descriptors descriptors)
    {
        var reader = new ModelReader(descriptors);
        foreach (var name in descriptors.Messages)
        {
            if (descriptors.Message(name).Options?.GetExtension(StoreExtensions.Table) is { } options)
            {
                Hold(Identifier().IsMatch(options.Name), $"{name}: the table's name \"{options.Name}\" is not snake_case");
                reader._tables.Add(name, options);
            }
        }

        var tables = reader._tables.Keys.Select(reader.Table).ToList();
        var twice = tables.SelectMany(static t => t.Children.Select(static c => c.Name).Prepend(t.Name)).GroupBy(static n => n).FirstOrDefault(static g => g.Count() > 1);
        Hold(twice is null, $"two tables are named {twice?.Key}");
        return new SchemaModel(Ordered(tables));
    }

    private TableModel Table(string typeName)
    {
        var message = _descriptors.Message(typeName);
        var options = _tables[typeName];
        var key = message.Field.FirstOrDefault(f => f.Name == options.Key);
        Hold(key is { Type: FieldType.String, Label: not Label.Repeated, Proto3Optional: false } && !key.HasOneofIndex, $"{typeName}: the key \"{options.Key}\" is not a plain string field");
        var columns = new List<ColumnModel>();
        var children = new List<ChildModel>();
        foreach (var field in message.Field.OrderBy(static f => f.Number))
        {
            if (OptionsOf(field).Child)
            {
                children.Add(Child(typeName, options.Name, field));
            }
            else if (field != key)
            {
                columns.Add(Column(typeName, field, RecordColumns));
            }
        }

        return new TableModel(options.Name, typeName, Column(typeName, key!, []) with { IsNullable = false }, columns, children);
    }

    private ChildModel Child(string parentType, string parentTable, FieldDescriptorProto field)
    {
        var path = $"{parentType}.{field.Name}";
        Hold(field.Type == FieldType.Message && _descriptors.MapEntry(field) is null, $"{path}: a child is a message or a list of messages");
        Hold(!field.HasOneofIndex, $"{path}: a child is no part of a oneof");
        var typeName = field.TypeName[1..];
        var columns = new List<ColumnModel>();
        foreach (var inner in _descriptors.Message(typeName).Field.OrderBy(static f => f.Number))
        {
            var options = OptionsOf(inner);
            Hold(!options.Child && options.References is null && !options.Unique && !options.Immutable && !options.FullText,
                $"{typeName}.{inner.Name}: a child's field is not child, references, unique, immutable or full_text; make the message a record of its own");
            columns.Add(Column(typeName, inner, ChildColumns));
        }

        return new ChildModel($"{parentTable}_{field.Name}", field.Name, typeName, field.Label == Label.Repeated, columns);
    }

    private ColumnModel Column(string typeName, FieldDescriptorProto field, string[] taken)
    {
        var path = $"{typeName}.{field.Name}";
        Hold(Identifier().IsMatch(field.Name), $"{path}: the name is not snake_case");
        Hold(!taken.Contains(field.Name), $"{path}: every table has a column of that name already");
        var options = OptionsOf(field);
        var isMap = _descriptors.MapEntry(field) is not null;
        var isList = field.Label == Label.Repeated && !isMap;
        var kind = isMap || isList ? Kind.Json : KindOf(path, field);
        var isScalar = kind is not (Kind.Json or Kind.Timestamp or Kind.Duration);
        var presence = !isList && !isMap && (!isScalar || field.Proto3Optional || field.HasOneofIndex);
        var reference = options.References is { } target ? Reference(path, target, field, presence) : null;
        Hold(!options.Json || kind == Kind.Json, $"{path}: json is for messages, lists and maps");
        Hold(!options.FullText || kind == Kind.String, $"{path}: full_text is for strings");
        Hold(!options.Unique || isScalar, $"{path}: unique is for scalars");
        Hold(!options.Index || kind != Kind.Json, $"{path}: index is for scalars and times");
        Hold(options.VectorDimensions == 0 || kind == Kind.Bytes, $"{path}: vector_dimensions is for bytes");
        Hold(!(options.Unique && kind == Kind.String && presence), $"{path}: a unique string is without `optional`: empty is unset");
        return new ColumnModel(field.Name, field.Number, kind)
        {
            Field = field,
            IsList = isList,
            IsMap = isMap,
            HasPresence = presence,
            IsNullable = presence || reference is not null || (options.Unique && kind == Kind.String),
            IsUnique = options.Unique,
            IsIndexed = options.Index,
            IsImmutable = options.Immutable,
            IsFullText = options.FullText,
            IsSecret = options.Secret,
            IsGenerated = options.Generated,
            VectorDimensions = (int)options.VectorDimensions,
            Reference = reference,
        };
    }

    private ReferenceModel Reference(string path, References target, FieldDescriptorProto field, bool presence)
    {
        Hold(field.Type == FieldType.String && field.Label != Label.Repeated && !presence, $"{path}: a reference is a string without `optional`: empty is unset");
        Hold(_tables.TryGetValue(target.Type, out var options), $"{path}: refers to \"{target.Type}\", which is no record");
        return new ReferenceModel(target.Type, options!.Name, target.OnDelete switch
        {
            Aurae.Store.V0.OnDelete.Cascade => DeleteRule.Cascade,
            Aurae.Store.V0.OnDelete.SetNull => DeleteRule.SetNull,
            _ => DeleteRule.Restrict,
        });
    }

    public static Kind KindOf(string path, FieldDescriptorProto field)
    {
        var wrapper = field.Type == FieldType.Message && field.TypeName.StartsWith(".google.protobuf.", StringComparison.Ordinal) && field.TypeName.EndsWith("Value", StringComparison.Ordinal)
            && field.TypeName is not (".google.protobuf.Value" or ".google.protobuf.ListValue");
        Hold(!wrapper, $"{path}: use an `optional` field in place of a wrapper message");
        return field.Type switch
        {
            FieldType.Bool => Kind.Bool,
            FieldType.Int32 or FieldType.Sint32 or FieldType.Sfixed32 => Kind.Int32,
            FieldType.Int64 or FieldType.Sint64 or FieldType.Sfixed64 => Kind.Int64,
            FieldType.Uint32 or FieldType.Fixed32 => Kind.UInt32,
            FieldType.Uint64 or FieldType.Fixed64 => Kind.UInt64,
            FieldType.Float => Kind.Float,
            FieldType.Double => Kind.Double,
            FieldType.String => Kind.String,
            FieldType.Bytes => Kind.Bytes,
            FieldType.Enum => Kind.Enum,
            FieldType.Message => field.TypeName switch
            {
                ".google.protobuf.Timestamp" => Kind.Timestamp,
                ".google.protobuf.Duration" => Kind.Duration,
                _ => Kind.Json,
            },
            _ => throw new SchemaException($"{path}: groups have no column"),
        };
    }

    /// <summary>Targets first; tables that refer to each other in a ring keep the order of the files.</summary>
    private static List<TableModel> Ordered(List<TableModel> tables)
    {
        var ordered = new List<TableModel>();
        while (tables.Count > 0)
        {
            var waiting = tables.Select(static t => t.TypeName).ToHashSet();
            var next = tables.FirstOrDefault(t => t.References.All(c => c.Reference!.TypeName == t.TypeName || !waiting.Contains(c.Reference.TypeName))) ?? tables[0];
            tables.Remove(next);
            ordered.Add(next);
        }

        return ordered;
    }

    private static ColumnOptions OptionsOf(FieldDescriptorProto field) => field.Options?.GetExtension(StoreExtensions.Column) ?? new ColumnOptions();

    private static void Hold(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new SchemaException(otherwise);
        }
    }

    [GeneratedRegex("^[a-z][a-z0-9_]{0,62}$")]
    private static partial Regex Identifier();
}
