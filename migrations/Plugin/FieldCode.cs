using Google.Protobuf.Reflection;

namespace Auraed.Migrations.Plugin;

/// <summary>The C# expressions that move one field: to a column, from a column, to JSON, from JSON.</summary>
internal sealed class FieldCode(Descriptors descriptors)
{
    private static readonly string[] Native = ["google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"];

    private readonly List<string> _open = [];
    private readonly HashSet<string> _used = [];
    private readonly HashSet<string> _json = [];

    /// <summary>Messages whose unknown fields are reached.</summary>
    public IEnumerable<string> Used => _used.Order(StringComparer.Ordinal);

    public void Uses(string message) => _used.Add(message);

    /// <summary>Messages that JSON is written of and that nobody wrote the code for yet.</summary>
    public bool NextJson(out string message)
    {
        message = _open.Count > 0 ? _open[^1] : "";
        return _open.Count > 0 && _open.Remove(message);
    }

    public void Bind(Code code, ColumnModel column, string value, string has, int index, string path)
    {
        var at = $"first + {index}";
        var name = TablesFile.Text(path);
        var bind = column.Kind switch
        {
            Kind.Bool => $"writer.Integer({at}, {value} ? 1 : 0);",
            Kind.Int32 or Kind.Int64 or Kind.UInt32 => $"writer.Integer({at}, {value});",
            Kind.UInt64 => $"writer.Integer({at}, unchecked((long){value}));",
            Kind.Enum => $"writer.Integer({at}, (int){value});",
            Kind.Float or Kind.Double => $"writer.Real({at}, RowNumber.Real({value}, {name}));",
            Kind.String => $"writer.Text({at}, RowText.Check({value}, {name}));",
            Kind.Bytes when column.VectorDimensions > 0 => $"writer.Blob({at}, RowNumber.Vector({value}.Span, {column.VectorDimensions}, {name}));",
            Kind.Bytes => $"writer.Blob({at}, {value}.Span);",
            Kind.Timestamp or Kind.Duration => $"writer.Integer({at}, RowNumber.Nanoseconds({value}, {name}));",
            Kind.Json => "",
        };
        var set = !column.IsNullable ? null
            : !column.HasPresence ? $"{value}.Length > 0"
            : column.Kind is Kind.Json or Kind.Timestamp or Kind.Duration ? $"{value} is not null"
            : has;
        if (column.Kind == Kind.Json)
        {
            BindJson(code, column, value, at, path);
        }
        else if (set is null)
        {
            code.Line(bind);
        }
        else
        {
            code.Line($"if ({set}) {bind} else writer.Null({at});");
        }
    }

    private void BindJson(Code code, ColumnModel column, string value, string at, string path)
    {
        var empty = column.IsList ? "\"[]\"u8" : column.IsMap ? "\"{}\"u8" : null;
        code.Line(empty is null ? $"if ({value} is null) writer.Null({at});" : $"if ({value}.Count == 0) writer.Text({at}, {empty});");
        using (code.Block("else"))
        {
            code.Line("var json = RowJson.Begin();");
            WriteJson(code, column.Field, value, path);
            code.Line($"RowJson.End(writer, {at});");
        }
    }

    public void Read(Code code, ColumnModel column, string target, int index)
    {
        var at = $"first + {index}";
        if (column.Kind == Kind.Json)
        {
            using (code.Block($"if (!reader.IsNull({at}))"))
            {
                code.Line($"using var json = RowJson.Parse(reader, {at});");
                ReadJson(code, column.Field, target, "json.RootElement");
            }

            return;
        }

        var read = column.Kind switch
        {
            Kind.Bool => $"reader.Integer({at}) != 0",
            Kind.Int32 => $"(int)reader.Integer({at})",
            Kind.Int64 => $"reader.Integer({at})",
            Kind.UInt32 => $"(uint)reader.Integer({at})",
            Kind.UInt64 => $"unchecked((ulong)reader.Integer({at}))",
            Kind.Enum => $"({descriptors.CSharpType(column.Field.TypeName[1..])})(int)reader.Integer({at})",
            Kind.Float => $"(float)reader.Real({at})",
            Kind.Double => $"reader.Real({at})",
            Kind.String => $"reader.Text({at})",
            Kind.Bytes => $"global::Google.Protobuf.ByteString.CopyFrom(reader.Blob({at}))",
            Kind.Timestamp => $"RowNumber.Timestamp(reader.Integer({at}))",
            Kind.Duration => $"RowNumber.Duration(reader.Integer({at}))",
            Kind.Json => "",
        };
        code.Line($"{(column.IsNullable ? $"if (!reader.IsNull({at})) " : "")}{target} = {read};");
    }

