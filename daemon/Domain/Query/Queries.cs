using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Query;
using Aurae.Query.V0;

namespace Auraed.Domain.Query;

/// <summary>Read-only SQL over a tenant's records. To be disposed before the database.</summary>
public sealed class Queries(Database database) : IDisposable
{
    private readonly QueryEngine _engine = new(database);
    private readonly TimeProvider _time = database.Options.Time;

    /// <summary>Counters since the start.</summary>
    public QueryStatistics Statistics => _engine.Statistics;

    /// <summary>The columns, batches of rows, the summary.</summary>
    /// <param name="request">As it came.</param>
    /// <param name="deadline">The call's, in UTC; <see cref="DateTime.MaxValue"/> when it has none.</param>
    /// <param name="cancel">Ends the statement.</param>
    public IAsyncEnumerable<QueryResponse> QueryAsync(QueryRequest request, DateTime deadline, CancellationToken cancel) =>
        _engine.QueryAsync(QueryRequests.Parse(request, Left(deadline)), cancel);

    public Task<ExplainResponse> ExplainAsync(ExplainRequest request, DateTime deadline, CancellationToken cancel) =>
        _engine.ExplainAsync(RecordNames.Tenant(request.Tenant), QueryRequests.Sql(request.Sql), Left(deadline), cancel);

    public Task<ListTablesResponse> ListTablesAsync(ListTablesRequest request, DateTime deadline, CancellationToken cancel)
    {
        _ = RecordNames.Tenant(request.Tenant);
        return _engine.ListTablesAsync(Left(deadline), cancel);
    }

    public void Dispose() => _engine.Dispose();

    private TimeSpan Left(DateTime deadline)
    {
        if (deadline == DateTime.MaxValue)
        {
            return Limits.QueryTimeDefault;
        }

        var left = deadline.ToUniversalTime() - _time.GetUtcNow().UtcDateTime;
        return left < Limits.QueryTimeMax ? left : Limits.QueryTimeMax;
    }
}
