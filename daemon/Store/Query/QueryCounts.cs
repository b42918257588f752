using Auraed.Base;

namespace Auraed.Store.Query;

/// <summary>What has happened since the start; each number only grows.</summary>
internal sealed class QueryCounts
{
    private long _queries;
    private long _failures;
    private long _denials;
    private long _interruptions;
    private long _rows;
    private long _running;

    public long Queries => Volatile.Read(ref _queries);

    public long Failures => Volatile.Read(ref _failures);

    public long Denials => Volatile.Read(ref _denials);

    public long Interruptions => Volatile.Read(ref _interruptions);

    public long Rows => Volatile.Read(ref _rows);

    /// <summary>Now; this one falls too.</summary>
    public long Running => Volatile.Read(ref _running);

    public void Asked() => Interlocked.Increment(ref _queries);

    public void Answered(long rows) => Interlocked.Add(ref _rows, rows);

    public void Started() => Interlocked.Increment(ref _running);

    public void Ended() => Interlocked.Decrement(ref _running);

    public void Failed(Exception cause)
    {
        Interlocked.Increment(ref _failures);
        if (cause is Fault { Kind: FaultKind.Denied })
        {
            Interlocked.Increment(ref _denials);
        }
        else if (cause is Fault { Kind: FaultKind.DeadlineExceeded or FaultKind.Cancelled })
        {
            Interlocked.Increment(ref _interruptions);
        }
    }
}
