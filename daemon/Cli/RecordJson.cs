using System.Text;
using System.Text.Json;
using Aurae.Events.V0;
using Aurae.Records.V0;
using Aurae.Schema;
using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Config;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Operation = Aurae.Records.V0.Operation;

namespace Auraed.Cli;

/// <summary>
/// Records as JSON that people write and read: protobuf's mapping of the body with "@type" in it, and beside the body's own fields, where wanted,
/// "@name", "@revision" and "@labels".
/// </summary>
internal static class RecordJson
{
    private static readonly TypeRegistry Registry = TypeRegistry.FromMessages(
        [.. Tables.All.Select(table => table.Message), RecordEvent.Descriptor, ReconciliationReport.Descriptor, Cursor.Descriptor, Value.Descriptor, BytesValue.Descriptor]);

    private static readonly JsonFormatter Compact = new(JsonFormatter.Settings.Default.WithTypeRegistry(Registry).WithPreserveProtoFieldNames(true));

    private static readonly JsonFormatter Indented = new(JsonFormatter.Settings.Default.WithTypeRegistry(Registry).WithPreserveProtoFieldNames(true).WithIndentation());

    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithTypeRegistry(Registry));

    private static readonly Dictionary<string, string> Short = new(StringComparer.OrdinalIgnoreCase) { ["vm"] = "virtual_machine", ["nic"] = "network_interface" };

    public static string Write(IMessage message, bool isIndented) => (isIndented ? Indented : Compact).Format(message);

    /// <summary>True when Write can show it: its type is known here, and so is that of the records in a record's event.</summary>
    public static bool Knows(Any packed)
    {
        if (Registry.Find(Any.GetTypeName(packed.TypeUrl)) is not { } type)
        {
            return false;
        }

        return type != RecordEvent.Descriptor || RecordEvent.Parser.ParseFrom(packed.Value) is var content
            && new[] { content.After, content.Before }.All(record => record?.Body is null || Registry.Find(Any.GetTypeName(record.Body.TypeUrl)) is not null);
    }

    /// <summary>A type by its full name, its table ("virtual_machine", "virtual-machine"), its message ("VirtualMachine"), or "vm" and "nic".</summary>
    public static RecordTable Table(string text)
    {
        string name = Short.GetValueOrDefault(text, text)[(text.LastIndexOf('/') + 1)..].Replace('-', '_');
        RecordTable? table = Tables.All.FirstOrDefault(
            table => table.TypeName == name || string.Equals(table.Name, name, StringComparison.OrdinalIgnoreCase) || string.Equals(table.Message.Name, name, StringComparison.OrdinalIgnoreCase));
        if (table is not null)
        {
            return table;
        }

        string? near = NearestName.Of(name, Tables.All.Select(known => known.Name));
        throw new Fault(
            FaultKind.Invalid,
            $"there is no record type '{text}'",
            "type",
            near is null ? $"types are {string.Join(", ", Tables.All.Select(known => known.Name))}" : $"did you mean {near}?");
    }

    /// <summary>The operations that bring one object, or each of an array, about: those that are referred to come first.</summary>
    public static List<Operation> Operations(string json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
        }
        catch (JsonException failure)
        {
            throw new Fault(FaultKind.Invalid, $"this is not JSON: {JsonPlace.Of(failure)}", cause: failure);
        }

        using (document)
        {
            List<(int Order, Operation Operation)> found = document.RootElement.ValueKind switch
            {
                JsonValueKind.Array => [.. document.RootElement.EnumerateArray().Select((element, index) => Operation(element, $"[{index}]"))],
                _ => [Operation(document.RootElement, "the object")],
            };
            return [.. found.OrderBy(pair => pair.Order).Select(pair => pair.Operation)];
        }
    }

    private static (int Order, Operation Operation) Operation(JsonElement element, string place)
    {
        if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty("@type", out JsonElement type) || type.ValueKind != JsonValueKind.String)
        {
            throw new Fault(FaultKind.Invalid, $"{place} is not an object with \"@type\"", place, "write {\"@type\": \"virtual_machine\", \"id\": \"vm-1\", ...}");
        }

        RecordTable table = Table(type.GetString()!);
        var record = new Record();
        string? mask = null;
        string name;
        var body = new StringBuilder("{");
        foreach (JsonProperty property in element.EnumerateObject())
        {
            switch (property.Name)
            {
                case "@type":
                    break;
                case "@name" when property.Value.ValueKind == JsonValueKind.String:
                    record.Name = property.Value.GetString()!;
                    break;
                case "@revision" when property.Value.TryGetInt64(out long revision):
                    record.Revision = revision;
                    break;
                case "@labels" when property.Value.ValueKind == JsonValueKind.Object && property.Value.EnumerateObject().All(label => label.Value.ValueKind == JsonValueKind.String):
                    mask = "*";
                    foreach (JsonProperty label in property.Value.EnumerateObject())
                    {
                        record.Labels[label.Name] = label.Value.GetString()!;
                    }

                    break;
                case ['@', ..]:
                    throw new Fault(FaultKind.Invalid, $"{place}: {property.Name} is not known, or not of the right kind", place, "there are @type, @name, @revision and @labels");
                default:
                    RequireExact(table, property, place);
                    body.Append(body.Length > 1 ? "," : string.Empty).Append(Text(property));
                    break;
            }
        }

        try
        {
            IMessage parsed = Parser.Parse(body.Append('}').ToString(), table.Message);
            name = record.Name.Length > 0 ? record.Name : table.KeyOf(parsed);
            record.Body = Any.Pack(parsed);
        }
        catch (Exception failure) when (failure is InvalidProtocolBufferException or InvalidJsonException)
        {
            throw new Fault(FaultKind.Invalid, $"{place} is not a {table.TypeName}: {Culprit(table, element)}{failure.Message}", place, cause: failure);
        }

        var update = new UpdateOperation { Record = record, AllowMissing = record.Revision == 0 };
        if (mask is not null)
        {
            update.UpdateMask = new FieldMask { Paths = { mask } };
        }

        int order = Tables.All.TakeWhile(known => known != table).Count();
        return (order, name.Length > 0 ? new Operation { Update = update } : new Operation { Create = new CreateOperation { Record = record } });
    }

    private static string Text(JsonProperty property) => $"\"{JsonEncodedText.Encode(property.Name)}\":{property.Value.GetRawText()}";

    /// <summary>A document's numbers are doubles on the wire: what they cannot hold is refused here, where it is still what was written.</summary>
    private static void RequireExact(RecordTable table, JsonProperty property, string place)
    {
        FieldDescriptor? field = table.Message.Fields.InDeclarationOrder().FirstOrDefault(field => field.Name == property.Name || field.JsonName == property.Name);
        if (field is { FieldType: FieldType.Message } && field.MessageType.File == Struct.Descriptor.File)
        {
            JsonNumbers.RequireExact(property.Value, property.Name, place);
        }
    }

    /// <summary>The parser names the value that it does not take, not the field: the first that it does not take alone. Empty when it takes each.</summary>
    private static string Culprit(RecordTable table, JsonElement element)
    {
        foreach (JsonProperty property in element.EnumerateObject().Where(property => !property.Name.StartsWith('@')))
        {
            try
            {
                _ = Parser.Parse($"{{{Text(property)}}}", table.Message);
            }
            catch (Exception failure) when (failure is InvalidProtocolBufferException or InvalidJsonException)
            {
                return $"{property.Name}: ";
            }
        }

        return string.Empty;
    }
}
