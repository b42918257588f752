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

    /// <summary>
    /// Writes values of the row as the journal tells them (packaging/native/change.c). InvalidOperationException: the engine cannot read them.
    /// </summary>
    /// <param name="isAfter">The row as it will be, of inserts and updates; otherwise as it is, of updates and deletes.</param>
    /// <param name="columns">Their numbers; empty for the first ones of the table.</param>
    /// <param name="count">How many.</param>
    /// <param name="room">Where to.</param>
    /// <returns>The bytes that they take; when that is more than the room, what is there counts for nothing.</returns>
    public unsafe int Write(bool isAfter, ReadOnlySpan<int> columns, int count, Span<byte> room)
    {
        fixed (int* numbers = columns)
        {
            fixed (byte* bytes = room)
            {
                var length = auraed_change_values(_connection, isAfter ? 1 : 0, numbers, count, bytes, room.Length);
                return length >= 0 ? checked((int)length) : throw new InvalidOperationException($"a changed row cannot be read ({-length})");
            }
        }
    }

    [LibraryImport("e_sqlite3"), SuppressGCTransition]
    private static partial int sqlite3_preupdate_count(nint connection);

    [LibraryImport("e_sqlite3")]
    private static unsafe partial long auraed_change_values(nint connection, int isAfter, int* columns, int count, byte* bytes, int room);
}
