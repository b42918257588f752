using System.Security.Cryptography;
using Auraed.Base;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Auraed.Rpc;

/// <summary>What the edge is bounded by; a reload replaces it whole.</summary>
/// <param name="CallCountMax">Calls in flight on all connections.</param>
/// <param name="CallTimeMax">Longest unary call; zero for any.</param>
/// <param name="SlowCall">A finished unary call over it is logged; zero for none.</param>
public sealed record EdgeBounds(int CallCountMax, TimeSpan CallTimeMax, TimeSpan SlowCall);

/// <summary>
/// What happens to every call before and after its handler: who calls and whether it may, how many run at a time and for how long, what failed and how that
/// is said, one log line. Invariant: each Begin that returns is followed by one Succeed or one Fail.
/// </summary>
public sealed class Edge(AccessPolicy policy, DrainSignal drain, TimeProvider time, ILogger<Edge> logger, EdgeBounds bounds) : IDisposable
{
    private readonly CallBook _book = new();
    private ITimer? _sweep;
    private EdgeBounds _bounds = bounds;
    private long _exhaustedSaid;

    /// <summary>Told of an exception that only our own bug can cause; the host ends the process.</summary>
    public Action<InvariantException>? Broken { get; set; }

    public int CallCount => _book.Count;

    public EdgeBounds Bounds
    {
        get => Volatile.Read(ref _bounds);
        set => Volatile.Write(ref _bounds, value);
    }

    /// <summary>
    /// Starts to look after calls that run too long. One is first cancelled, and answers DEADLINE_EXCEEDED when its handler ends by that; a handler that goes
    /// on nonetheless has its stream reset at the next look.
    /// </summary>
    public void Start() => _sweep ??= time.CreateTimer(_ => Sweep(), null, Limits.CallSweepInterval, Limits.CallSweepInterval);

    public void Dispose()
    {
        _sweep?.Dispose();
    }

    internal Call Begin(ServerCallContext context, bool isUnary)
    {
        var connection = context.GetHttpContext().Features.Get<ConnectionState>() ?? new ConnectionState();
        var call = new Call(context, connection, isUnary, time.GetTimestamp());
        try
        {
            policy.Check(connection.Principal, context.Method);
            if (!_book.TryEnter(call, Bounds.CallCountMax))
            {
                throw new Fault(FaultKind.Exhausted, $"{context.Method}: {Bounds.CallCountMax} calls are in flight", hint: "raise limits.calls, or call again later")
                {
                    RetryAfter = Limits.CallRetryAfter,
                    Reason = "TOO_MANY_CALLS",
                };
            }
        }
        catch (Fault fault)
        {
            throw Told(call, fault);
        }

        connection.Enter();
        return call;
    }

    internal void Succeed(Call call)
    {
        Leave(call);
        var code = call.Context.Status.StatusCode;
        var elapsed = time.GetElapsedTime(call.Started);
        if (code != StatusCode.OK)
        {
            LogFailure(call, code, call.Context.Status.Detail);
        }
        else if (call.IsUnary && Bounds.SlowCall is var slow && slow > TimeSpan.Zero && elapsed > slow)
        {
            Log.CallSlow(logger, call.Context.Method, elapsed.TotalMilliseconds, PrincipalOf(call), RequestIdOf(call));
        }
        else if (logger.IsEnabled(LogLevel.Debug))
        {
            Log.CallFinished(logger, call.Context.Method, elapsed.TotalMilliseconds, PrincipalOf(call), RequestIdOf(call));
        }
    }

