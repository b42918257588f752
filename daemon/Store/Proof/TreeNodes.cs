using Auraed.Base;

namespace Auraed.Store.Proof;

/// <summary>
/// The tree over the events of one snapshot. A complete subtree of 256 leaves and more is a row; what is smaller is computed from the one block of 256
/// that it lies in, and what has no row yet from its parts. So a proof reads a row for each level and two blocks at most.
/// </summary>
internal sealed class TreeNodes(Func<string, Statement> prepare)
{
    /// <summary>Subtrees from this level up are kept; a block of leaves is one of this level.</summary>
    public const int LevelMin = 8;

    public const int BlockLeaves = 1 << LevelMin;

    private readonly Dictionary<long, byte[]> _blocks = [];

    /// <summary>The tree's roots and proofs, from these nodes.</summary>
    public MerkleTree Tree => new(Node);

    /// <summary>The peaks of the first <paramref name="count"/> leaves, the largest first.</summary>
    public byte[] Peaks(long count) => [.. CompactRange.Between(0, count).SelectMany(subtree => Node(subtree.Level, subtree.Position))];

    /// <summary>The hash of a complete subtree of 2^level leaves.</summary>
    public byte[] Node(int level, long position)
    {
        if (level < LevelMin)
        {
            return Inside(level, position);
        }

        Statement row = prepare("SELECT hash FROM event_node WHERE level = ? AND position = ?");
        row.Integer(0, level);
        row.Integer(1, position);
        byte[]? known = row.Step() ? row.Blob(0).ToArray() : null;
        row.Reset();
        return known ?? (level == LevelMin ? Inside(level, position) : MerkleHash.Node(Node(level - 1, 2 * position), Node(level - 1, (2 * position) + 1)));
    }

    /// <summary>The hashes of the leaves of a block, one behind the other; of the last block, those that are there.</summary>
    public byte[] Block(long position)
    {
        if (_blocks.TryGetValue(position, out byte[]? known))
        {
            return known;
        }

        byte[] leaves = ReadBlock(position);
        _blocks[position] = leaves;
        return leaves;
    }

    private byte[] ReadBlock(long position)
    {
        Statement kept = prepare("SELECT leaves FROM event_block WHERE position = ?");
        kept.Integer(0, position);
        byte[]? stored = kept.Step() ? kept.Blob(0).ToArray() : null;
        kept.Reset();
        if (stored is not null)
        {
            return stored;
        }

        long expected = (position * BlockLeaves) + 1;
        var leaves = new byte[BlockLeaves * MerkleHash.Bytes];
        Statement rows = prepare("SELECT sequence, hash FROM event WHERE sequence BETWEEN ? AND ? ORDER BY sequence");
        rows.Integer(0, expected);
        rows.Integer(1, expected + BlockLeaves - 1);
        int count = 0;
        while (rows.Step())
        {
            if (rows.Integer(0) != expected++ || rows.Blob(1).Length != EventHash.HashBytes)
            {
                throw EventsPage.Missing(expected - 1);
            }

            MerkleHash.Leaf(rows.Blob(1), leaves.AsSpan(count++ * MerkleHash.Bytes, MerkleHash.Bytes));
        }

        return leaves[..(count * MerkleHash.Bytes)];
    }

    private byte[] Inside(int level, long position)
    {
        long first = position << level;
        byte[] block = Block(first / BlockLeaves);
        int offset = (int)(first % BlockLeaves) * MerkleHash.Bytes;
        int bytes = MerkleHash.Bytes << level;
        if (offset + bytes > block.Length)
        {
            throw new Fault(FaultKind.OutOfRange, $"events {first + 1} to {first + (1L << level)} are no longer kept, and a proof needs their hashes", hint: "take the proof from the archives")
            {
                Reason = "EVENTS_BELOW_FLOOR",
            };
        }

        var range = new CompactRange();
        for (int at = offset; at < offset + bytes; at += MerkleHash.Bytes)
        {
            range.Append(block.AsSpan(at, MerkleHash.Bytes));
        }

        return range.Root();
    }
}
