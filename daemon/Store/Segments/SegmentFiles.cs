using System.Globalization;
using Auraed.Base;

namespace Auraed.Store.Segments;

/// <summary>Segments in a directory. Their names sort as their events do: <c>events-00000000000000000001-00000000000000065536.auraeseg</c>.</summary>
internal static class SegmentFiles
{
    private const string Extension = ".auraeseg";

    public static string NameOf(long first, long last) => string.Create(CultureInfo.InvariantCulture, $"events-{first:D20}-{last:D20}{Extension}");

    /// <summary>Those that are complete, by their first events. Fault(NotFound) without the directory.</summary>
    public static IReadOnlyList<string> In(string directory) => Directory.Exists(directory)
        ? [.. Directory.GetFiles(directory, "events-*" + Extension).Order(StringComparer.Ordinal)]
        : throw Fault.NotFound($"{directory} does not exist");
}