    /// <summary>The exception to throw in place of the one that the handler threw.</summary>
    internal RpcException Fail(Call call, Exception error)
    {
        Leave(call);
        switch (error)
        {
            case OperationCanceledException or Fault { Kind: FaultKind.Cancelled or FaultKind.DeadlineExceeded } when call.IsCut:
                return Told(call, new Fault(FaultKind.DeadlineExceeded, $"{call.Context.Method}: it ran longer than limits.call_time allows") { Reason = "CALL_TIME" });
            case RpcException status:
                LogFailure(call, status.StatusCode, status.Status.Detail);
                return status;
            case Fault fault:
                return Told(call, fault);
            case OperationCanceledException when drain.IsDraining && !call.Context.CancellationToken.IsCancellationRequested:
                return Told(call, new Fault(FaultKind.Unavailable, "the daemon is stopping"));
            case OperationCanceledException:
                var isLate = call.Context.Deadline.ToUniversalTime() <= time.GetUtcNow().UtcDateTime;
                return Told(call, isLate
                    ? new Fault(FaultKind.DeadlineExceeded, "the deadline has passed")
                    : new Fault(FaultKind.Cancelled, "the call was cancelled"));
            case InvariantException broken:
                Broken?.Invoke(broken);
                break;
        }

        var id = RandomNumberGenerator.GetHexString(16, lowercase: true);
        Log.CallBroke(logger, error, call.Context.Method, PrincipalOf(call), RequestIdOf(call), id);
        return FaultStatus.ToException(new Fault(FaultKind.Internal, $"internal error {id}", hint: $"the daemon's log has the cause under {id}"));
    }

    private RpcException Told(Call call, Fault fault)
    {
        LogFailure(call, FaultStatus.CodeOf(fault.Kind), fault.Message);
        return FaultStatus.ToException(fault);
    }

    private void LogFailure(Call call, StatusCode code, string detail)
    {
        var level = LevelOf(code);
        if (logger.IsEnabled(level))
        {
            var elapsed = time.GetElapsedTime(call.Started).TotalMilliseconds;
            Log.CallFailed(logger, level, call.Context.Method, code.ToString(), elapsed, PrincipalOf(call), RequestIdOf(call), detail);
        }
    }

    /// <summary>Loud is what an operator can mend; what a caller did wrong is told to the caller.</summary>
    private LogLevel LevelOf(StatusCode code) => code switch
    {
        StatusCode.Internal or StatusCode.Unknown or StatusCode.DataLoss => LogLevel.Warning,
        StatusCode.Unavailable => drain.IsDraining ? LogLevel.Debug : LogLevel.Warning,
        StatusCode.ResourceExhausted => IsTimeToSayExhausted() ? LogLevel.Warning : LogLevel.Debug,
        StatusCode.PermissionDenied or StatusCode.Unauthenticated => LogLevel.Information,
        _ => LogLevel.Debug,
    };

    /// <summary>A flood of calls must not become one of lines.</summary>
    private bool IsTimeToSayExhausted()
    {
        var said = Volatile.Read(ref _exhaustedSaid);
        var now = time.GetTimestamp();
        return (said == 0 || time.GetElapsedTime(said, now) >= Limits.ExhaustedLogInterval) && Interlocked.CompareExchange(ref _exhaustedSaid, now, said) == said;
    }

    private void Leave(Call call)
    {
        _book.Leave(call);
        call.End();
        call.Connection.Leave();
    }

    private void Sweep()
    {
        if (Bounds.CallTimeMax is var max && max > TimeSpan.Zero)
        {
            foreach (var call in _book.FindOverdue(time, max))
            {
                if (call.IsCut)
                {
                    // Its handler did not heed the token for a whole interval.
                    call.Context.GetHttpContext().Abort();
                }
                else
                {
                    // First: the call may be answered, and its context another's, as soon as it is cut.
                    Log.CallCut(logger, call.Context.Method, PrincipalOf(call), RequestIdOf(call), max.TotalSeconds);
                    call.Cut();
                }
            }
        }
    }

    private static string PrincipalOf(Call call) => call.Connection.Principal?.ToString() ?? "nobody";

    private static string RequestIdOf(Call call) => call.Context.GetHttpContext().TraceIdentifier;
}
