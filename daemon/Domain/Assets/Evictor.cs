using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Assets;

namespace Auraed.Domain.Assets;

/// <summary>
/// Takes the bytes of archived chunks from the file, once no asset in the file refers to them. Marks what assets in the file and uploads refer to, and removes the rest that has
/// a copy, in short units of work; the unit that removes looks at parts that came since, so that an upload which refers to a chunk keeps it. Invariants: one eviction, archiving or
/// restoring at a time (<see cref="TryEnter"/>); what a kill leaves is what the next eviction begins with.
/// </summary>
internal sealed class Evictor(Database database) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>Disposing the answer lets the next one in; null when another is at it.</summary>
    public IDisposable? TryEnter() => _one.Wait(0, CancellationToken.None) ? new Turn(_one) : null;

    /// <summary>The caller has entered. Answers chunks and bytes that went.</summary>
    public async Task<(long Count, long StoredSize)> RunAsync(Action<AssetProgress>? progress, CancellationToken cancel)
    {
        if (!await database.ReadAsync(EvictionRows.IsAny, cancel).ConfigureAwait(false))
        {
            return (0, 0);
        }

        (long first, long last, _) = await database.ReadAsync(CollectionRows.Bounds, cancel).ConfigureAwait(false);
        var (count, size) = (0L, 0L);
        for (long low = first; low <= last && last > 0; low += Limits.CollectionWindowChunks)
        {
            LiveChunks kept = await MarkAsync(low, (int)Math.Min(last - low + 1, Limits.CollectionWindowChunks), cancel).ConfigureAwait(false);
            for (long? next = low; next is { } from;)
            {
                (List<long> idle, next) = await database.ReadAsync(unit => EvictionRows.Find(unit, from, kept, Limits.CollectionRowsMax), cancel).ConfigureAwait(false);
                foreach (long[] read in idle.Chunk(Limits.CollectionReadChunksMax))
                {
                    // A damaged page that the writer met would end all writing.
                    List<long> unreadable = await ChunkDamage.FindAsync(database, read, cancel).ConfigureAwait(false);
                    foreach (long[] batch in read.Chunk(Limits.CollectionUnitChunksMax))
                    {
                        (int gone, long bytes) = await database.WriteAsync(unit => EvictionRows.Run(unit, batch, unreadable, kept), cancel, WritePriority.Bulk).ConfigureAwait(false);
                        count += gone;
                        size += bytes;
                        CrashPoint.Reach("archive.evicted");
                    }
                }

                progress?.Invoke(new AssetProgress { Step = "freeing the file", Done = from - first, Total = last - first + 1 });
            }
        }

        return (count, size);
    }

    public void Dispose() => _one.Dispose();

    private async Task<LiveChunks> MarkAsync(long low, int count, CancellationToken cancel)
    {
        long lastPart = (await database.ReadAsync(CollectionRows.Bounds, cancel).ConfigureAwait(false)).LastPart;
        var kept = new LiveChunks(low, count, lastPart, null);
        foreach ((long holder, _, _) in await database.ReadAsync(unit => new HolderRows(unit).All(), cancel).ConfigureAwait(false))
        {
            for ((long, long)? place = (0, 0); place is { } from;)
            {
                place = await database.ReadAsync(unit => CollectionRows.Mark(unit, holder, from, kept, Limits.CollectionRowsMax, onlyKept: true), cancel).ConfigureAwait(false);
            }
        }

        return kept;
    }

    private sealed class Turn(SemaphoreSlim one) : IDisposable
    {
        public void Dispose() => one.Release();
    }
}
