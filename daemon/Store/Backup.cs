using Auraed.Base;
using Auraed.Native;
using Auraed.Store.Journal;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>How far a long operation is; the same unit for done and total, which may still grow.</summary>
public readonly record struct StoreProgress(string Step, long Done, long Total);

/// <summary>What a finished copy holds.</summary>
public sealed record BackupReport(string Path, long Bytes, long Sequence);

/// <summary>
/// Copies an open database into one encrypted file while it is written to. Invariants: the copy is one snapshot; under its final name only a
/// complete and durable file ever stands; the copy has a salt of its own, so equal pages differ.
/// </summary>
internal static class Backup
{
    private const int PagesPerStep = 256;

    /// <summary>Fault(Exhausted) when the destination is full, and then nothing is left there.</summary>
    /// <param name="source">A connection that nobody else uses meanwhile; a read transaction on it is held to the end.</param>
    public static BackupReport Run(Connection source, StoreKey key, string destination, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        destination = Path.GetFullPath(destination);
        var partial = destination + ".partial";
        MakeRoom(destination, partial);
        try
        {
            source.Execute("BEGIN");
            long sequence;
            try
            {
                // The first read takes the snapshot.
                sequence = source.QueryInteger("SELECT coalesce(max(sequence), 0) FROM event");
                using var target = Connection.Open(partial, ConnectionMode.Create, key, new TableVersions(), null, source.Seal);
                File.SetUnixFileMode(partial, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                target.Execute("PRAGMA journal_mode = MEMORY");
                target.Execute("PRAGMA synchronous = OFF");
                Copy(source, target, progress, cancel);
                JournalPosition.Detach(target);
                // A copy stands alone: opening it must not need a log beside it.
                target.Execute("PRAGMA journal_mode = DELETE");
            }
            finally
            {
                source.Execute("ROLLBACK");
            }

            CrashPoint.Reach("backup.copied");
            DurableFiles.Publish(partial, destination);
            CrashPoint.Reach("backup.published");
            return new BackupReport(destination, new FileInfo(destination).Length, sequence);
        }
        catch
        {
            Remove(partial);
            throw;
        }
    }

    private static void MakeRoom(string destination, string partial)
    {
        try
        {
            _ = Directory.CreateDirectory(Path.GetDirectoryName(destination)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Remove(partial);
        }
        catch (Exception refused) when (refused is UnauthorizedAccessException or IOException)
        {
            throw new Fault(FaultKind.Precondition, $"{destination} cannot be written: {refused.Message}", hint: "name a destination that the daemon may write", cause: refused) { Reason = "CANNOT_OPEN" };
        }
    }

    private static void Copy(Connection source, Connection target, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        using var backup = raw.sqlite3_backup_init(target.Handle, "main", source.Handle, "main");
        if (backup.IsInvalid)
        {
            throw target.FaultOf(raw.sqlite3_errcode(target.Handle), "a copy cannot be begun");
        }

        for (var done = 0L; ;)
        {
            cancel.ThrowIfCancellationRequested();
            var code = raw.sqlite3_backup_step(backup, PagesPerStep);
            CrashPoint.Reach("backup.step");
            var total = raw.sqlite3_backup_pagecount(backup);
            progress?.Invoke(new StoreProgress("copy", total - raw.sqlite3_backup_remaining(backup), total));
            if (code == raw.SQLITE_DONE)
            {
                return;
            }

            if ((code & 0xff) is raw.SQLITE_ERROR or raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB)
            {
                throw Damaged(done, code);
            }

            if (code != raw.SQLITE_OK)
            {
                throw EngineError.ToFault(code, raw.sqlite3_errstr(code).utf8_to_string(), "a copy failed");
            }

            done += PagesPerStep;
        }
    }

    /// <summary>A step takes pages as they are: what it refuses is a page whose seal does not hold.</summary>
    private static Fault Damaged(long done, int code) =>
        new(
            FaultKind.Corrupt, $"the database is damaged: one of its pages {done + 1} to {done + PagesPerStep} does not carry its seal, and no copy was made",
            hint: "auraed verify names what is damaged, auraed restore of the last backup mends it", cause: new EngineException(code, raw.sqlite3_errstr(code).utf8_to_string()))
        {
            Reason = "DATABASE_DAMAGED",
        };

    private static void Remove(string partial)
    {
        File.Delete(partial);
        File.Delete(partial + "-journal");
    }
}
