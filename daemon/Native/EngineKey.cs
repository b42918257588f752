using System.Runtime.InteropServices;
using SQLitePCL;

namespace Auraed.Native;

/// <summary>The cipher's entry points, which the stock provider leaves out. The key goes in by address, never through SQL text.</summary>
public static unsafe partial class EngineKey
{
    /// <summary>Keys a connection that has not touched its file yet; returns the engine's code.</summary>
    public static int Apply(sqlite3 connection, ReadOnlySpan<byte> key)
    {
        fixed (byte* start = key)
        {
            return sqlite3_key(connection.DangerousGetHandle(), start, key.Length);
        }
    }

    /// <summary>Rewrites every page under another key, in one transaction; returns the engine's code.</summary>
    public static int Change(sqlite3 connection, ReadOnlySpan<byte> key)
    {
        fixed (byte* start = key)
        {
            return sqlite3_rekey(connection.DangerousGetHandle(), start, key.Length);
        }
    }

    [LibraryImport("e_sqlite3")]
    private static partial int sqlite3_key(nint connection, byte* key, int length);

    [LibraryImport("e_sqlite3")]
    private static partial int sqlite3_rekey(nint connection, byte* key, int length);
}
