using Aurae.Registry.V0;
using Auraed.Base;
using Auraed.Domain.Registry;
using Auraed.Store;
using Auraed.Tests.Faults;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace Auraed.Tests.Unit.Registry;

/// <summary>How long a lease lasts: over restarts, kills and clocks that are set.</summary>
public sealed class LeaseTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly StoreFixture _fixture = new();
    private readonly ManualTime _time = new(new DateTimeOffset(2026, 3, 14, 12, 0, 0, TimeSpan.Zero));
    private Database _database = null!;
    private ServiceRegistry _registry = null!;
    private LeaseLoop _loop = null!;

    public async Task InitializeAsync()
    {
        _database = Database.Open(_fixture.Options with { Time = _time });
        await OpenAsync();
    }

    public async Task DisposeAsync()
    {
        await _database.DisposeAsync();
        _fixture.Dispose();
    }

    [Fact]
    public async Task A_lease_lasts_as_long_as_it_says_and_a_heartbeat_begins_it_anew()
    {
        await RegisterAsync("w", 30);
        await PassAsync(29);
        Assert.True(await IsThereAsync("w"));
        await BeatAsync("w");
        await PassAsync(29);
        Assert.True(await IsThereAsync("w"));
        await PassAsync(1);
        Assert.False(await IsThereAsync("w"));
    }

    [Fact]
    public async Task What_is_up_is_neither_renewed_nor_resolved_before_the_loop_takes_it_away()
    {
        await RegisterAsync("w", 30);
        _time.Move(30 * Second);
        Assert.Equal(FaultKind.NotFound, (await Assert.ThrowsAsync<Fault>(() => BeatAsync("w"))).Kind);
        Assert.Equal(FaultKind.NotFound, (await Assert.ThrowsAsync<Fault>(() => _registry.ResolveAsync(new ResolveCommand("default", "web", [], false, ResolveOrder.First, 1), default))).Kind);
        Assert.True(await IsThereAsync("w"));
    }

    [Fact]
    public async Task The_time_in_which_the_daemon_is_down_does_not_count()
    {
        await RegisterAsync("w", 60);
        await PassAsync(20);
        await RestartAsync(down: TimeSpan.FromDays(2));
        // At most one interval between two saves may have been lost, and is taken for passed.
        Assert.InRange(Remaining("w"), 35 * Second, 40 * Second);
        await PassAsync(41);
        Assert.False(await IsThereAsync("w"));
    }

    [Fact]
    public async Task A_lease_that_is_nearly_up_has_the_grace_after_a_start_and_only_once()
    {
        await RegisterAsync("w", 60);
        await PassAsync(58);
        await RestartAsync(down: 30 * Second);
        Assert.Equal(Limits.LeaseGrace, Remaining("w"));
        await PassAsync(8);
        await RestartAsync(down: 30 * Second);
        Assert.True(Remaining("w") <= 2 * Second);
        await PassAsync(2);
        Assert.False(await IsThereAsync("w"));
    }

    [Fact]
    public async Task A_heartbeat_earns_the_next_grace()
    {
        await RegisterAsync("w", 60);
        await PassAsync(58);
        await RestartAsync(down: Second);
        await BeatAsync("w");
        await PassAsync(58);
        await RestartAsync(down: Second);
        Assert.Equal(Limits.LeaseGrace, Remaining("w"));
    }

    [Theory]
    [InlineData(-365)]
    [InlineData(365)]
    public async Task A_clock_that_is_set_neither_ends_a_lease_nor_keeps_it(int days)
    {
        await RegisterAsync("w", 60);
        _time.Set(_time.GetUtcNow().AddDays(days));
        await PassAsync(20);
        await RestartAsync(down: TimeSpan.FromDays(days));
        Assert.InRange(Remaining("w"), 35 * Second, 40 * Second);
        await PassAsync(41);
        Assert.False(await IsThereAsync("w"));
    }

    [Theory]
    [InlineData(6)]
    [InlineData(27)]
    [InlineData(45)]
    [InlineData(120)]
    public async Task A_daemon_that_is_killed_after_each_heartbeat_keeps_who_heartbeats(int ttl)
    {
        await RegisterAsync("w", ttl);
        for (var kill = 0; kill < 12; kill++)
        {
            await PassAsync(ttl / 3.0);
            await BeatAsync("w");
            await RestartAsync(TimeSpan.FromDays(1), isClean: false);
        }

        Assert.True(Remaining("w") > TimeSpan.Zero);
    }

    [Fact]
    public async Task A_thousand_heartbeats_are_one_write()
    {
        for (var number = 0; number < 10; number++)
        {
            await RegisterAsync($"w{number}", 60);
        }

        await _loop.SaveAsync(default);
        var (units, sequence) = (_database.Writes.Units, _database.Durable);
        for (var beat = 0; beat < 100; beat++)
        {
            await _registry.HeartbeatAsync(new HeartbeatCommand("default", [.. Enumerable.Range(0, 10).Select(number => $"w{number}")], EndpointHealth.Unspecified, ""), "tester", default);
        }

        await PassAsync(5);
        Assert.Equal((units + 1, sequence), (_database.Writes.Units, _database.Durable));
    }

    /// <summary>
    /// Kills and stops at random, clocks set at random: who heartbeats every third of its time, or at once when the daemon is there again, stays while no two restarts fall between
    /// two of its heartbeats; who does not goes in bounded time.
    /// </summary>
    [Fact]
    public async Task Who_heartbeats_every_third_stays_and_who_is_silent_goes()
    {
        var random = Seeds.Random(output);
        for (var round = 0; round < 12; round++)
        {
            var ttl = random.Next(3, 120);
            var (lively, silent) = ($"lively-{round}", $"silent-{round}");
            await RegisterAsync(lively, ttl);
            await RegisterAsync(silent, ttl);
            var (due, up, kills, isRestarted) = (_time.GetTimestamp() + Third(ttl), 0.0, 0, false);
            while (await IsThereAsync(silent))
            {
                var step = Math.Min(random.NextDouble() * 3, Math.Max(0, TimeSpan.FromTicks(due - _time.GetTimestamp()).TotalSeconds));
                await PassAsync(step);
                up += step;
                if (_time.GetTimestamp() >= due)
                {
                    await BeatAsync(lively);
                    (due, isRestarted) = (_time.GetTimestamp() + Third(ttl), false);
                }

                if (!isRestarted && random.Next(4) == 0)
                {
                    (kills, isRestarted) = (kills + 1, true);
                    var isClean = random.Next(2) == 0;
                    await RestartAsync(TimeSpan.FromSeconds(random.Next(2) == 0 ? 0.2 : random.Next(100_000)), isClean);
                    _time.Set(_time.GetUtcNow().AddSeconds(random.Next(-100_000, 100_000)));
                }

                Assert.True(await IsThereAsync(lively), $"{lively} went: ttl {ttl}, round {round}");
                Assert.True(up < ttl + Limits.LeaseGrace.TotalSeconds + ((kills + 1) * Limits.LeaseSaveInterval.TotalSeconds), $"{silent} stays after {up} s of {ttl}, {kills} restarts");
            }

            await _registry.DeregisterAsync("default", lively, "tester", default);
        }

        static long Third(int ttl) => TimeSpan.FromSeconds(ttl).Ticks / 3;
    }

    private async Task OpenAsync()
    {
        _registry = await ServiceRegistry.OpenAsync(_database, _time, default);
        _loop = new LeaseLoop(_database, _registry.Leases, _time, new Pulses(_time), NullLogger.Instance);
    }

    /// <summary>A daemon that stops, or is killed, and starts again later: what it holds in memory is gone.</summary>
    private async Task RestartAsync(TimeSpan down, bool isClean = true)
    {
        if (isClean)
        {
            await _loop.SaveAsync(default);
        }

        if (down < TimeSpan.Zero)
        {
            _time.Set(_time.GetUtcNow() + down);
        }
        else
        {
            _time.Move(down);
        }

        await OpenAsync();
    }

    private async Task PassAsync(double seconds)
    {
        for (var left = seconds; left > 0; left -= 1)
        {
            _time.Move(TimeSpan.FromSeconds(Math.Min(1, left)));
            await _loop.RoundAsync(default);
        }
    }

    private TimeSpan Remaining(string id) => _registry.Leases.Remaining("default", id)!.Value;

    private Task RegisterAsync(string id, int seconds) => _registry.RegisterAsync(
        "default", new RegistryEntry { Id = id, Service = "web", Address = "h:1", Ttl = new Duration { Seconds = seconds } }, "tester", default);

    private Task BeatAsync(string id) => _registry.HeartbeatAsync(new HeartbeatCommand("default", [id], EndpointHealth.Unspecified, ""), "tester", default);

    private async Task<bool> IsThereAsync(string id) => (await _registry.ListAsync(RegistryRequests.List(new ListEntriesRequest()), default)).Entries.Any(status => status.Entry.Id == id);
}
