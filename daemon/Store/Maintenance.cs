using Auraed.Base;
using Auraed.Native;
using Auraed.Store.Proof;
using Auraed.Store.Replay;

namespace Auraed.Store;

/// <summary>What a swap left: the database in place, and where the one before is kept (null when there was none).</summary>
public sealed record SwapReport(string Path, string? KeptAside, long Events);

/// <summary>
/// Work on a library directory whose daemon is stopped; each takes the directory's lock and says so plainly when a daemon holds it.
/// Invariants: whatever the step at which the process dies, the directory holds the old database whole or the new one whole.
/// </summary>
public static class Maintenance
{
    /// <summary>Checks a database file that nobody has open.</summary>
    public static VerifyReport Verify(string path, string keyPath, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        DatabaseFile.CheckEngine();
        using var key = LoadKey(keyPath, out _);
        return Verification.OfFile(path, key, keyPath, progress, cancel);
    }

    /// <summary>
    /// Whether the key opens the directory's database, by the seals of its pages: nothing is opened, locked or changed. False where there is no database; otherwise the Fault that a start
    /// would end with.
    /// </summary>
    public static bool TryKey(string directory, string keyPath)
    {
        var path = DatabaseFile.PathIn(directory);
        if (!File.Exists(path))
        {
            return false;
        }

        using var key = LoadKey(keyPath, out _);
        FileProbe.Check(path, key, keyPath);
        if (PageSeal.Judge(path, key) == SealVerdict.NoPage)
        {
            FileProbe.Explain(path, key, keyPath);
        }

        return true;
    }

    /// <summary>Checks the database of a directory with the log and the journal that a stop or a kill left there, and changes none of them.</summary>
    public static VerifyReport VerifyLibrary(DatabaseOptions options, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        if (!Directory.Exists(options.Directory))
        {
            throw Fault.NotFound($"there is no directory {options.Directory}");
        }

        try
        {
            using var held = DatabaseFile.TakeDirectory(options);
            using var key = LoadKey(options.KeyPath, out _);
            return Verification.OfDirectory(options, key, progress, cancel);
        }
        catch (Fault locked) when (locked.Reason == "LIBRARY_LOCKED")
        {
            throw new Fault(locked.Kind, locked.Message, hint: "auraed verify, without --library-dir: the daemon that runs checks its own file", cause: locked) { Reason = locked.Reason };
        }
    }

    /// <summary>Folds the log of a database file that nobody has open and compares it with the file's tables.</summary>
    /// <param name="archives">The directory of the segments that the log no longer holds; null when it holds all.</param>
    public static ReplayReport ReplayCheck(string path, string keyPath, string? archives, Action<StoreProgress>? progress, CancellationToken cancel) =>
        OnStill(path, keyPath, (connection, key) => Replayer.Check(connection, key, Path.GetTempPath(), archives, progress, cancel));

    /// <summary>Writes a database of the state as it was, out of the log of a database file that nobody has open.</summary>
    public static ReplayReport Replay(
        string path, string keyPath, ReplayMoment moment, string output, string? archives, TimeProvider time, Action<StoreProgress>? progress, CancellationToken cancel) =>
        OnStill(path, keyPath, (connection, key) => Replayer.Materialise(connection, key, keyPath, moment, output, archives, time, progress, cancel));

    /// <summary>Copies the file into place, verifies the copy, swaps it in and keeps the old one aside. Fault(Corrupt) when the file is not sound.</summary>
    public static SwapReport Restore(DatabaseOptions options, string source, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        using var held = DatabaseFile.TakeDirectory(options);
        using var key = LoadKey(options.KeyPath, out _);
        // What a log or a journal beside it holds is part of it, and would be lost without a word.
        RequireStill(source, key, options);
        var next = FileSwap.NextIn(options.Directory);
        CopyFile(source, next, progress, cancel);
        CrashPoint.Reach("restore.copied");
        VerifyReport report;
        try
        {
            report = Verification.OfFile(next, key, options.KeyPath, progress, cancel);
            Require(report, source, options.IsTest);
        }
        catch
        {
            File.Delete(next);
            throw;
        }

        CrashPoint.Reach("restore.verified");
        return Swap(options, "before-restore", report.Events);
    }

    /// <summary>Re-encrypts the database under another key file. Until the swap the old key opens it, from then on only the new one.</summary>
    public static SwapReport Rekey(DatabaseOptions options, string newKeyPath, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        using var held = DatabaseFile.TakeDirectory(options);
        using var oldKey = LoadKey(options.KeyPath, out var oldIdentity);
        using var newKey = LoadNewKey(newKeyPath, out var newIdentity);
        if (oldIdentity == newIdentity)
        {
            throw new Fault(FaultKind.Precondition, $"{newKeyPath} holds the key that the database has already", field: "new_key") { Reason = "SAME_KEY" };
        }

        var next = FileSwap.NextIn(options.Directory);
        using (var connection = DatabaseFile.OpenOrCreate(options with { CreateIfMissing = false }, oldKey, new TableVersions()))
        {
            // The log belongs to the old key: everything goes into the file, and the log goes away.
            connection.Fold();
            connection.FoldOnClose();
        }

        CrashPoint.Reach("rekey.folded");
        Verification.RequireStill(DatabaseFile.PathIn(options.Directory), oldKey, options.KeyPath);
        CopyFile(DatabaseFile.PathIn(options.Directory), next, progress, cancel);
        CrashPoint.Reach("rekey.copied");
        VerifyReport report;
        try
        {
            Reencrypt(next, oldKey, newKey, options.Time);
            CrashPoint.Reach("rekey.encrypted");
            report = Verification.OfFile(next, newKey, newKeyPath, progress, cancel);
            Require(report, next, options.IsTest);
        }
        catch
        {
            File.Delete(next);
            File.Delete(next + "-journal");
            throw;
        }

        new RekeyRecord(oldIdentity, newIdentity, Path.GetFullPath(newKeyPath)).Write(options.Directory);
        CrashPoint.Reach("rekey.recorded");
        return Swap(options, "before-rekey", report.Events);
    }

