using System.Globalization;
using Auraed.Base;
using Auraed.Native;
using Auraed.Store.Proof;

namespace Auraed.Store.Replay;

/// <summary>Which moment to go to. At most one is set; neither means the newest event.</summary>
/// <param name="Sequence">After this event, the last of its commit.</param>
/// <param name="Time">After the last event at or before this time, nanoseconds since 1970 UTC.</param>
public readonly record struct ReplayMoment(long? Sequence, long? Time);

/// <summary>What replaying the log came to.</summary>
/// <param name="Sequence">The last event that was folded.</param>
/// <param name="Applied">Those that changed the state.</param>
/// <param name="Differences">Between the folded state and the tables, the first of them; empty when the tables are what the log says.</param>
/// <param name="DifferenceCount">All of them.</param>
/// <param name="Output">The database that was written; null for a comparison.</param>
public sealed record ReplayReport(long Sequence, long Applied, IReadOnlyList<string> Differences, long DifferenceCount, string? Output);

/// <summary>
/// Makes the state out of the log alone: into a scratch database that is compared with the tables, or into one that is kept. Memory does not grow with the
/// log. Invariants: the log is only read; under an output's name only a complete, verified and durable database ever stands.
/// </summary>
internal static class Replayer
{
    private const long EventsPerCommit = 4096;

    /// <param name="log">A connection that nobody else uses meanwhile; one snapshot of it is held to the end.</param>
    /// <param name="scratch">A directory for the scratch database, which takes about as much room as the records do.</param>
    public static ReplayReport Check(Connection log, StoreKey key, string scratch, string? archives, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        string path = Path.Combine(scratch, $"aurae-replay-{Guid.NewGuid():N}.partial");
        try
        {
            return OnSnapshot(log, () =>
            {
                using Connection target = Open(log, key, path);
                (long sequence, long applied) = Fold(log, target, default, archives, isKept: false, progress, cancel);
                var comparison = new StateComparison(log, target, progress, cancel);
                IReadOnlyList<string> differences = comparison.Run();
                return new ReplayReport(sequence, applied, differences, comparison.Count, null);
            });
        }
        finally
        {
            Remove(path);
        }
    }

    /// <summary>Fault(AlreadyExists) when the output is there, Fault(OutOfRange) for a moment outside of the log. The output holds the log up to the moment, and is signed by the key that it is encrypted for.</summary>
    public static ReplayReport Materialise(
        Connection log, StoreKey key, string keyPath, ReplayMoment moment, string output, string? archives, TimeProvider time, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        output = Path.GetFullPath(output);
        if (Path.Exists(output))
        {
            throw new Fault(FaultKind.AlreadyExists, $"{output} is there already and is not overwritten", "output", "name a file that does not exist, or remove it first");
        }

        FileFaults.RequireDirectoryOf(output, "output");
        string partial = output + ".partial";
        try
        {
            (long sequence, long applied) = OnSnapshot(log, () =>
            {
                using Connection target = Open(log, key, partial);
                (long Sequence, long Applied) done = Fold(log, target, moment, archives, isKept: true, progress, cancel);
                CopyOwnRows(log, target, done.Sequence);
                TreeGrowth.SignAll(target, key.Signer, time);
                target.Execute("PRAGMA journal_mode = DELETE");
                return done;
            });
            CrashPoint.Reach("replay.folded");
            VerifyReport report = Verification.OfFile(partial, key, keyPath, progress, cancel);
            if (!report.IsSound)
            {
                throw new Fault(FaultKind.Corrupt, $"what was replayed is not sound: {report.Findings[0]}", hint: "auraed verify") { Reason = "NOT_SOUND" };
            }

            DurableFiles.Publish(partial, output);
            CrashPoint.Reach("replay.published");
            return new ReplayReport(sequence, applied, [], 0, output);
        }
        catch
        {
            Remove(partial);
            throw;
        }
    }

    private static T OnSnapshot<T>(Connection log, Func<T> work)
    {
        log.Execute("BEGIN");
        try
        {
            string version = string.Concat(log.QueryTexts("SELECT version FROM schema_version ORDER BY number DESC LIMIT 1"));
            string newest = Migration.Embedded[^1].Version.ToString(3);
            return version == newest
                ? work()
                : throw new Fault(FaultKind.Precondition, $"the database has data version {version}, and replaying takes {newest}", hint: "start the daemon on it, or auraed migrate") { Reason = "DATA_VERSION" };
        }
        finally
        {
            log.EndUnit();
            if (!log.IsIdle)
            {
                log.Execute("ROLLBACK");
            }
        }
    }

