namespace Auraed.Store.Records;

/// <summary>One row of the event log, without its hash.</summary>
public sealed record EventRow(long Sequence, long CommitRevision, long Time, string Principal, string Kind, string Subject, byte[] Payload);

/// <summary>What was read: the events that fit, and how far the reading came.</summary>
public sealed record EventBatch(List<EventRow> Events, long Sequence, long First, long Last);

/// <summary>Reads the event log for watches.</summary>
public static class EventRows
{
    /// <summary>
    /// Looks at the next <paramref name="countMax"/> events after a sequence and keeps those of the tenant that <paramref name="wants"/> by kind and subject.
    /// First and Last are those of the whole log, 0 when it is empty.
    /// </summary>
    public static EventBatch Read(ReadUnit unit, string tenant, long after, int countMax, Func<string, string, bool> wants)
    {
        (long first, long last) = Bounds(unit);
        Statement statement = unit.Prepare(
            "SELECT sequence, tenant, kind, subject, commit_revision, time, principal, payload FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?");
        statement.Integer(0, after);
        statement.Integer(1, countMax);
        var events = new List<EventRow>();
        long sequence = after;
        while (statement.Step())
        {
            sequence = statement.Integer(0);
            if (statement.Text(1) != tenant)
            {
                continue;
            }

            string kind = statement.Text(2);
            string subject = statement.Text(3);
            if (wants(kind, subject))
            {
                events.Add(new EventRow(sequence, statement.Integer(4), statement.Integer(5), statement.Text(6), kind, subject, statement.Blob(7).ToArray()));
            }
        }

        return new EventBatch(events, sequence, first, last);
    }

    /// <summary>The first and the last sequence of this snapshot.</summary>
    public static (long First, long Last) Bounds(ReadUnit unit) => EventsPage.Bounds(unit.Prepare);
}
