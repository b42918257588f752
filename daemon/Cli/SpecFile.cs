using System.Text.Json.Nodes;
using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Config;
using Google.Protobuf;

namespace Auraed.Cli;

/// <summary>
/// A service's specification as people write it, in JSON or TOML: the fields of aurae.services.v0.ServiceSpec, where "environment" may also be an object of
/// names and texts or sources, "restart.policy" is no, on-failure or always, and "log" is keep or discard.
/// </summary>
internal static class SpecFile
{
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default);

    /// <param name="path">Says which of the two it is: .toml, or anything else.</param>
    public static ServiceSpec Parse(string text, string path)
    {
        JsonObject spec;
        try
        {
            spec = path.EndsWith(".toml", StringComparison.Ordinal)
                ? Object(Toml.Parse(text, path))
                : JsonNode.Parse(text, documentOptions: new() { AllowTrailingCommas = true, CommentHandling = System.Text.Json.JsonCommentHandling.Skip }) as JsonObject
                    ?? throw new Fault(FaultKind.Invalid, $"{path} is not an object", "spec", "write {\"name\": \"web\", \"command\": \"/usr/bin/...\"}");
        }
        catch (System.Text.Json.JsonException failure)
        {
            throw new Fault(FaultKind.Invalid, $"{path} is not JSON: {JsonPlace.Of(failure)}", cause: failure);
        }

        Expand(spec);
        try
        {
            return Parser.Parse<ServiceSpec>(spec.ToJsonString());
        }
        catch (Exception failure) when (failure is InvalidProtocolBufferException or InvalidJsonException or InvalidOperationException)
        {
            throw new Fault(FaultKind.Invalid, $"{path} is no specification: {failure.Message}", "spec", "its fields are those of aurae.services.v0.ServiceSpec; times are texts as \"1.5s\"", failure);
        }
    }

    private static void Expand(JsonObject spec)
    {
        if (spec["environment"] is JsonObject variables)
        {
            var list = new JsonArray();
            foreach ((string name, JsonNode? value) in variables)
            {
                // An object says where the value is to come from: {"config": {"document": ..., "path": ...}}.
                JsonObject variable = value is JsonObject source ? (JsonObject)source.DeepClone() : new JsonObject { ["value"] = value?.ToString() ?? string.Empty };
                variable["name"] = name;
                list.Add((JsonNode)variable);
            }

            spec["environment"] = list;
        }

        if (spec["restart"] is JsonObject restart && restart["policy"]?.ToString() is "no" or "on-failure" or "always")
        {
            restart["policy"] = "POLICY_" + restart["policy"]!.ToString().Replace('-', '_').ToUpperInvariant();
        }

        spec["log"] = spec["log"]?.ToString() switch
        {
            null or "keep" => "LOG_POLICY_UNSPECIFIED",
            "discard" => "LOG_POLICY_DISCARD",
            var other => other,
        };
        if (spec["ready"]?.ToString() is "started" or "probed")
        {
            spec["ready"] = "READY_WHEN_" + spec["ready"]!.ToString().ToUpperInvariant();
        }
    }

    private static JsonObject Object(TomlTable table)
    {
        var node = new JsonObject();
        foreach ((string key, TomlValue value) in table.Entries)
        {
            node[key] = Node(value);
        }

        return node;
    }

    private static JsonNode Node(TomlValue value)
    {
        switch (value.Kind)
        {
            case TomlKind.Table:
                return Object(value.Table);
            case TomlKind.Array:
                var array = new JsonArray();
                foreach (TomlValue member in value.Array)
                {
                    array.Add(Node(member));
                }

                return array;
            case TomlKind.Integer:
                return JsonValue.Create(value.Integer);
            case TomlKind.Real:
                return JsonValue.Create(value.Real);
            case TomlKind.Boolean:
                return JsonValue.Create(value.Boolean);
            default:
                return JsonValue.Create(value.Text);
        }
    }
}
