using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Store.Records;

namespace Auraed.Domain.Assets;

/// <summary>
/// Removes what nothing refers to, in two phases: a chunk without a part that refers to it is condemned, and goes when it still is after the grace. Everything is done in
/// short units of work beside uploads, and what a killed collection has done is what the next one begins with. Invariants: one collection at a time; a condemned
/// chunk has no part that refers to it, for a part that comes takes the condemnation away (<see cref="ChunkAppend"/>); memory is two bitmaps of a window of numbers.
/// </summary>
internal sealed class Collector(Database database, Evictor evictor) : IDisposable
{
    private const string System = "auraed";

    private readonly SemaphoreSlim _one = new(1);

    /// <param name="grace">How long a chunk must have been condemned.</param>
    /// <param name="isDry">Changes nothing, and counts what a collection with no grace would remove.</param>
    public async Task<GarbageCollectResult> RunAsync(TimeSpan grace, bool isDry, Action<AssetProgress>? progress, CancellationToken cancel)
    {
        if (!await _one.WaitAsync(TimeSpan.Zero, cancel).ConfigureAwait(false))
        {
            throw new Fault(FaultKind.Unavailable, "a collection runs already", hint: "call again when it has ended") { Reason = "COLLECTION_RUNS", RetryAfter = Limits.AssetRetryAfter };
        }

        try
        {
            var result = new GarbageCollectResult();
            if (!isDry)
            {
                result.ExpiredUploadCount = await ExpireUploadsAsync(cancel).ConfigureAwait(false);
                result.ExpiredLeaseCount = await ExpireLeasesAsync(cancel).ConfigureAwait(false);
                await RemoveLooseAsync(progress, cancel).ConfigureAwait(false);
            }

            await CondemnAsync(result, isDry, progress, cancel).ConfigureAwait(false);
            if (!isDry)
            {
                await RemoveAsync(grace, result, progress, cancel).ConfigureAwait(false);
                await EvictAsync(result, progress, cancel).ConfigureAwait(false);
            }

            result.KeptChunkCount = await database.ReadAsync(unit => SumRows.Of(unit, null).Chunks.ChunkCount, cancel).ConfigureAwait(false);
            if (isDry)
            {
                result.KeptChunkCount -= result.RemovedChunkCount;
            }

            return result;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task<long> ExpireUploadsAsync(CancellationToken cancel)
    {
        long expired = 0;
        int count;
        do
        {
            count = await WriteAsync(unit => new UploadRows(unit).Expire(unit.Now - (Limits.AssetUploadAgeMax.Ticks * 100), Limits.CollectionUnitRowsMax), cancel).ConfigureAwait(false);
            expired += count;
            CrashPoint.Reach("collect.uploads");
        }
        while (count == Limits.CollectionUnitRowsMax);
        return expired;
    }

    private async Task<long> ExpireLeasesAsync(CancellationToken cancel)
    {
        long expired = 0;
        foreach ((_, string tenant, _) in await database.ReadAsync(unit => new HolderRows(unit).All(), cancel).ConfigureAwait(false))
        {
            List<string> ended;
            do
            {
                ended = await WriteAsync(unit => EndLeases(unit, tenant), cancel).ConfigureAwait(false);
                expired += ended.Count;
                CrashPoint.Reach("collect.leases");
            }
            while (ended.Count == Limits.AssetNamesShownMax);
        }

        return expired;
    }

    private static List<string> EndLeases(WriteUnit unit, string tenant)
    {
        var writer = new RecordWriter(unit, new RecordCall(tenant, System) { IsDaemon = true });
        List<string> ended = LeaseRows.Ended(unit, tenant, null, unit.Now, Limits.AssetNamesShownMax);
        ended.ForEach(lease => writer.Delete(new RecordDelete(AssetTables.Leases, lease, 0, false)));
        return ended;
    }

    private async Task RemoveLooseAsync(Action<AssetProgress>? progress, CancellationToken cancel)
    {
        long removed = 0;
        int count;
        do
        {
            count = await WriteAsync(unit => CollectionRows.RemoveLoose(unit, Limits.CollectionUnitRowsMax), cancel).ConfigureAwait(false);
            removed += count;
            progress?.Invoke(new AssetProgress { Step = "removing parts of deleted assets", Done = removed });
            CrashPoint.Reach("collect.loose");
        }
        while (count > 0);
    }

    private async Task CondemnAsync(GarbageCollectResult result, bool isDry, Action<AssetProgress>? progress, CancellationToken cancel)
    {
        (long first, long last, _) = await database.ReadAsync(CollectionRows.Bounds, cancel).ConfigureAwait(false);
        for (long low = first; low <= last && last > 0; low += Limits.CollectionWindowChunks)
        {
            int count = (int)Math.Min(last - low + 1, Limits.CollectionWindowChunks);
            long lastPart = (await database.ReadAsync(CollectionRows.Bounds, cancel).ConfigureAwait(false)).LastPart;
            var all = new LiveChunks(low, count, lastPart, null);
            foreach ((long holder, _, _) in await database.ReadAsync(unit => new HolderRows(unit).All(), cancel).ConfigureAwait(false))
            {
                all.Add(await MarkAsync(holder, low, count, isDry, cancel).ConfigureAwait(false));
            }

            long? next = low;
            while (next is { } from)
            {
                (List<long> dead, next) = await database.ReadAsync(unit => CollectionRows.FindDead(unit, from, all, alsoCondemned: isDry, Limits.CollectionRowsMax), cancel).ConfigureAwait(false);
                await CondemnAsync(dead, all, result, isDry, cancel).ConfigureAwait(false);
                progress?.Invoke(new AssetProgress { Step = "finding unused chunks", Done = from - first, Total = last - first + 1 });
            }
        }
    }

    private async Task CondemnAsync(List<long> dead, LiveChunks all, GarbageCollectResult result, bool isDry, CancellationToken cancel)
    {
        foreach (long[] batch in dead.Chunk(Limits.CollectionUnitRowsMax))
        {
            if (isDry)
            {
                result.RemovedChunkCount += batch.Length;
                result.RemovedStoredSize += await database.ReadAsync(unit => batch.Sum(number => (long)(new ChunkRows(unit).Find(number)?.StoredSize ?? 0)), cancel).ConfigureAwait(false);
                continue;
            }

            result.CondemnedChunkCount += await WriteAsync(unit => CollectionRows.Condemn(unit, batch, all), cancel).ConfigureAwait(false);
            CrashPoint.Reach("collect.condemned");
        }
    }

    /// <summary>Marks what a tenant's parts refer to, and takes from the tenant what they do not.</summary>
    private async Task<LiveChunks> MarkAsync(long holder, long low, int count, bool isDry, CancellationToken cancel)
    {
        long lastPart = (await database.ReadAsync(CollectionRows.Bounds, cancel).ConfigureAwait(false)).LastPart;
        var live = new LiveChunks(low, count, lastPart, holder);
        for ((long, long)? place = (0, 0); place is { } from;)
        {
            place = await database.ReadAsync(unit => CollectionRows.Mark(unit, holder, from, live, Limits.CollectionRowsMax), cancel).ConfigureAwait(false);
        }

        for (long? next = isDry ? null : low; next is { } from;)
        {
            (List<long> stale, next) = await database.ReadAsync(unit => CollectionRows.FindStale(unit, holder, from, live, Limits.CollectionRowsMax), cancel).ConfigureAwait(false);
            foreach (long[] batch in stale.Chunk(Limits.CollectionUnitRowsMax))
            {
                _ = await WriteAsync(unit => CollectionRows.Release(unit, holder, batch, live), cancel).ConfigureAwait(false);
                CrashPoint.Reach("collect.released");
            }
        }

        return live;
    }

    private async Task RemoveAsync(TimeSpan grace, GarbageCollectResult result, Action<AssetProgress>? progress, CancellationToken cancel)
    {
        long until = await WriteAsync(unit => unit.Now - (grace.Ticks * 100), cancel).ConfigureAwait(false);
        for (long? next = 0; next is { } from;)
        {
            // Looked for beside the writer: those that are still within their grace may be millions.
            (List<long> expired, next) = await database.ReadAsync(unit => CollectionRows.FindExpired(unit, from, until, Limits.CollectionRowsMax), cancel).ConfigureAwait(false);
            foreach (long[] read in expired.Chunk(Limits.CollectionReadChunksMax))
            {
                // A damaged page that the writer met would end all writing.
                List<long> unreadable = await ChunkDamage.FindAsync(database, read, cancel).ConfigureAwait(false);
                foreach (long[] batch in read.Chunk(Limits.CollectionUnitChunksMax))
                {
                    (int count, long size) = await WriteAsync(unit => CollectionRows.Remove(unit, batch, unreadable, until), cancel).ConfigureAwait(false);
                    result.RemovedChunkCount += count;
                    result.RemovedStoredSize += size;
                    progress?.Invoke(new AssetProgress { Step = "removing chunks", Done = result.RemovedChunkCount });
                    CrashPoint.Reach("collect.removed");
                }
            }
        }
    }

    /// <summary>What an archiving that was cut off left in the file, or an asset that is gone kept there. Not while one is at it, which does this itself.</summary>
    private async Task EvictAsync(GarbageCollectResult result, Action<AssetProgress>? progress, CancellationToken cancel)
    {
        using IDisposable? turn = evictor.TryEnter();
        if (turn is not null)
        {
            (result.FreedChunkCount, result.FreedSize) = await evictor.RunAsync(progress, cancel).ConfigureAwait(false);
        }
    }

    private Task<T> WriteAsync<T>(Func<WriteUnit, T> work, CancellationToken cancel) => database.WriteAsync(work, cancel, WritePriority.Bulk);
}
