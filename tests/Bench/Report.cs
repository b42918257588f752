using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Auraed.Bench;

/// <summary>Tables as they come, or one JSON object at the end; bars are judged at the end in both.</summary>
internal sealed class Report(bool isJson)
{
    private readonly List<(string Title, string[] Columns, List<object?[]> Rows)> _tables = [];
    private readonly List<(string Text, double Value, string Bound, bool IsMet)> _bars = [];
    private readonly List<string> _failures = [];

    public bool HasFailures => _failures.Count > 0;

    public void Note(string text)
    {
        if (!isJson)
        {
            Console.WriteLine(text);
        }
    }

    public void Failure(string part, string text)
    {
        _failures.Add($"{part}: {text}");
        Console.Error.WriteLine($"error: {part}: {text}");
    }

    public void Table(string title, string legend, string[] columns, List<object?[]> rows)
    {
        _tables.Add((title, columns, rows));
        if (isJson)
        {
            return;
        }

        Console.WriteLine($"\n{title}\n  {legend}");
        var cells = rows.Select(row => row.Select(Shown).ToArray()).Prepend(columns).ToArray();
        foreach (var row in cells)
        {
            var line = new StringBuilder("  ");
            for (var i = 0; i < row.Length; i++)
            {
                var width = cells.Max(other => other[i].Length);
                line.Append(i == 0 ? row[i].PadRight(width) : row[i].PadLeft(width)).Append("  ");
            }

            Console.WriteLine(line.ToString().TrimEnd());
        }
    }

    public void AtLeast(string text, double value, double bound) => _bars.Add((text, value, $">= {Shown(bound)}", value >= bound));

    public void AtMost(string text, double value, double bound) => _bars.Add((text, value, $"<= {Shown(bound)}", value <= bound));

    public void Finish()
    {
        if (isJson)
        {
            Console.WriteLine(Json());
            return;
        }

        Console.WriteLine("\nBars");
        foreach (var (text, value, bound, isMet) in _bars)
        {
            Console.WriteLine($"  {(isMet ? "met   " : "MISSED")}  {text}: {Shown(value)} ({bound})");
        }
    }

    private static string Shown(object? cell) => cell switch
    {
        null => "",
        double number when number >= 100 => number.ToString("#,0", CultureInfo.InvariantCulture),
        double number => number.ToString("0.00", CultureInfo.InvariantCulture),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => cell.ToString() ?? "",
    };

    private string Json()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("tables");
            foreach (var (title, columns, rows) in _tables)
            {
                writer.WriteStartObject();
                writer.WriteString("title", title);
                writer.WriteStartArray("rows");
                foreach (var row in rows)
                {
                    WriteRow(writer, columns, row);
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteStartArray("bars");
            foreach (var (text, value, bound, isMet) in _bars)
            {
                WriteRow(writer, ["bar", "value", "bound", "met"], [text, value, bound, isMet]);
            }

            writer.WriteEndArray();
            writer.WriteStartArray("failures");
            _failures.ForEach(writer.WriteStringValue);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void WriteRow(Utf8JsonWriter writer, string[] columns, object?[] row)
    {
        writer.WriteStartObject();
        foreach (var (column, cell) in columns.Zip(row))
        {
            writer.WritePropertyName(column);
            switch (cell)
            {
                case null: writer.WriteNullValue(); break;
                case double number: writer.WriteNumberValue(Math.Round(number, 4)); break;
                case long number: writer.WriteNumberValue(number); break;
                case int number: writer.WriteNumberValue(number); break;
                case bool flag: writer.WriteBooleanValue(flag); break;
                default: writer.WriteStringValue(cell.ToString()); break;
            }
        }

        writer.WriteEndObject();
    }
}
