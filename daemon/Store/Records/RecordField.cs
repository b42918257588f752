using System.Globalization;
using Aurae.Schema;
using Auraed.Base;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Store.Records;

/// <summary>What a path leads to, and so which comparisons it takes.</summary>
internal enum FieldShape
{
    /// <summary>One value of a known kind.</summary>
    Scalar,
    /// <summary>One value inside JSON whose kind only the row knows.</summary>
    Dynamic,
    /// <summary>A list of plain values, as a JSON array.</summary>
    List,
    /// <summary>A message, map or list of messages: present or not.</summary>
    Whole,
    /// <summary>All labels: a key is there or not.</summary>
    Labels,
}

/// <summary>A path of a filter, an order or a comparison, found in a table.</summary>
internal sealed class RecordField
{
    /// <summary>The expression in SQL, over the table or, with <see cref="Child"/>, over the child's row.</summary>
    public required SqlExpression Expression { get; init; }

    public required FieldShape Shape { get; init; }

    public FieldKind Kind { get; init; }

    public EnumDescriptor? Enum { get; init; }

    public bool IsNullable { get; init; }

    /// <summary>Always there: the record's own fields.</summary>
    public bool IsOwn { get; init; }

    /// <summary>Set when the value lies in a child row; then any row that fits will do.</summary>
    public ChildTable? Child { get; init; }

    /// <summary>Finds <paramref name="path"/>, or throws a fault that names <paramref name="requestField"/> and what is unknown.</summary>
    public static RecordField Find(RecordTable table, IReadOnlyList<string> path, string requestField)
    {
        if (path[0] != "body" && Own(path, requestField) is { } own)
        {
            return own;
        }

        string[] rest = BodyPath.Strip(table, [.. path]);
        if (rest[0] == table.Key.Name && rest.Length == 1)
        {
            return Text("id");
        }

        foreach (ChildTable child in table.Children)
        {
            if (child.FieldPath == rest[0])
            {
                return InChild(table, child, rest, requestField);
            }
        }

        return table.FindColumn(rest[0]) is { } column && column != table.Key
            ? InColumn(table.Message, column, table.Name, rest, requestField, null)
            : throw Unknown(table.TypeName, path, requestField);
    }

    private static RecordField? Own(IReadOnlyList<string> path, string requestField)
    {
        switch (path[0])
        {
            case "name" when path.Count == 1:
                return Text("id");
            case "revision" when path.Count == 1:
                return new RecordField { Expression = new("revision"), Shape = FieldShape.Scalar, Kind = FieldKind.Int64, IsOwn = true };
            case "create_time" or "update_time" when path.Count == 1:
                return new RecordField { Expression = new(path[0]), Shape = FieldShape.Scalar, Kind = FieldKind.Timestamp, IsOwn = true };
            case "labels" when path.Count == 1:
                return new RecordField { Expression = new("labels"), Shape = FieldShape.Labels, IsNullable = true };
            case "labels":
                string key = string.Join('.', path.Skip(1));
                return new RecordField
                {
                    Expression = new("json_extract(labels, ?)", [SqlValue.Text(JsonPath([key], requestField))]),
                    Shape = FieldShape.Scalar,
                    Kind = FieldKind.String,
                    IsNullable = true,
                };
            default:
                return null;
        }
    }

    private static RecordField Text(string expression) =>
        new() { Expression = new(expression), Shape = FieldShape.Scalar, Kind = FieldKind.String, IsOwn = true };

    private static RecordField InChild(RecordTable table, ChildTable child, IReadOnlyList<string> path, string requestField)
    {
        if (path.Count == 1)
        {
            return new RecordField { Expression = new("1"), Shape = FieldShape.Whole, Child = child };
        }

        ColumnDescriptor? column = child.Columns.FirstOrDefault(column => column.Name == path[1]);
        FieldDescriptor? field = table.Message.FindFieldByName(child.FieldPath);
        return column is null || field is null
            ? throw Unknown(table.TypeName, path, requestField)
            : InColumn(field.MessageType, column, "c", [.. path.Skip(1)], requestField, child);
    }

