using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Auraed.Native;

/// <summary>What a prepared statement is about to be allowed to do, as the engine's authorizer names it (SQLITE_READ, SQLITE_INSERT, ...).</summary>
/// <param name="Action">One of the engine's action codes.</param>
/// <param name="First">Usually the table; null where the action has none.</param>
/// <param name="Second">Usually the column, the pragma's argument or the function's name.</param>
/// <param name="Schema">main, temp or an attached name.</param>
/// <param name="Inner">The trigger or view through which the access comes; null when it is the statement's own.</param>
public readonly record struct EngineAccess(int Action, string? First, string? Second, string? Schema, string? Inner);

/// <summary>The engine's callbacks that the SQL room needs, as unmanaged function pointers (no delegate marshalling, so it compiles ahead of time).</summary>
public sealed unsafe partial class EngineHooks : IDisposable
{
    public const int ActionCreateIndex = 1;
    public const int ActionDelete = 9;
    public const int ActionInsert = 18;
    public const int ActionPragma = 19;
    public const int ActionRead = 20;
    public const int ActionSelect = 21;
    public const int ActionTransaction = 22;
    public const int ActionUpdate = 23;
    public const int ActionAttach = 24;
    public const int ActionFunction = 31;
    public const int ActionSavepoint = 32;
    public const int ActionRecursive = 33;

    private const int ActionCreateView = 8;
    private const int ActionDropFirst = 10;
    private const int ActionDropLast = 17;
    private const int ActionAlterFirst = 26;
    private const int ActionAlterLast = 30;

    private static readonly ConcurrentDictionary<nint, EngineHooks> Living = new();
    private static long _count;

    private readonly nint _number = (nint)Interlocked.Increment(ref _count);
    private int _walFrames;
    private long _walCommits;

    public EngineHooks(sqlite3 connection)
    {
        Living[_number] = this;
        var handle = connection.DangerousGetHandle();
        // Takes the place of the engine's own checkpoints.
        _ = sqlite3_wal_hook(handle, &OnCommit, _number);
        _ = sqlite3_set_authorizer(handle, &OnAccess, _number);
    }

    /// <summary>Asked for every access while a statement is prepared; null allows all. False refuses the statement.</summary>
    public Func<EngineAccess, bool>? Authorize { get; set; }

    /// <summary>Frames in the write-ahead log after this connection's last commit.</summary>
    public int WalFrames => _walFrames;

    /// <summary>Commits of this connection into the write-ahead log.</summary>
    public long WalCommits => _walCommits;

    /// <summary>True of what makes, alters, drops or analyses anything but rows, or sets a pragma.</summary>
    public static bool ChangesSchema(EngineAccess access) => access.Action switch
    {
        >= ActionCreateIndex and <= ActionCreateView or >= ActionDropFirst and <= ActionDropLast or >= ActionAlterFirst and <= ActionAlterLast
            => access.Schema is not "temp",
        ActionPragma => access.Second is not null,
        _ => false,
    };

    /// <summary>After the connection is closed. One that a statement keeps open a while yet is allowed nothing more.</summary>
    public void Dispose() => _ = Living.TryRemove(_number, out _);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnCommit(nint number, nint connection, byte* database, int frames)
    {
        if (Living.TryGetValue(number, out var hooks))
        {
            hooks._walFrames = frames;
            hooks._walCommits++;
        }

        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnAccess(nint number, int action, byte* first, byte* second, byte* schema, byte* inner)
    {
        try
        {
            if (!Living.TryGetValue(number, out var hooks))
            {
                return 1;
            }

            return hooks.Authorize is not { } authorize || authorize(new EngineAccess(action, Text(first), Text(second), Text(schema), Text(inner))) ? 0 : 1;
        }
        catch (Exception)
        {
            // Nothing may unwind through the engine: a guard that fails refuses.
            return 1;
        }
    }

    private static string? Text(byte* text) => text == null ? null : Marshal.PtrToStringUTF8((nint)text);

    [LibraryImport("e_sqlite3")]
    private static partial nint sqlite3_wal_hook(nint connection, delegate* unmanaged[Cdecl]<nint, nint, byte*, int, int> hook, nint argument);

    [LibraryImport("e_sqlite3")]
    private static partial int sqlite3_set_authorizer(nint connection, delegate* unmanaged[Cdecl]<nint, int, byte*, byte*, byte*, byte*, int> hook, nint argument);
}
