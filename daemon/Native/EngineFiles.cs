using System.Runtime.InteropServices;
using SQLitePCL;

namespace Auraed.Native;

/// <summary>The open files of a connection, as the engine's file layer has them.</summary>
public static unsafe partial class EngineFiles
{
    private const int ControlFilePointer = 7;
    private const int ControlJournalPointer = 28;
    private const int SyncNormal = 2;

    // sqlite3_io_methods: the version (padded to a pointer), xClose, xRead, xWrite, xTruncate, xSync.
    private const int SyncMethod = 5;

    /// <summary>Makes every commit so far durable, through the connection's own file layer; returns the engine's code. Without a log there is nothing to do.</summary>
    public static int SyncLog(sqlite3 connection) => Sync(connection, ControlJournalPointer);

    /// <summary>The same for what has been moved into the database's file.</summary>
    public static int SyncFile(sqlite3 connection) => Sync(connection, ControlFilePointer);

    /// <summary>The system's error number of the connection's last SQLITE_IOERR or SQLITE_CANTOPEN.</summary>
    public static int SystemError(sqlite3 connection) => sqlite3_system_errno(connection.DangerousGetHandle());

    private static int Sync(sqlite3 connection, int pointer)
    {
        nint file = 0;
        var code = sqlite3_file_control(connection.DangerousGetHandle(), "main", pointer, &file);
        if (code != raw.SQLITE_OK || file == 0)
        {
            return code;
        }

        // struct sqlite3_file begins with the address of its methods; null while it is not open.
        var methods = *(nint*)file;
        return methods == 0 ? raw.SQLITE_OK : ((delegate* unmanaged[Cdecl]<nint, int, int>)((nint*)methods)[SyncMethod])(file, SyncNormal);
    }

    [LibraryImport("e_sqlite3")]
    private static partial int sqlite3_system_errno(nint connection);

    [LibraryImport("e_sqlite3", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sqlite3_file_control(nint connection, string schema, int operation, nint* argument);
}