    /// <param name="row">The table or its alias: a bare column's name could be taken for one of json_each's own.</param>
    private static RecordField InColumn(
        MessageDescriptor message, ColumnDescriptor column, string row, IReadOnlyList<string> path, string requestField, ChildTable? child)
    {
        string name = $"{row}.\"{column.Name}\"";
        FieldDescriptor? field = message.FindFieldByNumber(column.FieldNumber);
        if (column.Kind != FieldKind.Json)
        {
            return path.Count > 1
                ? throw Fault.Invalid(requestField, $"{requestField}: '{column.FieldPath}' has no part '{path[1]}'")
                : new RecordField
                {
                    Expression = new(name),
                    Shape = FieldShape.Scalar,
                    Kind = column.Kind,
                    Enum = column.Kind == FieldKind.Enum ? field?.EnumType : null,
                    IsNullable = column.IsNullable,
                    Child = child,
                };
        }

        return field is null ? throw Unknown(message.FullName, path, requestField) : InJson(name, field, path, requestField, child);
    }

    /// <summary>Walks into JSON as far as the message says what is there; a Struct's inside is known to the row alone.</summary>
    private static RecordField InJson(string column, FieldDescriptor field, IReadOnlyList<string> path, string requestField, ChildTable? child)
    {
        FieldDescriptor? leaf = field;
        for (int part = 1; part < path.Count; part++)
        {
            if (leaf is null || IsFree(leaf))
            {
                leaf = null;
                break;
            }

            if (leaf.IsMap)
            {
                leaf = leaf.MessageType.FindFieldByNumber(2);
                continue;
            }

            leaf = leaf.FieldType != FieldType.Message || leaf.IsRepeated
                ? throw Fault.Invalid(requestField, $"{requestField}: '{string.Join('.', path.Take(part))}' has no part '{path[part]}'")
                : leaf.MessageType.FindFieldByName(path[part]) ?? throw Unknown(leaf.MessageType.FullName, [path[part]], requestField);
        }

        var expression = path.Count == 1
            ? new SqlExpression(column)
            : new SqlExpression($"json_extract({column}, ?)", [SqlValue.Text(JsonPath(path.Skip(1), requestField))]);
        if (leaf is null || (path.Count > 1 && IsFree(leaf)))
        {
            return new RecordField { Expression = expression, Shape = FieldShape.Dynamic, IsNullable = true, Child = child };
        }

        bool isMessage = leaf.FieldType is FieldType.Message or FieldType.Group;
        if (leaf.IsRepeated && !(leaf.IsMap && path.Count > 1))
        {
            return new RecordField { Expression = expression, Shape = isMessage ? FieldShape.Whole : FieldShape.List, IsNullable = true, Child = child };
        }

        FieldShape shape = isMessage ? FieldShape.Whole : leaf.FieldType is FieldType.Enum or FieldType.Bytes ? FieldShape.Dynamic : FieldShape.Scalar;
        FieldKind kind = KindOf(leaf.FieldType);
        bool isNumber = kind is FieldKind.Int64 or FieldKind.UInt64;
        return new RecordField
        {
            Expression = isNumber ? expression with { Sql = $"CAST({expression.Sql} AS INTEGER)" } : expression,
            Shape = shape,
            Kind = kind,
            IsNullable = true,
            Child = child,
        };
    }

    private static bool IsFree(FieldDescriptor field) =>
        field.FieldType == FieldType.Message && !field.IsMap && (field.MessageType == Struct.Descriptor || field.MessageType == Value.Descriptor || field.MessageType == ListValue.Descriptor);

    private static FieldKind KindOf(FieldType type) => type switch
    {
        FieldType.Bool => FieldKind.Bool,
        FieldType.Float => FieldKind.Float,
        FieldType.Double => FieldKind.Double,
        FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 => FieldKind.Int32,
        FieldType.UInt32 or FieldType.Fixed32 => FieldKind.UInt32,
        FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => FieldKind.Int64,
        FieldType.UInt64 or FieldType.Fixed64 => FieldKind.UInt64,
        _ => FieldKind.String,
    };

    /// <summary>The engine's path of nested keys; a key that its path syntax cannot hold is refused.</summary>
    internal static string JsonPath(IEnumerable<string> keys, string requestField)
    {
        var text = new System.Text.StringBuilder("$");
        foreach (string key in keys)
        {
            if (key.AsSpan().ContainsAny('"', '\\') || key.Length == 0)
            {
                throw Fault.Invalid(requestField, $"{requestField}: the key '{key}' has a quote or a backslash");
            }

            // A whole number is an element of a list, or the key of that name where there is an object.
            bool isIndex = int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out _);
            text.Append(isIndex && text.Length > 1 ? $"[{key}]" : $".\"{key}\"");
        }

        return text.ToString();
    }

    private static Fault Unknown(string type, IReadOnlyList<string> path, string requestField) =>
        Fault.Invalid(requestField, $"{requestField}: {type} has no field '{string.Join('.', path)}'");
}
