using Google.Protobuf.Reflection;

namespace Auraed.Migrations.Plugin;

/// <summary>Writes the JSON of every message that a column holds, and the way to each message's unknown fields.</summary>
internal sealed class MessageCode(Descriptors descriptors, FieldCode fields, Code code)
{
    public void Write()
    {
        while (fields.NextJson(out var message))
        {
            Json(message);
        }

        code.Line();
        using (code.Block("internal static class UnknownOf"))
        {
            foreach (var message in fields.Used)
            {
                code.Line("[global::System.Runtime.CompilerServices.UnsafeAccessor(global::System.Runtime.CompilerServices.UnsafeAccessorKind.Field, Name = \"_unknownFields\")]");
                code.Line($"internal static extern ref global::Google.Protobuf.UnknownFieldSet? Get({descriptors.CSharpType(message)} message);");
            }
        }
    }

    private void Json(string message)
    {
        var type = descriptors.CSharpType(message);
        var all = descriptors.Message(message).Field;
        code.Line();
        using (code.Block($"internal static class {FieldCode.ClassName(message)}"))
        {
            using (code.Block($"internal static void Write(global::System.Text.Json.Utf8JsonWriter json, {type} message)"))
            {
                code.Line("json.WriteStartObject();");
                foreach (var field in all)
                {
                    WriteField(field, message);
                }

                code.Line("RowJson.WriteUnknown(json, UnknownOf.Get(message));");
                code.Line("json.WriteEndObject();");
            }

            using (code.Block($"internal static {type} Read(global::System.Text.Json.JsonElement json)"))
            {
                code.Line($"var message = new {type}();");
                using (code.Block("foreach (var property in json.EnumerateObject())"))
                using (code.Block("switch (property.Name)"))
                {
                    foreach (var field in all)
                    {
                        code.Line($"case {TablesFile.Text(field.Name)}:");
                        fields.ReadJson(code, field, "message." + Property(field, message), "property.Value");
                        code.Line("break;");
                    }

                    code.Line("case RowUnknown.JsonName:");
                    code.Line("global::Google.Protobuf.MessageExtensions.MergeFrom(message, property.Value.GetBytesFromBase64());");
                    code.Line("break;");
                }

                code.Line("return message;");
            }
        }
    }

    private void WriteField(FieldDescriptorProto field, string message)
    {
        var value = "message." + Property(field, message);
        var repeated = field.Label == FieldDescriptorProto.Types.Label.Repeated;
        var condition = repeated ? $"{value}.Count > 0"
            : field.Type == FieldDescriptorProto.Types.Type.Message ? $"{value} is not null"
            : field.Proto3Optional || field.HasOneofIndex ? $"message.Has{Property(field, message).TrimEnd('_')}"
            : "";
        if (condition.Length == 0)
        {
            Value();
            return;
        }

        using (code.Block($"if ({condition})"))
        {
            Value();
        }

        void Value()
        {
            code.Line($"json.WritePropertyName(\"{field.Name}\"u8);");
            fields.WriteJson(code, field, value, field.Name);
        }
    }

    private static string Property(FieldDescriptorProto field, string message) => CSharpNames.Property(field.Name, TablesFile.Simple(message));
}
