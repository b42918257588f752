using System.Buffers;
using System.Runtime.CompilerServices;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Events;
using Auraed.Store.Proof;
using Auraed.Store.Segments;

namespace Auraed.EventLog;

/// <summary>What stays in the log whatever is archived. Zeros mean no such reason.</summary>
public readonly record struct KeepPolicy(TimeSpan Age, long Count)
{
    public bool IsNone => Age == TimeSpan.Zero && Count == 0;
}

/// <summary>Where segments are archived to.</summary>
/// <param name="Directory">Empty when it is assets, or nowhere.</param>
public readonly record struct ArchiveTarget(string Directory, bool IsAssets)
{
    public static readonly ArchiveTarget Assets = new("", IsAssets: true);

    public bool IsNone => string.IsNullOrEmpty(Directory) && !IsAssets;

    public static ArchiveTarget To(string directory) => new(directory, IsAssets: false);
}

/// <summary>What archiving came to.</summary>
/// <param name="Segments">Written now.</param>
/// <param name="Events">In those.</param>
/// <param name="Last">The last event that is archived.</param>
public sealed record ArchiveOutcome(ArchiveTarget Target, int Segments, long Events, long Last);

/// <summary>What pruning came to, or would come to.</summary>
/// <param name="Floor">The last event below the floor.</param>
/// <param name="Events">Pruned now.</param>
/// <param name="HeldBy">What keeps the next segment: "archive", "cursor", "age", "count" or "newest".</param>
public sealed record PruneOutcome(long Floor, long Events, string HeldBy);

/// <summary>
/// Archives whole signed segments of the log and prunes what is archived. Invariants: a segment counts when it is under its name, synced, read back and
/// verified; only events of such segments that every cursor has passed are pruned; archives are contiguous and end at multiples of 256.
/// </summary>
public sealed class LogRetention(Database database, LogKeeper keeper, TimeProvider time) : IDisposable
{
    /// <summary>What stands before the asset's id in the path of a segment that is an asset.</summary>
    public const string AssetPrefix = "asset:";

    private const long NanosecondsPerTick = 100;
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>The place whose segments' paths begin with <see cref="AssetPrefix"/>; null where there is none.</summary>
    internal ISegmentPlace? Assets { get; init; }

    private ISegmentPlace AssetsThere => Assets ?? throw new Fault(FaultKind.Precondition, "only the daemon archives to assets and reads them") { Reason = "NO_ASSETS" };

