using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract;

/// <summary>What every user of the store relies on.</summary>
public sealed class StoreContract : IDisposable
{
    private readonly StoreFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task What_was_written_is_read_by_the_next_read_and_after_a_restart()
    {
        await using (var database = _fixture.Open())
        {
            Assert.Equal(1, await StoreFixture.AppendAsync(database, "first"));
            Assert.Equal(["first"], await SubjectsAsync(database));
        }

        await using var again = _fixture.Open();
        Assert.Equal(["first"], await SubjectsAsync(again));
        Assert.Equal(1, again.Durable);
        Assert.Equal(2, await StoreFixture.AppendAsync(again, "second"));
    }

    [Fact]
    public async Task A_failing_unit_is_undone_alone_with_its_events()
    {
        await using var database = _fixture.Open();
        var tasks = new List<Task<long>>();
        for (var index = 0; index < 200; index++)
        {
            var number = index;
            tasks.Add(database.WriteAsync(
                unit =>
                {
                    var sequence = unit.Events.Append("t", "p", null, "test.created", $"s{number}", default);
                    Assert.Equal(unit.Revision, sequence);
                    return number % 3 == 0 ? throw new Fault(FaultKind.Precondition, "as asked") : sequence;
                },
                CancellationToken.None));
        }

        var outcomes = await Task.WhenAll(tasks.Select(async task =>
        {
            try
            {
                return await task;
            }
            catch (Fault fault) when (fault.Kind == FaultKind.Precondition)
            {
                return 0L;
            }
        }));
        var kept = outcomes.Where(sequence => sequence != 0).ToArray();
        Assert.Equal(Enumerable.Range(1, kept.Length).Select(number => (long)number), kept);
        Assert.Equal(kept.Length, database.Durable);
        Assert.Equal(kept.Length, (await SubjectsAsync(database)).Count);
    }

    [Fact]
    public async Task A_watcher_wakes_when_the_event_is_durable()
    {
        await using var database = _fixture.Open();
        var waiting = database.WaitForSequenceAsync(0, CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        await StoreFixture.AppendAsync(database, "one");
        await waiting.WaitAsync(TimeSpan.FromSeconds(10));
        await database.WaitForSequenceAsync(0, CancellationToken.None);
    }

    [Fact]
    public async Task A_cancelled_read_stops_a_running_statement()
    {
        await using var database = _fixture.Open();
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => database.ReadAsync(
            unit =>
            {
                var endless = unit.Prepare("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
                return endless.Step();
            },
            cancel.Token));
        Assert.Empty(await SubjectsAsync(database));
    }

    [Fact]
    public async Task A_reader_cannot_write()
    {
        await using var database = _fixture.Open();
        var fault = await Assert.ThrowsAsync<Fault>(() => database.ReadAsync(unit => unit.Prepare("DELETE FROM meta").Execute(), CancellationToken.None));
        Assert.Equal("READ_ONLY", fault.Reason);
    }

    [Fact]
    public async Task Events_refuse_to_be_changed()
    {
        await using var database = _fixture.Open();
        await StoreFixture.AppendAsync(database, "one");
        foreach (var sql in new[] { "UPDATE event SET subject = 'x'", "DELETE FROM event" })
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => database.WriteAsync(unit => unit.Prepare(sql).Execute(), CancellationToken.None));
            Assert.Equal("REFUSED_BY_TRIGGER", fault.Reason);
        }
    }

    [Fact]
    public async Task Values_come_back_as_they_were_bound()
    {
        await using var database = _fixture.Open();
        var row = await database.ReadAsync(
            unit =>
            {
                var echo = unit.Prepare("SELECT ?, ?, ?, ?, ?, ?");
                echo.Integer(0, long.MinValue);
                echo.Real(1, 0.1);
                echo.Text(2, "");
                echo.Text(3, "a\0b\u00e9" + new string('x', 10_000));
                echo.Blob(4, []);
                echo.Null(5);
                Assert.True(echo.Step());
                return (echo.Integer(0), echo.Real(1), Empty: echo.IsNull(2), Text: System.Text.Encoding.UTF8.GetString(echo.Blob(3)), Blob: echo.IsNull(4), Null: echo.IsNull(5));
            },
            CancellationToken.None);
        Assert.Equal((long.MinValue, 0.1, false, "a\0b\u00e9" + new string('x', 10_000), false, true), row);
    }

    private static Task<List<string>> SubjectsAsync(Database database) => database.ReadAsync(
        unit =>
        {
            var subjects = new List<string>();
            var rows = unit.Prepare("SELECT subject FROM event ORDER BY sequence");
            while (rows.Step())
            {
                subjects.Add(rows.Text(0));
            }

            return subjects;
        },
        CancellationToken.None);
}
