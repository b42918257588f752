using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.EventLog;
using Auraed.Store;
using Auraed.Store.Events;
using Auraed.Store.Records;
using Google.Protobuf;

namespace Auraed.Domain.Events;

/// <summary>Named positions in the log and what they have handed out. Making, deleting and moving one is an event; what is out under which lease is not.</summary>
public sealed class Cursors(Database database, EventTail tail, CursorGates gates, TimeProvider time)
{
    public CursorPulls Pulls { get; } = new(database, tail, gates, time);

    public Task<Cursor> CreateAsync(string principal, CursorDraft draft, CancellationToken cancel) => database.WriteAsync(
        unit =>
        {
            var rows = new CursorRows(unit);
            if (rows.Find(draft.Name.Tenant, draft.Name.Name) is not null)
            {
                throw new Fault(FaultKind.AlreadyExists, $"tenant '{draft.Name.Tenant}' has a cursor '{draft.Name.Name}'", "cursor.name") { Reason = "CURSOR_EXISTS" };
            }

            if (rows.Count(draft.Name.Tenant) >= Limits.CursorsCountMax)
            {
                throw new Fault(FaultKind.Exhausted, $"tenant '{draft.Name.Tenant}' has {Limits.CursorsCountMax} cursors", hint: "delete one that is not in use") { Reason = "TOO_MANY_CURSORS" };
            }

            var stored = new StoredCursor(
                unit.Revision, draft.Name.Tenant, draft.Name.Name, draft.Filter.ToByteArray(), Frontier(unit, draft.Start, unit.Revision), 0,
                CursorLeases.Nanoseconds(draft.LeaseTime), draft.InFlightMax, draft.DeliveriesMax, unit.Now);
            rows.Insert(stored);
            CrashPoint.Reach("cursor.created");
            return Tell(unit, principal, "event_cursor.created", stored);
        },
        cancel);

    public Task<Cursor> GetAsync(CursorName name, CancellationToken cancel) => database.ReadAsync(
        unit =>
        {
            var rows = new CursorRows(unit);
            StoredCursor stored = rows.Find(name.Tenant, name.Name) ?? throw NotFound(name);
            return CursorMessages.ToMessage(stored, rows.Counts(stored), EventsPage.Bounds(unit).Last);
        },
        cancel);

    public Task<ListCursorsResponse> ListAsync(string tenant, CancellationToken cancel) => database.ReadAsync(
        unit =>
        {
            var rows = new CursorRows(unit);
            long last = EventsPage.Bounds(unit).Last;
            return new ListCursorsResponse { Cursors = { rows.List(tenant).Select(stored => CursorMessages.ToMessage(stored, rows.Counts(stored), last)) } };
        },
        cancel);

    public async Task DeleteAsync(string principal, CursorName name, bool allowMissing, CancellationToken cancel)
    {
        long? deleted = await database.WriteAsync(
            unit =>
            {
                var rows = new CursorRows(unit);
                if (rows.Find(name.Tenant, name.Name) is not { } stored)
                {
                    return allowMissing ? (long?)null : throw NotFound(name);
                }

                rows.Delete(stored);
                _ = Tell(unit, principal, "event_cursor.deleted", stored);
                return stored.RowId;
            },
            cancel).ConfigureAwait(false);
        if (deleted is { } cursor)
        {
            gates.Remove(cursor);
        }
    }

    public async Task<Cursor> SeekAsync(string principal, CursorName name, CursorPlace place, CancellationToken cancel)
    {
        (Cursor cursor, long rowId) = await database.WriteAsync(
            unit =>
            {
                var rows = new CursorRows(unit);
                StoredCursor stored = rows.Find(name.Tenant, name.Name) ?? throw NotFound(name);
                stored = stored with { Frontier = Frontier(unit, place, unit.Revision) };
                new DeliveryRows(unit.Prepare, stored.RowId).DeleteOpen();
                rows.Advance(stored, stored.Frontier, stored.LastLease);
                CrashPoint.Reach("cursor.sought");
                return (Tell(unit, principal, "event_cursor.sought", stored), stored.RowId);
            },
            cancel).ConfigureAwait(false);
        gates.Changed(rowId);
        return cursor;
    }

    public async Task<int> AcknowledgeAsync(string tenant, LeasedEvents events, CancellationToken cancel)
    {
        int count = await database.WriteAsync(unit => CursorLeases.Acknowledge(unit, tenant, events, isStrict: false), cancel).ConfigureAwait(false);
        gates.Changed(events.Lease.Cursor);
        return count;
    }

    /// <summary>The lease's new end.</summary>
    public async Task<long> ExtendAsync(string tenant, LeasedEvents events, TimeSpan? leaseTime, CancellationToken cancel)
    {
        long end = await database.WriteAsync(unit => CursorLeases.Extend(unit, tenant, events, leaseTime), cancel).ConfigureAwait(false);
        gates.Changed(events.Lease.Cursor);
        return end;
    }

