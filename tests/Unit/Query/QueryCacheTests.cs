using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit.Query;

/// <summary>Answers from memory are those that the file would give.</summary>
public class QueryCacheTests
{
    [Fact]
    public async Task A_repeated_query_is_answered_from_memory_until_a_table_it_reads_changes()
    {
        await using var fixture = await new QueryFixture().FillAsync(2);
        const string sql = "SELECT count(*) FROM machine";
        Assert.False((await fixture.RunAsync(sql)).Summary.FromCache);
        var again = await fixture.RunAsync(sql);
        Assert.True(again.Summary.FromCache);
        Assert.Equal(["2"], again.Lines);
        Assert.Equal("count(*)", again.Columns.Columns_[0].Name);

        await fixture.Database.WriteAsync(unit => unit.Prepare("INSERT INTO vault VALUES ('ours', 'x')").Execute(), default);
        Assert.True((await fixture.RunAsync(sql)).Summary.FromCache);

        await AddAsync(fixture, "m9");
        var fresh = await fixture.RunAsync(sql);
        Assert.False(fresh.Summary.FromCache);
        Assert.Equal(["3"], fresh.Lines);
        var statistics = fixture.Engine.Statistics;
        Assert.Equal((2, 2, 1), (statistics.CacheHits, statistics.CacheMisses, statistics.CacheInvalidations));
    }

    [Fact]
    public async Task Tenants_parameters_and_limits_have_answers_of_their_own()
    {
        await using var fixture = await new QueryFixture().FillAsync(2);
        const string sql = "SELECT id FROM machine WHERE memory > :m ORDER BY id";
        var low = ("m", new Aurae.Query.V0.Value { Integer = 0 });
        var high = ("m", new Aurae.Query.V0.Value { Integer = 1024 });
        Assert.Equal(["m0", "m1"], (await fixture.RunAsync(QueryFixture.Command(sql, "ours", low))).Lines);
        Assert.Equal(["m1"], (await fixture.RunAsync(QueryFixture.Command(sql, "ours", high))).Lines);
        Assert.Equal([QueryFixture.Mark + "0", QueryFixture.Mark + "1"], (await fixture.RunAsync(QueryFixture.Command(sql, "theirs", low))).Lines);
        Assert.Empty((await fixture.RunAsync(QueryFixture.Command(sql, "nobody", low))).Lines);
        Assert.Equal(["m0", "m1"], (await fixture.RunAsync(QueryFixture.Command(sql, "ours", low))).Lines);
        Assert.Equal(1, fixture.Engine.Statistics.CacheHits);
    }

    [Theory]
    [InlineData("SELECT random()")]
    [InlineData("SELECT datetime('now')")]
    [InlineData("SELECT current_timestamp FROM machine")]
    public async Task What_changes_by_itself_is_not_kept(string sql)
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        await fixture.RunAsync(sql);
        Assert.False((await fixture.RunAsync(sql)).Summary.FromCache);
    }

    [Fact]
    public async Task Rows_that_the_reference_rules_change_are_changes_too()
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        string[] queries =
        [
            "SELECT count(*) FROM nic WHERE machine IS NULL", "SELECT count(*) FROM machine_disk", "SELECT count(*) FROM machine_text WHERE document MATCH 'kernel'",
        ];
        foreach (var sql in queries)
        {
            await fixture.RunAsync(sql);
        }

        Assert.Equal(["0"], (await fixture.RunAsync(queries[0])).Lines);
        await fixture.Database.WriteAsync(unit =>
        {
            unit.Prepare("UPDATE nic SET machine = NULL WHERE tenant = 'ours'").Execute();
            return unit.Prepare("DELETE FROM machine WHERE tenant = 'ours'").Execute();
        }, default);
        Assert.Equal(["2"], (await fixture.RunAsync(queries[0])).Lines);
        Assert.Equal(["0"], (await fixture.RunAsync(queries[1])).Lines);
        Assert.Equal(["0"], (await fixture.RunAsync(queries[2])).Lines);
    }

    [Fact]
    public async Task What_a_reference_rule_alone_changes_is_seen()
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        const string orphans = "SELECT id FROM nic WHERE machine IS NOT NULL ORDER BY id";
        Assert.Equal(2, (await fixture.RunAsync(orphans)).Rows.Count);
        await fixture.Database.WriteAsync(unit => unit.Prepare("DELETE FROM machine WHERE tenant = 'ours'").Execute(), default);
        Assert.Empty((await fixture.RunAsync(orphans)).Rows);
    }

    [Fact]
    public async Task Under_concurrent_writes_no_answer_is_older_than_what_was_acknowledged_before_the_question()
    {
        await using var fixture = await new QueryFixture().FillAsync(0);
        long acknowledged = 0;
        var done = false;
        var writer = WriteAllAsync();
        var readers = Enumerable.Range(0, 4).Select(_ => ReadAllAsync()).ToArray();
        await writer;
        Volatile.Write(ref done, true);
        await Task.WhenAll(readers);
        var statistics = fixture.Engine.Statistics;
        Assert.True(statistics.CacheInvalidations > 0 && statistics.CacheHits > 0, $"{statistics}");

        async Task WriteAllAsync()
        {
            for (var number = 1; number <= 400; number++)
            {
                await AddAsync(fixture, $"n{number}");
                Volatile.Write(ref acknowledged, number);
                if (number % 8 == 0)
                {
                    // Let the readers repeat themselves.
                    var hits = fixture.Engine.Statistics.CacheHits;
                    await Eventually.HoldsAsync(() => fixture.Engine.Statistics.CacheHits > hits, "an answer comes from memory");
                }
            }
        }

        async Task ReadAllAsync()
        {
            while (!Volatile.Read(ref done))
            {
                var least = Volatile.Read(ref acknowledged);
                var result = await fixture.RunAsync("SELECT count(*) FROM machine");
                var most = Volatile.Read(ref acknowledged) + 1;
                Assert.InRange(result.Rows[0].Values[0].Integer, least, most);
            }
        }
    }

    private static Task<int> AddAsync(QueryFixture fixture, string id) => fixture.Database.WriteAsync(
        unit =>
        {
            QueryFixture.AddMachine(unit, "ours", id, 1, "note");
            return 0;
        },
        default);
}
