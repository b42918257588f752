using Auraed.Base;
using Auraed.Store.Records;

namespace Auraed.Store;

/// <summary>
/// The newest acknowledged events in memory, without a gap, so that those who follow the log need no snapshot, nor a commit where that comes later. Filled by
/// the writer before a group is answered, read by all. Bounded by number and bytes.
/// </summary>
internal sealed class RecentLog
{
    private readonly Lock _gate = new();
    private readonly StoredEvent?[] _slots = new StoredEvent?[Limits.EventTailEventsMax];
    private long _first = 1;
    private long _last;
    private long _bytes;

    /// <summary>Forgets all: what the log still has is to be asked of the database.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            Forget(_last);
        }
    }

    /// <summary>What follows the last one known; after a gap, everything before is forgotten.</summary>
    public void Add(List<StoredEvent> events)
    {
        lock (_gate)
        {
            foreach (var added in events)
            {
                if (added.Sequence != _last + 1)
                {
                    Forget(_last);
                    _first = added.Sequence;
                }

                Forget(added.Sequence - _slots.Length);
                _slots[Slot(added.Sequence)] = added;
                _bytes += added.Bytes;
                _last = added.Sequence;
                while (_bytes > Limits.EventTailBytesMax && _first < _last)
                {
                    Forget(_first);
                }
            }
        }
    }

    /// <summary>As <see cref="EventsPage.Read"/> of an ascending range; null when its beginning is not all here.</summary>
    public EventsPage? Page(EventRange range, EventWanted wanted)
    {
        lock (_gate)
        {
            if (range.IsDescending || range.Low < _first || range.Low > Math.Min(_last, range.High))
            {
                return null;
            }

            var events = new List<StoredEvent>();
            var (sequence, bytes) = (range.Low - 1, 0L);
            for (var end = Math.Min(range.High, _last); sequence < end; sequence++)
            {
                var next = _slots[Slot(sequence + 1)]!;
                var isWanted = wanted(next.Tenant, next.Kind, next.Subject);
                if (events.Count == range.EventsMax || (events.Count > 0 && isWanted && bytes + next.Bytes > Limits.EventPageBytesMax))
                {
                    break;
                }

                if (isWanted)
                {
                    events.Add(next);
                    bytes += next.Bytes;
                }
            }

            var last = _slots[Slot(sequence)]!;
            var endsCommit = sequence == _last || _slots[Slot(sequence + 1)]!.Revision != last.Revision;
            return new EventsPage(events, sequence, last.Revision, endsCommit, range.Low);
        }
    }

    /// <summary>As <see cref="EventRows.Read"/>; null when what follows is not all here.</summary>
    public EventBatch? Rows(string tenant, long after, int countMax, Func<string, string, bool> wants)
    {
        lock (_gate)
        {
            if (after < _first - 1 || after >= _last)
            {
                return null;
            }

            var sequence = Math.Min(_last, after + countMax);
            var rows = new List<EventRow>();
            for (var number = after + 1; number <= sequence; number++)
            {
                var one = _slots[Slot(number)]!;
                if (one.Tenant == tenant && wants(one.Kind, one.Subject))
                {
                    rows.Add(new EventRow(one.Sequence, one.Revision, one.Time, one.Principal, one.Kind, one.Subject, one.Payload));
                }
            }

            return new EventBatch(rows, sequence, after + 1, _last);
        }
    }

    private static int Slot(long sequence) => (int)(sequence & (Limits.EventTailEventsMax - 1));

    private void Forget(long upTo)
    {
        for (; _first <= _last && _first <= upTo; _first++)
        {
            _bytes -= _slots[Slot(_first)]!.Bytes;
            _slots[Slot(_first)] = null;
        }
    }
}