    public async Task<ReleaseResponse> ReleaseAsync(string tenant, LeasedEvents events, TimeSpan delay, CancellationToken cancel)
    {
        (int released, int parked) = await database.WriteAsync(unit => CursorLeases.Release(unit, tenant, events, delay), cancel).ConfigureAwait(false);
        gates.Changed(events.Lease.Cursor);
        return new ReleaseResponse { Released = released, Parked = parked };
    }

    public Task<ListParkedResponse> ListParkedAsync(CursorName name, long after, CancellationToken cancel) => database.ReadAsync(
        unit =>
        {
            StoredCursor stored = new CursorRows(unit).Find(name.Tenant, name.Name) ?? throw NotFound(name);
            var response = new ListParkedResponse();
            long bytes = 0;
            foreach (StoredDelivery delivery in new DeliveryRows(unit.Prepare, stored.RowId).Parked(after, Limits.CursorPullEventsMax + 1))
            {
                var parked = new LogEvent(EventsPage.Find(unit, delivery.Sequence) ?? throw EventsPage.Missing(delivery.Sequence));
                bytes += parked.Bytes;
                if (response.Parked.Count == Limits.CursorPullEventsMax || (response.Parked.Count > 0 && bytes > Limits.EventPageBytesMax))
                {
                    response.NextAfter = response.Parked[^1].Event.Sequence;
                    break;
                }

                response.Parked.Add(new ParkedEvent { Event = parked.Message, Deliveries = delivery.Deliveries, Consumer = delivery.Consumer, Time = RecordMessages.Time(delivery.Due) });
            }

            return response;
        },
        cancel);

    /// <summary>How many are parked no longer. Fault(Precondition) when one that is named is not parked.</summary>
    public async Task<int> UnparkAsync(CursorName name, IReadOnlyList<long> sequences, bool isDiscard, CancellationToken cancel)
    {
        (int count, long rowId) = await database.WriteAsync(
            unit =>
            {
                StoredCursor stored = new CursorRows(unit).Find(name.Tenant, name.Name) ?? throw NotFound(name);
                var rows = new DeliveryRows(unit.Prepare, stored.RowId);
                List<StoredDelivery> parked = sequences.Count == 0 ? rows.Parked(0, Limits.CursorParkedCountMax) : [.. sequences.Select(sequence => Parked(rows, sequence))];
                foreach (StoredDelivery delivery in parked)
                {
                    if (isDiscard)
                    {
                        rows.Delete(delivery.Sequence);
                    }
                    else
                    {
                        rows.Update(delivery with { State = DeliveryState.Waiting, Due = unit.Now, Deliveries = 0 });
                    }
                }

                return (parked.Count, stored.RowId);
            },
            cancel).ConfigureAwait(false);
        gates.Changed(rowId);
        return count;
    }

    internal static Fault NotFound(CursorName name) =>
        new(FaultKind.NotFound, $"tenant '{name.Tenant}' has no cursor '{name.Name}'", hint: "auraed events cursors ls") { Reason = "CURSOR_NOT_FOUND" };

    private static StoredDelivery Parked(DeliveryRows rows, long sequence) => rows.Find(sequence) is { State: DeliveryState.Parked } parked
        ? parked
        : throw new Fault(FaultKind.Precondition, $"event {sequence} is not parked", "sequences", "auraed events cursors show NAME lists what is") { Reason = "NOT_PARKED" };

    /// <summary>The event that comes before those that are handed out. <paramref name="own"/> is the event that tells of the cursor itself, which it does not hand out.</summary>
    private static long Frontier(WriteUnit unit, CursorPlace place, long own)
    {
        (long first, long last) = EventsPage.Bounds(unit.Prepare);
        return place switch
        {
            { After: { } after } when after > last => throw new Fault(
                FaultKind.OutOfRange, $"after {after} lies in the future: the last event is {last}", "start.after", "leave start out to begin with what comes")
            { Reason = "CURSOR_IN_FUTURE" },
            { After: { } after } when first > after + 1 => throw EventTail.BelowFloor("start.after", after + 1, first),
            { After: { } after } => after,
            { Since: { } since } => Math.Max(EventsPage.FirstAt(unit.Prepare, since) - 1, 0),
            _ => own,
        };
    }

    private static Cursor Tell(WriteUnit unit, string principal, string kind, StoredCursor stored)
    {
        Cursor cursor = CursorMessages.ToMessage(stored);
        _ = unit.Events.Append(stored.Tenant, principal, null, kind, stored.Name, cursor.ToByteArray());
        CursorCounts counts = new CursorRows(unit).Counts(stored);
        return CursorMessages.ToMessage(stored, counts, unit.Revision);
    }
}
