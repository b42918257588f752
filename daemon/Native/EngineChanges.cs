using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Auraed.Native;

/// <summary>Told of a row before it is changed; must not touch the connection.</summary>
public delegate void EngineChangeHandler(in EngineChange change);

/// <summary>
/// The engine's pre-update hook: every row of every real table that is about to be inserted, updated or deleted, in the order in which that happens,
/// those that triggers, foreign keys and full-text indexes change included.
/// </summary>
public sealed unsafe partial class EngineChanges : IDisposable
{
    private readonly GCHandle _self;
    private readonly sqlite3 _connection;
    private readonly EngineChangeHandler _changed;
    private readonly Action<Exception> _failed;

    /// <param name="connection">Outlives this.</param>
    /// <param name="changed">Called inside the engine, by the connection's thread.</param>
    /// <param name="failed">Told what <paramref name="changed"/> threw; nothing may unwind through the engine.</param>
    public EngineChanges(sqlite3 connection, EngineChangeHandler changed, Action<Exception> failed)
    {
        _connection = connection;
        _changed = changed;
        _failed = failed;
        _self = GCHandle.Alloc(this);
        _ = sqlite3_preupdate_hook(connection.DangerousGetHandle(), &OnChange, GCHandle.ToIntPtr(_self));
    }

    /// <summary>Before the connection is closed.</summary>
    public void Dispose()
    {
        if (_self.IsAllocated)
        {
            _ = sqlite3_preupdate_hook(_connection.DangerousGetHandle(), null, 0);
            _self.Free();
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnChange(nint argument, nint connection, int operation, byte* schema, byte* table, long before, long after)
    {
        var self = (EngineChanges)GCHandle.FromIntPtr(argument).Target!;
        try
        {
            self._changed(new EngineChange(
                connection, operation, MemoryMarshal.CreateReadOnlySpanFromNullTerminated(schema), MemoryMarshal.CreateReadOnlySpanFromNullTerminated(table), before, after));
        }
        catch (Exception failure)
        {
            self._failed(failure);
        }
    }

    [LibraryImport("e_sqlite3")]
    private static partial nint sqlite3_preupdate_hook(nint connection, delegate* unmanaged[Cdecl]<nint, nint, int, byte*, byte*, long, long, void> hook, nint argument);
}

/// <summary>One row that is about to change. Valid during the call.</summary>
public readonly ref partial struct EngineChange
{
    private readonly nint _connection;

    internal EngineChange(nint connection, int operation, ReadOnlySpan<byte> schema, ReadOnlySpan<byte> table, long keyBefore, long keyAfter)
    {
        _connection = connection;
        Operation = operation;
        Schema = schema;
        Table = table;
        KeyBefore = keyBefore;
        KeyAfter = keyAfter;
    }

    /// <summary>SQLITE_INSERT, SQLITE_UPDATE or SQLITE_DELETE.</summary>
    public int Operation { get; }

    /// <summary>main, temp or an attached name; UTF-8.</summary>
    public ReadOnlySpan<byte> Schema { get; }

    public ReadOnlySpan<byte> Table { get; }

    /// <summary>The row's number; 0 in a table without row numbers.</summary>
    public long KeyBefore { get; }

    public long KeyAfter { get; }

    public int ColumnCount => sqlite3_preupdate_count(_connection);

    /// <summary>A column of the row as it is; of updates and deletes.</summary>
    public EngineValue Before(int column) => Value(sqlite3_preupdate_old(_connection, column, out var value), value);

    /// <summary>A column of the row as it will be; of inserts and updates.</summary>
    public EngineValue After(int column) => Value(sqlite3_preupdate_new(_connection, column, out var value), value);

    private static EngineValue Value(int code, nint value) =>
        code == raw.SQLITE_OK ? new EngineValue(value) : throw new InvalidOperationException($"a changed row cannot be read ({code})");

    [LibraryImport("e_sqlite3")]
    private static partial int sqlite3_preupdate_count(nint connection);

    [LibraryImport("e_sqlite3")]
    private static partial int sqlite3_preupdate_old(nint connection, int column, out nint value);

    [LibraryImport("e_sqlite3")]
    private static partial int sqlite3_preupdate_new(nint connection, int column, out nint value);
}

/// <summary>One value of the engine's.</summary>
public readonly unsafe ref partial struct EngineValue
{
    private readonly nint _value;

    internal EngineValue(nint value) => _value = value;

    /// <summary>SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_BLOB or SQLITE_NULL.</summary>
    public int Storage => sqlite3_value_type(_value);

    public long Integer => sqlite3_value_int64(_value);

    public double Real => sqlite3_value_double(_value);

    /// <summary>Of a text, its UTF-8, or of a blob.</summary>
    public ReadOnlySpan<byte> Bytes
    {
        get
        {
            // The address first: it may change the length, as for a blob of zeros.
            var start = sqlite3_value_blob(_value);
            return new ReadOnlySpan<byte>(start, sqlite3_value_bytes(_value));
        }
    }

    [LibraryImport("e_sqlite3"), SuppressGCTransition]
    private static partial int sqlite3_value_type(nint value);

    [LibraryImport("e_sqlite3"), SuppressGCTransition]
    private static partial long sqlite3_value_int64(nint value);

    [LibraryImport("e_sqlite3"), SuppressGCTransition]
    private static partial double sqlite3_value_double(nint value);

    [LibraryImport("e_sqlite3")]
    private static partial byte* sqlite3_value_blob(nint value);

    [LibraryImport("e_sqlite3")]
    private static partial int sqlite3_value_bytes(nint value);
}
