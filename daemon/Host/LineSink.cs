using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Auraed.Base;
using Auraed.Config;
using Serilog.Core;
using Serilog.Events;
using Serilog.Parsing;

namespace Auraed.Host;

/// <summary>
/// One line per message. Text: <c>2026-01-31T12:00:00.123Z info  message</c>, or <c>&lt;6&gt;message</c> for the journal, which keeps the time itself.
/// JSON: an object with time, level, message, id, error, and the message's values under their own names. A line break inside a message becomes a blank.
/// </summary>
internal sealed class LineSink(Stream output, LogFormat format, bool isJournal, LogFeed feed) : ILogEventSink
{
    private readonly Lock _lock = new();

    public void Emit(LogEvent logEvent)
    {
        var line = format switch
        {
            LogFormat.Json => Json(logEvent),
            LogFormat.Text => Encoding.UTF8.GetBytes(Text(logEvent)),
        };
        lock (_lock)
        {
            try
            {
                output.Write(line);
                output.Flush();
            }
            catch (IOException)
            {
                // Nobody reads the log; the daemon's work goes on.
            }
        }

        feed.Publish(logEvent.Timestamp, $"{NameOf(logEvent.Level),-5} {OneLine(Message(logEvent))}");
    }

    private string Text(LogEvent logEvent)
    {
        var text = new StringBuilder();
        if (isJournal)
        {
            text.Append(CultureInfo.InvariantCulture, $"<{PriorityOf(logEvent.Level)}>");
        }
        else
        {
            text.Append(CultureInfo.InvariantCulture, $"{logEvent.Timestamp.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ} {NameOf(logEvent.Level),-5} ");
        }

        text.Append(OneLine(Message(logEvent)));
        if (logEvent.Exception is { } error)
        {
            text.Append(" | ").Append(OneLine(error.ToString()));
        }

        return text.Append('\n').ToString();
    }

    private static byte[] Json(LogEvent logEvent)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("time", logEvent.Timestamp.UtcDateTime);
            json.WriteString("level", NameOf(logEvent.Level));
            json.WriteString("message", Message(logEvent));
            foreach (var (name, value) in logEvent.Properties)
            {
                if (name == "EventId" && value is StructureValue { Properties: [{ Value: ScalarValue { Value: int id } }, ..] })
                {
                    json.WriteNumber("id", id);
                }
                else if (value is ScalarValue scalar)
                {
                    Write(json, JsonNamingPolicy.SnakeCaseLower.ConvertName(name), scalar.Value);
                }
            }

            if (logEvent.Exception is { } error)
            {
                json.WriteString("error", error.ToString());
            }

            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null: json.WriteNull(name); break;
            case bool flag: json.WriteBoolean(name, flag); break;
            case int number: json.WriteNumber(name, number); break;
            case long number: json.WriteNumber(name, number); break;
            case uint number: json.WriteNumber(name, number); break;
            case double number: json.WriteNumber(name, number); break;
            default: json.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture)); break;
        }
    }

    /// <summary>The template with its values; texts stand without quotation marks.</summary>
    private static string Message(LogEvent logEvent)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        foreach (var token in logEvent.MessageTemplate.Tokens)
        {
            if (token is PropertyToken property && logEvent.Properties.TryGetValue(property.PropertyName, out var value) && value is ScalarValue { Value: string plain })
            {
                text.Write(plain);
            }
            else
            {
                token.Render(logEvent.Properties, text, CultureInfo.InvariantCulture);
            }
        }

        return text.ToString();
    }

    private static string OneLine(string text) => text.AsSpan().IndexOfAny('\n', '\r') < 0 ? text : text.ReplaceLineEndings(" ");

    private static string NameOf(LogEventLevel level) => level switch
    {
        LogEventLevel.Verbose => "trace",
        LogEventLevel.Debug => "debug",
        LogEventLevel.Information => "info",
        LogEventLevel.Warning => "warn",
        LogEventLevel.Error => "error",
        LogEventLevel.Fatal => "fatal",
    };

    /// <summary>The priorities of syslog.</summary>
    private static int PriorityOf(LogEventLevel level) => level switch
    {
        LogEventLevel.Verbose => 7,
        LogEventLevel.Debug => 7,
        LogEventLevel.Information => 6,
        LogEventLevel.Warning => 4,
        LogEventLevel.Error => 3,
        LogEventLevel.Fatal => 2,
    };
}
