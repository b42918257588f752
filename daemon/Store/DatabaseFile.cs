using System.Globalization;
using Auraed.Base;
using Auraed.Native;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>Making, recognising and opening aurae.db. Nothing here changes a file that it refuses.</summary>
internal static class DatabaseFile
{
    public const string Name = "aurae.db";

    /// <summary>Measured: best for small grouped rows and point reads.</summary>
    public const int PageBytes = 4096;

    /// <summary>"AURA"; of a TEST database "AURT".</summary>
    private const int ApplicationReal = 0x41555241;
    private const int ApplicationTest = 0x41555254;

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

        return LibraryLock.Take(options.Directory);
    }

    public static Connection OpenOrCreate(DatabaseOptions options, StoreKey key, TableVersions tables)
    {
        var path = PathIn(options.Directory);
        if (!File.Exists(path))
        {
            if (!options.CreateIfMissing)
            {
                throw new Fault(FaultKind.Precondition, $"{path} does not exist", hint: "auraed init, or auraed restore") { Reason = "DATABASE_MISSING" };
            }

            Create(path, options, key);
        }

        var connection = Open(path, options, key, tables);
        try
        {
            connection.Execute("PRAGMA journal_mode = WAL");
            var migrator = new Migrator(connection, options.Migrations ?? Migration.Embedded, options.Time);
            migrator.Apply(migrator.Plan());
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

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

    private static Connection Open(string path, DatabaseOptions options, StoreKey key, TableVersions tables)
    {
        var connection = Connection.Open(path, ConnectionMode.Write, key, tables, options.FileLayer);
        try
        {
            var application = connection.QueryInteger("PRAGMA application_id");
            CheckApplication(path, (int)application, options.IsTest);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static void CheckApplication(string path, int application, bool test)
    {
        if (application is not (ApplicationReal or ApplicationTest))
        {
            throw new Fault(FaultKind.Precondition, $"{path} is a database of another program (application id {application})", hint: "point --library-dir at the daemon's own directory") { Reason = "FOREIGN_FILE" };
        }

        if (test != (application == ApplicationTest))
        {
            throw new Fault(FaultKind.Precondition, test ? $"{path} is the host's own database, and this daemon was started for a TEST one" : $"{path} is marked as a TEST database", hint: "use a library directory of its own for tests") { Reason = "DATABASE_CLASS" };
        }
    }

    /// <summary>Whole or not at all: made beside its place, then renamed into it.</summary>
    private static void Create(string path, DatabaseOptions options, StoreKey key)
    {
        var making = path + ".new";
        File.Delete(making);
        File.Delete(making + "-journal");
        using (var connection = Connection.Open(making, ConnectionMode.Create, key, new TableVersions(), options.FileLayer))
        {
            connection.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA application_id = {(options.IsTest ? ApplicationTest : ApplicationReal)}"));
            var migrator = new Migrator(connection, options.Migrations ?? Migration.Embedded, options.Time);
            migrator.Apply(migrator.Plan());
        }

        File.SetUnixFileMode(making, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        DurableFiles.Publish(making, path);
    }
}
