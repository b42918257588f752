using Auraed.Base;

namespace Auraed.Store;

/// <summary>One row of the event log.</summary>
/// <param name="Revision">The sequence of the commit's first event.</param>
/// <param name="Time">Nanoseconds since 1970 UTC.</param>
public sealed record StoredEvent(
    long Sequence, long Revision, long Time, string Tenant, string Principal, string? RequestId, string Kind, string Subject, byte[] Payload, byte[] Hash)
{
    /// <summary>What it counts for where sizes are bounded.</summary>
    public int Bytes => Payload.Length + Limits.EventOverheadBytes;
}

/// <summary>Which events a page takes, by what stands outside the payload.</summary>
public delegate bool EventWanted(string tenant, string kind, string subject);

/// <summary>Where to look. Low and high are included, whatever the direction.</summary>
/// <param name="EventsMax">How many events to take at most, from 1.</param>
public readonly record struct EventRange(long Low, long High, bool IsDescending, int EventsMax);

/// <summary>A piece of the event log, read on one snapshot.</summary>
/// <param name="Events">Those that are wanted, in the order of the range.</param>
/// <param name="Sequence">The last row looked at; 0 when there was none.</param>
/// <param name="Revision">That row's.</param>
/// <param name="EndsCommit">True when that row is the last of its commit; of an ascending range alone.</param>
/// <param name="First">The oldest event that is kept; 0 when there is none.</param>
public sealed record EventsPage(List<StoredEvent> Events, long Sequence, long Revision, bool EndsCommit, long First)
{
    private const string Columns = "SELECT sequence, commit_revision, tenant, kind, subject, time, principal, request_id, payload, hash FROM event WHERE sequence BETWEEN ? AND ? ";
    private const string Ascending = Columns + "ORDER BY sequence LIMIT ?";
    private const string Descending = Columns + "ORDER BY sequence DESC LIMIT ?";

    /// <summary>Reads until the range, the rows to look at, the events to take or the bytes are used up. Fault(Corrupt) when one is missing between others.</summary>
    public static EventsPage Read(ReadUnit unit, EventRange range, EventWanted wanted)
    {
        (long first, long last) = Bounds(unit);
        long expected = range.IsDescending ? Math.Min(range.High, last) : Math.Max(range.Low, first);
        Statement rows = unit.Prepare(range.IsDescending ? Descending : Ascending);
        rows.Integer(0, range.Low);
        rows.Integer(1, range.High);
        rows.Integer(2, Limits.EventPageRowsMax + 1);
        var events = new List<StoredEvent>();
        (long sequence, long revision, int looked, long bytes, bool endsCommit) = (0L, 0L, 0, 0L, true);
        while (rows.Step())
        {
            if (rows.Integer(0) != expected)
            {
                throw Missing(expected);
            }

            long next = rows.Integer(1);
            bool isWanted = wanted(rows.Text(2), rows.Text(3), rows.Text(4));
            int size = isWanted ? rows.Blob(8).Length + Limits.EventOverheadBytes : 0;
            if (looked == Limits.EventPageRowsMax || events.Count == range.EventsMax || (events.Count > 0 && bytes + size > Limits.EventPageBytesMax))
            {
                endsCommit = next != revision;
                break;
            }

            if (isWanted)
            {
                events.Add(Row(rows));
                bytes += size;
            }

            (sequence, revision) = (expected, next);
            expected += range.IsDescending ? -1 : 1;
            looked++;
        }

        rows.Reset();
        bool isMissing = looked == 0 && first > 0 && Math.Max(range.Low, first) <= Math.Min(range.High, last);
        return isMissing ? throw Missing(expected) : new EventsPage(events, sequence, revision, endsCommit, first);
    }

    /// <summary>One event; null when it is not kept.</summary>
    public static StoredEvent? Find(ReadUnit unit, long sequence)
    {
        Statement row = unit.Prepare(Ascending);
        row.Integer(0, sequence);
        row.Integer(1, sequence);
        row.Integer(2, 1);
        StoredEvent? found = row.Step() ? Row(row) : null;
        row.Reset();
        return found;
    }

    /// <summary>The fault of a log that has a hole.</summary>
    public static Fault Missing(long sequence) =>
        new(FaultKind.Corrupt, $"event {sequence} is missing from the log", hint: "auraed verify, then auraed restore of the last good backup") { Reason = "EVENT_CHAIN_BROKEN" };

    /// <summary>The oldest and the newest sequence of this snapshot; 0 when there is none.</summary>
    public static (long First, long Last) Bounds(ReadUnit unit) => Bounds(unit.Prepare);

    /// <param name="prepare">The unit's own.</param>
    public static (long First, long Last) Bounds(Func<string, Statement> prepare)
    {
        // What is below the floor is gone, be it deleted yet or not.
        Statement statement = prepare(
            "SELECT (SELECT min(sequence) FROM event WHERE sequence > coalesce((SELECT sequence FROM event_floor), 0)), (SELECT max(sequence) FROM event)");
        statement.Step();
        (long, long) bounds = (statement.Integer(0), statement.Integer(1));
        statement.Reset();
        return bounds;
    }

    /// <summary>The first event at or after a time, one past the newest when there is none. Times never go back along the log, so halving finds it.</summary>
    public static long FirstAt(ReadUnit unit, long time) => FirstAt(unit.Prepare, time);

    /// <param name="prepare">The unit's own.</param>
    /// <param name="time">Nanoseconds since 1970 UTC.</param>
    public static long FirstAt(Func<string, Statement> prepare, long time)
    {
        (long low, long last) = Bounds(prepare);
        Statement row = prepare("SELECT time FROM event WHERE sequence = ?");
        long high = last + 1;
        while (low < high)
        {
            long middle = low + ((high - low) / 2);
            row.Integer(0, middle);
            bool isBefore = row.Step() && row.Integer(0) < time;
            row.Reset();
            (low, high) = isBefore ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private static StoredEvent Row(Statement row) => new(
        row.Integer(0), row.Integer(1), row.Integer(5), row.Text(2), row.Text(6), row.IsNull(7) ? null : row.Text(7), row.Text(3), row.Text(4), row.Blob(8).ToArray(), row.Blob(9).ToArray());
}
