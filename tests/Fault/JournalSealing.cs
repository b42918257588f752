using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Faults;

/// <summary>While one group is on its way to the disk the next one runs: neither is answered too early, and what becomes of the first is what the second builds upon.</summary>
public sealed class JournalSealing : IDisposable
{
    private readonly StoreFixture _fixture = new(Durability.Journal);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Units_run_while_a_group_is_synced_and_all_are_answered_only_when_theirs_is()
    {
        using var files = new StalledFiles();
        await using var database = Database.Open(files.Under(_fixture.Options));
        var (first, second) = await BuildAsync(database, files, AppendSecond);
        Assert.False(first.IsCompleted || second.IsCompleted);
        Assert.Equal(0, database.Durable);
        files.Release(null);
        Assert.Equal(1, await first);
        Assert.Equal(1 + StoreChild.EventsPerUnit, await second);
        Assert.Equal(2, database.Writes.Groups);
    }

    [Fact]
    public async Task A_refusal_that_rests_on_a_group_on_its_way_is_told_after_it()
    {
        using var files = new StalledFiles();
        await using var database = Database.Open(files.Under(_fixture.Options));
        var (first, second) = await BuildAsync(database, files, Refuse);
        Assert.False(second.IsCompleted);
        files.Release(null);
        Assert.Equal($"there are {StoreChild.EventsPerUnit} already", (await Assert.ThrowsAsync<Fault>(() => second)).Message);
        // Each is answered by a thread of the pool, whichever comes first.
        Assert.Equal(StoreChild.EventsPerUnit, database.Durable);
        Assert.Equal(1, await first);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_group_without_room_takes_those_that_were_built_on_it_along_and_nobody_else(bool isRefusal)
    {
        var acknowledged = new List<long>();
        using var files = new StalledFiles();
        await using (var database = Database.Open(files.Under(LiveDirectory.Uncommitting(_fixture))))
        {
            acknowledged.Add(await StoreChild.AppendAsync(database, "before", 100));
            for (var round = 0; round < 2; round++)
            {
                var (first, second) = await BuildAsync(
                    database, files, unit => isRefusal ? throw new Fault(FaultKind.AlreadyExists, "refused") : AppendSecond(unit));
                files.Release(StalledFiles.Full());
                Assert.Equal("DISK_FULL", (await Assert.ThrowsAsync<Fault>(() => first)).Reason);
                Assert.Equal("DISK_FULL", (await Assert.ThrowsAsync<Fault>(() => second)).Reason);
                Assert.Equal(acknowledged[^1] + StoreChild.EventsPerUnit - 1, database.Durable);
                acknowledged.Add(await StoreChild.AppendAsync(database, "after", 100));
                Assert.Equal(acknowledged[^2] + StoreChild.EventsPerUnit, acknowledged[^1]);
            }
        }

        Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, acknowledged));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_refusal_is_not_told_when_its_own_group_or_what_it_rests_on_has_no_room(bool isBehind)
    {
        using var files = new StalledFiles();
        await using var database = Database.Open(files.Under(LiveDirectory.Uncommitting(_fixture)));
        var before = await StoreChild.AppendAsync(database, "before", 100);
        files.Stall();
        var first = StoreChild.AppendAsync(database, "first", 100);
        await files.IsStalled;
        // Both are in one group: the writer takes what comes while the one before is on its way.
        var second = database.WriteAsync(AppendSecond, CancellationToken.None);
        var third = database.WriteAsync(Refuse, CancellationToken.None);
        await Eventually.HoldsAsync(() => database.WaitingWrites == 0, "they are taken");
        if (!isBehind)
        {
            files.Stall();
            files.Release(null);
            Assert.Equal(before + StoreChild.EventsPerUnit, await first);
            await files.IsStalled;
        }

        files.Release(StalledFiles.Full());
        Assert.Equal(isBehind ? "DISK_FULL" : null, (await Record.ExceptionAsync(() => first) as Fault)?.Reason);
        Assert.Equal("DISK_FULL", (await Assert.ThrowsAsync<Fault>(() => second)).Reason);
        Assert.Equal("DISK_FULL", (await Assert.ThrowsAsync<Fault>(() => third)).Reason);
        Assert.Null(database.Failure);
    }

