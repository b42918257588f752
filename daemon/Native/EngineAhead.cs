using System.Runtime.InteropServices;
using SQLitePCL;

namespace Auraed.Native;

/// <summary>
/// Has a reader's connection read pages that lie one behind the other several at a time, and check them side by side (packaging/native/ahead.c). Without memory for it pages are read
/// one by one. Invariant: begun and ended inside one transaction, on one thread, which uses no other connection meanwhile; disposed before the connection.
/// </summary>
public sealed partial class EngineAhead : IDisposable
{
    private nint _state = auraed_ahead_new();

    public void Begin(sqlite3 connection)
    {
        if (_state != 0)
        {
            auraed_ahead_begin(_state, connection.DangerousGetHandle());
        }
    }

    public void End()
    {
        if (_state != 0)
        {
            auraed_ahead_end(_state);
        }
    }

    public void Dispose()
    {
        if (_state != 0)
        {
            auraed_ahead_free(_state);
            _state = 0;
        }
    }

    [LibraryImport("e_sqlite3")]
    private static partial nint auraed_ahead_new();

    [LibraryImport("e_sqlite3")]
    private static partial void auraed_ahead_begin(nint state, nint connection);

    [LibraryImport("e_sqlite3")]
    private static partial void auraed_ahead_end(nint state);

    [LibraryImport("e_sqlite3")]
    private static partial void auraed_ahead_free(nint state);
}
