using System.Globalization;
using Auraed.Base;
using Auraed.Native;
using Auraed.Store.Journal;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>Making, recognising and opening aurae.db. Nothing here changes a file that it refuses.</summary>
internal static class DatabaseFile
{
    public const string Name = StemName + ".db";

    /// <summary>What the names of the database's files begin with.</summary>
    public const string StemName = "aurae";

    /// <summary>Measured: best for small grouped rows and point reads.</summary>
    public const int PageBytes = 4096;

    /// <summary>"AURA"; of a TEST database "AURT".</summary>
    private const int ApplicationReal = 0x41555241;
    private const int ApplicationTest = 0x41555254;

    /// <summary>"AURJ" and "AURK": the same while a journal goes on behind the file, so that no binary opens it that does not know of journals.</summary>
    private const int ApplicationRealJournal = 0x4155524A;
    private const int ApplicationTestJournal = 0x4155524B;

    /// <summary>Below this one, a checkpoint beside a commit can corrupt the log.</summary>
    private const int EngineVersionMin = 3051003;

    private static int _engineChecked;

    public static string PathIn(string directory) => Path.Combine(Path.GetFullPath(directory), Name);

    public static LibraryLock TakeDirectory(DatabaseOptions options)
    {
        CheckEngine();
        try
        {
            _ = Directory.CreateDirectory(options.Directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception refused) when (refused is UnauthorizedAccessException or IOException)
        {
            throw new Fault(FaultKind.Precondition, $"the library directory {options.Directory} cannot be made: {refused.Message}", hint: $"check the owner of {Path.GetDirectoryName(Path.GetFullPath(options.Directory))}", cause: refused) { Reason = "READ_ONLY" };
        }

        var held = LibraryLock.Take(options.Directory);
        try
        {
            FileSwap.Complete(options.Directory);
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    public static Connection OpenOrCreate(DatabaseOptions options, StoreKey key, TableVersions tables)
    {
        var path = PathIn(options.Directory);
        if (!File.Exists(path))
        {
            if (!options.CreateIfMissing)
            {
                throw Missing(path);
            }

            Create(path, options, key);
        }

        var connection = OpenExisting(options, key, tables);
        try
        {
            JournalRecovery.Run(connection, options, key);
            _ = Migrate(connection, options, key, null);
            connection.Execute("PRAGMA journal_mode = WAL");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Opens for writing, and has written nothing yet.</summary>
    public static Connection OpenExisting(DatabaseOptions options, StoreKey key, TableVersions tables)
    {
        var path = PathIn(options.Directory);
        if (!File.Exists(path))
        {
            throw Missing(path);
        }

        FileProbe.Check(path, key, options.KeyPath);
        if (JournalFiles.List(options.Directory).Count == 0)
        {
            LogProbe.Check(path + "-wal");
        }

        Connection? connection = null;
        try
        {
            connection = Connection.Open(path, ConnectionMode.Write, key, tables, options.FileLayer);
            CheckApplication(path, connection.QueryInteger("PRAGMA application_id"), options.IsTest);
            return connection;
        }
        catch (Fault fault)
        {
            connection?.Dispose();
            if (fault.Kind == FaultKind.Corrupt)
            {
                FileProbe.Explain(path, key, options.KeyPath);
            }

            throw;
        }
    }

    /// <summary>Takes the planned steps; before the first, a snapshot is made, so that any of them can be undone.</summary>
    public static MigrationPlan Migrate(Connection connection, DatabaseOptions options, StoreKey key, int? to)
    {
        var migrator = new Migrator(connection, options.Migrations ?? Migration.Embedded, options.Time);
        var plan = migrator.Plan(to);
        if (plan.IsEmpty)
        {
            return plan;
        }

        if (plan.From.Major > 0)
        {
            _ = Backup.Run(connection, key, SnapshotPath(options, $"before-{plan.To}"), null, CancellationToken.None);
        }

        migrator.Apply(plan);
        return plan;
    }

    /// <summary>A name under snapshots/ that sorts by time.</summary>
    public static string SnapshotPath(DatabaseOptions options, string why) =>
        Path.Combine(Path.GetFullPath(options.Directory), "snapshots", $"aurae-{options.Time.GetUtcNow().UtcDateTime:yyyyMMdd'T'HHmmssfff'Z'}-{why}.db");

    public static bool IsOurs(long application) => application is ApplicationReal or ApplicationTest or ApplicationRealJournal or ApplicationTestJournal;

    public static bool IsTest(long application) => application is ApplicationTest or ApplicationTestJournal;

    /// <summary>In the running transaction, if there is one: marks a file of ours as one that a journal goes on behind, or as one that stands alone.</summary>
    public static void Mark(Connection connection, bool hasJournal)
    {
        var application = connection.QueryInteger("PRAGMA application_id");
        var marked = ApplicationOf(application, hasJournal);
        if (IsOurs(application) && marked != application)
        {
            connection.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA application_id = {marked}"));
        }
    }

    /// <summary>The application id of a file of the same class.</summary>
    public static long ApplicationOf(long application, bool hasJournal) => (IsTest(application), hasJournal) switch
    {
        (false, false) => ApplicationReal,
        (false, true) => ApplicationRealJournal,
        (true, false) => ApplicationTest,
        (true, true) => ApplicationTestJournal,
    };

    public static Fault WrongClass(string path, bool test) =>
        new(FaultKind.Precondition, test ? $"{path} is the host's own database, and a TEST one was asked for" : $"{path} is marked as a TEST database", hint: "use a library directory of its own for tests") { Reason = "DATABASE_CLASS" };

    /// <summary>The engine, told to use the stock provider, and checked once.</summary>
    public static void CheckEngine()
    {
        if (Interlocked.Exchange(ref _engineChecked, 1) != 0)
        {
            return;
        }

        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        Invariant.Hold(raw.sqlite3_libversion_number() >= EngineVersionMin);
    }

    private static Fault Missing(string path) =>
        new(FaultKind.Precondition, $"{path} does not exist", hint: "auraed init, or auraed restore") { Reason = "DATABASE_MISSING" };

    private static void CheckApplication(string path, long application, bool test)
    {
        if (!IsOurs(application))
        {
            throw new Fault(FaultKind.Precondition, $"{path} is a database of another program (application id {application})", hint: "point --library-dir at the daemon's own directory") { Reason = "FOREIGN_FILE" };
        }

        if (test != IsTest(application))
        {
            throw WrongClass(path, test);
        }
    }

    /// <summary>Whole or not at all: made beside its place, then renamed into it.</summary>
    private static void Create(string path, DatabaseOptions options, StoreKey key)
    {
        if (new FileInfo(path + "-wal") is { Exists: true, Length: > 0 } || JournalFiles.List(options.Directory).Count > 0)
        {
            throw new Fault(FaultKind.Corrupt, $"{path} is gone and its log is still there", hint: "put aurae.db back beside its log, or auraed restore") { Reason = "DATABASE_MISSING" };
        }

        var making = path + ".new";
        File.Delete(making);
        File.Delete(making + "-journal");
        using (var connection = Connection.Open(making, ConnectionMode.Create, key, new TableVersions(), options.FileLayer))
        {
            connection.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA application_id = {(options.IsTest ? ApplicationTest : ApplicationReal)}"));
            var migrator = new Migrator(connection, options.Migrations ?? Migration.Embedded, options.Time);
            migrator.Apply(migrator.Plan());
            connection.Execute("INSERT INTO meta (key, value) VALUES ('database_id', lower(hex(randomblob(16))))");
        }

        File.SetUnixFileMode(making, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        CrashPoint.Reach("create.made");
        DurableFiles.Publish(making, path);
    }
}
