using Auraed.Base;

namespace Auraed.Store.Proof;

/// <summary>
/// The event log of one snapshot against everything that is known of it: that sequences are dense, that each event chains to the one before, that the
/// kept nodes are those of the events' tree, and that each signed checkpoint has its root. Each finding names the events that it is about.
/// </summary>
/// <param name="connection">In a read transaction that the caller holds.</param>
/// <param name="signer">The server's key; null leaves signatures unchecked.</param>
internal sealed class LogCheck(Connection connection, CheckpointKey? signer, List<string> findings)
{
    private const int FindingsMax = 20;
    private const long EventsPerProgress = 4096;

    private readonly List<string> _foreign = [];
    private CompactRange? _tree;
    private byte[] _buffer = new byte[4096];
    private byte[] _head = [];
    private byte[]? _computed;
    private long _sequence;
    private long _held;
    private int _found;

    /// <summary>Adds what it finds; returns the number of events that were looked at.</summary>
    public long Run(Action<long, long>? progress, CancellationToken cancel)
    {
        bool hasProofs = connection.QueryInteger("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'event_checkpoint'") > 0;
        LogFloor floor = hasProofs ? FloorRow.Read(connection.Prepare) : LogFloor.None;
        long total = connection.QueryInteger("SELECT coalesce(max(sequence), 0) FROM event");
        (_sequence, _held, _head, _tree) = (floor.Sequence, floor.Sequence, floor.Hash, floor.Range());
        if (hasProofs)
        {
            _tree.Completed = CheckNode;
        }

        Statement? checkpoints = hasProofs ? connection.Prepare("SELECT size, note FROM event_checkpoint ORDER BY size, number") : null;
        long next = Next(checkpoints, 0);
        long count = 0;
        try
        {
            Statement rows = connection.Prepare($"SELECT {EventHash.Columns} FROM event WHERE sequence > ? ORDER BY sequence");
            rows.Integer(0, floor.Sequence);
            next = CheckUpTo(checkpoints, next);
            while (_found < FindingsMax && rows.Step())
            {
                CheckEvent(rows);
                next = CheckUpTo(checkpoints, next);
                if (++count % EventsPerProgress == 0)
                {
                    cancel.ThrowIfCancellationRequested();
                    progress?.Invoke(_sequence, total);
                }
            }

            progress?.Invoke(_sequence, total);
            CheckEnd(checkpoints, next, hasProofs);
            return count;
        }
        finally
        {
            connection.EndUnit();
        }
    }

    private void CheckEvent(Statement row)
    {
        long sequence = row.Integer(0);
        _sequence++;
        Span<byte> stored = stackalloc byte[EventHash.HashBytes];
        if (sequence != _sequence)
        {
            Find(sequence == _sequence + 1 ? $"events: {_sequence} is missing, {sequence} follows" : $"events: {_sequence} to {sequence - 1} are missing, {sequence} follows");
            (_sequence, _tree, _computed) = (sequence, null, null);
            _head = row.Blob(9).ToArray();
            return;
        }

        int length = EventHash.HashBytes + EventHash.Encode(row, ref _buffer, EventHash.HashBytes);
        Span<byte> computed = stackalloc byte[EventHash.HashBytes];
        EventHash.Chain(_head, _buffer.AsSpan(0, length), computed);
        bool isSame = row.Blob(9).SequenceEqual(computed);
        if (!isSame && _computed is not null)
        {
            // The hash of the event before was changed, and that was told; this one chains to what it should be.
            EventHash.Chain(_computed, _buffer.AsSpan(0, length), stored);
            isSame = row.Blob(9).SequenceEqual(stored);
        }

        if (!isSame)
        {
            Find($"events: {sequence} is not what was written, or its hash is not");
        }

        _computed = isSame ? null : computed.ToArray();
        _head = row.Blob(9).ToArray();
        MerkleHash.Leaf(row.Blob(9), stored);
        _tree?.Append(stored);
    }

    /// <summary>Checks the checkpoints of the events seen so far; returns the size of the next one.</summary>
    private long CheckUpTo(Statement? checkpoints, long next)
    {
        while (next <= _sequence)
        {
            CheckCheckpoint(next, checkpoints!.Blob(1));
            next = Next(checkpoints, next);
        }

        return next;
    }

    private static long Next(Statement? checkpoints, long last) => checkpoints is not null && last != long.MaxValue && checkpoints.Step() ? checkpoints.Integer(0) : long.MaxValue;

    private void CheckCheckpoint(long size, ReadOnlySpan<byte> note)
    {
        Checkpoint checkpoint;
        try
        {
            checkpoint = Checkpoint.Parse(note);
        }
        catch (Fault malformed)
        {
            Find($"checkpoint of {size} events: {malformed.Message}");
            return;
        }

        string origin = Checkpoint.OriginOf(string.Concat(connection.QueryTexts("SELECT value FROM meta WHERE key = 'database_id'")));
        bool isOwn = signer is null || signer.IsSignerOf(checkpoint);
        if (checkpoint.Size != size || checkpoint.Origin != origin)
        {
            Find($"checkpoint of {size} events: it is that of {checkpoint.Size} events of {checkpoint.Origin}");
        }
        else if (isOwn && signer?.Verifies(checkpoint) == false)
        {
            Find($"checkpoint of {size} events: its signature is forged");
        }
        else if (_tree is not null && _tree.Count == size && !(checkpoint.Root.AsSpan().SequenceEqual(_tree.Root()) && checkpoint.Head.AsSpan().SequenceEqual(_head)))
        {
            Find($"events: what is in {_held + 1} to {size} is not what the checkpoint of {size} events signs, chained anew or not");
        }
        else if (isOwn)
        {
            // A key that was replaced has signed before; that this one signs the same log vouches for it.
            _foreign.Clear();
            _held = size;
        }
        else
        {
            _foreign.Add($"checkpoint of {size} events: it is signed by another key than the server's");
        }
    }

    private void CheckNode(int level, long position, byte[] hash)
    {
        if (level < TreeNodes.LevelMin)
        {
            return;
        }

        Statement row = connection.Prepare("SELECT hash FROM event_node WHERE level = ? AND position = ?");
        row.Integer(0, level);
        row.Integer(1, position);
        if (row.Step() && !row.Blob(0).SequenceEqual(hash))
        {
            Find(level == TreeNodes.LevelMin
                ? $"tree: events {(position << level) + 1} to {(position + 1) << level} are not those that the tree was made of"
                : $"tree: the node over events {(position << level) + 1} to {(position + 1) << level} is not theirs");
        }

        row.Reset();
    }

    private void CheckEnd(Statement? checkpoints, long next, bool hasProofs)
    {
        if (_found >= FindingsMax)
        {
            return;
        }

        long missing = 0;
        for (; next != long.MaxValue; next = Next(checkpoints, next))
        {
            missing = next;
        }

        if (missing > 0)
        {
            Find($"events: {_sequence + 1} to {missing} are missing, which the checkpoint of {missing} events signs");
        }

        foreach (string foreign in _foreign)
        {
            Find(foreign);
        }

        long blocks = hasProofs ? connection.QueryInteger("SELECT coalesce(max(position), -1) + 1 FROM event_node WHERE level = 8") : 0;
        if (_tree is not null && missing == 0 && blocks * TreeNodes.BlockLeaves > _sequence)
        {
            Find($"tree: it has nodes of events up to {blocks * TreeNodes.BlockLeaves}, and the last event is {_sequence}");
        }
    }

    private void Find(string finding)
    {
        if (_found++ < FindingsMax)
        {
            findings.Add(finding);
        }
    }
}
