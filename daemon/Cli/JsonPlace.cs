using System.Globalization;
using System.Text.Json;

namespace Auraed.Cli;

/// <summary>What is wrong with a JSON text and where, as editors count: lines and columns from 1. A column is a byte.</summary>
internal static class JsonPlace
{
    public static string Of(JsonException failure)
    {
        int end = failure.Message.IndexOf(" LineNumber: ", StringComparison.Ordinal);
        string what = (end < 0 ? failure.Message : failure.Message[..end]).TrimEnd('.');
        return failure is { LineNumber: { } line, BytePositionInLine: { } column }
            ? string.Create(CultureInfo.InvariantCulture, $"{what} (line {line + 1}, column {column + 1})")
            : what;
    }
}
