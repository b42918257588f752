using Auraed.Base;
using Auraed.EventLog;
using Auraed.Store;
using Auraed.Store.Proof;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Proof;

/// <summary>When the log is signed.</summary>
public sealed class LogKeeping : IDisposable
{
    private readonly StoreFixture _fixture = new();
    private readonly ManualTime _time = new(DateTimeOffset.UnixEpoch.AddDays(20_000));

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task It_is_signed_with_the_first_event_then_at_intervals_and_on_stop()
    {
        await using Database database = Database.Open(_fixture.Options with { Time = _time });
        using var keeper = new LogKeeper(database, _time, TimeSpan.FromMinutes(10));
        using var stop = new CancellationTokenSource();
        Task loop = keeper.RunAsync(fault => throw fault, stop.Token);
        await StoreFixture.AppendAsync(database, "a");
        await Eventually.HoldsAsync(async () => await SizeAsync(database) == 1, "the first event is signed");
        await StoreFixture.AppendAsync(database, "b");
        await Eventually.HoldsAsync(() => _time.Waits.Any(wait => wait == TimeSpan.FromMinutes(10)), "the keeper waits for the next checkpoint");
        Assert.Equal(1, await SizeAsync(database));
        _time.Move(TimeSpan.FromMinutes(10));
        await Eventually.HoldsAsync(async () => await SizeAsync(database) == 2, "the second is signed after the interval");
        await StoreFixture.AppendAsync(database, "c");
        await stop.CancelAsync();
        await loop;
        Assert.Equal(2, await SizeAsync(database));
        await keeper.StopAsync(fault => throw fault);
        Assert.Equal(3, await SizeAsync(database));
        await keeper.StopAsync(fault => throw fault);
        Assert.Equal("3", await TableRows.TextAsync(database, "SELECT count(*) FROM event_checkpoint"));
    }

    [Fact]
    public async Task A_key_that_signs_nothing_is_said_once_and_stops_nothing_else()
    {
        File.WriteAllText(_fixture.KeyPath, Upgrade.UpgradeFile.KeyPem);
        await using Database database = _fixture.Open();
        await StoreFixture.AppendAsync(database, "a");
        using var keeper = new LogKeeper(database, _time, TimeSpan.FromMinutes(10));
        var told = new List<Fault>();
        await keeper.RunAsync(told.Add, CancellationToken.None);
        await keeper.StopAsync(told.Add);
        Assert.Equal("KEY_CANNOT_SIGN", Assert.Single(told).Reason);
        Assert.Equal("KEY_CANNOT_SIGN", (await Assert.ThrowsAsync<Fault>(() => keeper.CheckpointAsync(true, CancellationToken.None))).Reason);
        Assert.True((await database.VerifyAsync(null, CancellationToken.None)).IsSound);
    }

    /// <summary>After a restart the tree stands at its last whole block, below what is signed: that alone is no work.</summary>
    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(256, 300, 300)]
    [InlineData(300, 300, 300)]
    [InlineData(0, 0, 0)]
    public void With_all_signed_it_waits_for_an_event_that_is_not_there_yet(long grown, long signed, long durable) =>
        Assert.Equal(durable, LogKeeper.WaitAfter(grown, signed, durable));

    [Fact]
    public void With_events_to_sign_it_waits_for_time_or_for_as_many_as_one_reading_takes() =>
        Assert.Equal(256 + Limits.TreeReadEventsMax - 1, LogKeeper.WaitAfter(256, 300, 301));

    /// <summary>Each reading has everything committed that is pending: to go on for whatever came meanwhile would never end under load, and commit all the time.</summary>
    [Fact]
    public async Task A_round_takes_what_one_reading_takes_and_leaves_the_rest_for_when_it_is_as_much()
    {
        await using Database database = Database.Open(_fixture.Options with { Time = _time });
        await StoreFixture.AppendAsync(database, "a");
        using var keeper = new LogKeeper(database, _time, TimeSpan.Zero);
        _ = await keeper.CheckpointAsync(true, CancellationToken.None);
        const int more = 1000;
        for (int left = Limits.TreeReadEventsMax + more; left > 0; left -= more)
        {
            await AppendAsync(database, Math.Min(left, more));
        }

        using var stop = new CancellationTokenSource();
        Task loop = keeper.RunAsync(fault => throw fault, stop.Token);
        await Eventually.HoldsAsync(async () => await BlocksAsync(database) > 0, "a reading's events are in the tree");
        // It has its turn when the round is over.
        _ = await keeper.CheckpointAsync(false, CancellationToken.None);
        await stop.CancelAsync();
        await loop;
        Assert.Equal((1 + Limits.TreeReadEventsMax) / TreeNodes.BlockLeaves, await BlocksAsync(database));
    }

    private static Task<long> AppendAsync(Database database, int count) => database.WriteAsync(
        unit => Enumerable.Range(0, count).Max(number => unit.Events.Append("default", "tester", null, "test.created", $"{number}", [1])),
        CancellationToken.None);

    private static Task<long> BlocksAsync(Database database) => database.ReadAsync(
        unit => unit.Prepare("SELECT count(*) FROM event_node WHERE level = 8") is var rows && rows.Step() ? rows.Integer(0) : -1, CancellationToken.None);

    private static Task<long> SizeAsync(Database database) => database.ReadAsync(unit => CheckpointRows.Last(unit.Prepare)?.Size ?? 0, CancellationToken.None);
}
