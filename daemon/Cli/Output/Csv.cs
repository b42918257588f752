using System.Text.Json;

namespace Auraed.Cli.Output;

/// <summary>
/// Lines of RFC 4180. A text that a spreadsheet would take for a formula keeps its letters: who opens foreign data there imports its columns as text.
/// </summary>
internal static class Csv
{
    private static readonly char[] Special = [',', '"', '\n', '\r'];

    public static void WriteNames(TextWriter writer, IEnumerable<string> names) => writer.WriteLine(string.Join(',', names.Select(Quote)));

    public static void WriteCells(TextWriter writer, IEnumerable<Cell> cells) => writer.WriteLine(string.Join(',', cells.Select(cell => Quote(TextOf(cell)))));

    /// <summary>What programs get in JSON, without JSON's quotes.</summary>
    private static string TextOf(Cell cell)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            cell.WriteJson(writer);
        }

        using var document = JsonDocument.Parse(buffer.GetBuffer().AsMemory(0, (int)buffer.Length));
        return document.RootElement.ValueKind switch
        {
            JsonValueKind.String => document.RootElement.GetString()!,
            JsonValueKind.Null => string.Empty,
            _ => document.RootElement.GetRawText(),
        };
    }

    private static string Quote(string text) => text.IndexOfAny(Special) < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
