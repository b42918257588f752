using System.Runtime.InteropServices;
using SQLitePCL;

namespace Auraed.Native;

/// <summary>
/// Has a thread of the engine's encipher pages of a large COMMIT ahead of the one who writes them (packaging/native/commit.c), for one connection. Without memory for
/// it the COMMIT is as it would be without. Invariant: begun and ended on the thread that commits; disposed before the connection.
/// </summary>
public sealed partial class EngineCommit : IDisposable
{
    private nint _state = auraed_commit_new();

    public void Begin(sqlite3 connection)
    {
        if (_state != 0)
        {
            auraed_commit_begin(_state, connection.DangerousGetHandle());
        }
    }

    public void End()
    {
        if (_state != 0)
        {
            auraed_commit_end(_state);
        }
    }

    /// <summary>
    /// Writes pages that the open transaction changed to the log, those left alone the longest, so that its COMMIT has fewer to write. Between statements and outside savepoints.
    /// What the disk refuses shows in the next statement: the engine has given up the transaction.
    /// </summary>
    /// <param name="connection">The connection.</param>
    /// <param name="keep">Pages that may wait for the COMMIT.</param>
    /// <param name="max">Pages to write at most.</param>
    /// <returns>Pages written.</returns>
    public int WriteAhead(sqlite3 connection, int keep, int max) => _state == 0 ? 0 : auraed_commit_ahead(_state, connection.DangerousGetHandle(), keep, max);

    /// <summary>Whether the connection's COMMITs sync the log before anyone sees them, although it is in synchronous=NORMAL.</summary>
    public static void SetSynced(sqlite3 connection, bool isOn) => auraed_commit_sync(connection.DangerousGetHandle(), isOn ? 1 : 0);

    public void Dispose()
    {
        if (_state != 0)
        {
            auraed_commit_free(_state);
            _state = 0;
        }
    }

    [LibraryImport("e_sqlite3")]
    private static partial nint auraed_commit_new();

    [LibraryImport("e_sqlite3")]
    private static partial void auraed_commit_begin(nint state, nint connection);

    [LibraryImport("e_sqlite3")]
    private static partial void auraed_commit_end(nint state);

    [LibraryImport("e_sqlite3")]
    private static partial int auraed_commit_ahead(nint state, nint connection, int keep, int max);

    [LibraryImport("e_sqlite3")]
    private static partial void auraed_commit_sync(nint connection, int isOn);

    [LibraryImport("e_sqlite3")]
    private static partial void auraed_commit_free(nint state);
}
