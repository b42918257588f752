using System.Collections;
using Auraed.Store;
using Auraed.Store.Assets;

namespace Auraed.Domain.Assets;

/// <summary>
/// Which chunks belong to a published asset, a bit for each number: a megabyte and a quarter for ten million chunks. Numbers are never used twice, and an asset's content never
/// changes, so that the bits hold as long as the same assets are published.
/// </summary>
internal sealed class PublishedChunks
{
    private readonly BitArray _numbers;

    private PublishedChunks(long[] assets, BitArray numbers)
    {
        Assets = assets;
        _numbers = numbers;
    }

    public static PublishedChunks None { get; } = new([], new BitArray(0));

    /// <summary>Rows of the assets, in order.</summary>
    public long[] Assets { get; }

    public bool Contains(long number) => number < _numbers.Length && _numbers[(int)number];

    public static long[] AssetsOf(List<Publication> publications) => [.. publications.Select(publication => publication.AssetRow).Distinct().Order()];

    public static PublishedChunks Read(ReadUnit unit, long[] assets)
    {
        var rows = new ContentRows(unit);
        var numbers = new BitArray(0);
        foreach (long asset in assets)
        {
            if (rows.OfAsset(asset) is not { } content)
            {
                continue;
            }

            for (long offset = 0; offset < content.Size;)
            {
                List<PlacedChunk> chunks = rows.Read(content.Number, offset, 1);
                foreach (PlacedChunk chunk in chunks)
                {
                    Set(numbers, checked((int)chunk.Entry.Number));
                }

                offset = chunks[^1].Offset + chunks[^1].Entry.Size;
            }
        }

        return new PublishedChunks(assets, numbers);
    }

    private static void Set(BitArray numbers, int number)
    {
        if (number >= numbers.Length)
        {
            numbers.Length = Math.Max(number + 1, numbers.Length + (numbers.Length / 2));
        }

        numbers[number] = true;
    }
}
