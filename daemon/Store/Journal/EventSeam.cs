using Auraed.Store.Proof;

namespace Auraed.Store.Journal;

/// <summary>The end of the event log as it was before a journal's groups are done again, and whether what they add continues it.</summary>
internal sealed class EventSeam
{
    private readonly byte[] _hash = new byte[EventHash.HashBytes];

    public EventSeam(Connection connection)
    {
        var last = connection.Prepare("SELECT sequence, hash FROM event ORDER BY sequence DESC LIMIT 1");
        if (last.Step())
        {
            Sequence = last.Integer(0);
            last.Blob(1).CopyTo(_hash);
        }

        connection.EndUnit();
    }

    /// <summary>The last event before; 0 when there was none.</summary>
    public long Sequence { get; }

    /// <summary>What is wrong with the events since; null when each is there up to <paramref name="last"/>, none after, and each hash follows from the one before.</summary>
    public string? Finding(Connection connection, long last)
    {
        var rows = connection.Prepare("SELECT sequence, commit_revision, time, tenant, principal, request_id, kind, subject, payload, hash FROM event WHERE sequence > ? ORDER BY sequence");
        // A group may have moved the floor of the log past the seam; the floor tells the hash that the rest continues.
        var floor = connection.QueryInteger("SELECT count(*) FROM sqlite_schema WHERE name = 'event_floor'") > 0 ? FloorRow.Read(connection.Prepare) : LogFloor.None;
        var expected = Math.Max(Sequence, floor.Sequence);
        rows.Integer(0, expected);
        Span<byte> hash = stackalloc byte[EventHash.HashBytes];
        (expected > Sequence ? floor.Hash : _hash).CopyTo(hash);
        try
        {
            while (rows.Step())
            {
                var content = new EventContent
                {
                    Sequence = rows.Integer(0),
                    CommitRevision = rows.Integer(1),
                    Time = rows.Integer(2),
                    Tenant = rows.Text(3),
                    Principal = rows.Text(4),
                    RequestId = rows.IsNull(5) ? null : rows.Text(5),
                    Kind = rows.Text(6),
                    Subject = rows.Text(7),
                    Payload = rows.Blob(8),
                };
                expected++;
                EventHash.Compute(hash, content, hash);
                if (content.Sequence != expected || !hash.SequenceEqual(rows.Blob(9)))
                {
                    return $"event {expected} is missing, or is not what was written";
                }
            }

            return expected == last ? null : $"the last event is {expected}, not {last}";
        }
        finally
        {
            connection.EndUnit();
        }
    }
}
