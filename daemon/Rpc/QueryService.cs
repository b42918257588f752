using Auraed.Domain.Query;
using Aurae.Query.V0;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.query.v0.QueryService: parse, call, answer.</summary>
public sealed class QueryService(Queries queries) : Aurae.Query.V0.QueryService.QueryServiceBase
{
    public override async Task Query(QueryRequest request, IServerStreamWriter<QueryResponse> responseStream, ServerCallContext context)
    {
        await foreach (var message in queries.QueryAsync(request, context.Deadline, context.CancellationToken).ConfigureAwait(false))
        {
            await responseStream.WriteAsync(message, context.CancellationToken).ConfigureAwait(false);
        }
    }

    public override Task<ExplainResponse> Explain(ExplainRequest request, ServerCallContext context) =>
        queries.ExplainAsync(request, context.Deadline, context.CancellationToken);

    public override Task<ListTablesResponse> ListTables(ListTablesRequest request, ServerCallContext context) =>
        queries.ListTablesAsync(request, context.Deadline, context.CancellationToken);

    public override Task<QueryStatistics> GetStatistics(GetStatisticsRequest request, ServerCallContext context) =>
        Task.FromResult(queries.Statistics);
}
