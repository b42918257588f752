namespace Auraed.Base;

/// <summary>The closed set of ways an operation fails. Each maps to one gRPC status in Rpc and to one exit code in Cli.</summary>
public enum FaultKind
{
    /// <summary>The named thing does not exist.</summary>
    NotFound,
    /// <summary>The name is taken.</summary>
    AlreadyExists,
    /// <summary>A field of the request is wrong whatever the state is; <see cref="Fault.Field"/> names it.</summary>
    Invalid,
    /// <summary>The state does not allow it now: a stale revision, a failed precondition, a wrong key, a foreign file.</summary>
    Precondition,
    /// <summary>The request lost a race and may be tried again from its start.</summary>
    Aborted,
    /// <summary>A position lies outside what is kept: a watch below the floor, a page past the end.</summary>
    OutOfRange,
    /// <summary>The caller is not known: no certificate, no token, no peer credential.</summary>
    Unauthenticated,
    /// <summary>The caller is known and may not do this.</summary>
    Denied,
    /// <summary>A bound was reached: queue, quota, size, disk.</summary>
    Exhausted,
    /// <summary>Not now; the same call may go through later without a change.</summary>
    Unavailable,
    /// <summary>The caller's time ran out.</summary>
    DeadlineExceeded,
    /// <summary>The caller took the call back.</summary>
    Cancelled,
    /// <summary>This build or host cannot do it.</summary>
    Unimplemented,
    /// <summary>What is stored is damaged; nothing was changed.</summary>
    Corrupt,
    /// <summary>An operating-system or engine failure that the caller can do nothing about.</summary>
    Internal,
}

/// <summary>
/// An operating error: what was being done, on what, why it failed, and the operator's next command. Never holds a key or a secret.
/// Caller bugs are <see cref="ArgumentException"/>; our own are <see cref="Invariant"/>.
/// </summary>
public sealed class Fault : Exception
{
    /// <param name="kind">Decides the gRPC status and the exit code.</param>
    /// <param name="message">A sentence that names the operation, its object and the cause.</param>
    /// <param name="field">The path of the offending field, as <c>machine.id</c>; null when no field is to blame.</param>
    /// <param name="hint">The command or the change that mends it; null when there is none.</param>
    /// <param name="cause">The lower error, for the log.</param>
    public Fault(FaultKind kind, string message, string? field = null, string? hint = null, Exception? cause = null)
        : base(message, cause)
    {
        Kind = kind;
        Field = field;
        Hint = hint;
    }

    public FaultKind Kind { get; }

    public string? Field { get; }

    public string? Hint { get; }

    /// <summary>True when the same call may succeed later without a change; retry loops ask this and nothing else.</summary>
    public bool IsTransient => Kind is FaultKind.Unavailable or FaultKind.Aborted or FaultKind.Exhausted;

    /// <summary>When a transient fault may be tried again; null when unknown.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>A stable upper-snake-case word for programs (google.rpc.ErrorInfo.reason); null takes the kind's own.</summary>
    public string? Reason { get; init; }

    /// <summary>What programs may want to know beyond the reason, as <c>current_revision</c>; null for nothing.</summary>
    public IReadOnlyDictionary<string, string>? Facts { get; init; }

    public static Fault Invalid(string field, string message, string? hint = null) => new(FaultKind.Invalid, message, field, hint);

    public static Fault NotFound(string message, string? hint = null) => new(FaultKind.NotFound, message, null, hint);
}
