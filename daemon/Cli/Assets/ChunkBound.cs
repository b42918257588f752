using Auraed.Base;
using Auraed.Chunks;

namespace Auraed.Cli.Assets;

/// <summary>A blob of more chunks than an asset may have is refused before any is sent, with sizes that would do.</summary>
internal static class ChunkBound
{
    private const int KiB = 1024;

    /// <summary>Before the blob is cut. Fault(Invalid) when it has too many chunks however its bytes fall.</summary>
    /// <param name="name">Of the blob, for faults.</param>
    /// <param name="length">Its bytes.</param>
    public static void CheckLength(string name, long length, ChunkSizes sizes) => Check(name, "at least ", length / sizes.Max, length);

    /// <summary>When it is cut. Fault(Invalid) when it has too many.</summary>
    public static void CheckCount(string name, long count, long length) => Check(name, "", count, length);

    /// <summary>Sizes with which so many bytes stay well within the bound, as --chunk-size takes them; null when none do.</summary>
    internal static string? SizesFor(long length)
    {
        // Means are means: a quarter is left for content that is cut into more.
        const long count = Limits.AssetChunksCountMax / 4 * 3;
        for (var average = 128 * KiB; average <= Limits.AssetChunkBytesMax / 4; average *= 2)
        {
            if (length / average <= count)
            {
                return $"{average / KiB}K";
            }
        }

        return length / Limits.AssetChunkBytesMax < Limits.AssetChunksCountMax ? "2M:2M:2M" : null;
    }

    private static void Check(string name, string least, long count, long length)
    {
        if (count > Limits.AssetChunksCountMax)
        {
            throw Fault.Invalid(
                "chunk-size",
                $"{name} is cut into {least}{count} chunks, and an asset has at most {Limits.AssetChunksCountMax}",
                SizesFor(length) is { } sizes ? $"larger chunks: --chunk-size {sizes}, of auraed assets put and of casync make" : "split it: no chunks are large enough");
        }
    }
}
