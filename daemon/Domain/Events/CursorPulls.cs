using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.EventLog;
using Auraed.Store;
using Auraed.Store.Events;

namespace Auraed.Domain.Events;

/// <summary>
/// Hands events out. Consumers of one cursor take turns in looking, and what one of them gets is on the disk as its lease before it is answered; so an
/// event is out with one consumer at most, unless its lease has run out.
/// </summary>
public sealed class CursorPulls(Database database, EventTail tail, CursorGates gates, TimeProvider time)
{
    private static readonly TimeSpan LookMin = TimeSpan.FromMilliseconds(1);

    /// <summary>The next events; empty when none came in time.</summary>
    public async Task<PullResponse> PullAsync(CursorPull pull, CancellationToken cancel)
    {
        long started = time.GetTimestamp();
        while (true)
        {
            StoredCursor known = await database.ReadAsync(unit => new CursorRows(unit).Find(pull.Name.Tenant, pull.Name.Name), cancel).ConfigureAwait(false) ?? throw Cursors.NotFound(pull.Name);
            CursorGate gate = gates.Of(known.RowId);
            Task change = gate.NextChange;
            CursorTurn turn;
            await gate.EnterAsync(cancel).ConfigureAwait(false);
            try
            {
                turn = await TakeAsync(pull, known.RowId, gate, time.GetElapsedTime(started) >= pull.Wait, cancel).ConfigureAwait(false);
            }
            finally
            {
                gate.Leave();
            }

            if (turn.Response is { } response)
            {
                return response;
            }

            TimeSpan left = pull.Wait - time.GetElapsedTime(started);
            if (left > TimeSpan.Zero)
            {
                await WaitAsync(turn, change, left, cancel).ConfigureAwait(false);
            }
        }
    }

    /// <summary>One look, and what it found handed out. With <paramref name="isLast"/> there is always an answer.</summary>
    private async Task<CursorTurn> TakeAsync(CursorPull pull, long rowId, CursorGate gate, bool isLast, CancellationToken cancel)
    {
        while (true)
        {
            long now = Now();
            CursorLook? look = await database.ReadAsync(unit => Look(unit, pull, now), cancel).ConfigureAwait(false);
            if (look is null || look.Cursor.RowId != rowId)
            {
                gates.Remove(rowId);
                throw Cursors.NotFound(pull.Name);
            }

            if (look.Due.Count > 0)
            {
                PullResponse? again = await database.WriteAsync(unit => Redeliver(unit, pull, look), cancel).ConfigureAwait(false);
                if (again is null)
                {
                    continue;
                }

                return new CursorTurn(again, 0, null);
            }

            int room = look.Cursor.InFlightMax - look.Open;
            if (room <= 0)
            {
                return isLast ? new CursorTurn(new PullResponse(), 0, null) : new CursorTurn(null, long.MaxValue, look.NextDue - now);
            }

            LogPage page = await ScanAsync(look.Cursor, gate, cancel).ConfigureAwait(false);
            bool isFound = page.Events.Count > 0;
            bool isFar = page.Sequence - look.Cursor.Frontier >= Limits.CursorScanEventsMax;
            bool isToSave = isFar || (isLast && page.Sequence > look.Cursor.Frontier);
            if (isFound || isToSave)
            {
                PullResponse? fresh = await database.WriteAsync(unit => Deliver(unit, pull, look.Cursor, page, room), cancel).ConfigureAwait(false);
                if (fresh is null || (!isFound && (isFar || !isLast)))
                {
                    continue;
                }

                return new CursorTurn(fresh, 0, null);
            }

            return isLast ? new CursorTurn(new PullResponse(), 0, null) : new CursorTurn(null, page.Sequence, look.NextDue - now);
        }
    }

    /// <summary>Goes over the log from the frontier to the first page with events that fit, to its end, or to where it is time to note how far it came.</summary>
    private async Task<LogPage> ScanAsync(StoredCursor cursor, CursorGate gate, CancellationToken cancel)
    {
        gate.Selection ??= EventRequests.Selection(EventFilter.Parser.ParseFrom(cursor.Filter));
        long after = gate.Passed.From == cursor.Frontier ? Math.Max(gate.Passed.To, cursor.Frontier) : cursor.Frontier;
        while (true)
        {
            LogPage page = await tail.NextAsync(after, gate.Selection, cancel).ConfigureAwait(false);
            if (page.Events.Count > 0 || page.Sequence == after || page.Sequence - cursor.Frontier >= Limits.CursorScanEventsMax)
            {
                gate.Passed = (cursor.Frontier, after);
                return page;
            }

            after = page.Sequence;
        }
    }

    private static CursorLook? Look(ReadUnit unit, CursorPull pull, long now)
    {
        if (new CursorRows(unit).Find(pull.Name.Tenant, pull.Name.Name) is not { } cursor)
        {
            return null;
        }

        var rows = new DeliveryRows(unit.Prepare, cursor.RowId);
        var look = new CursorLook(cursor, rows.CountOpen(), rows.NextDue(), []);
        long bytes = 0;
        foreach (StoredDelivery delivery in look.NextDue <= now ? rows.Due(now, pull.EventsMax) : [])
        {
            StoredEvent stored = EventsPage.Find(unit, delivery.Sequence) ?? throw EventsPage.Missing(delivery.Sequence);
            bytes += stored.Bytes;
            if (look.Due.Count > 0 && bytes > Limits.EventPageBytesMax)
            {
                break;
            }

            look.Due.Add(stored);
        }

        return look;
    }

