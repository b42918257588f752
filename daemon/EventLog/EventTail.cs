using Auraed.Base;
using Auraed.Store;

namespace Auraed.EventLog;

/// <summary>
/// Gives watchers the log piece by piece. Those near its end share what is read there: one of them reads the next page, the others wait for that and
/// take it from memory. Those farther behind read for themselves until they come near. Invariant: nobody waits for a watcher, only for a read.
/// </summary>
public sealed class EventTail(Database database)
{
    private readonly Lock _gate = new();
    private readonly RecentEvents _recent = new();
    private Task? _filling;
    private long _reads;

    /// <summary>Pages that were read from the file.</summary>
    public long Reads => Volatile.Read(ref _reads);

    /// <summary>The newest event that is on the disk.</summary>
    public long Last => database.Durable;

    /// <summary>What follows <paramref name="after"/>; empty when nothing does yet. Fault(OutOfRange) when what follows is no longer kept.</summary>
    public async Task<LogPage> NextAsync(long after, EventSelection selection, CancellationToken cancel)
    {
        while (database.Durable > after)
        {
            cancel.ThrowIfCancellationRequested();
            if (database.Durable - after > Limits.EventTailEventsMax)
            {
                return await ReadAsync(after, selection, cancel).ConfigureAwait(false);
            }

            TaskCompletionSource? mine = null;
            Task? others = null;
            lock (_gate)
            {
                if (after >= _recent.First - 1 && after < _recent.Last)
                {
                    (LogEvent[] events, bool endsCommit) = _recent.After(after);
                    return Page(after, events, endsCommit, selection);
                }

                if (after >= _recent.Last)
                {
                    if (after > _recent.Last)
                    {
                        _recent.Restart(after);
                    }

                    others = _filling;
                    if (others is null)
                    {
                        mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                        _filling = mine.Task;
                    }
                }
            }

            if (mine is not null)
            {
                await FillAsync(after, mine).ConfigureAwait(false);
            }
            else if (others is not null)
            {
                await others.WaitAsync(cancel).ConfigureAwait(false);
            }
            else
            {
                return await ReadAsync(after, selection, cancel).ConfigureAwait(false);
            }
        }

        return LogPage.Nothing(after);
    }

    /// <summary>Completes when an event after this one is on the disk.</summary>
    public Task WaitAsync(long after, CancellationToken cancel) => database.WaitForSequenceAsync(after, cancel);

    /// <summary>The fault of a reader that asks for what is no longer kept.</summary>
    public static Fault BelowFloor(string field, long wanted, long floor) =>
        new(FaultKind.OutOfRange, $"event {wanted} is no longer kept: the oldest is {floor}", field, $"begin with {floor}")
        {
            Reason = "EVENTS_BELOW_FLOOR",
            Facts = new Dictionary<string, string> { ["floor"] = floor.ToString(System.Globalization.CultureInfo.InvariantCulture) },
        };

    /// <summary>Reads for all that wait, so that none of them can call it off; when it fails, each of them comes to know by itself.</summary>
    private async Task FillAsync(long after, TaskCompletionSource done)
    {
        try
        {
            EventsPage page = await PageAsync(after, (_, _, _) => true, CancellationToken.None).ConfigureAwait(false);
            LogEvent[] events = [.. page.Events.Select(stored => new LogEvent(stored))];
            lock (_gate)
            {
                _recent.Add(after, events, page.EndsCommit);
            }
        }
        finally
        {
            lock (_gate)
            {
                _filling = null;
            }

            done.SetResult();
        }
    }

    private async Task<LogPage> ReadAsync(long after, EventSelection selection, CancellationToken cancel)
    {
        EventsPage page = await PageAsync(after, selection.Wants, cancel).ConfigureAwait(false);
        return new LogPage([.. page.Events.Select(stored => new LogEvent(stored))], page.Sequence, page.Revision, page.EndsCommit);
    }

    private async Task<EventsPage> PageAsync(long after, EventWanted wanted, CancellationToken cancel)
    {
        Interlocked.Increment(ref _reads);
        var range = new EventRange(after + 1, long.MaxValue, IsDescending: false, Limits.EventPageEventsMax);
        EventsPage page = await database.ReadEventsAsync(range, wanted, cancel).ConfigureAwait(false);
        if (page.First > after + 1)
        {
            throw BelowFloor("after", after + 1, page.First);
        }

        return page.Sequence > after ? page : throw EventsPage.Missing(after + 1);
    }

    private static LogPage Page(long after, LogEvent[] events, bool endsCommit, EventSelection selection) => new(
        [.. events.Where(known => selection.Wants(known.Message.Tenant, known.Message.Kind, known.Message.Subject))],
        after + events.Length, events[^1].Message.Revision, endsCommit);
}