    private static Connection Open(Connection log, StoreKey key, string path)
    {
        try
        {
            _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Remove(path);
        }
        catch (Exception refused) when (refused is UnauthorizedAccessException or IOException)
        {
            throw new Fault(FaultKind.Precondition, $"{path} cannot be written: {refused.Message}", "output", "name a place that may be written", refused) { Reason = "CANNOT_OPEN" };
        }

        Connection target = Connection.Open(path, ConnectionMode.Create, key, new TableVersions(), null);
        try
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            target.Execute("PRAGMA journal_mode = MEMORY");
            target.Execute("PRAGMA synchronous = OFF");
            target.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA application_id = {DatabaseFile.ApplicationOf(log.QueryInteger("PRAGMA application_id"), hasJournal: false)}"));
            var migrator = new Migrator(target, Migration.Embedded, TimeProvider.System);
            migrator.Apply(migrator.Plan());
            return target;
        }
        catch
        {
            target.Dispose();
            throw;
        }
    }

    private static (long Sequence, long Applied) Fold(
        Connection log, Connection target, ReplayMoment moment, string? archives, bool isKept, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        using var source = new ReplaySource(log, archives);
        if (moment.Sequence > source.Last)
        {
            throw new Fault(FaultKind.OutOfRange, $"event {moment.Sequence} lies in the future: the last one is {source.Last}", "at") { Reason = "EVENT_IN_FUTURE" };
        }

        var fold = new StateFold(target.Prepare);
        long folded = 0;
        long total = moment.Sequence ?? source.Last;
        target.Execute("BEGIN");
        while (source.Next())
        {
            var view = new EventView(source.Encoding);
            if (view.Time > moment.Time || source.Sequence > moment.Sequence)
            {
                RequireWholeCommit(view, moment);
                RequireBegun(view, folded);
                break;
            }

            fold.Apply(view);
            if (isKept)
            {
                Keep(target, view, source.Hash);
            }

            folded = source.Sequence;
            if (folded % EventsPerCommit == 0)
            {
                cancel.ThrowIfCancellationRequested();
                target.EndUnit();
                target.Execute("COMMIT");
                target.Execute("BEGIN");
                progress?.Invoke(new StoreProgress("folding", folded, total));
            }
        }

        target.EndUnit();
        target.Execute("COMMIT");
        progress?.Invoke(new StoreProgress("folding", folded, total));
        return (folded, fold.Applied);
    }

    /// <summary>A state in the middle of a commit never was. All events of one commit have one time, so only a sequence can ask for it.</summary>
    private static void RequireWholeCommit(EventView next, ReplayMoment moment)
    {
        if (moment.Sequence is { } sequence && next.Revision <= sequence)
        {
            throw Fault.Invalid("at", $"event {sequence} is in the middle of a commit, which begins with {next.Revision}: there never was a state after it", $"--at {next.Revision - 1}, or the commit's last event");
        }
    }

    /// <summary>Before the first event there is no state to write.</summary>
    private static void RequireBegun(EventView next, long folded)
    {
        if (folded == 0)
        {
            // Rounded up, so that the time that is named is not too early again.
            string time = DateTime.UnixEpoch.AddTicks((next.Time + TimeSpan.NanosecondsPerTick - 1) / TimeSpan.NanosecondsPerTick).ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);
            throw new Fault(FaultKind.OutOfRange, $"there was no state at that time: the log begins with event {next.Sequence} at {time}", "at", $"--at {time}, or later") { Reason = "BEFORE_LOG" };
        }
    }

    private static void Keep(Connection target, EventView view, ReadOnlySpan<byte> hash)
    {
        Statement insert = target.Prepare($"INSERT INTO event ({EventHash.Columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        view.Bind(insert);
        insert.Blob(9, hash);
        _ = insert.Execute();
    }

    /// <summary>What belongs to the database and not to its state: its id and keys, the checkpoints and archives of the events that are kept. Counts of records are counted anew; contents are not there.</summary>
    private static void CopyOwnRows(Connection log, Connection target, long last)
    {
        target.Execute("BEGIN");
        Copy(log, target, "SELECT key, value FROM meta WHERE key NOT LIKE 'record_count:%' AND key NOT LIKE 'origin_withdrawn:%' AND key <> 'journal' AND ?1 = ?1", "INSERT INTO meta (key, value) VALUES (?, ?)", last);
        Copy(log, target, "SELECT size, time, note FROM event_checkpoint WHERE size <= ? ORDER BY number", "INSERT INTO event_checkpoint (size, time, note) VALUES (?, ?, ?)", last);
        Copy(log, target, "SELECT first, last, path, bytes, digest, time FROM event_archive WHERE last <= ? ORDER BY first", "INSERT INTO event_archive (first, last, path, bytes, digest, time) VALUES (?, ?, ?, ?, ?, ?)", last);
        target.EndUnit();
        target.Execute("COMMIT");
    }

    private static void Copy(Connection log, Connection target, string select, string insert, long last)
    {
        const int integerStorage = 1;
        const int textStorage = 3;
        (Statement rows, Statement row) = (log.Prepare(select), target.Prepare(insert));
        rows.Integer(0, last);
        while (rows.Step())
        {
            for (int column = 0; column < rows.ColumnCount; column++)
            {
                switch (rows.ColumnStorage(column))
                {
                    case integerStorage:
                        row.Integer(column, rows.Integer(column));
                        break;
                    case textStorage:
                        row.Text(column, rows.Blob(column));
                        break;
                    default:
                        row.Blob(column, rows.Blob(column));
                        break;
                }
            }

            _ = row.Execute();
        }
    }

    private static void Remove(string path)
    {
        File.Delete(path);
        File.Delete(path + "-journal");
    }
}
