using System.Numerics;

namespace Auraed.Store.Proof;

/// <summary>Checks proofs without the log (RFC 9162, 2.1.3.2 and 2.1.4.2, whose trees are those of RFC 6962).</summary>
internal static class ProofCheck
{
    /// <summary>True when the path leads from the leaf's hash at this index to the root of that size.</summary>
    public static bool Inclusion(ReadOnlySpan<byte> leaf, long index, long size, IReadOnlyList<byte[]> path, ReadOnlySpan<byte> root)
    {
        if (index < 0 || index >= size)
        {
            return false;
        }

        (long node, long last) = (index, size - 1);
        byte[] hash = leaf.ToArray();
        foreach (byte[] sibling in path)
        {
            if (last == 0)
            {
                return false;
            }

            if ((node & 1) != 0 || node == last)
            {
                hash = MerkleHash.Node(sibling, hash);
                int shift = (node & 1) != 0 ? 0 : BitOperations.TrailingZeroCount(node);
                (node, last) = (node >> shift, last >> shift);
            }
            else
            {
                hash = MerkleHash.Node(hash, sibling);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        return last == 0 && root.SequenceEqual(hash);
    }

    /// <summary>True when the path proves that the first root's tree is the beginning of the second's.</summary>
    public static bool Consistency(long first, long second, ReadOnlySpan<byte> firstRoot, ReadOnlySpan<byte> secondRoot, IReadOnlyList<byte[]> path)
    {
        if (first < 0 || first > second)
        {
            return false;
        }

        if (first == second || first == 0)
        {
            return path.Count == 0 && (first == 0 ? firstRoot.SequenceEqual(MerkleHash.Empty) : firstRoot.SequenceEqual(secondRoot));
        }

        var rest = new Queue<byte[]>(path);
        int start = BitOperations.TrailingZeroCount(first);
        (long node, long last) = ((first - 1) >> start, (second - 1) >> start);
        byte[]? seed = BitOperations.IsPow2(first) ? firstRoot.ToArray() : rest.Count > 0 ? rest.Dequeue() : null;
        if (seed is null)
        {
            return false;
        }

        (byte[] left, byte[] whole) = (seed, seed);
        foreach (byte[] hash in rest)
        {
            if (last == 0)
            {
                return false;
            }

            if ((node & 1) != 0 || node == last)
            {
                (left, whole) = (MerkleHash.Node(hash, left), MerkleHash.Node(hash, whole));
                int shift = (node & 1) != 0 ? 0 : BitOperations.TrailingZeroCount(node);
                (node, last) = (node >> shift, last >> shift);
            }
            else
            {
                whole = MerkleHash.Node(whole, hash);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        return last == 0 && firstRoot.SequenceEqual(left) && secondRoot.SequenceEqual(whole);
    }
}
