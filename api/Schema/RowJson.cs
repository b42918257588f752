using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Aurae.Schema;

/// <summary>
/// JSON in columns: fields by their proto names; 64-bit integers as numbers, enums as their numbers, times and durations as nanoseconds, bytes as base64,
/// so that SQL compares them as it compares columns. Fields with presence are left out when unset, others are always there.
/// </summary>
public static class RowJson
{
    /// <summary>Twice the parser's limit of 100 nested messages, for the lists and maps between them, and some.</summary>
    private const int DepthMax = 512;

    private const int BufferBytesKept = 64 * 1024;

    [ThreadStatic]
    private static Buffer? _buffer;

    private sealed class Buffer
    {
        public readonly ArrayBufferWriter<byte> Bytes = new(1024);
        public readonly Utf8JsonWriter Writer;

        public Buffer() => Writer = new Utf8JsonWriter(Bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = DepthMax });
    }

    /// <summary>The thread's writer, empty; <see cref="End"/> binds what was written. Not to be nested.</summary>
    public static Utf8JsonWriter Begin()
    {
        var buffer = _buffer ??= new Buffer();
        buffer.Bytes.ResetWrittenCount();
        buffer.Writer.Reset();
        return buffer.Writer;
    }

    public static void End(IColumnWriter writer, int index)
    {
        var buffer = _buffer!;
        buffer.Writer.Flush();
        writer.Text(index, buffer.Bytes.WrittenSpan);
        if (buffer.Bytes.Capacity > BufferBytesKept)
        {
            _buffer = null;
        }
    }

    public static JsonDocument Parse(IColumnReader reader, int index)
    {
        var json = new Utf8JsonReader(reader.Blob(index), new JsonReaderOptions { MaxDepth = DepthMax });
        return JsonDocument.ParseValue(ref json);
    }

    public static void WriteUnknown(Utf8JsonWriter json, UnknownFieldSet? fields)
    {
        if (fields is not null)
        {
            json.WriteBase64String(RowUnknown.JsonName, RowUnknown.Serialize(fields));
        }
    }

    /// <summary>JSON has no word for what is no finite number: those are texts, as in the JSON mapping of protobuf.</summary>
    public static void WriteReal(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            json.WriteStringValue(double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        }
    }

    public static double ReadReal(JsonElement element) => element.ValueKind == JsonValueKind.Number
        ? element.GetDouble()
        : element.GetString() switch { "Infinity" => double.PositiveInfinity, "-Infinity" => double.NegativeInfinity, _ => double.NaN };

    public static void Write(Utf8JsonWriter json, Struct value)
    {
        json.WriteStartObject();
        foreach (var (name, field) in value.Fields)
        {
            json.WritePropertyName(RowText.Check(name, "fields"));
            Write(json, field);
        }

        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, ListValue value)
    {
        json.WriteStartArray();
        foreach (var element in value.Values)
        {
            Write(json, element);
        }

        json.WriteEndArray();
    }

    public static void Write(Utf8JsonWriter json, Value value)
    {
        switch (value.KindCase)
        {
            case Value.KindOneofCase.BoolValue:
                json.WriteBooleanValue(value.BoolValue);
                break;
            case Value.KindOneofCase.NumberValue when double.IsFinite(value.NumberValue):
                json.WriteNumberValue(value.NumberValue);
                break;
            case Value.KindOneofCase.StringValue:
                json.WriteStringValue(RowText.Check(value.StringValue, "string_value"));
                break;
            case Value.KindOneofCase.StructValue:
                Write(json, value.StructValue);
                break;
            case Value.KindOneofCase.ListValue:
                Write(json, value.ListValue);
                break;
            case Value.KindOneofCase.NullValue:
                json.WriteNullValue();
                break;
            default:
                throw new FieldValueException("number_value", "a value is neither null, a finite number, a text, a truth value, a list nor an object");
        }
    }

    public static Struct ReadStruct(JsonElement element)
    {
        var value = new Struct();
        foreach (var property in element.EnumerateObject())
        {
            value.Fields[property.Name] = ReadValue(property.Value);
        }

        return value;
    }

    public static ListValue ReadListValue(JsonElement element)
    {
        var value = new ListValue();
        foreach (var item in element.EnumerateArray())
        {
            value.Values.Add(ReadValue(item));
        }

        return value;
    }

    public static Value ReadValue(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => new Value { StructValue = ReadStruct(element) },
        JsonValueKind.Array => new Value { ListValue = ReadListValue(element) },
        JsonValueKind.String => new Value { StringValue = element.GetString()! },
        JsonValueKind.Number => new Value { NumberValue = element.GetDouble() },
        JsonValueKind.True => new Value { BoolValue = true },
        JsonValueKind.False => new Value { BoolValue = false },
        _ => new Value { NullValue = NullValue.NullValue },
    };
}
