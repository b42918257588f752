using System.Numerics;

namespace Auraed.Store.Proof;

/// <summary>
/// The peaks of a tree that grows at its right end: one hash for each bit that is set in the number of leaves, the largest subtree at the left.
/// All that is needed to go on, and to tell the root; 64 hashes at most.
/// </summary>
internal sealed class CompactRange
{
    private const int LevelsMax = 63;
    private readonly byte[] _peaks = new byte[LevelsMax * MerkleHash.Bytes];

    /// <summary>Leaves so far.</summary>
    public long Count { get; private set; }

    /// <summary>Told of each subtree that becomes complete: its level (2^level leaves), its position among those of its level, its hash.</summary>
    public Action<int, long, byte[]>? Completed { get; set; }

    /// <param name="count">Leaves that are there already.</param>
    /// <param name="peaks">Their peaks, the largest first. <see cref="ArgumentException"/> when there are more or fewer than bits are set.</param>
    public static CompactRange From(long count, ReadOnlySpan<byte> peaks)
    {
        if (count < 0 || peaks.Length != BitOperations.PopCount((ulong)count) * MerkleHash.Bytes)
        {
            throw new ArgumentException($"{peaks.Length} bytes are not the peaks of {count} leaves", nameof(peaks));
        }

        var range = new CompactRange { Count = count };
        for (int level = LevelsMax - 1; level >= 0; level--)
        {
            if ((count >> level & 1) != 0)
            {
                peaks[..MerkleHash.Bytes].CopyTo(range.Peak(level));
                peaks = peaks[MerkleHash.Bytes..];
            }
        }

        return range;
    }

    /// <summary>The peaks, the largest first.</summary>
    public byte[] Peaks()
    {
        var peaks = new byte[BitOperations.PopCount((ulong)Count) * MerkleHash.Bytes];
        int offset = 0;
        for (int level = LevelsMax - 1; level >= 0; level--)
        {
            if ((Count >> level & 1) != 0)
            {
                Peak(level).CopyTo(peaks.AsSpan(offset));
                offset += MerkleHash.Bytes;
            }
        }

        return peaks;
    }

    /// <summary>Adds one leaf by its hash.</summary>
    public void Append(ReadOnlySpan<byte> leaf) => Append(0, leaf);

    /// <summary>Adds a complete subtree of 2^level leaves; the number of leaves before must be a multiple of that.</summary>
    public void Append(int level, ReadOnlySpan<byte> subtree)
    {
        Base.Invariant.Hold((Count & ((1L << level) - 1)) == 0);
        Span<byte> hash = stackalloc byte[MerkleHash.Bytes];
        subtree.CopyTo(hash);
        long added = 1L << level;
        for (; (Count >> level & 1) != 0; level++)
        {
            MerkleHash.Node(Peak(level), hash, hash);
            Completed?.Invoke(level + 1, Count >> (level + 1), hash.ToArray());
        }

        hash.CopyTo(Peak(level));
        Count += added;
    }

    public byte[] Root()
    {
        if (Count == 0)
        {
            return MerkleHash.Empty;
        }

        int level = BitOperations.TrailingZeroCount(Count);
        byte[] root = Peak(level).ToArray();
        for (level++; level < LevelsMax; level++)
        {
            if ((Count >> level & 1) != 0)
            {
                MerkleHash.Node(Peak(level), root, root);
            }
        }

        return root;
    }

    /// <summary>The complete subtrees, in their order, that take a tree from one number of leaves to a larger one.</summary>
    public static IEnumerable<(int Level, long Position)> Between(long from, long to)
    {
        while (from < to)
        {
            int level = BitOperations.Log2((ulong)(to - from));
            if (from > 0)
            {
                level = Math.Min(level, BitOperations.TrailingZeroCount(from));
            }

            yield return (level, from >> level);
            from += 1L << level;
        }
    }

    private Span<byte> Peak(int level) => _peaks.AsSpan(level * MerkleHash.Bytes, MerkleHash.Bytes);
}
