using Aurae.Schema;
using Google.Protobuf;

namespace Auraed.Store.Records;

/// <summary>A record as its row holds it. The body is the caller's to change only where the record was made to be written.</summary>
public sealed class StoredRecord
{
    public required RecordTable Table { get; init; }

    /// <summary>Order of creation: the sequence of the creating event.</summary>
    public required long RowId { get; init; }

    public required string Tenant { get; init; }

    public required string Name { get; init; }

    public required long Revision { get; init; }

    /// <summary>Nanoseconds since 1970 UTC.</summary>
    public required long CreateTime { get; init; }

    /// <summary>Nanoseconds since 1970 UTC.</summary>
    public required long UpdateTime { get; init; }

    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    public required IMessage Body { get; init; }
}

/// <summary>Labels of a record that has none, and their form in a row.</summary>
public static class LabelText
{
    public static IReadOnlyDictionary<string, string> None { get; } = new Dictionary<string, string>();

    /// <summary>A JSON object in the order of the keys, so that equal labels are equal text; null for none.</summary>
    public static string? Write(IReadOnlyDictionary<string, string> labels)
    {
        if (labels.Count == 0)
        {
            return null;
        }

        var buffer = new System.Buffers.ArrayBufferWriter<byte>(256);
        using (var writer = new System.Text.Json.Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach ((string key, string value) in labels.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                writer.WriteString(key, value);
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public static IReadOnlyDictionary<string, string> Read(ReadOnlySpan<byte> json)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        var reader = new System.Text.Json.Utf8JsonReader(json);
        string? key = null;
        while (reader.Read())
        {
            if (reader.TokenType == System.Text.Json.JsonTokenType.PropertyName)
            {
                key = reader.GetString();
            }
            else if (reader.TokenType == System.Text.Json.JsonTokenType.String && key is not null)
            {
                labels[key] = reader.GetString()!;
            }
        }

        return labels;
    }
}
