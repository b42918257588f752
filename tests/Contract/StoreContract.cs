using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract;

/// <summary>What every user of the store relies on.</summary>
public abstract class StoreContract(Durability durability) : IDisposable
{
    private readonly StoreFixture _fixture = new(durability);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_writer_that_is_never_idle_has_its_log_moved_and_begun_again()
    {
        // What a commit gathers cannot be moved before it.
        await using var database = Database.Open(_fixture.Options with { LazyCommitTimeMax = TimeSpan.FromMilliseconds(50) });
        long most = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async stream =>
        {
            for (var number = 0; number < 2000; number++)
            {
                _ = await StoreFixture.AppendAsync(database, $"{stream}", 2000);
                InterlockedMax(ref most, database.LogBytes);
            }
        }));
        Assert.Equal(16_000, database.Durable);
        // Not moved, it would be half as long again at least. How far it grows goes by how fast the disk takes what is moved.
        const int framesMax = 12 * 1024;
        Assert.InRange(most, StoreFixture.LogFramesBusy * DatabaseFile.PageBytes, framesMax * DatabaseFile.PageBytes);
        Assert.InRange(new FileInfo(Path.Combine(_fixture.Library, "aurae.db-wal")).Length, 0, (framesMax + 100) * DatabaseFile.PageBytes);
        Assert.True((await database.VerifyAsync(null, CancellationToken.None)).IsSound);
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (var seen = Volatile.Read(ref most); value > seen;)
        {
            seen = Interlocked.CompareExchange(ref most, value, seen);
        }
    }

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
    public async Task A_read_that_is_cancelled_before_its_statement_runs_is_stopped_all_the_same()
    {
        await using var database = _fixture.Open();
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => database.ReadAsync(
            unit =>
            {
                // The engine forgets an interrupt while nothing runs.
                cancel.Cancel();
                var endless = unit.Prepare("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
                return endless.Step();
            },
            cancel.Token));
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
                return (echo.Integer(0), echo.Real(1), Empty: echo.IsNull(2), Text: echo.Text(3), Blob: echo.IsNull(4), Null: echo.IsNull(5));
            },
            CancellationToken.None);
        Assert.Equal((long.MinValue, 0.1, false, "a\0b\u00e9" + new string('x', 10_000), false, true), row);
    }

    [Fact]
    public async Task More_writes_than_the_queue_holds_are_refused_and_the_others_go_through()
    {
        await using var database = _fixture.Open();
        using var hold = new ManualResetEventSlim();
        var first = database.WriteAsync(_ => hold.Wait(TimeSpan.FromSeconds(20)), CancellationToken.None);
        await Eventually.HoldsAsync(() => database.WaitingWrites == 0, "the writer took the first");
        var waiting = Enumerable.Range(0, Limits.StoreWriteQueueCountMax).Select(_ => database.WriteAsync(_ => 1, CancellationToken.None)).ToArray();
        var fault = Assert.Throws<Fault>(() => { _ = database.WriteAsync(_ => 1, CancellationToken.None); });
        Assert.Equal((FaultKind.Exhausted, "WRITE_QUEUE_FULL"), (fault.Kind, fault.Reason));
        Assert.NotNull(fault.RetryAfter);
        hold.Set();
        Assert.True(await first);
        Assert.All(await Task.WhenAll(waiting), one => Assert.Equal(1, one));
    }

    [Fact]
    public async Task A_write_cancelled_before_its_turn_does_not_run()
    {
        await using var database = _fixture.Open();
        using var hold = new ManualResetEventSlim();
        using var cancel = new CancellationTokenSource();
        var first = database.WriteAsync(_ => hold.Wait(TimeSpan.FromSeconds(20)), CancellationToken.None);
        var second = database.WriteAsync(unit => unit.Events.Append("t", "p", null, "k.created", "s", default), cancel.Token);
        await cancel.CancelAsync();
        hold.Set();
        Assert.True(await first);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Equal(0, database.Durable);
    }

    [Fact]
    public async Task Small_writes_overtake_bulk_ones()
    {
        await using var database = _fixture.Open();
        using var hold = new ManualResetEventSlim();
        var first = database.WriteAsync(_ => hold.Wait(TimeSpan.FromSeconds(20)), CancellationToken.None);
        await Eventually.HoldsAsync(() => database.WaitingWrites == 0, "the writer took the first");
        var order = new List<string>();
        var bulk = Enumerable.Range(0, 5).Select(_ => database.WriteAsync(_ => { order.Add("bulk"); return 0; }, CancellationToken.None, WritePriority.Bulk)).ToArray();
        var small = Enumerable.Range(0, 5).Select(_ => database.WriteAsync(_ => { order.Add("small"); return 0; }, CancellationToken.None)).ToArray();
        hold.Set();
        await Task.WhenAll([.. bulk, .. small, first.ContinueWith(_ => 0, TaskScheduler.Default)]);
        Assert.Equal(Enumerable.Repeat("small", 5), order.Take(5));
    }

    [Fact]
    public async Task Bulk_writes_get_through_beside_writes_that_leave_no_gap_and_a_store_that_closes_keeps_what_waits()
    {
        const int bulkCount = 10;
        var ended = 0;
        Task[] callers;
        Task<int>[] waiting;
        await using (var database = _fixture.Open())
        {
            callers = [.. Enumerable.Range(0, 4).Select(_ => CallAsync(database))];
            await Eventually.HoldsAsync(() => database.Writes.Groups > 100, "the callers are at work");
            for (var count = 0; count < bulkCount; count++)
            {
                await AppendAsync(database, "bulk", WritePriority.Bulk);
            }

            waiting = [.. Enumerable.Range(0, bulkCount).Select(_ => AppendAsync(database, "bulk", WritePriority.Bulk))];
        }

        Volatile.Write(ref ended, 1);
        await Task.WhenAll([.. waiting, .. callers]);
        await using var reopened = _fixture.Open();
        Assert.Equal(2 * bulkCount, await reopened.ReadAsync(unit => Count(unit, "bulk.created"), CancellationToken.None));

        async Task CallAsync(Database database)
        {
            while (Volatile.Read(ref ended) == 0)
            {
                try
                {
                    _ = await AppendAsync(database, "small", WritePriority.Small);
                }
                catch (Fault fault) when (fault.Reason == "STORE_CLOSED")
                {
                    return;
                }
            }
        }
    }

    private static Task<int> AppendAsync(Database database, string kind, WritePriority priority) =>
        database.WriteAsync(unit => { unit.Events.Append("t", "p", null, $"{kind}.created", "s", default); return 0; }, CancellationToken.None, priority);

    private static long Count(ReadUnit unit, string kind)
    {
        var statement = unit.Prepare("SELECT count(*) FROM event WHERE kind = ?1");
        statement.Text(0, kind);
        Assert.True(statement.Step());
        return statement.Integer(0);
    }

    [Fact]
    public async Task Who_asks_a_store_that_closes_for_a_checkpoint_is_answered()
    {
        var database = _fixture.Open();
        await using (database)
        {
            await database.CheckpointAsync(CancellationToken.None);
        }

        var fault = await Assert.ThrowsAsync<Fault>(() => database.CheckpointAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal("STORE_CLOSED", fault.Reason);
    }

    [Fact]
    public async Task A_dangling_deferred_reference_fails_its_own_unit_and_no_other()
    {
        await using var database = _fixture.Open();
        await database.WriteAsync(unit => unit.Prepare("CREATE TABLE p (a INTEGER PRIMARY KEY) STRICT").Execute(), CancellationToken.None);
        await database.WriteAsync(unit => unit.Prepare("CREATE TABLE c (b INTEGER REFERENCES p (a) DEFERRABLE INITIALLY DEFERRED) STRICT").Execute(), CancellationToken.None);
        var writes = Enumerable.Range(0, 10).Select(number => database.WriteAsync(
            unit =>
            {
                unit.Events.Append("t", "p", null, "k.created", "s", default);
                return number == 5 ? unit.Prepare("INSERT INTO c VALUES (99)").Execute() : 0;
            },
            CancellationToken.None)).ToArray();
        var fault = await Assert.ThrowsAsync<Fault>(() => writes[5]);
        Assert.Equal("FOREIGN_KEY", fault.Reason);
        await Task.WhenAll(writes.Where((_, number) => number != 5));
        Assert.Equal(9, database.Durable);
    }

    [Fact]
    public async Task Time_never_goes_backwards_even_when_the_clock_does()
    {
        var clock = new FixedTime(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        var options = _fixture.Options with { Time = clock };
        long first;
        await using (var database = Database.Open(options))
        {
            first = await database.WriteAsync(unit => { unit.Events.Append("t", "p", null, "k.created", "s", default); return unit.Now; }, CancellationToken.None);
        }

        clock.Move(TimeSpan.FromDays(-1));
        await using var again = Database.Open(options);
        Assert.Equal(first, await again.WriteAsync(unit => unit.Now, CancellationToken.None));
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

public sealed class StoreContractWal() : StoreContract(Durability.Wal);

public sealed class StoreContractJournal() : StoreContract(Durability.Journal);
