using System.Threading.Channels;
using Auraed.Base;
using Aurae.Query.V0;

namespace Auraed.Store.Query;

/// <summary>Work for a query connection's thread.</summary>
internal abstract class QueryJob(QueryClock clock)
{
    public QueryClock Clock => clock;

    /// <summary>Runs on the connection's thread; what it throws goes to <see cref="Fail"/>.</summary>
    public abstract void Run(QueryConnection connection);

    public abstract void Fail(Exception cause);
}

/// <summary>One question with one answer, as the plan of a statement.</summary>
internal sealed class QueryAsk<T>(QueryClock clock, Func<QueryConnection, T> work) : QueryJob(clock)
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Answer => _done.Task;

    public override void Run(QueryConnection connection) => _done.SetResult(work(connection));

    public override void Fail(Exception cause) => _done.TrySetException(cause);
}

/// <summary>One query, and the messages it has made that its reader has not taken yet; a thread ahead of its reader waits.</summary>
internal sealed class QueryStream : QueryJob
{
    private readonly Channel<QueryResponse> _messages = Channel.CreateBounded<QueryResponse>(new BoundedChannelOptions(Limits.QueryBatchesAheadMax)
    {
        SingleReader = true,
        SingleWriter = true,
    });

    private readonly QueryEngine _engine;
    private readonly QueryCommand _command;
    private readonly string? _key;
    private List<QueryResponse>? _kept;
    private int _keptBytes;

    public QueryStream(QueryEngine engine, QueryCommand command, QueryClock clock, string? key)
        : base(clock)
    {
        _engine = engine;
        _command = command;
        _key = key;
        _kept = key is null ? null : [];
    }

    public ChannelReader<QueryResponse> Messages => _messages.Reader;

    public override void Run(QueryConnection connection)
    {
        var run = new QueryRun(connection, _command, Clock, _engine.Time, Send);
        try
        {
            run.Execute(_engine.Versions, _engine.StepsMax, _engine.MemoryBytesMax);
        }
        finally
        {
            _engine.Settle(run.HeapGrowth);
        }

        if (_key is not null && _kept is not null && run.Stamp is { } stamp)
        {
            _engine.Cache.Add(_key, new QueryAnswer(_kept[..^1], run.Summary, stamp, run.Summary.Bytes));
        }

        _engine.Counts.Answered(run.Summary.Rows);
        _messages.Writer.Complete();
    }

    public override void Fail(Exception cause) => _messages.Writer.TryComplete(cause);

    private void Send(QueryResponse message)
    {
        if (_kept is not null)
        {
            _kept.Add(message);
            _keptBytes += message.CalculateSize();
            _kept = _keptBytes > Limits.QueryCacheEntryBytesMax ? null : _kept;
        }

        while (!_messages.Writer.TryWrite(message))
        {
            WaitForReader();
        }
    }

    private void WaitForReader()
    {
        var left = Clock.Left;
        if (left <= TimeSpan.Zero)
        {
            throw new Fault(FaultKind.DeadlineExceeded, "the query's time was up before its reader had taken all rows");
        }

        var patience = left < Limits.QueryStallMax ? left : Limits.QueryStallMax;
        using var timer = new CancellationTokenSource(patience, _engine.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, Clock.Caller);
        try
        {
            // This is the connection's own thread, which has nothing else to do.
            if (!_messages.Writer.WaitToWriteAsync(either.Token).AsTask().GetAwaiter().GetResult())
            {
                throw new Fault(FaultKind.Cancelled, "the query's reader has gone");
            }
        }
        catch (OperationCanceledException)
        {
            throw Clock.IsCancelled
                ? new Fault(FaultKind.Cancelled, "the query's reader has gone")
                : new Fault(FaultKind.DeadlineExceeded, $"the query's reader took no rows for {patience.TotalSeconds:0} s", hint: "read faster, or ask for fewer rows");
        }
    }
}