    [Fact]
    public async Task After_the_engine_has_taken_a_group_back_nothing_is_told_before_the_one_on_its_way()
    {
        long before;
        using var files = new StalledFiles();
        await using (var database = Database.Open(files.Under(LiveDirectory.Uncommitting(_fixture))))
        {
            before = await StoreChild.AppendAsync(database, "before", 100);
            var (first, second) = await BuildAsync(database, files, Refuse);
            var ended = new TaskCompletionSource();
            var third = database.WriteAsync(
                unit =>
                {
                    _ = unit.Prepare("ROLLBACK").Execute();
                    ended.SetResult();
                    return Refuse(unit);
                },
                CancellationToken.None);
            await ended.Task;
            Assert.False(second.IsCompleted || third.IsCompleted);
            files.Release(StalledFiles.Full());
            Assert.Equal("DISK_FULL", (await Assert.ThrowsAsync<Fault>(() => first)).Reason);
            Assert.Equal("DISK_FULL", (await Assert.ThrowsAsync<Fault>(() => second)).Reason);
            Assert.Equal("DISK_FULL", (await Assert.ThrowsAsync<Fault>(() => third)).Reason);
        }

        Assert.Equal(StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, [before]));
    }

    [Fact]
    public async Task A_group_without_room_is_found_out_by_a_reader_and_by_a_stop_too()
    {
        using var files = new StalledFiles();
        long before;
        await using (var database = Database.Open(files.Under(LiveDirectory.Uncommitting(_fixture))))
        {
            before = await StoreChild.AppendAsync(database, "before", 100);
            files.Stall();
            var first = StoreChild.AppendAsync(database, "first", 100);
            await files.IsStalled;
            var read = database.ReadAsync(Count, CancellationToken.None);
            files.Release(StalledFiles.Full());
            _ = await Assert.ThrowsAsync<Fault>(() => first);
            Assert.Equal(StoreChild.EventsPerUnit, await read);
            files.Stall();
            first = StoreChild.AppendAsync(database, "first", 100);
            await files.IsStalled;
            files.Release(StalledFiles.Full());
            _ = await Assert.ThrowsAsync<Fault>(() => first);
        }

        Assert.Equal(StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, [before]));
    }

    [Fact]
    public async Task After_a_failed_sync_nothing_is_acknowledged_any_more()
    {
        var failed = new TaskCompletionSource<Fault>();
        using var files = new StalledFiles();
        await using (var database = Database.Open(files.Under(_fixture.Options) with { Failed = failed.SetResult }))
        {
            var (first, second) = await BuildAsync(database, files, AppendSecond);
            files.Release(new Fault(FaultKind.Internal, "the disk is gone") { Reason = "DISK_FAILED" });
            Assert.Equal("OUTCOME_UNKNOWN", (await Assert.ThrowsAsync<Fault>(() => first)).Reason);
            Assert.Equal("STORE_FAILED", (await Assert.ThrowsAsync<Fault>(() => second)).Reason);
            Assert.Equal("STORE_FAILED", (await Assert.ThrowsAsync<Fault>(() => StoreChild.AppendAsync(database, "third", 100))).Reason);
            Assert.Equal("DISK_FAILED", (await failed.Task).Reason);
            Assert.Equal(0, database.Durable);
        }

        Assert.True(await StoreOracle.HoldsAsync(_fixture.Options, []) is 0 or StoreChild.EventsPerUnit);
    }

    [Fact]
    public async Task A_writer_that_ends_lets_the_group_on_its_way_arrive_and_says_so()
    {
        var failed = new TaskCompletionSource<Fault>();
        using var files = new StalledFiles();
        await using (var database = Database.Open(files.Under(_fixture.Options) with { Failed = failed.SetResult }))
        {
            var (first, second) = await BuildAsync(database, files, _ => throw new InvariantException("broken"));
            files.Release(null);
            Assert.Equal(1, await first);
            Assert.Equal("STORE_FAILED", (await Assert.ThrowsAsync<Fault>(() => second)).Reason);
            _ = await failed.Task;
        }

        Assert.Equal(StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, [1]));
    }

    private static long Refuse(WriteUnit unit) => throw new Fault(FaultKind.AlreadyExists, $"there are {unit.Events.Sequence} already");

    private static long AppendSecond(WriteUnit unit) => unit.Events.Append("default", "tester", null, "test.created", "second", []);

    /// <summary>A group on its way to the disk, and a unit that has begun to run behind it. Their answers.</summary>
    private static async Task<(Task<long> First, Task<long> Second)> BuildAsync(Database database, StalledFiles files, Func<WriteUnit, long> work)
    {
        files.Stall();
        var first = StoreChild.AppendAsync(database, "first", 100);
        await files.IsStalled;
        var ran = new TaskCompletionSource();
        var second = database.WriteAsync(
            unit =>
            {
                ran.SetResult();
                return work(unit);
            },
            CancellationToken.None);
        await ran.Task;
        return (first, second);
    }

    private static long Count(ReadUnit unit)
    {
        var rows = unit.Prepare("SELECT count(*) FROM event");
        _ = rows.Step();
        return rows.Integer(0);
    }
}
