using Aurae.Admin.V0;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Replay;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Upkeep;

/// <summary>
/// The care of the one file while the daemon runs: copies, checks, the copy for a plain cp. Invariants: a published copy is replaced by a
/// complete one or not at all; one publication runs at a time.
/// </summary>
public sealed class Upkeep(Database database, TimeProvider time, Pulses pulses) : IDisposable
{
    private readonly Pulse _pulse = pulses.Add("publication", Limits.PublishStepMax);
    private readonly SemaphoreSlim _publishing = new(1);

    /// <summary>When the copy was last published, by this daemon or one before it; null when never.</summary>
    public DateTimeOffset? PublishedAt => File.Exists(database.PublishedPath) ? new DateTimeOffset(File.GetLastWriteTimeUtc(database.PublishedPath), TimeSpan.Zero) : null;

    /// <summary>Copies the file to a place that is free. Fault(AlreadyExists) when it is not, Fault(Invalid) for a path that is not absolute, Fault(NotFound) for one in a directory that is not there.</summary>
    /// <param name="path">Empty takes a name under the library directory's snapshots/.</param>
    public async Task<BackupResult> BackupAsync(string path, Action<Progress> progress, CancellationToken cancel)
    {
        if (path.Length == 0)
        {
            return (await database.SnapshotAsync("asked", step => progress(step.ToMessage()), cancel).ConfigureAwait(false)).ToMessage();
        }

        path = Require(path);
        if (Path.Exists(path))
        {
            throw new Fault(FaultKind.AlreadyExists, $"{path} is there already and is not overwritten", "path", "name a file that does not exist, or remove it first");
        }

        FileFaults.RequireDirectoryOf(path, "path");
        return (await database.BackupAsync(path, step => progress(step.ToMessage()), cancel).ConfigureAwait(false)).ToMessage();
    }

    /// <summary>Replaces the published copy by one of this moment.</summary>
    public async Task<BackupResult> PublishAsync(Action<Progress>? progress, CancellationToken cancel)
    {
        await _publishing.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            _pulse.Enter();
            return (await database.PublishAsync(Tell, cancel).ConfigureAwait(false)).ToMessage();
        }
        finally
        {
            _pulse.Leave();
            _publishing.Release();
        }

        void Tell(StoreProgress step)
        {
            _pulse.Enter();
            progress?.Invoke(step.ToMessage());
        }
    }

    /// <summary>Checks the running file, or a copy of it on this host.</summary>
    /// <param name="path">Empty for the running file.</param>
    public async Task<VerifyResult> VerifyAsync(string path, Action<Progress> progress, CancellationToken cancel)
    {
        if (path.Length == 0 || path == database.Path)
        {
            return (await database.VerifyAsync(step => progress(step.ToMessage()), cancel).ConfigureAwait(false)).ToMessage();
        }

        path = Require(path);
        var report = await Task.Factory.StartNew(
            () => Maintenance.Verify(path, database.Options.KeyPath, step => progress(step.ToMessage()), cancel),
            cancel,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).ConfigureAwait(false);
        return report.ToMessage();
    }

    /// <summary>Makes the state out of the log, and compares it with the tables or, with an output, writes it there.</summary>
    public async Task<ReplayResult> ReplayAsync(ReplayRequest request, Action<Progress> progress, CancellationToken cancel)
    {
        string? archive = request.Archive.Length == 0 ? null : Require(request.Archive, "archive");
        ReplayMoment moment = request.AtCase switch
        {
            ReplayRequest.AtOneofCase.AtSequence => new ReplayMoment(request.AtSequence >= 1 ? request.AtSequence : throw Fault.Invalid("at_sequence", "at_sequence is less than 1"), null),
            ReplayRequest.AtOneofCase.AtTime => new ReplayMoment(null, (request.AtTime.Seconds * 1_000_000_000) + request.AtTime.Nanos),
            _ => default,
        };
        if (request.Output.Length > 0)
        {
            string output = Require(request.Output, "output");
            return (await database.ReplayAsync(moment, output, archive, step => progress(step.ToMessage()), cancel).ConfigureAwait(false)).ToMessage();
        }

        return moment == default
            ? (await database.ReplayCheckAsync(archive, step => progress(step.ToMessage()), cancel).ConfigureAwait(false)).ToMessage()
            : throw Fault.Invalid("output", "a state of the past is written to an output; without one, the log is compared with the tables of now");
    }

    public async Task<DatabaseStatus> StatusAsync(CancellationToken cancel)
    {
        var history = await database.MigrationsAsync(cancel).ConfigureAwait(false);
        var status = new DatabaseStatus
        {
            Path = database.Path,
            SchemaVersion = history[^1].Version,
            FileBytes = new FileInfo(database.Path).Length,
            LogBytes = database.LogBytes,
            LastSequence = database.Durable,
            WaitingWrites = database.WaitingWrites,
            Commits = database.Writes.Groups,
            Requests = database.Writes.Units,
            Failure = database.Failure?.Message ?? "",
            Test = database.Options.IsTest,
        };
        if (PublishedAt is { } published)
        {
            status.PublishedTime = Timestamp.FromDateTimeOffset(published);
        }

        return status;
    }

    /// <summary>Folds the log into the file; answers the bytes of it that readers still hold.</summary>
    public async Task<long> CheckpointAsync(CancellationToken cancel)
    {
        await database.CheckpointAsync(cancel).ConfigureAwait(false);
        return database.LogBytes;
    }

    public async Task<ListMigrationsResponse> MigrationsAsync(CancellationToken cancel) =>
        (await database.MigrationsAsync(cancel).ConfigureAwait(false)).ToMessage();

    /// <summary>Publishes at every interval until cancelled, and at once when the published copy is older than that. Told of each end by its callback.</summary>
    public async Task PublishForeverAsync(TimeSpan interval, Action<BackupResult> published, Action<Fault> failed, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                var age = PublishedAt is { } last ? time.GetUtcNow() - last : interval;
                // A clock that was set back must not put the next turn off for ever.
                var wait = age < TimeSpan.Zero || age >= interval ? TimeSpan.Zero : interval - age;
                await Task.Delay(wait, time, cancel).ConfigureAwait(false);
                published(await PublishAsync(null, cancel).ConfigureAwait(false));
            }
            catch (Fault fault)
            {
                failed(fault);
                await RestAsync(interval, cancel).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
        }
    }

    public void Dispose() => _publishing.Dispose();

    /// <summary>After a failure, a turn of its own: the copy's age says nothing then.</summary>
    private async Task RestAsync(TimeSpan interval, CancellationToken cancel)
    {
        try
        {
            await Task.Delay(interval < Limits.PublishRetry ? interval : Limits.PublishRetry, time, cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The loop's condition ends it.
        }
    }

    private static string Require(string path, string field = "path")
    {
        if (!Path.IsPathFullyQualified(path) || path.Contains('\0', StringComparison.Ordinal))
        {
            throw Fault.Invalid(field, $"{field} '{path}' is not absolute; the daemon's working directory is not the caller's");
        }

        return Path.GetFullPath(path);
    }
}
