using System.Runtime.CompilerServices;
using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Records;

namespace Auraed.Domain.Records;

/// <summary>What a watch asks for.</summary>
/// <param name="Types">Empty for all.</param>
/// <param name="Name">Null for all of the types.</param>
/// <param name="After">Null from now.</param>
public sealed record RecordWatchRequest(
    string Tenant, IReadOnlyList<RecordTable> Types, string? Name, IReadOnlyDictionary<string, string> Labels, long? After, bool InitialState, TimeSpan ProgressInterval);

/// <summary>
/// Streams changes out of the event log. A watch pulls: it reads one batch, hands it on, and reads the next when that is taken; so a slow reader
/// holds one batch, holds up nobody, and misses nothing.
/// </summary>
public sealed class RecordWatch(Database database, TimeProvider time)
{
    private int _count;

    /// <summary>Watches that are open.</summary>
    public int Count => Volatile.Read(ref _count);

    public async IAsyncEnumerable<WatchRecordsResponse> WatchAsync(RecordWatchRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _count) > Limits.WatchersCountMax)
        {
            Interlocked.Decrement(ref _count);
            throw new Fault(FaultKind.Exhausted, $"{Limits.WatchersCountMax} watches are open already") { Reason = "TOO_MANY_WATCHES" };
        }

        try
        {
            (long first, long last) = await database.ReadAsync(EventRows.Bounds, cancel).ConfigureAwait(false);
            long after = Start(request, first, last);
            var sent = new Dictionary<(string, string), long>();
            if (request.InitialState)
            {
                await foreach (Record record in ExistingAsync(request, after, sent, cancel).ConfigureAwait(false))
                {
                    yield return new WatchRecordsResponse { Change = new RecordChange { Kind = ChangeKind.Existing, Record = record } };
                }

                yield return Progress(after, true);
            }

            var filter = new WatchFilter(request, sent);
            long told = time.GetTimestamp();
            while (true)
            {
                EventBatch batch = await database.ReadEventsAsync(request.Tenant, after, Limits.WatchBatchEventsMax, filter.Wants, cancel).ConfigureAwait(false);
                CheckFloor(after, batch.First);
                foreach (EventRow row in batch.Events)
                {
                    if (filter.Change(row) is { } change)
                    {
                        yield return new WatchRecordsResponse { Change = change };
                        told = time.GetTimestamp();
                    }
                }

                after = batch.Sequence;
                if (time.GetElapsedTime(told) >= request.ProgressInterval)
                {
                    yield return Progress(after, false);
                    told = time.GetTimestamp();
                }

                if (after >= batch.Last)
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

    private static long Start(RecordWatchRequest request, long first, long last)
    {
        if (request.After is not { } after)
        {
            return last;
        }

        if (after < 0)
        {
            throw Fault.Invalid("after", "after is less than 0");
        }

        if (after > last)
        {
            throw new Fault(FaultKind.OutOfRange, $"after {after} lies in the future: the last change is {last}", "after", "the database may have been restored: list again, then watch") { Reason = "WATCH_IN_FUTURE" };
        }

        CheckFloor(after, first);
        return after;
    }

    private static void CheckFloor(long after, long first)
    {
        if (first > after + 1)
        {
            throw new Fault(FaultKind.OutOfRange, $"changes after {after} are no longer all kept: the first is {first}", "after", "list again, then watch from the list's revision") { Reason = "WATCH_BELOW_FLOOR" };
        }
    }

    /// <summary>
    /// Every record, page by page, each page as it is then. What changed after <paramref name="start"/> and before its page was read is noted in
    /// <paramref name="sent"/>, so that those changes are not told twice.
    /// </summary>
    private async IAsyncEnumerable<Record> ExistingAsync(
        RecordWatchRequest request, long start, Dictionary<(string, string), long> sent, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (RecordTable table in request.Types.Count > 0 ? request.Types : Tables.All)
        {
            if (request.Name is not null)
            {
                StoredRecord? only = await database.FindAsync(table, request.Tenant, request.Name, cancel).ConfigureAwait(false);
                if (only is not null && WatchFilter.Has(only.Labels, request.Labels))
                {
                    yield return Noted(only, start, sent);
                }

                continue;
            }

            IReadOnlyList<SqlValue>? after = null;
            do
            {
                var query = new RecordQuery
                {
                    Table = table,
                    Tenant = request.Tenant,
                    Labels = request.Labels,
                    Order = RecordOrder.Parse(table, string.Empty),
                    After = after,
                    CountMax = Limits.WatchBatchEventsMax,
                    BytesMax = Limits.PageBytesMax,
                };
                RecordPage page = await database.ReadAsync(query.Read, cancel).ConfigureAwait(false);
                foreach (StoredRecord stored in page.Records)
                {
                    yield return Noted(stored, start, sent);
                }

                after = page.Next;
            }
            while (after is not null);
        }
    }

    private static Record Noted(StoredRecord stored, long start, Dictionary<(string, string), long> sent)
    {
        if (stored.Revision > start)
        {
            if (sent.Count == Limits.WatchNotedRecordsCountMax)
            {
                throw new Fault(FaultKind.Exhausted, "too many records changed while the initial state was sent", hint: "watch fewer types, or list and then watch") { Reason = "INITIAL_STATE_TOO_BUSY" };
            }

            sent[(stored.Table.Name, stored.Name)] = stored.Revision;
        }

        return RecordMessages.ToMessage(stored);
    }

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
            await database.WaitForSequenceAsync(after, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // Nothing happened: time for a sign of life.
        }
    }

    private static WatchRecordsResponse Progress(long sequence, bool isInitial) =>
        new() { Progress = new WatchProgress { Sequence = sequence, InitialStateSent = isInitial } };
}