    /// <summary>Writes the field's JSON value, list and map included; the caller sees to unset ones.</summary>
    public void WriteJson(Code code, FieldDescriptorProto field, string value, string path)
    {
        if (descriptors.MapEntry(field) is { } entry)
        {
            code.Line("json.WriteStartObject();");
            using (code.Block($"foreach (var pair in {value})"))
            {
                code.Line(entry.Field[0].Type switch
                {
                    FieldDescriptorProto.Types.Type.String => $"json.WritePropertyName(RowText.Check(pair.Key, {TablesFile.Text(path)}));",
                    FieldDescriptorProto.Types.Type.Bool => "json.WritePropertyName(pair.Key ? \"true\" : \"false\");",
                    _ => "json.WritePropertyName(pair.Key.ToString(global::System.Globalization.CultureInfo.InvariantCulture));",
                });
                code.Line(WriteOne(entry.Field[1], "pair.Value", path));
            }

            code.Line("json.WriteEndObject();");
        }
        else if (field.Label == FieldDescriptorProto.Types.Label.Repeated)
        {
            code.Line("json.WriteStartArray();");
            code.Line($"foreach (var element in {value}) {WriteOne(field, "element", path)}");
            code.Line("json.WriteEndArray();");
        }
        else
        {
            code.Line(WriteOne(field, value, path));
        }
    }

    public void ReadJson(Code code, FieldDescriptorProto field, string target, string element)
    {
        if (descriptors.MapEntry(field) is { } entry)
        {
            var key = entry.Field[0].Type switch
            {
                FieldDescriptorProto.Types.Type.String => "pair.Name",
                FieldDescriptorProto.Types.Type.Bool => "pair.Name == \"true\"",
                _ => $"{Integer(entry.Field[0])}.Parse(pair.Name, global::System.Globalization.CultureInfo.InvariantCulture)",
            };
            code.Line($"foreach (var pair in {element}.EnumerateObject()) {target}[{key}] = {ReadOne(entry.Field[1], "pair.Value")};");
        }
        else if (field.Label == FieldDescriptorProto.Types.Label.Repeated)
        {
            code.Line($"foreach (var item in {element}.EnumerateArray()) {target}.Add({ReadOne(field, "item")});");
        }
        else
        {
            code.Line($"{target} = {ReadOne(field, element)};");
        }
    }

    private string WriteOne(FieldDescriptorProto field, string value, string path) => ScalarKind(field) switch
    {
        Kind.Bool => $"json.WriteBooleanValue({value});",
        Kind.Int32 or Kind.Int64 or Kind.UInt32 or Kind.UInt64 => $"json.WriteNumberValue({value});",
        Kind.Enum => $"json.WriteNumberValue((int){value});",
        Kind.Float or Kind.Double => $"RowJson.WriteReal(json, {value});",
        Kind.String => $"json.WriteStringValue(RowText.Check({value}, {TablesFile.Text(path)}));",
        Kind.Bytes => $"json.WriteBase64StringValue({value}.Span);",
        Kind.Timestamp or Kind.Duration => $"json.WriteNumberValue(RowNumber.Nanoseconds({value}, {TablesFile.Text(path)}));",
        Kind.Json when IsNative(field) => $"RowJson.Write(json, {value});",
        Kind.Json => $"{JsonClass(field)}.Write(json, {value});",
    };

    private string ReadOne(FieldDescriptorProto field, string element) => ScalarKind(field) switch
    {
        Kind.Bool => $"{element}.GetBoolean()",
        Kind.Int32 => $"{element}.GetInt32()",
        Kind.Int64 => $"{element}.GetInt64()",
        Kind.UInt32 => $"{element}.GetUInt32()",
        Kind.UInt64 => $"{element}.GetUInt64()",
        Kind.Enum => $"({descriptors.CSharpType(field.TypeName[1..])}){element}.GetInt32()",
        Kind.Float => $"(float)RowJson.ReadReal({element})",
        Kind.Double => $"RowJson.ReadReal({element})",
        Kind.String => $"{element}.GetString()!",
        Kind.Bytes => $"global::Google.Protobuf.ByteString.CopyFrom({element}.GetBytesFromBase64())",
        Kind.Timestamp => $"RowNumber.Timestamp({element}.GetInt64())",
        Kind.Duration => $"RowNumber.Duration({element}.GetInt64())",
        Kind.Json when IsNative(field) => $"RowJson.Read{TablesFile.Simple(field.TypeName)}({element})",
        Kind.Json => $"{JsonClass(field)}.Read({element})",
    };

    private static bool IsNative(FieldDescriptorProto field) => Native.Contains(field.TypeName[1..]);

    private static Kind ScalarKind(FieldDescriptorProto field) => ModelReader.KindOf(field.Name, field);

    private static string Integer(FieldDescriptorProto field) => ScalarKind(field) switch
    {
        Kind.Int32 => "int",
        Kind.UInt32 => "uint",
        Kind.UInt64 => "ulong",
        _ => "long",
    };

    private string JsonClass(FieldDescriptorProto field)
    {
        var message = field.TypeName[1..];
        if (_json.Add(message))
        {
            _open.Add(message);
            _used.Add(message);
        }

        return ClassName(message);
    }

    public static string ClassName(string message) => "JsonOf_" + message.Replace('.', '_');
}
