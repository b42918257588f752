namespace Auraed.Store.Events;

/// <summary>One row of event_cursor. Times are nanoseconds.</summary>
/// <param name="RowId">The sequence of the event that created it; never that of another cursor.</param>
/// <param name="Filter">An encoded aurae.events.v0.EventFilter.</param>
/// <param name="Frontier">Every event up to here that fits is settled or has a delivery.</param>
/// <param name="LastLease">The newest lease's number.</param>
/// <param name="LeaseTime">How long an event is out before it is handed out again.</param>
/// <param name="CreateTime">Since 1970 UTC.</param>
public sealed record StoredCursor(
    long RowId, string Tenant, string Name, byte[] Filter, long Frontier, long LastLease, long LeaseTime, int InFlightMax, int DeliveriesMax, long CreateTime);

/// <summary>What a cursor has handed out and not settled.</summary>
/// <param name="Position">All that fit up to here are settled, but for those that are parked.</param>
public readonly record struct CursorCounts(long Position, int Leased, int Waiting, int Parked);

/// <summary>Where an event stands with a cursor; the numbers are on the disk.</summary>
public enum DeliveryState
{
    /// <summary>Out with a consumer until it is due.</summary>
    Leased = 1,
    /// <summary>Given back; handed out again from when it is due.</summary>
    Waiting = 2,
    /// <summary>Handed out as often as it may be; a dead letter.</summary>
    Parked = 3,
}

/// <summary>One row of event_delivery.</summary>
/// <param name="Due">Nanoseconds since 1970 UTC; of a parked one, when it was parked.</param>
/// <param name="Deliveries">How often it was handed out.</param>
public sealed record StoredDelivery(long Sequence, DeliveryState State, long Lease, string Consumer, long Due, int Deliveries);
