using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Auraed.Base;
using Auraed.Native;
using Aurae.Query.V0;
using Aurae.Schema;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Store.Query;

/// <summary>
/// Runs read-only SQL of strangers over their tenant's rows. Invariants: statements run on threads of their own, each with its connection, so
/// that one that computes for long holds up no call; the number that run and wait is bounded; a reader that is slow holds its own statement
/// up and costs a few batches of memory.
/// </summary>
public sealed class QueryEngine : IDisposable
{
    private readonly QueryCatalog _catalog;
    private readonly Func<QueryCatalog, QueryConnection> _open;
    private readonly BlockingCollection<QueryJob> _jobs = new(Limits.QueryQueueCountMax);
    private readonly CancellationTokenSource _closing = new();
    private readonly List<Thread> _threads = [];
    private readonly Lock _gate = new();
    private int _idle;
    private bool _closed;

    public QueryEngine(Database database)
        : this(Tables.All, catalog => Open(database, catalog), database.Tables, database.Options.Time)
    {
    }

    internal QueryEngine(IEnumerable<RecordTable> records, Func<QueryCatalog, QueryConnection> open, TableVersions versions, TimeProvider time)
    {
        _catalog = new QueryCatalog(records);
        _open = open;
        Versions = versions;
        Time = time;
        Cache = new QueryCache(versions, Limits.QueryCacheBytesMax);
    }

    internal TimeProvider Time { get; }

    internal TableVersions Versions { get; }

    internal QueryCache Cache { get; }

    /// <summary>The most that the C heap grew during one statement, as far as it was looked at.</summary>
    internal long HeapGrowthMax { get; private set; }

    internal QueryCounts Counts { get; } = new();

    internal long StepsMax { get; init; } = Limits.QueryStepsMax;

    internal long MemoryBytesMax { get; init; } = Limits.QueryMemoryBytesMax;

    /// <summary>
    /// The columns, then batches of rows, last the summary. Fault(Invalid), (Denied), (OutOfRange), (Exhausted), (DeadlineExceeded) and (Cancelled)
    /// as the service documents them. The enumerator must be disposed; that ends the statement.
    /// </summary>
    public async IAsyncEnumerable<QueryResponse> QueryAsync(QueryCommand command, [EnumeratorCancellation] CancellationToken cancel)
    {
        Counts.Asked();
        var key = command.MayUseCache ? KeyOf(command) : null;
        if (key is not null && Cache.Find(key) is { } known)
        {
            foreach (var message in known.Messages)
            {
                yield return message;
            }

            var summary = known.Summary.Clone();
            summary.FromCache = true;
            summary.Elapsed = new Duration();
            yield return new QueryResponse { Summary = summary };
            yield break;
        }

        using var caller = CancellationTokenSource.CreateLinkedTokenSource(cancel, _closing.Token);
        var stream = new QueryStream(this, command, new QueryClock(Time, command.Time, caller.Token), key);
        try
        {
            Enqueue(stream);
            await foreach (var message in stream.Messages.ReadAllAsync(cancel).ConfigureAwait(false))
            {
                yield return message;
            }
        }
        finally
        {
            // A reader that leaves early ends its statement.
            await caller.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>How the engine would run the statement, the base tables it reads, and whether its answers may be kept.</summary>
    public Task<ExplainResponse> ExplainAsync(string tenant, string sql, TimeSpan allowed, CancellationToken cancel)
    {
        return AskAsync(allowed, cancel, connection =>
        {
            connection.Tenant = tenant;
            var steps = connection.Explain(sql);
            var response = new ExplainResponse { Cacheable = connection.Authorizer.IsRepeatable };
            response.Tables.Add(connection.Authorizer.Reads.Order(StringComparer.Ordinal));
            response.Steps.Add(steps.Select(step => new PlanStep { Id = step.Id, Parent = step.Parent, Detail = step.Detail }));
            return response;
        });
    }

    public Task<ListTablesResponse> ListTablesAsync(TimeSpan allowed, CancellationToken cancel)
    {
        return AskAsync(allowed, cancel, connection =>
        {
            var response = new ListTablesResponse();
            foreach (var table in connection.Tables)
            {
                var listed = new Table { Name = table.Name, RecordType = table.RecordType };
                listed.Columns.Add(table.Columns.Select(column => new Column { Name = column.Name, Type = column.Type }));
                response.Tables.Add(listed);
            }

            response.Functions.Add(connection.Functions);
            return response;
        });
    }

    public QueryStatistics Statistics => new()
    {
        Queries = Counts.Queries,
        Failures = Counts.Failures,
        Denials = Counts.Denials,
        Interruptions = Counts.Interruptions,
        Rows = Counts.Rows,
        CacheHits = Cache.Hits,
        CacheMisses = Cache.Misses,
        CacheInvalidations = Cache.Invalidations,
        CacheEntries = Cache.Count,
        CacheBytes = Cache.Bytes,
        Running = Counts.Running,
        Waiting = _jobs.Count,
    };

    /// <summary>Interrupts what runs and closes the connections; before the database is closed.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
        }

        _closing.Cancel();
        _jobs.CompleteAdding();
        foreach (var thread in _threads)
        {
            thread.Join();
        }

        _jobs.Dispose();
        _closing.Dispose();
    }

