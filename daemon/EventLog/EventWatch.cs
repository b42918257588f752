using System.Runtime.CompilerServices;
using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Store;

namespace Auraed.EventLog;

/// <summary>What a watch asks for.</summary>
/// <param name="After">Null when it begins at a time, or now.</param>
/// <param name="Since">Nanoseconds since 1970 UTC; null when it begins after a sequence, or now.</param>
public sealed record EventWatchRequest(EventSelection Selection, long? After, long? Since, TimeSpan ProgressInterval);

/// <summary>Streams the log. A watch pulls: it takes the next page when its reader has taken the one before.</summary>
public sealed class EventWatch(Database database, EventTail tail, TimeProvider time)
{
    private int _count;

    /// <summary>Watches that are open.</summary>
    public int Count => Volatile.Read(ref _count);

    public async IAsyncEnumerable<WatchEventsResponse> WatchAsync(EventWatchRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _count) > Limits.WatchersCountMax)
        {
            Interlocked.Decrement(ref _count);
            throw new Fault(FaultKind.Exhausted, $"{Limits.WatchersCountMax} watches are open already") { Reason = "TOO_MANY_WATCHES" };
        }

        try
        {
            long after = await StartAsync(request, cancel).ConfigureAwait(false);
            yield return Progress(after);
            var batch = new CommitBatch();
            long told = time.GetTimestamp();
            while (true)
            {
                LogPage page = await tail.NextAsync(after, request.Selection, cancel).ConfigureAwait(false);
                after = page.Sequence;
                WatchEventsResponse? message = batch.Add(page);
                if (message is null && page.EndsCommit && time.GetElapsedTime(told) >= request.ProgressInterval)
                {
                    message = Progress(after);
                }

                if (message is not null)
                {
                    message.LogSequence = Math.Max(tail.Last, message.Sequence);
                    yield return message;
                    told = time.GetTimestamp();
                }

                if (after >= tail.Last)
                {
                    await WaitAsync(after, request.ProgressInterval - time.GetElapsedTime(told), cancel).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref _count);
        }
    }

    private Task<long> StartAsync(EventWatchRequest request, CancellationToken cancel) => database.ReadAsync(
        unit =>
        {
            (long first, long last) = EventsPage.Bounds(unit);
            return (request.After, request.Since) switch
            {
                (null, null) => last,
                (null, { } since) => Math.Max(EventsPage.FirstAt(unit, since) - 1, 0),
                ({ } after, _) when after > last => throw new Fault(
                    FaultKind.OutOfRange, $"after {after} lies in the future: the last event is {last}", "after", "the database may have been restored: read the log from its beginning")
                {
                    Reason = "WATCH_IN_FUTURE",
                },
                ({ } after, _) when first > after + 1 => throw EventTail.BelowFloor("after", after + 1, first),
                ({ } after, _) => after,
            };
        },
        cancel);

    private async Task WaitAsync(long after, TimeSpan wait, CancellationToken cancel)
    {
        if (wait <= TimeSpan.Zero)
        {
            return;
        }

        using var timer = new CancellationTokenSource(wait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        try
        {
            await tail.WaitAsync(after, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // Nothing happened: time for a sign of life.
        }
    }

    private WatchEventsResponse Progress(long sequence) => new() { Sequence = sequence, LogSequence = Math.Max(tail.Last, sequence) };
}
