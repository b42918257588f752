using System.Diagnostics;
using Auraed.Base;
using Auraed.Native;
using Auraed.Store;
using Auraed.Store.Query;
using Auraed.Tests.Support;
using Aurae.Query.V0;

namespace Auraed.Tests.Unit.Query;

/// <summary>What a query may take: time, steps, memory, places; and what becomes of its answer.</summary>
[Collection(Alone.Name)]
public class QueryBoundsTests
{
    private const string Endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

    [Fact]
    public async Task An_endless_statement_is_interrupted_at_its_deadline_and_the_next_one_runs()
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        var watch = Stopwatch.StartNew();
        var fault = await Assert.ThrowsAsync<Fault>(() => fixture.RunAsync(Command(Endless, TimeSpan.FromMilliseconds(200))));
        Assert.Equal(FaultKind.DeadlineExceeded, fault.Kind);
        Assert.InRange(watch.Elapsed, TimeSpan.FromMilliseconds(190), TimeSpan.FromSeconds(5));
        Assert.Equal(["1"], (await fixture.RunAsync("SELECT count(*) FROM machine")).Lines);
        Assert.Equal(1, fixture.Engine.Statistics.Interruptions);
    }

    [Fact]
    public async Task A_caller_that_goes_away_ends_its_statement()
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        using var cancel = new CancellationTokenSource();
        var running = fixture.RunAsync(Command(Endless, TimeSpan.FromMinutes(5)), cancel.Token);
        await Eventually.HoldsAsync(() => fixture.Engine.Statistics.Running == 1, "the query runs");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await Eventually.HoldsAsync(() => fixture.Engine.Statistics.Running == 0, "no query runs");
    }

    [Fact]
    public async Task A_statement_of_too_many_steps_is_ended()
    {
        await using var fixture = await new QueryFixture(stepsMax: 1_000_000).FillAsync(1);
        var fault = await Assert.ThrowsAsync<Fault>(() => fixture.RunAsync(Endless));
        Assert.Equal((FaultKind.Exhausted, "QUERY_STEPS", "sql"), (fault.Kind, fault.Reason, fault.Field));
    }

    [Theory]
    [InlineData("SELECT count(*) FROM (SELECT randomblob(1000000) AS b FROM numbers ORDER BY b)")]
    [InlineData("SELECT count(DISTINCT hex(randomblob(500000))) FROM numbers")]
    [InlineData("SELECT group_concat(b) OVER () FROM (SELECT zeroblob(1000000) AS b FROM numbers)")]
    [InlineData("SELECT count(*) FROM numbers a, (SELECT randomblob(1000000) AS b FROM numbers LIMIT 100000) z WHERE z.b = a.x")]
    [InlineData("SELECT x FROM (WITH RECURSIVE d(x) AS (SELECT 1 UNION SELECT x + 1 FROM d) SELECT x FROM d) WHERE x < 0")]
    public async Task Sorting_and_intermediate_results_are_bounded_in_memory(string sql)
    {
        const long allowed = 32 * 1024 * 1024;
        await using var fixture = await new QueryFixture(memoryBytesMax: allowed).FillAsync(1);
        await fixture.RunAsync("SELECT 1");
        var fault = await Assert.ThrowsAsync<Fault>(() => fixture.RunAsync(
            "WITH RECURSIVE numbers(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM numbers) " + sql));
        Assert.True(fault.Kind is FaultKind.Exhausted or FaultKind.OutOfRange, fault.Message);
        await Eventually.HoldsAsync(() => fixture.Engine.Statistics.Running == 0, "no query runs");
        Assert.InRange(fixture.Engine.HeapGrowthMax, 0, 3 * allowed);
    }

    [Fact]
    public async Task A_slow_reader_costs_a_few_batches_and_gets_all_rows()
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        const string sql = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000) SELECT x, hex(zeroblob(500)) FROM n";
        var command = new QueryCommand { Tenant = "ours", Sql = sql, RowsMax = 1_000_000, BytesMax = 1L << 30, BatchRowsMax = 1000, Time = TimeSpan.FromMinutes(1) };
        var before = GC.GetTotalMemory(forceFullCollection: true);
        long rows = 0, highest = 0;
        await foreach (var message in fixture.Engine.QueryAsync(command, default))
        {
            rows += message.Rows?.Rows_.Count ?? 0;
            if (message.Rows is not null && rows % 20_000 < 300)
            {
                // The statement has run ahead as far as it may.
                await Task.Delay(50);
                highest = Math.Max(highest, GC.GetTotalMemory(forceFullCollection: true) - before);
            }
        }

        Assert.Equal(100_000, rows);
        Assert.InRange(highest, 0, 16 * 1024 * 1024);
    }

    [Fact]
    public async Task A_reader_that_leaves_early_frees_its_place()
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        for (var attempt = 0; attempt < 2 * Limits.QueryConnectionCountMax; attempt++)
        {
            await foreach (var message in fixture.Engine.QueryAsync(QueryFixture.Command("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"), default))
            {
                if (message.Rows is not null)
                {
                    break;
                }
            }
        }

        await Eventually.HoldsAsync(() => fixture.Engine.Statistics.Running == 0, "no query runs");
    }

    [Fact]
    public async Task More_queries_than_may_wait_are_refused_and_told_to_come_back()
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        using var cancel = new CancellationTokenSource();
        var running = Enumerable.Range(0, Limits.QueryConnectionCountMax + Limits.QueryQueueCountMax + 8)
            .Select(_ => fixture.RunAsync(Command(Endless, TimeSpan.FromMinutes(1)), cancel.Token)).ToArray();
        var refused = await Assert.ThrowsAsync<Fault>(() => fixture.RunAsync("SELECT 1"));
        Assert.Equal((FaultKind.Exhausted, "QUERY_QUEUE_FULL", true), (refused.Kind, refused.Reason, refused.RetryAfter > TimeSpan.Zero));
        Assert.True(fixture.Engine.Statistics.Running <= Limits.QueryConnectionCountMax);
        await cancel.CancelAsync();
        foreach (var task in running)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => task);
        }

        await Eventually.HoldsAsync(() => fixture.Engine.Statistics is { Running: 0, Waiting: 0 }, "no query runs");
        Assert.Equal(["1"], (await fixture.RunAsync("SELECT 1")).Lines);
    }

    [Fact]
    public async Task Closing_ends_what_runs()
    {
        var fixture = await new QueryFixture().FillAsync(1);
        var running = fixture.RunAsync(Command(Endless, TimeSpan.FromMinutes(5)));
        await Eventually.HoldsAsync(() => fixture.Engine.Statistics.Running == 1, "the query runs");
        await fixture.DisposeAsync();
        Assert.Equal(FaultKind.Cancelled, (await Assert.ThrowsAsync<Fault>(() => running)).Kind);
    }

    private static QueryCommand Command(string sql, TimeSpan time) => new()
    {
        Tenant = "ours",
        Sql = sql,
        RowsMax = Limits.QueryRowsMax,
        BytesMax = Limits.QueryBytesMax,
        BatchRowsMax = 1000,
        Time = time,
    };
}
