using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Faults;

/// <summary>A caller who is alone runs his unit himself, in the writer's place: what holds of the writer holds of him.</summary>
public abstract class LoneCallers(Durability durability) : IDisposable
{
    private readonly StoreFixture _fixture = new(durability);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task One_after_the_other_they_are_answered_before_the_call_returns()
    {
        await using var database = _fixture.Open();
        var acknowledged = await AloneAsync(database);
        for (var number = 0; number < 3 * Limits.StoreCallerGroupsMax; number++)
        {
            acknowledged.Add(await StoreChild.AppendAsync(database, "alone", 16));
        }

        Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, database.Durable);
        Assert.Equal(acknowledged.Count, database.Writes.Groups);
        await database.DisposeAsync();
        _ = await StoreOracle.HoldsAsync(_fixture.Options, acknowledged);
    }

    [Fact]
    public async Task Who_comes_meanwhile_is_served_after_him_and_a_full_queue_refuses()
    {
        await using var database = _fixture.Open();
        var before = (await AloneAsync(database)).Count;
        using var block = await WriterBlock.HoldAsync(database);
        var others = Enumerable.Range(0, 100).Select(number => StoreFixture.AppendAsync(database, $"other {number}")).ToArray();
        var left = new CancellationTokenSource();
        var leaver = StoreFixture.AppendAsync(database, "leaver", cancel: left.Token);
        await left.CancelAsync();
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaver);
        Assert.DoesNotContain(others, other => other.IsCompleted);
        Assert.Equal(before * StoreChild.EventsPerUnit, database.Durable);
        block.Dispose();
        Assert.Equal(Enumerable.Range(1, others.Length).Select(number => (long)(before * StoreChild.EventsPerUnit) + number), await Task.WhenAll(others));
    }

    [Fact]
    public async Task Many_at_once_from_one_thread_are_all_answered()
    {
        await using var database = _fixture.Open();
        var before = (await AloneAsync(database)).Count * StoreChild.EventsPerUnit;
        var all = await Task.WhenAll(Enumerable.Range(0, 500).Select(number => StoreFixture.AppendAsync(database, $"{number}")));
        Assert.Equal(Enumerable.Range(before + 1, 500).Select(number => (long)number), all);
    }

    [Fact]
    public async Task A_refusal_is_his_alone()
    {
        await using var database = _fixture.Open();
        var acknowledged = await AloneAsync(database);
        var refused = await Assert.ThrowsAsync<Fault>(() => database.WriteAsync<int>(
            unit =>
            {
                _ = unit.Events.Append("default", "tester", null, "test.created", "refused", []);
                throw new Fault(FaultKind.AlreadyExists, "it is there");
            },
            CancellationToken.None));
        Assert.Equal("it is there", refused.Message);
        acknowledged.Add(await StoreChild.AppendAsync(database, "after", 16));
        await database.DisposeAsync();
        Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, acknowledged));
    }

    [Fact]
    public async Task A_unit_that_asks_for_another_write_is_not_interrupted_by_it()
    {
        await using var database = _fixture.Open();
        _ = await AloneAsync(database);
        Task<long>? inner = null;
        var outer = await database.WriteAsync(
            unit =>
            {
                inner = StoreFixture.AppendAsync(database, "inner");
                Assert.False(inner.IsCompleted);
                return unit.Events.Append("default", "tester", null, "test.created", "outer", []);
            },
            CancellationToken.None);
        Assert.Equal(outer + 1, await inner!);
    }

    [Fact]
    public async Task What_breaks_an_invariant_ends_all_writing()
    {
        var failed = new TaskCompletionSource<Fault>();
        await using var database = Database.Open(_fixture.Options with { Failed = failed.SetResult });
        var acknowledged = await AloneAsync(database);
        var broken = await Assert.ThrowsAsync<Fault>(() => database.WriteAsync<int>(_ => throw new InvariantException("broken"), CancellationToken.None));
        Assert.Equal("STORE_FAILED", broken.Reason);
        Assert.Equal("STORE_FAILED", (await Assert.ThrowsAsync<Fault>(() => StoreChild.AppendAsync(database, "after", 16))).Reason);
        _ = await failed.Task;
        await database.DisposeAsync();
        Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, acknowledged));
    }

    [Fact]
    public async Task A_store_that_is_closed_meanwhile_keeps_his_write()
    {
        var database = _fixture.Open();
        var acknowledged = await AloneAsync(database);
        using var begun = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        var last = Task.Run(() => database.WriteAsync(
            unit =>
            {
                begun.Set();
                go.Wait();
                return StoreChild.Append(unit, "last", 16);
            },
            CancellationToken.None));
        begun.Wait();
        var closing = Task.Run(() => database.DisposeAsync().AsTask());
        await Eventually.HoldsAsync(() => IsClosed(database), "the store refuses writes");
        go.Set();
        acknowledged.Add(await last);
        await closing;
        Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, acknowledged));
    }

    private static bool IsClosed(Database database)
    {
        try
        {
            _ = database.AskWriterAsync();
            return false;
        }
        catch (Fault fault)
        {
            return fault.Reason == "STORE_CLOSED";
        }
    }

    /// <summary>Writes one after the other until the caller is known to be alone: the answer is there when the call returns. What was acknowledged.</summary>
    internal static async Task<List<long>> AloneAsync(Database database)
    {
        var acknowledged = new List<long>();
        await Eventually.HoldsAsync(
            async () =>
            {
                var ran = 0;
                var thread = Environment.CurrentManagedThreadId;
                var answer = database.WriteAsync(
                    unit =>
                    {
                        ran = Environment.CurrentManagedThreadId;
                        return StoreChild.Append(unit, "alone", 16);
                    },
                    CancellationToken.None);
                var isHere = answer.IsCompleted;
                acknowledged.Add(await answer);
                return isHere && ran == thread;
            },
            "the caller runs his unit himself");
        return acknowledged;
    }
}

public sealed class LoneCallersWithWal() : LoneCallers(Durability.Wal);

public sealed class LoneCallersWithJournal() : LoneCallers(Durability.Journal)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_journal_that_cannot_be_written_is_told_to_him(bool isFull)
    {
        var failed = new TaskCompletionSource<Fault>();
        using var fixture = new StoreFixture(Durability.Journal);
        using var files = new StalledFiles();
        List<long> acknowledged;
        await using (var database = Database.Open(fixture.Options with { JournalFiles = files, Failed = failed.SetResult }))
        {
            acknowledged = await AloneAsync(database);
            files.Stall();
            files.Release(isFull ? StalledFiles.Full() : new Fault(FaultKind.Internal, "the disk is gone") { Reason = "DISK_FAILED" });
            var refused = await Assert.ThrowsAsync<Fault>(() => StoreChild.AppendAsync(database, "refused", 16));
            Assert.Equal(isFull ? "DISK_FULL" : "OUTCOME_UNKNOWN", refused.Reason);
            if (isFull)
            {
                acknowledged.Add(await StoreChild.AppendAsync(database, "after", 16));
            }
            else
            {
                Assert.Equal("STORE_FAILED", (await Assert.ThrowsAsync<Fault>(() => StoreChild.AppendAsync(database, "after", 16))).Reason);
                Assert.Equal("DISK_FAILED", (await failed.Task).Reason);
            }
        }

        Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(fixture.Options, acknowledged));
    }
}