    /// <summary>A connection whose snapshots hold everything that was acknowledged before.</summary>
    internal static QueryConnection Open(Database database, QueryCatalog catalog)
    {
        var connection = database.OpenReader();
        return new QueryConnection(connection.Handle, connection, catalog) { Settle = () => database.SettleAsync(CancellationToken.None).GetAwaiter().GetResult() };
    }

    /// <summary>After a statement: what it took beyond the usual goes back to the system.</summary>
    internal void Settle(long heapGrowth)
    {
        HeapGrowthMax = Math.Max(HeapGrowthMax, heapGrowth);
        if (heapGrowth > Limits.QueryHeapKeptBytesMax)
        {
            NativeHeap.Trim();
        }
    }

    private async Task<T> AskAsync<T>(TimeSpan allowed, CancellationToken cancel, Func<QueryConnection, T> work)
    {
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(cancel, _closing.Token);
        var ask = new QueryAsk<T>(new QueryClock(Time, allowed, caller.Token), work);
        Enqueue(ask);
        return await ask.Answer.ConfigureAwait(false);
    }

    private void Enqueue(QueryJob job)
    {
        lock (_gate)
        {
            if (_closed)
            {
                throw new Fault(FaultKind.Unavailable, "the store is closed") { Reason = "STORE_CLOSED" };
            }

            if (!_jobs.TryAdd(job))
            {
                throw new Fault(FaultKind.Exhausted, $"{Limits.QueryQueueCountMax} queries wait already") { Reason = "QUERY_QUEUE_FULL", RetryAfter = Limits.QueryRetryAfter };
            }

            if (_jobs.Count > Volatile.Read(ref _idle) && _threads.Count < Limits.QueryConnectionCountMax)
            {
                var thread = new Thread(Serve) { IsBackground = true, Name = $"query-{_threads.Count}" };
                _threads.Add(thread);
                thread.Start();
            }
        }
    }

    /// <summary>The loop of one thread: it opens its connection with the first job, and anew after a failure that is not the statement's.</summary>
    private void Serve()
    {
        QueryConnection? connection = null;
        try
        {
            while (Next() is { } job)
            {
                Counts.Started();
                try
                {
                    if (job.Clock.IsCancelled || job.Clock.IsTimeUp)
                    {
                        throw new Fault(job.Clock.IsTimeUp ? FaultKind.DeadlineExceeded : FaultKind.Cancelled, "the query's time was up before a connection was free");
                    }

                    connection ??= _open(_catalog);
                    job.Run(connection);
                }
                catch (Exception exception)
                {
                    Counts.Failed(exception);
                    job.Fail(exception);
                    if (exception is not Fault { Kind: not (FaultKind.Internal or FaultKind.Corrupt) })
                    {
                        connection?.Dispose();
                        connection = null;
                    }
                }
                finally
                {
                    Counts.Ended();
                }
            }
        }
        finally
        {
            connection?.Dispose();
        }
    }

    private QueryJob? Next()
    {
        Interlocked.Increment(ref _idle);
        try
        {
            return _jobs.TryTake(out var job, Timeout.Infinite) ? job : null;
        }
        finally
        {
            Interlocked.Decrement(ref _idle);
        }
    }

    private static string KeyOf(QueryCommand command)
    {
        var key = new StringBuilder(command.Tenant).Append('\0')
            .Append(CultureInfo.InvariantCulture, $"{command.RowsMax} {command.BytesMax} {command.BatchRowsMax} {command.FailWhenTruncated}").Append('\0');
        foreach (var (name, value) in command.Parameters.OrderBy(parameter => parameter.Key, StringComparer.Ordinal))
        {
            key.Append(name).Append('=').Append(value.ToByteString().ToBase64()).Append('\0');
        }

        return key.Append('\0').Append(command.Sql).ToString();
    }
}
