using System.Globalization;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Events;

namespace Auraed.Domain.Events;

/// <summary>What the holder of a lease may do with its events, inside one unit of work. A lease that has run out is good until its events are handed out again.</summary>
internal static class CursorLeases
{
    /// <summary>Settles events; returns how many. What is settled already is passed over, unless it is strict.</summary>
    public static int Acknowledge(WriteUnit unit, string tenant, LeasedEvents events, bool isStrict)
    {
        (StoredCursor cursor, DeliveryRows rows) = Open(unit, tenant, events);
        int count = 0;
        foreach (long sequence in Sequences(rows, events, isStrict))
        {
            StoredDelivery? delivery = rows.Find(sequence);
            if (delivery is null && !isStrict && sequence <= cursor.Frontier)
            {
                continue;
            }

            Require(delivery, events, sequence);
            rows.Delete(sequence);
            count++;
        }

        CrashPoint.Reach("cursor.acknowledged");
        return count;
    }

    /// <summary>The lease's new end, nanoseconds since 1970 UTC.</summary>
    public static long Extend(WriteUnit unit, string tenant, LeasedEvents events, TimeSpan? leaseTime)
    {
        (StoredCursor cursor, DeliveryRows rows) = Open(unit, tenant, events);
        long due = unit.Now + (leaseTime is { } wanted ? Nanoseconds(wanted) : cursor.LeaseTime);
        foreach (long sequence in Sequences(rows, events, isStrict: true))
        {
            rows.Update(Require(rows.Find(sequence), events, sequence) with { Due = due });
        }

        return due;
    }

    /// <summary>How many will be handed out again, and how many are parked instead.</summary>
    public static (int Released, int Parked) Release(WriteUnit unit, string tenant, LeasedEvents events, TimeSpan delay)
    {
        (StoredCursor cursor, DeliveryRows rows) = Open(unit, tenant, events);
        var (released, parked) = (0, 0);
        foreach (long sequence in Sequences(rows, events, isStrict: true))
        {
            StoredDelivery delivery = Require(rows.Find(sequence), events, sequence);
            if (delivery.Deliveries >= cursor.DeliveriesMax)
            {
                rows.Update(delivery with { State = DeliveryState.Parked, Due = unit.Now });
                parked++;
            }
            else
            {
                rows.Update(delivery with { State = DeliveryState.Waiting, Due = unit.Now + Nanoseconds(delay) });
                released++;
            }
        }

        return (released, parked);
    }

    public static long Nanoseconds(TimeSpan span) => span.Ticks * 100;

    private static (StoredCursor Cursor, DeliveryRows Rows) Open(WriteUnit unit, string tenant, LeasedEvents events)
    {
        StoredCursor cursor = new CursorRows(unit).Find(tenant, events.Cursor) ?? throw Cursors.NotFound(new CursorName(tenant, events.Cursor));
        return cursor.RowId == events.Lease.Cursor ? (cursor, new DeliveryRows(unit.Prepare, cursor.RowId)) : throw Lost(events, null);
    }

    private static IReadOnlyList<long> Sequences(DeliveryRows rows, LeasedEvents events, bool isStrict)
    {
        if (events.Sequences.Count > 0)
        {
            return events.Sequences;
        }

        long[] held = [.. rows.Leased(events.Lease.Number).Select(delivery => delivery.Sequence)];
        return held.Length == 0 && isStrict ? throw Lost(events, null) : held;
    }

    private static StoredDelivery Require(StoredDelivery? delivery, LeasedEvents events, long sequence) =>
        delivery is { State: DeliveryState.Leased } && delivery.Lease == events.Lease.Number ? delivery : throw Lost(events, sequence);

    private static Fault Lost(LeasedEvents events, long? sequence)
    {
        string which = sequence is { } one ? $"event {one.ToString(CultureInfo.InvariantCulture)}" : "any event";
        return new Fault(
            FaultKind.Precondition,
            $"the lease {events.Lease} of the cursor '{events.Cursor}' does not hold {which}",
            "lease",
            "pull again: what is not settled is handed out again")
        {
            Reason = "LEASE_LOST",
            Facts = sequence is { } lost ? new Dictionary<string, string> { ["sequence"] = lost.ToString(CultureInfo.InvariantCulture) } : null,
        };
    }
}
