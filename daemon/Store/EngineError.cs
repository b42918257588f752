using Auraed.Base;
using Auraed.Native;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>The engine's own words for a failure: the cause inside the <see cref="Fault"/> that callers see.</summary>
public sealed class EngineException(int code, string message) : Exception($"{message} ({code})")
{
    /// <summary>The engine's extended result code.</summary>
    public int Code { get; } = code;

    /// <summary>The primary result code.</summary>
    public int Primary => Code & 0xff;
}

/// <summary>From the engine's result codes to the closed set of fault kinds, in one place.</summary>
internal static class EngineError
{
    public const int ConstraintForeignKey = 787;
    public const int ConstraintNotNull = 1299;
    public const int ConstraintPrimaryKey = 1555;
    public const int ConstraintTrigger = 1811;
    public const int ConstraintUnique = 2067;
    public const int ConstraintRowId = 2579;
    public const int IoSync = 1034;
    private const int IoWrite = 778;
    private const int IoShmSize = 4874;
    private const int OverQuota = 122;

    /// <summary>True when bytes of the file are not what was written, or the disk does not give them.</summary>
    public static bool IsUnreadable(Fault fault) => fault.Reason is "DATABASE_DAMAGED" or "DISK_FAILED";

    /// <summary>The fault of a connection's last failure, which ended with this code.</summary>
    public static Fault Of(sqlite3 connection, int code, string doing)
    {
        if (EngineMend.IsSealBroken(connection))
        {
            // The engine calls it this or that, by what it makes of a page of zeros.
            return ToFault(raw.SQLITE_NOTADB, "a seal does not hold", doing);
        }

        var extended = raw.sqlite3_extended_errcode(connection);
        return ToFault((extended & 0xff) == (code & 0xff) ? extended : code, raw.sqlite3_errmsg(connection).utf8_to_string(), doing);
    }

    public static Fault ToFault(int code, string message, string doing)
    {
        var cause = new EngineException(code, message);
        var text = $"{doing}: {message}";
        return (code & 0xff) switch
        {
            raw.SQLITE_CONSTRAINT => Constraint(code, text, cause),
            raw.SQLITE_FULL => new Fault(FaultKind.Exhausted, $"{doing}: the disk is full", hint: "free space on the file system of the library directory", cause: cause) { Reason = "DISK_FULL" },
            raw.SQLITE_NOMEM => new Fault(FaultKind.Exhausted, $"{doing}: out of memory", cause: cause) { Reason = "OUT_OF_MEMORY" },
            raw.SQLITE_TOOBIG => new Fault(FaultKind.Invalid, $"{doing}: a value is larger than the store takes", cause: cause) { Reason = "TOO_BIG" },
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => new Fault(FaultKind.Unavailable, $"{doing}: the database is locked by another process", hint: "let only the daemon open the database", cause: cause) { Reason = "DATABASE_LOCKED" },
            raw.SQLITE_INTERRUPT => new Fault(FaultKind.Cancelled, $"{doing}: interrupted", cause: cause),
            raw.SQLITE_CORRUPT => new Fault(FaultKind.Corrupt, $"{doing}: the database is damaged: {message}", hint: "auraed verify names what is damaged, auraed restore of the last backup mends it", cause: cause) { Reason = "DATABASE_DAMAGED" },
            raw.SQLITE_NOTADB => new Fault(FaultKind.Corrupt, $"{doing}: a page does not carry this key's seal", hint: "auraed verify names what is damaged, auraed restore of the last backup mends it", cause: cause) { Reason = "DATABASE_DAMAGED" },
            raw.SQLITE_READONLY => new Fault(FaultKind.Precondition, $"{doing}: the database or its directory is read-only", hint: "mount it writable and check its owner", cause: cause) { Reason = "READ_ONLY" },
            raw.SQLITE_CANTOPEN => new Fault(FaultKind.Precondition, $"{doing}: the file cannot be opened", hint: "check that the directory exists and its owner", cause: cause) { Reason = "CANNOT_OPEN" },
            raw.SQLITE_PERM => new Fault(FaultKind.Precondition, $"{doing}: no permission", cause: cause) { Reason = "CANNOT_OPEN" },
            raw.SQLITE_AUTH => new Fault(FaultKind.Denied, $"{doing}: {message}", cause: cause) { Reason = "STATEMENT_REFUSED" },
            raw.SQLITE_IOERR => new Fault(FaultKind.Internal, $"{doing}: the disk failed", hint: "check the disk: dmesg", cause: cause) { Reason = "DISK_FAILED" },
            raw.SQLITE_RANGE or raw.SQLITE_MISMATCH or raw.SQLITE_ERROR => new Fault(FaultKind.Internal, text, cause: cause) { Reason = "STATEMENT_FAILED" },
            _ => new Fault(FaultKind.Internal, text, cause: cause),
        };
    }

    /// <summary>
    /// True for want of room, which the engine calls SQLITE_FULL of a write that met ENOSPC alone: a quota that is used up is a failed write to it, and no room for the log's index an error of
    /// its own. Only to be asked where a write that was refused leaves nothing in doubt.
    /// </summary>
    /// <param name="code">The extended result code.</param>
    /// <param name="systemError">The system's error number with it.</param>
    public static bool IsFull(int code, int systemError) =>
        (code & 0xff) == raw.SQLITE_FULL || code == IoShmSize || (code == IoWrite && systemError == OverQuota);

    private static Fault Constraint(int code, string text, EngineException cause) => code switch
    {
        ConstraintUnique or ConstraintPrimaryKey or ConstraintRowId => new Fault(FaultKind.AlreadyExists, text, cause: cause) { Reason = "UNIQUE" },
        ConstraintForeignKey => new Fault(FaultKind.Precondition, text, cause: cause) { Reason = "FOREIGN_KEY" },
        ConstraintTrigger => new Fault(FaultKind.Precondition, text, cause: cause) { Reason = "REFUSED_BY_TRIGGER" },
        ConstraintNotNull => new Fault(FaultKind.Invalid, text, cause: cause) { Reason = "NOT_NULL" },
        _ => new Fault(FaultKind.Invalid, text, cause: cause) { Reason = "CONSTRAINT" },
    };
}
