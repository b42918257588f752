using Aurae.Events.V0;
using Auraed.Domain.Records;
using Auraed.Store.Events;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Events;

/// <summary>From a stored cursor to the message that answers and events carry.</summary>
internal static class CursorMessages
{
    public static Cursor ToMessage(StoredCursor stored, CursorCounts counts, long last)
    {
        Cursor cursor = ToMessage(stored);
        cursor.Position = counts.Position;
        cursor.Frontier = stored.Frontier;
        cursor.Leased = counts.Leased;
        cursor.Waiting = counts.Waiting;
        cursor.Parked = counts.Parked;
        cursor.LogSequence = last;
        return cursor;
    }

    /// <summary>Without what it has handed out.</summary>
    public static Cursor ToMessage(StoredCursor stored) => new()
    {
        Tenant = stored.Tenant,
        Name = stored.Name,
        Filter = EventFilter.Parser.ParseFrom(stored.Filter),
        LeaseTime = Duration.FromTimeSpan(TimeSpan.FromTicks(stored.LeaseTime / 100)),
        InFlightMax = stored.InFlightMax,
        DeliveriesMax = stored.DeliveriesMax,
        CreateTime = RecordMessages.Time(stored.CreateTime),
        Frontier = stored.Frontier,
    };
}