    /// <summary>Null when the cursor has moved since the look.</summary>
    private static PullResponse? Deliver(WriteUnit unit, CursorPull pull, StoredCursor looked, LogPage page, int room)
    {
        var cursors = new CursorRows(unit);
        if (cursors.Find(looked.Tenant, looked.Name) is not { } cursor || cursor.RowId != looked.RowId || cursor.Frontier != looked.Frontier)
        {
            return null;
        }

        int count = Math.Min(page.Events.Count, Math.Min(pull.EventsMax, room));
        if (count == 0)
        {
            cursors.Advance(cursor, page.Sequence, cursor.LastLease);
            return new PullResponse();
        }

        var lease = new LeaseName(cursor.RowId, cursor.LastLease + 1);
        long due = Due(unit, pull, cursor);
        var rows = new DeliveryRows(unit.Prepare, cursor.RowId);
        PullResponse response = Leased(lease, due);
        foreach (LogEvent told in page.Events.Take(count))
        {
            rows.Insert(new StoredDelivery(told.Message.Sequence, DeliveryState.Leased, lease.Number, pull.Consumer, due, 1));
            response.Deliveries.Add(new Delivery { Event = told.Message, Deliveries = 1 });
        }

        CrashPoint.Reach("cursor.delivered");
        cursors.Advance(cursor, count == page.Events.Count ? page.Sequence : page.Events[count - 1].Message.Sequence, lease.Number);
        return response;
    }

    /// <summary>Null when nothing of it is to be handed out: it was settled since, or is parked now.</summary>
    private static PullResponse? Redeliver(WriteUnit unit, CursorPull pull, CursorLook look)
    {
        var cursors = new CursorRows(unit);
        if (cursors.Find(look.Cursor.Tenant, look.Cursor.Name) is not { } cursor || cursor.RowId != look.Cursor.RowId)
        {
            return null;
        }

        var lease = new LeaseName(cursor.RowId, cursor.LastLease + 1);
        long due = Due(unit, pull, cursor);
        var rows = new DeliveryRows(unit.Prepare, cursor.RowId);
        PullResponse response = Leased(lease, due);
        foreach (StoredEvent stored in look.Due)
        {
            if (rows.Find(stored.Sequence) is not { State: not DeliveryState.Parked } delivery || delivery.Due > unit.Now)
            {
                continue;
            }

            if (delivery.Deliveries >= cursor.DeliveriesMax)
            {
                Park(cursors, rows, cursor, delivery with { State = DeliveryState.Parked, Due = unit.Now });
                continue;
            }

            rows.Update(new StoredDelivery(stored.Sequence, DeliveryState.Leased, lease.Number, pull.Consumer, due, delivery.Deliveries + 1));
            response.Deliveries.Add(new Delivery { Event = new LogEvent(stored).Message, Deliveries = delivery.Deliveries + 1 });
        }

        CrashPoint.Reach("cursor.redelivered");
        if (response.Deliveries.Count == 0)
        {
            return null;
        }

        cursors.Advance(cursor, cursor.Frontier, lease.Number);
        return response;
    }

    private static void Park(CursorRows cursors, DeliveryRows rows, StoredCursor cursor, StoredDelivery delivery)
    {
        if (cursors.Counts(cursor).Parked >= Limits.CursorParkedCountMax)
        {
            throw new Fault(
                FaultKind.Exhausted, $"the cursor '{cursor.Name}' has {Limits.CursorParkedCountMax} parked events and stands", hint: $"auraed events cursors show {cursor.Name}, then unpark or discard them")
            { Reason = "PARKED_FULL" };
        }

        rows.Update(delivery);
    }

    private static PullResponse Leased(LeaseName lease, long due) => new() { Lease = lease.ToString(), LeaseEnd = RecordMessages.Time(due) };

    private static long Due(WriteUnit unit, CursorPull pull, StoredCursor cursor) =>
        unit.Now + (pull.LeaseTime is { } wanted ? CursorLeases.Nanoseconds(wanted) : cursor.LeaseTime);

    /// <summary>Until an event comes, one is given back or settled, a lease runs out, or the time is over.</summary>
    private async Task WaitAsync(CursorTurn turn, Task change, TimeSpan left, CancellationToken cancel)
    {
        TimeSpan wait = turn.DueIn is { } nanoseconds ? TimeSpan.FromTicks((nanoseconds / 100) + 1) : left;
        wait = wait < LookMin ? LookMin : wait < left ? wait : left;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task grown = turn.After == long.MaxValue ? change : tail.WaitAsync(turn.After, stop.Token);
        Task first = await Task.WhenAny(grown, change, Task.Delay(wait, time, stop.Token)).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
        await first.ConfigureAwait(false);
    }

    private long Now() => (time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) * 100;
}

/// <summary>What one look at a cursor finds.</summary>
/// <param name="Open">Events that are out or wait.</param>
/// <param name="NextDue">When the next of them is to be handed out again; null when there is none.</param>
/// <param name="Due">Those that are to be handed out again now.</param>
internal sealed record CursorLook(StoredCursor Cursor, int Open, long? NextDue, List<StoredEvent> Due);

/// <summary>The end of a turn: an answer, or what to wait for.</summary>
/// <param name="After">An event after this one; the largest number for none.</param>
/// <param name="DueIn">Nanoseconds until one is to be handed out again; null for never.</param>
internal readonly record struct CursorTurn(PullResponse? Response, long After, long? DueIn);