    /// <summary>Archives what is not archived yet, as far as whole blocks of 256 events go; whole segments only when <paramref name="isWhole"/>.</summary>
    public async Task<ArchiveOutcome> ArchiveAsync(ArchiveTarget target, bool isWhole, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        ISegmentPlace place = target.IsAssets ? AssetsThere : new SegmentDirectory(target.Directory, database).Make();
        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            (long last, long start) = await database.ReadAsync(
                unit => (ArchiveRows.Last(unit.Prepare), FloorRow.Read(unit.Prepare).Sequence), cancel).ConfigureAwait(false);
            last = Math.Max(last, start);
            (long before, int segments) = (last, 0);
            long block = isWhole ? Limits.SegmentEventsMax : TreeNodes.BlockLeaves;
            long end = database.Durable / block * block;
            while (last < end)
            {
                long next = Math.Min(end, ((last / Limits.SegmentEventsMax) + 1) * Limits.SegmentEventsMax);
                await WriteAsync(place, last + 1, next, progress, cancel).ConfigureAwait(false);
                (last, segments) = (next, segments + 1);
            }

            return new ArchiveOutcome(target, segments, last - before, last);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Prunes every archived segment that policy and cursors let go. Fault(Precondition) when one of them is not in the archive as it was verified.</summary>
    public async Task<PruneOutcome> PruneAsync(KeepPolicy policy, bool isDryRun, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            long earliest = policy.Age == TimeSpan.Zero ? 0 : Now() - (policy.Age.Ticks * NanosecondsPerTick);
            (long floor, long target, string heldBy, List<ArchivedSegment> segments) = await database.ReadAsync(unit => Decide(unit, policy, earliest), cancel).ConfigureAwait(false);
            foreach (ArchivedSegment segment in segments)
            {
                await RequireAsync(segment, progress, cancel).ConfigureAwait(false);
            }

            if (!isDryRun && target > floor)
            {
                CrashPoint.Reach("prune.verified");
                await database.WriteAsync(unit => Pruning.Raise(unit, target), cancel).ConfigureAwait(false);
                CrashPoint.Reach("prune.raised");
                await SweepAsync(cancel).ConfigureAwait(false);
            }

            return new PruneOutcome(target, target - floor, heldBy);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Sweeps what a crash left, then archives and prunes until cancelled.</summary>
    /// <param name="target">None archives nothing by itself.</param>
    public async Task RunAsync(ArchiveTarget target, KeepPolicy policy, Action<Fault> failed, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await SweepAsync(cancel).ConfigureAwait(false);
                if (!target.IsNone)
                {
                    await ArchiveAsync(target, isWhole: true, null, cancel).ConfigureAwait(false);
                }

                if (!policy.IsNone)
                {
                    await PruneAsync(policy, isDryRun: false, null, cancel).ConfigureAwait(false);
                }

                await Task.Delay(Limits.RetentionInterval, time, cancel).ConfigureAwait(false);
            }
            catch (Fault fault) when (database.Failure is null)
            {
                failed(fault);
                await RestAsync(cancel).ConfigureAwait(false);
            }
            catch (Fault)
            {
                return;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task SweepAsync(CancellationToken cancel)
    {
        if (!await database.ReadAsync(Pruning.IsLeft, cancel).ConfigureAwait(false))
        {
            return;
        }

        while (await database.WriteAsync(Pruning.Sweep, cancel, WritePriority.Bulk).ConfigureAwait(false) > 0)
        {
            CrashPoint.Reach("prune.batch");
        }
    }

    private static (long Floor, long Target, string HeldBy, List<ArchivedSegment> Segments) Decide(ReadUnit unit, KeepPolicy policy, long earliest)
    {
        long floor = FloorRow.Read(unit.Prepare).Sequence;
        (_, long last) = EventsPage.Bounds(unit);
        (long Most, string By)[] bounds =
        [
            (ArchiveRows.Last(unit.Prepare), "archive"),
            (CursorRows.LowestNeeded(unit) - 1 ?? long.MaxValue, "cursor"),
            (policy.Age > TimeSpan.Zero ? EventsPage.FirstAt(unit, earliest) - 1 : long.MaxValue, "age"),
            (policy.Count > 0 ? last - policy.Count : long.MaxValue, "count"),
            (last - 1, "newest"),
        ];
        (long most, string heldBy) = bounds.MinBy(bound => bound.Most);
        List<ArchivedSegment> segments = [.. ArchiveRows.After(unit.Prepare, floor).TakeWhile(segment => segment.Last <= most)];
        return (floor, segments.Count > 0 ? segments[^1].Last : floor, heldBy, segments);
    }

    private async Task WriteAsync(ISegmentPlace place, long first, long last, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        Checkpoint checkpoint = await keeper.CoveringAsync(last, cancel).ConfigureAwait(false);
        IAsyncEnumerable<ReadOnlyMemory<byte>> parts = PartsAsync(new SegmentWriter(first, last, checkpoint), last - first + 1, progress, cancel);
        _ = await place.PlaceAsync(new SegmentDraft(first, last, parts, database.Signer, Now()), progress, cancel).ConfigureAwait(false);
        CrashPoint.Reach("archive.recorded");
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> PartsAsync(
        SegmentWriter writer, long total, Action<StoreProgress>? progress, [EnumeratorCancellation] CancellationToken cancel)
    {
        var output = new ArrayBufferWriter<byte>(Limits.SegmentPartBytes);
        bool isLeft = await database.ReadAsync(Header, cancel).ConfigureAwait(false);
        while (isLeft)
        {
            yield return output.WrittenMemory;
            output.ResetWrittenCount();
            progress?.Invoke(new StoreProgress("archiving", writer.Done, total));
            isLeft = await database.ReadAsync(unit => writer.WritePart(unit.Prepare, output), cancel).ConfigureAwait(false);
        }

        bool Header(ReadUnit unit)
        {
            writer.WriteHeader(unit.Prepare, output);
            return true;
        }
    }

    /// <summary>Holds an archived segment to what was recorded of it, to itself, and to the log that it is to stand for.</summary>
    private async Task RequireAsync(ArchivedSegment segment, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        EventsPage last = await database.ReadAsync(
            unit => EventsPage.Read(unit, new EventRange(segment.Last, segment.Last, false, 1), (_, _, _) => true), cancel).ConfigureAwait(false);
        ISegmentPlace place = segment.Path.StartsWith(AssetPrefix, StringComparison.Ordinal) ? AssetsThere : new SegmentDirectory(Path.GetDirectoryName(segment.Path)!, database);
        if (await place.FindWrongAsync(segment, last.Events[0].Hash, progress, cancel).ConfigureAwait(false) is { } wrong)
        {
            throw new Fault(FaultKind.Precondition, $"the archive of events {segment.First} to {segment.Last} ({segment.Path}) cannot stand for them: {wrong}; nothing was pruned", hint: "put the archived file back") { Reason = "ARCHIVE_DAMAGED" };
        }
    }

    private long Now() => (time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) * NanosecondsPerTick;

    private async Task RestAsync(CancellationToken cancel)
    {
        try
        {
            await Task.Delay(Limits.LogKeeperRetry, time, cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The loop's condition ends it.
        }
    }
}
