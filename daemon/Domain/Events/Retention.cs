using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.EventLog;
using Auraed.Store;
using Auraed.Store.Proof;
using Auraed.Store.Segments;
using Google.Protobuf;

namespace Auraed.Domain.Events;

/// <summary>Archiving and pruning as the service offers them.</summary>
/// <param name="own">The daemon's own archive; none when it has none.</param>
/// <param name="policy">The daemon's own.</param>
public sealed class Retention(Database database, LogRetention retention, ArchiveTarget own, KeepPolicy policy)
{
    public async Task<ArchiveEventsResult> ArchiveAsync(ArchiveEventsRequest request, Action<RetentionProgress> progress, CancellationToken cancel)
    {
        ArchiveOutcome outcome = await retention.ArchiveAsync(Target(request), isWhole: false, step => progress(ToMessage(step)), cancel).ConfigureAwait(false);
        return new ArchiveEventsResult { Directory = outcome.Target.Directory, Segments = outcome.Segments, Events = outcome.Events, LastSequence = outcome.Last };
    }

    public async Task<PruneEventsResult> PruneAsync(PruneEventsRequest request, Action<RetentionProgress> progress, CancellationToken cancel)
    {
        TimeSpan age = policy.Age;
        if (request.KeepAge is { } wanted)
        {
            age = wanted.Seconds is >= 0 and < 10_000_000_000 && wanted.Nanos is >= 0 and < 1_000_000_000 ? wanted.ToTimeSpan() : throw Fault.Invalid("keep_age", "keep_age is not between 0 and 300 years");
        }

        long count = request.HasKeepCount ? request.KeepCount : policy.Count;
        if (count < 0)
        {
            throw Fault.Invalid("keep_count", "keep_count is less than 0");
        }

        PruneOutcome outcome = await retention.PruneAsync(new KeepPolicy(age, count), request.DryRun, step => progress(ToMessage(step)), cancel).ConfigureAwait(false);
        return new PruneEventsResult { Floor = outcome.Floor + 1, Events = outcome.Events, HeldBy = outcome.HeldBy };
    }

    public Task<ListArchivesResponse> ListAsync(CancellationToken cancel) => database.ReadAsync(
        unit =>
        {
            var response = new ListArchivesResponse { Floor = FloorRow.Read(unit.Prepare).Sequence + 1 };
            response.Archives.AddRange(ArchiveRows.After(unit.Prepare, 0).Select(segment => new EventArchive
            {
                FirstSequence = segment.First,
                LastSequence = segment.Last,
                Path = segment.Path,
                Bytes = segment.Bytes,
                Digest = UnsafeByteOperations.UnsafeWrap(segment.Digest),
                Time = RecordMessages.Time(segment.Time),
            }));
            return response;
        },
        cancel);

    private ArchiveTarget Target(ArchiveEventsRequest request)
    {
        string directory = request.Directory;
        if (request.ToAssets)
        {
            return directory.Length == 0 ? ArchiveTarget.Assets : throw Fault.Invalid("directory", "a directory is named, and to_assets is set");
        }

        if (directory.Length == 0)
        {
            return own.IsNone ? throw Fault.Invalid("directory", "no directory is named, and the daemon has neither events.archive_dir nor events.archive_assets", "auraed events archive --to DIR, or --to-assets") : own;
        }

        return Path.IsPathFullyQualified(directory) && !directory.Contains('\0', StringComparison.Ordinal)
            ? ArchiveTarget.To(Path.GetFullPath(directory))
            : throw Fault.Invalid("directory", $"directory '{directory}' is not absolute; the daemon's working directory is not the caller's");
    }

    private static RetentionProgress ToMessage(StoreProgress step) => new() { Step = step.Step, Done = step.Done, Total = step.Total };
}
