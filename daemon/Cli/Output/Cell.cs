using System.Globalization;
using System.Text.Json;

namespace Auraed.Cli.Output;

/// <summary>One value twice: as people read it (12.3 MiB) and as programs do (12897484).</summary>
internal readonly struct Cell
{
    private readonly Action<Utf8JsonWriter>? _write;

    private Cell(string text, Action<Utf8JsonWriter> write, bool isNumber)
    {
        Text = text;
        IsNumber = isNumber;
        _write = write;
    }

    /// <summary>What a table shows; "-" stands for nothing.</summary>
    public string Text => field ?? "-";

    /// <summary>Numbers stand at the right edge of their column.</summary>
    public bool IsNumber { get; }

    public void WriteJson(Utf8JsonWriter writer)
    {
        if (_write is null)
        {
            writer.WriteNullValue();
            return;
        }

        _write(writer);
    }

    public static implicit operator Cell(string? text) => text is null ? default : new Cell(text, writer => writer.WriteStringValue(text), isNumber: false);

    public static implicit operator Cell(long number) =>
        new(number.ToString(CultureInfo.InvariantCulture), writer => writer.WriteNumberValue(number), isNumber: true);

    public static implicit operator Cell(bool truth) => new(truth ? "yes" : "no", writer => writer.WriteBooleanValue(truth), isNumber: false);

    public static Cell Bytes(long count) => new(Units.Bytes(count), writer => writer.WriteNumberValue(count), isNumber: true);

    /// <summary>Names beside each other; programs get a list, as a name may have blanks in it.</summary>
    public static Cell Names(IEnumerable<string> names)
    {
        string[] all = [.. names];
        return new(string.Join(' ', all), writer =>
        {
            writer.WriteStartArray();
            Array.ForEach(all, writer.WriteStringValue);
            writer.WriteEndArray();
        }, isNumber: false);
    }

    /// <summary>With two digits behind the point.</summary>
    public static Cell Ratio(double ratio) => new(ratio.ToString("0.00", CultureInfo.InvariantCulture), writer => writer.WriteNumberValue(Math.Round(ratio, 2)), isNumber: true);

    /// <summary>Programs get seconds.</summary>
    public static Cell Span(TimeSpan span) => new(Units.Span(span), writer => writer.WriteNumberValue(Math.Round(span.TotalSeconds, 3)), isNumber: false);

    /// <summary>The age of something; a clock that was set back makes nothing younger than now.</summary>
    public static Cell Ago(TimeSpan age)
    {
        var past = age < TimeSpan.Zero ? TimeSpan.Zero : age;
        return new(Units.Span(past) + " ago", writer => writer.WriteNumberValue(Math.Round(past.TotalSeconds, 3)), isNumber: false);
    }

    /// <summary>RFC 3339 in UTC for both; people see whole seconds.</summary>
    public static Cell Time(DateTimeOffset time) => new(
        time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        writer => writer.WriteStringValue(time.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture)), isNumber: false);

    /// <summary>A text that is coloured by what it means; programs get the text.</summary>
    public static Cell Exactly(string text, Action<Utf8JsonWriter> json) => new(text, json, isNumber: false);
}
