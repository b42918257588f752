using System.Numerics;

namespace Auraed.Store.Proof;

/// <summary>Roots and proofs of RFC 6962, section 2.1, out of the hashes of complete subtrees.</summary>
/// <param name="node">The hash of the complete subtree of 2^level leaves at this position of its level.</param>
internal sealed class MerkleTree(Func<int, long, byte[]> node)
{
    /// <summary>The root of the tree of the first <paramref name="size"/> events.</summary>
    public byte[] Root(long size) => size == 0 ? MerkleHash.Empty : Range(0, size);

    /// <summary>RFC 6962, 2.1.1: what proves that the leaf of this index (sequence - 1) is in the tree of that size, from the leaf upwards.</summary>
    public List<byte[]> InclusionPath(long index, long size)
    {
        var path = new List<byte[]>();
        AddInclusion(path, index, 0, size);
        return path;
    }

    /// <summary>RFC 6962, 2.1.2: what proves that the tree of <paramref name="first"/> leaves is the beginning of that of <paramref name="second"/>.</summary>
    public List<byte[]> ConsistencyPath(long first, long second)
    {
        var path = new List<byte[]>();
        if (first > 0 && first < second)
        {
            AddConsistency(path, first, 0, second, isWhole: true);
        }

        return path;
    }

    /// <summary>MTH(D[from:to]).</summary>
    private byte[] Range(long from, long to)
    {
        long count = to - from;
        if (BitOperations.IsPow2(count))
        {
            int level = BitOperations.Log2((ulong)count);
            return node(level, from >> level);
        }

        long split = Split(count);
        return MerkleHash.Node(Range(from, from + split), Range(from + split, to));
    }

    private void AddInclusion(List<byte[]> path, long index, long from, long to)
    {
        if (to - from == 1)
        {
            return;
        }

        long middle = from + Split(to - from);
        if (index < middle)
        {
            AddInclusion(path, index, from, middle);
            path.Add(Range(middle, to));
        }
        else
        {
            AddInclusion(path, index, middle, to);
            path.Add(Range(from, middle));
        }
    }

    private void AddConsistency(List<byte[]> path, long first, long from, long to, bool isWhole)
    {
        if (first == to)
        {
            if (!isWhole)
            {
                path.Add(Range(from, to));
            }

            return;
        }

        long middle = from + Split(to - from);
        if (first <= middle)
        {
            AddConsistency(path, first, from, middle, isWhole);
            path.Add(Range(middle, to));
        }
        else
        {
            AddConsistency(path, first, middle, to, isWhole: false);
            path.Add(Range(from, middle));
        }
    }

    /// <summary>The largest power of two below the count.</summary>
    private static long Split(long count) => 1L << BitOperations.Log2((ulong)(count - 1));
}
