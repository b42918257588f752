using Auraed.Base;

namespace Auraed.EventLog;

/// <summary>
/// The newest events, without a gap, bounded by number and bytes. Invariants: all of <see cref="First"/> to <see cref="Last"/> are there, each in the
/// slot of its sequence; the owner holds its lock.
/// </summary>
internal sealed class RecentEvents
{
    private readonly LogEvent?[] _slots = new LogEvent?[Limits.EventTailEventsMax];
    private long _bytes;
    private bool _endsCommit = true;

    /// <summary>One past <see cref="Last"/> when there are none.</summary>
    public long First { get; private set; } = 1;

    public long Last { get; private set; }

    /// <summary>Forgets all, and goes on after this sequence.</summary>
    public void Restart(long after)
    {
        while (First <= Last)
        {
            Forget();
        }

        (First, Last, _endsCommit) = (after + 1, after, true);
    }

    /// <summary>Takes what follows the last one; anything else is left out.</summary>
    public void Add(long after, LogEvent[] events, bool endsCommit)
    {
        if (after != Last || events.Length == 0)
        {
            return;
        }

        foreach (LogEvent added in events)
        {
            while (First <= Last && (Last - First + 1 == _slots.Length || _bytes + added.Bytes > Limits.EventTailBytesMax))
            {
                Forget();
            }

            Invariant.Hold(added.Message.Sequence == Last + 1, "events follow each other");
            Last++;
            _slots[Slot(Last)] = added;
            _bytes += added.Bytes;
        }

        _endsCommit = endsCommit;
    }

    /// <summary>What follows <paramref name="after"/>, which is not before <see cref="First"/> - 1 and is before <see cref="Last"/>.</summary>
    public (LogEvent[] Events, bool EndsCommit) After(long after)
    {
        int count = 0;
        long bytes = 0;
        while (count < Limits.EventPageEventsMax && after + count < Last)
        {
            bytes += _slots[Slot(after + count + 1)]!.Bytes;
            if (count > 0 && bytes > Limits.EventPageBytesMax)
            {
                break;
            }

            count++;
        }

        var events = new LogEvent[count];
        for (int index = 0; index < count; index++)
        {
            events[index] = _slots[Slot(after + index + 1)]!;
        }

        long end = after + count;
        return (events, end == Last ? _endsCommit : _slots[Slot(end + 1)]!.Message.Revision != events[^1].Message.Revision);
    }

    private void Forget()
    {
        _bytes -= _slots[Slot(First)]!.Bytes;
        _slots[Slot(First)] = null;
        First++;
    }

    private static int Slot(long sequence) => (int)(sequence & (Limits.EventTailEventsMax - 1));
}
