using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>
/// What every row passes through: binding, stepping and reading of a prepared statement by its address. The library's own calls count a reference to the statement up and down
/// for each value, which is as much work as to bind one. As there, indexes of parameters count from 1 and those of columns from 0, and what is returned is the engine's code; an address of 0 is
/// refused (SQLITE_MISUSE). The caller keeps the statement alive.
/// </summary>
public static unsafe partial class EngineStatement
{
    /// <summary>The engine takes a copy.</summary>
    private const nint Transient = -1;

    public static int BindText(nint statement, int index, ReadOnlySpan<byte> utf8)
    {
        // Without an address it would be NULL.
        byte nothing = 0;
        fixed (byte* bytes = utf8)
        {
            return sqlite3_bind_text(statement, index, utf8.IsEmpty ? &nothing : bytes, utf8.Length, Transient);
        }
    }

    public static int BindBlob(nint statement, int index, ReadOnlySpan<byte> value)
    {
        byte nothing = 0;
        fixed (byte* bytes = value)
        {
            return sqlite3_bind_blob(statement, index, value.IsEmpty ? &nothing : bytes, value.Length, Transient);
        }
    }

    /// <summary>Of a text its UTF-8, or of a blob. Valid until the next step or reset.</summary>
    public static ReadOnlySpan<byte> Bytes(nint statement, int column)
    {
        // The address first: it may change the length, as for a blob of zeros.
        var start = sqlite3_column_blob(statement, column);
        return start == null ? [] : new ReadOnlySpan<byte>(start, sqlite3_column_bytes(statement, column));
    }

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_bind_int64"), SuppressGCTransition]
    public static partial int BindInteger(nint statement, int index, long value);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_bind_double"), SuppressGCTransition]
    public static partial int BindReal(nint statement, int index, double value);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_bind_null"), SuppressGCTransition]
    public static partial int BindNull(nint statement, int index);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_step")]
    public static partial int Step(nint statement);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_reset")]
    public static partial int Reset(nint statement);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_clear_bindings")]
    public static partial int ClearBindings(nint statement);

    /// <summary>The storage class of the row's value: SQLITE_INTEGER 1, FLOAT 2, TEXT 3, BLOB 4, NULL 5.</summary>
    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_column_type"), SuppressGCTransition]
    public static partial int Storage(nint statement, int column);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_column_int64")]
    public static partial long Integer(nint statement, int column);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_column_double")]
    public static partial double Real(nint statement, int column);

    [LibraryImport("e_sqlite3")]
    private static partial int sqlite3_bind_text(nint statement, int index, byte* bytes, int length, nint destructor);

    [LibraryImport("e_sqlite3")]
    private static partial int sqlite3_bind_blob(nint statement, int index, byte* bytes, int length, nint destructor);

    [LibraryImport("e_sqlite3")]
    private static partial byte* sqlite3_column_blob(nint statement, int column);

    [LibraryImport("e_sqlite3"), SuppressGCTransition]
    private static partial int sqlite3_column_bytes(nint statement, int column);
}
