using Auraed.Base;
using Auraed.Native;

namespace Auraed.Store.Query;

internal enum QueryEnd
{
    None,
    Cancelled,
    TimeUp,
    Steps,
    Memory,
}

/// <summary>
/// What one run may take, looked at from inside the engine every <see cref="Limits.QueryStepsPerLook"/> steps. The engine's interrupt would do for
/// the clock, but it may hit the connection's next statement when it comes late; this cannot.
/// </summary>
internal sealed class QueryBudget(QueryClock clock, long stepsMax, long memoryBytesMax, TimeProvider time)
{
    private readonly long _heapBefore = NativeHeap.AllocatedBytes;
    private long _lookedAt = time.GetTimestamp();

    public long Steps { get; private set; }

    /// <summary>Why the run was ended; None while it goes on.</summary>
    public QueryEnd End { get; private set; }

    /// <summary>The most that the C heap grew by, as far as it was looked at.</summary>
    public long HeapGrowth { get; private set; }

    /// <summary>True: stop here.</summary>
    public bool Look()
    {
        Steps += Limits.QueryStepsPerLook;
        if (End == QueryEnd.None)
        {
            End = clock.IsCancelled ? QueryEnd.Cancelled
                : clock.IsTimeUp ? QueryEnd.TimeUp
                : Steps > stepsMax ? QueryEnd.Steps
                : IsOutOfMemory() ? QueryEnd.Memory
                : QueryEnd.None;
        }

        return End != QueryEnd.None;
    }

    /// <summary>The fault of an ended run.</summary>
    public Fault ToFault() => End switch
    {
        QueryEnd.Cancelled => new Fault(FaultKind.Cancelled, "the query was interrupted: its caller has gone"),
        QueryEnd.TimeUp => new Fault(FaultKind.DeadlineExceeded, "the query was interrupted at its deadline", hint: "give the call more time, or ask for less: auraed query --explain shows the plan")
        {
            Reason = "QUERY_INTERRUPTED",
        },
        QueryEnd.Steps => new Fault(FaultKind.Exhausted, $"the query takes more than {stepsMax} steps of the engine", "sql", "select fewer rows, or by an indexed column") { Reason = "QUERY_STEPS" },
        QueryEnd.Memory => new Fault(FaultKind.Exhausted, $"the query takes more than {memoryBytesMax / (1024 * 1024)} MiB for sorting and intermediate results", "sql", "sort or group fewer rows, or less in each")
        {
            Reason = "QUERY_MEMORY",
        },
        QueryEnd.None => throw new InvariantException("a query that has not ended has no fault"),
    };

    private bool IsOutOfMemory()
    {
        if (time.GetElapsedTime(_lookedAt) < Limits.QueryMemoryLookInterval)
        {
            return false;
        }

        _lookedAt = time.GetTimestamp();
        HeapGrowth = Math.Max(HeapGrowth, NativeHeap.AllocatedBytes - _heapBefore);
        return HeapGrowth > memoryBytesMax;
    }
}

/// <summary>When a query must end: with its caller, or when its time is up.</summary>
internal sealed class QueryClock(TimeProvider time, TimeSpan allowed, CancellationToken caller)
{
    private readonly long _start = time.GetTimestamp();

    public CancellationToken Caller => caller;

    public TimeSpan Elapsed => time.GetElapsedTime(_start);

    public TimeSpan Left => allowed - Elapsed;

    public bool IsTimeUp => Left <= TimeSpan.Zero;

    public bool IsCancelled => caller.IsCancellationRequested;
}
