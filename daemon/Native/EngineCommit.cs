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
    private static partial void auraed_commit_free(nint state);
}
