using Auraed.Base;

namespace Auraed.Store.Proof;

/// <summary>
/// The tree as far as it has been made, and its growth: reads the events that follow, holds each to the chain, and has the nodes that became complete to be
/// written. Invariants: it has only ever taken events that chain to those before; one caller at a time.
/// </summary>
internal sealed class TreeGrowth
{
    private readonly List<(int Level, long Position, byte[] Hash)> _nodes = [];
    private readonly CompactRange _range;
    private readonly byte[] _head;
    private byte[] _buffer = new byte[4096];

    private TreeGrowth(CompactRange range, byte[] head)
    {
        _range = range;
        _head = [.. head];
        range.Completed = (level, position, hash) =>
        {
            if (level >= TreeNodes.LevelMin)
            {
                _nodes.Add((level, position, hash));
            }
        };
    }

    /// <summary>The last event taken.</summary>
    public long Size => _range.Count;

    /// <summary>Goes on where the rows end.</summary>
    public static TreeGrowth Load(Func<string, Statement> prepare)
    {
        LogFloor floor = FloorRow.Read(prepare);
        Statement last = prepare("SELECT coalesce(max(position), -1) + 1 FROM event_node WHERE level = 8");
        last.Step();
        long size = last.Integer(0) * TreeNodes.BlockLeaves;
        last.Reset();
        if (size <= floor.Sequence)
        {
            return new TreeGrowth(floor.Range(), floor.Hash);
        }

        Statement row = prepare("SELECT hash FROM event WHERE sequence = ?");
        row.Integer(0, size);
        byte[] head = row.Step() ? row.Blob(0).ToArray() : throw EventsPage.Missing(size);
        row.Reset();
        return new TreeGrowth(CompactRange.From(size, new TreeNodes(prepare).Peaks(size)), head);
    }

    /// <summary>Takes the events that follow, at most as many and about as many bytes as one reading may; returns their number. Fault(Corrupt) at one that does not chain.</summary>
    public long Read(Func<string, Statement> prepare)
    {
        Statement rows = prepare($"SELECT {EventHash.Columns} FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?");
        rows.Integer(0, Size);
        rows.Integer(1, Limits.TreeReadEventsMax);
        Span<byte> hash = stackalloc byte[EventHash.HashBytes];
        (long before, long bytes) = (Size, 0);
        while (bytes < Limits.TreeReadBytesMax && rows.Step())
        {
            if (rows.Integer(0) != Size + 1)
            {
                throw EventsPage.Missing(Size + 1);
            }

            int length = EventHash.HashBytes + EventHash.Encode(rows, ref _buffer, EventHash.HashBytes);
            EventHash.Chain(_head, _buffer.AsSpan(0, length), hash);
            if (!rows.Blob(9).SequenceEqual(hash))
            {
                throw new Fault(FaultKind.Corrupt, $"event {Size + 1} is not what was written, or its hash is not; nothing that holds it is signed", hint: "auraed verify, then auraed restore of the last good backup") { Reason = "EVENT_CHAIN_BROKEN" };
            }

            hash.CopyTo(_head);
            MerkleHash.Leaf(_head, hash);
            _range.Append(hash);
            bytes += length;
        }

        rows.Reset();
        return Size - before;
    }

    /// <summary>Writes the nodes that became complete since the last writing; they are forgotten with <see cref="Written"/>, after the commit.</summary>
    public int Write(Func<string, Statement> prepare)
    {
        Statement insert = prepare("INSERT INTO event_node (level, position, hash) VALUES (?, ?, ?) ON CONFLICT (level, position) DO UPDATE SET hash = excluded.hash");
        foreach ((int level, long position, byte[] hash) in _nodes)
        {
            insert.Integer(0, level);
            insert.Integer(1, position);
            insert.Blob(2, hash);
            _ = insert.Execute();
        }

        return _nodes.Count;
    }

    /// <summary>Nodes that wait to be written.</summary>
    public int Pending => _nodes.Count;

    public void Written() => _nodes.Clear();

    public Checkpoint Sign(CheckpointKey key, string databaseId, long time) =>
        key.Sign(Checkpoint.OriginOf(databaseId), Size, _range.Root(), time, [.. _head]);

    /// <summary>Brings the whole of a file that nobody else writes up to date and signs it with this key. Nothing when it has no events, or a schema from before checkpoints.</summary>
    public static void SignAll(Connection connection, CheckpointKey? key, TimeProvider time)
    {
        if (key is null || connection.QueryInteger("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'event_checkpoint'") == 0)
        {
            return;
        }

        connection.BeginWrite();
        TreeGrowth growth = Load(connection.Prepare);
        while (growth.Read(connection.Prepare) > 0)
        {
        }

        if (growth.Size > 0)
        {
            growth.Write(connection.Prepare);
            string id = string.Concat(connection.QueryTexts("SELECT value FROM meta WHERE key = 'database_id'"));
            CheckpointRows.Insert(connection.Prepare, growth.Sign(key, id, (time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) * 100));
        }

        connection.EndUnit();
        connection.Execute("COMMIT");
    }
}
