using Aurae.Query.V0;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract;

/// <summary>A client that reads slowly, seen from the memory of the process.</summary>
[Collection(Alone.Name)]
public sealed class QuerySlowReader : IDisposable
{
    private readonly DaemonFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_client_that_does_not_read_holds_the_statement_up_and_not_the_memory()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        const string sql = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 200000) SELECT x, hex(zeroblob(500)) FROM n";
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using var call = new QueryService.QueryServiceClient(channel).Query(new QueryRequest { Sql = sql, RowLimit = 1_000_000, ByteLimit = 1L << 30 });
        Assert.True(await call.ResponseStream.MoveNext(default));
        var client = new QueryService.QueryServiceClient(channel);
        await Eventually.HoldsAsync(() => Task.FromResult(GC.GetTotalMemory(forceFullCollection: true) - before < 32 * 1024 * 1024), "memory stays bounded");
        long rows = 0;
        while (await call.ResponseStream.MoveNext(default))
        {
            rows += call.ResponseStream.Current.Rows?.Rows_.Count ?? 0;
        }

        Assert.Equal(200_000, rows);
        Assert.Equal(200_000, (await client.GetStatisticsAsync(new GetStatisticsRequest())).Rows);
    }
}
