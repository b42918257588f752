using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Auraed.Migrations;

/// <summary>
/// The tracked files that the descriptors are held against: <c>schema.snapshot.json</c>, the tables after the last migration, and
/// <c>wire.baseline.json</c>, the messages as they were last published.
/// </summary>
public static class Snapshots
{
    public const string SchemaFile = "schema.snapshot.json";
    public const string WireFile = "wire.baseline.json";

    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        Converters = { new JsonStringEnumConverter() },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectRequiredConstructorParameters = false,
    };

    public static string Write(SchemaModel model) => JsonSerializer.Serialize(model, Options) + "\n";

    public static SchemaModel ReadSchema(string text) => JsonSerializer.Deserialize<SchemaModel>(text, Options)!;

    public static string Write(WireModel model) => JsonSerializer.Serialize(model, Options) + "\n";

    public static WireModel ReadWire(string text) => JsonSerializer.Deserialize<WireModel>(text, Options)!;

    /// <summary>Throws when the messages broke the wire, or the tables moved without a migration.</summary>
    public static void Check(string directory, SchemaModel model, Descriptors descriptors)
    {
        var wire = Path.Combine(directory, WireFile);
        if (File.Exists(wire) && WireModel.Of(descriptors).BreaksOf(ReadWire(File.ReadAllText(wire))) is { Count: > 0 } breaks)
        {
            throw new SchemaException("the wire is broken for those that speak it already:\n  " + string.Join("\n  ", breaks));
        }

        var schema = Path.Combine(directory, SchemaFile);
        if (!File.Exists(schema) || File.ReadAllText(schema) != Write(model))
        {
            throw new SchemaException("the tables of the messages are not those of the last migration: run `make migration NAME=what_changed`");
        }
    }
}
