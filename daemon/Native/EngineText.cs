using System.Runtime.InteropServices;
using SQLitePCL;

namespace Auraed.Native;

/// <summary>What the engine says about the text of a statement and its wrapper leaves out.</summary>
public static partial class EngineText
{
    /// <summary>Where in the statement the last error lies, in bytes of UTF-8; -1 when it lies nowhere.</summary>
    public static int ErrorOffset(sqlite3 connection) => sqlite3_error_offset(connection.DangerousGetHandle());

    [LibraryImport("e_sqlite3")]
    private static partial int sqlite3_error_offset(nint connection);
}