    /// <summary>What opening would migrate; changes nothing.</summary>
    public static MigrationPlan PlanMigration(DatabaseOptions options, int? to)
    {
        using var held = DatabaseFile.TakeDirectory(options);
        using var key = LoadKey(options.KeyPath, out _);
        using var connection = DatabaseFile.OpenExisting(options, key, new TableVersions());
        return new Migrator(connection, options.Migrations ?? Migration.Embedded, options.Time).Plan(to);
    }

    /// <summary>Migrates up or down to a step, after a snapshot.</summary>
    public static MigrationPlan Migrate(DatabaseOptions options, int? to)
    {
        using var held = DatabaseFile.TakeDirectory(options);
        using var key = LoadKey(options.KeyPath, out _);
        using var connection = DatabaseFile.OpenExisting(options, key, new TableVersions());
        Journal.JournalRecovery.Run(connection, options, key);
        var plan = DatabaseFile.Migrate(connection, options, key, to);
        connection.FoldOnClose();
        return plan;
    }

    private static T OnStill<T>(string path, string keyPath, Func<Connection, StoreKey, T> work)
    {
        DatabaseFile.CheckEngine();
        path = Path.GetFullPath(path);
        using var key = LoadKey(keyPath, out _);
        Verification.RequireStill(path, key, keyPath);
        using var connection = Connection.Open(path, ConnectionMode.Still, key, new TableVersions(), null);
        return work(connection, key);
    }

    private static SwapReport Swap(DatabaseOptions options, string why, long events)
    {
        var current = DatabaseFile.PathIn(options.Directory);
        var existed = File.Exists(current);
        var aside = FileSwap.AsideName(options.Directory, why, options.Time);
        FileSwap.Run(options.Directory, aside);
        return new SwapReport(current, existed ? Path.Combine(options.Directory, aside) : null, events);
    }

    private static void Reencrypt(string path, StoreKey oldKey, StoreKey newKey, TimeProvider time)
    {
        using var connection = Connection.Open(path, ConnectionMode.Write, oldKey, new TableVersions(), null);
        // Leaves the log's mode, so that the file stands alone; a crash only costs this copy.
        connection.Execute("PRAGMA journal_mode = DELETE");
        connection.Execute("PRAGMA synchronous = OFF");
        newKey.Change(connection.Handle);
        // From here on the new key vouches for the whole log, the old key's checkpoints included.
        TreeGrowth.SignAll(connection, newKey.Signer, time);
    }

    /// <summary>As of <see cref="Verification.RequireStill"/>; what is damaged is no source of a restore.</summary>
    private static void RequireStill(string source, StoreKey key, DatabaseOptions options)
    {
        try
        {
            Verification.RequireStill(Path.GetFullPath(source), key, options.KeyPath);
        }
        catch (Fault fault) when (fault.Kind == FaultKind.Corrupt)
        {
            throw NotSound(source, fault.Message);
        }
    }

    private static Fault NotSound(string source, string findings) =>
        new(FaultKind.Corrupt, $"{source} is not sound and was not taken: {findings}", hint: "restore another copy; auraed verify FILE checks one") { Reason = "NOT_SOUND" };

    private static void Require(VerifyReport report, string source, bool test)
    {
        if (!report.IsSound)
        {
            throw NotSound(source, string.Join("; ", report.Findings));
        }

        var newest = Migration.Embedded[^1].Version;
        if (Version.TryParse(report.Version, out var version) && version.Major > newest.Major)
        {
            throw new Fault(FaultKind.Precondition, $"{source} has data version {version}, and this binary understands up to {newest.Major}.x", hint: "install the newer release") { Reason = "NEWER_DATA" };
        }

        if (report.IsTest != test)
        {
            throw DatabaseFile.WrongClass(source, test);
        }
    }

    private static StoreKey LoadKey(string path, out string identity)
    {
        using var server = ServerKey.Load(path);
        identity = server.Identity;
        return new StoreKey(server);
    }

    private static StoreKey LoadNewKey(string path, out string identity)
    {
        try
        {
            return LoadKey(path, out identity);
        }
        catch (Fault unusable)
        {
            throw new Fault(unusable.Kind, unusable.Message, "new_key", $"make a key: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out {path}", unusable) { Reason = unusable.Reason };
        }
    }

    private static void CopyFile(string source, string target, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        const int chunkBytes = 1 << 20;
        try
        {
            using var input = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            using var output = new FileStream(target, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
            var buffer = new byte[chunkBytes];
            for (var done = 0L; ;)
            {
                cancel.ThrowIfCancellationRequested();
                var count = input.Read(buffer);
                if (count == 0)
                {
                    break;
                }

                output.Write(buffer, 0, count);
                done += count;
                progress?.Invoke(new StoreProgress("copy", done, input.Length));
            }
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            File.Delete(target);
            throw failed switch
            {
                OperationCanceledException => failed,
                FileNotFoundException or DirectoryNotFoundException => Fault.NotFound($"{source} does not exist"),
                _ => new Fault(FaultKind.Exhausted, $"{source} cannot be copied: {failed.Message}", hint: "free space on the file system of the library directory", cause: failed) { Reason = "DISK_FULL" },
            };
        }

        DurableFiles.SyncFile(target);
    }
}
