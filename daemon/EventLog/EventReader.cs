using System.Runtime.CompilerServices;
using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Store;

namespace Auraed.EventLog;

/// <summary>One end of a range; both null where the log itself ends.</summary>
/// <param name="Time">Nanoseconds since 1970 UTC.</param>
public readonly record struct EventPlace(long? Sequence, long? Time);

/// <summary>What a read asks for.</summary>
/// <param name="Limit">Events at most.</param>
public sealed record EventReadRequest(EventSelection Selection, EventPlace From, EventPlace To, bool IsDescending, long Limit);

/// <summary>Reads a part of the log, page by page, as its reader takes them; between two pages it holds no snapshot.</summary>
public sealed class EventReader(Database database)
{
    public async IAsyncEnumerable<ReadEventsResponse> ReadAsync(EventReadRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        (long low, long high, long last) = await database.ReadAsync(unit => Range(unit, request), cancel).ConfigureAwait(false);
        long left = request.Limit;
        long sequence = 0;
        while (low <= high && left > 0)
        {
            var range = new EventRange(low, high, request.IsDescending, (int)Math.Min(left, Limits.EventPageEventsMax));
            EventsPage page = await database.ReadAsync(unit => EventsPage.Read(unit, range, request.Selection.Wants), cancel).ConfigureAwait(false);
            if (page.First > low)
            {
                throw EventTail.BelowFloor("from_sequence", low, page.First);
            }

            left -= page.Events.Count;
            sequence = page.Sequence;
            (low, high) = request.IsDescending ? (low, sequence - 1) : (sequence + 1, high);
            if (page.Events.Count > 0)
            {
                yield return new ReadEventsResponse { Events = { page.Events.Select(stored => new LogEvent(stored).Message) }, Sequence = sequence, LogSequence = last };
            }
        }

        yield return new ReadEventsResponse { Sequence = sequence, LogSequence = last };
    }

    private static (long Low, long High, long Last) Range(ReadUnit unit, EventReadRequest request)
    {
        (long first, long last) = EventsPage.Bounds(unit);
        long low = request.From switch
        {
            { Sequence: { } sequence } => sequence < first ? throw EventTail.BelowFloor("from_sequence", sequence, first) : sequence,
            { Time: { } time } => EventsPage.FirstAt(unit, time),
            _ => first,
        };
        long high = request.To switch
        {
            { Sequence: { } sequence } => Math.Min(sequence, last),
            { Time: { } time } => EventsPage.FirstAt(unit, time) - 1,
            _ => last,
        };
        return (Math.Max(low, 1), high, last);
    }
}
