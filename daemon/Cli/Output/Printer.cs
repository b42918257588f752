using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;

namespace Auraed.Cli.Output;

internal enum OutputFormat
{
    /// <summary>For people: aligned columns.</summary>
    Table,
    /// <summary>For programs: one JSON value per call of the printer, each on its own line.</summary>
    Json,
    /// <summary>For spreadsheets (RFC 4180): a line with the names, then one for each row; values as in JSON, nothing for null.</summary>
    Csv,
}

/// <summary>One column of a list.</summary>
/// <param name="Key">The name in JSON, in snake case; in upper case it heads the column.</param>
internal sealed record Column<T>(string Key, Func<T, Cell> Value);

/// <summary>
/// Prints what a verb found, in the format that was asked for. A verb says what, never how:
/// <see cref="Rows{T}"/> for lists, <see cref="Fields"/> for one thing, <see cref="Message"/> for an answer as it is on the wire.
/// </summary>
internal sealed class Printer(Terminal terminal, OutputFormat format)
{
    private const string Gap = "  ";
    private const int CellWidthMin = 8;

    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonFormatter Wire = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true).WithPreserveProtoFieldNames(true));

    public bool IsJson => format == OutputFormat.Json;

    public bool IsCsv => format == OutputFormat.Csv;

    public Terminal Terminal => terminal;

    /// <summary>A list: a table with a heading, or one JSON object per row (so that endless lists can be read as they come).</summary>
    public void Rows<T>(IReadOnlyCollection<T> rows, params Column<T>[] columns)
    {
        if (IsJson)
        {
            foreach (var row in rows)
            {
                Json(writer => WriteObject(writer, columns.Select(column => (column.Key, column.Value(row)))));
            }

            return;
        }

        if (IsCsv)
        {
            Csv.WriteNames(terminal.Out, columns.Select(column => column.Key));
            More(rows, columns);
            return;
        }

        var cells = rows.Select(row => columns.Select(column => column.Value(row)).ToArray()).ToArray();
        var texts = cells.Select(row => row.Select(cell => Units.Printable(cell.Text)).ToArray()).ToArray();
        var heads = columns.Select(column => column.Key.ToUpperInvariant().Replace('_', ' ')).ToArray();
        var widths = Fit([.. heads.Select((head, index) => texts.Select(row => Units.Width(row[index])).Append(head.Length).Max())]);
        Line(heads, index => rows.Count > 0 && cells[0][index].IsNumber, widths);
        for (var row = 0; row < cells.Length; row++)
        {
            var current = cells[row];
            Line(texts[row], index => current[index].IsNumber, widths);
        }
    }

    /// <summary>Rows that follow those already printed: without names in CSV, a table of its own for people.</summary>
    public void More<T>(IReadOnlyCollection<T> rows, params Column<T>[] columns)
    {
        if (!IsCsv)
        {
            Rows(rows, columns);
            return;
        }

        foreach (var row in rows)
        {
            Csv.WriteCells(terminal.Out, columns.Select(column => column.Value(row)));
        }
    }

    /// <summary>One thing: a line per field with its name before it, or one JSON object.</summary>
    public void Fields(params IReadOnlyCollection<(string Key, Cell Value)> fields)
    {
        if (IsJson)
        {
            Json(writer => WriteObject(writer, fields));
            return;
        }

        if (IsCsv)
        {
            Csv.WriteNames(terminal.Out, fields.Select(field => field.Key));
            Csv.WriteCells(terminal.Out, fields.Select(field => field.Value));
            return;
        }

        var width = fields.Max(field => field.Key.Length);
        foreach (var (key, value) in fields)
        {
            terminal.Out.WriteLine($"{key.Replace('_', ' ').PadRight(width)}{Gap}{Units.Printable(value.Text)}");
        }
    }

    /// <summary>A message as JSON whatever the format: protobuf's own mapping, field names as in the .proto file.</summary>
    public void Message(IMessage message) => terminal.Out.WriteLine(Wire.Format(message));

    public void Json(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Compact))
        {
            write(writer);
        }

        terminal.Out.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    /// <summary>A sentence for people; programs do not get it.</summary>
    public void Say(string text)
    {
        if (format == OutputFormat.Table)
        {
            terminal.Out.WriteLine(text);
        }
    }

    private static void WriteObject(Utf8JsonWriter writer, IEnumerable<(string Key, Cell Value)> fields)
    {
        writer.WriteStartObject();
        foreach (var (key, value) in fields)
        {
            writer.WritePropertyName(key);
            value.WriteJson(writer);
        }

        writer.WriteEndObject();
    }

    private void Line(string[] texts, Func<int, bool> isRight, int[] widths)
    {
        var line = new StringBuilder();
        for (var index = 0; index < texts.Length; index++)
        {
            var text = Units.Cut(texts[index], widths[index]);
            var padding = new string(' ', widths[index] - Units.Width(text));
            line.Append(index == 0 ? string.Empty : Gap).Append(isRight(index) ? padding + text : text + padding);
        }

        terminal.Out.WriteLine(line.ToString().TrimEnd());
    }

    /// <summary>Takes from the widest column until the line fits the screen; a file or pipe gets everything.</summary>
    private int[] Fit(int[] widths)
    {
        while (terminal.IsInteractive && widths.Sum() + (Gap.Length * (widths.Length - 1)) > terminal.Width && widths.Max() > CellWidthMin)
        {
            widths[Array.IndexOf(widths, widths.Max())]--;
        }

        return widths;
    }
}
