using System.Collections.Concurrent;
using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit.Upkeep;

/// <summary>When the copy for a plain cp is replaced.</summary>
public sealed class PublishingTests : IAsyncLifetime
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly StoreFixture _fixture = new();
    private readonly ManualTime _time = new(new DateTimeOffset(2026, 3, 14, 12, 0, 0, TimeSpan.Zero));
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Fault> _failures = new();
    private Database _database = null!;
    private Domain.Upkeep.Upkeep _upkeep = null!;
    private Task _loop = Task.CompletedTask;
    private int _published;

    public Task InitializeAsync()
    {
        _database = _fixture.Open();
        _upkeep = new Domain.Upkeep.Upkeep(_database, _time, new Pulses(_time));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _upkeep.Dispose();
        await _database.DisposeAsync();
        _fixture.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task Without_a_copy_the_first_is_made_at_once()
    {
        Start();
        await PublishedAsync(1);
        await WaitsAsync(Interval);
    }

    [Fact]
    public async Task A_copy_that_is_older_than_the_interval_is_replaced_at_once()
    {
        await PublishBeforeAsync(Interval + Second);
        Start();
        await PublishedAsync(1);
        await WaitsAsync(Interval);
    }

    [Fact]
    public async Task A_fresh_copy_of_an_earlier_daemon_is_left_until_its_interval_is_over()
    {
        await PublishBeforeAsync(TimeSpan.FromMinutes(20));
        Start();
        await WaitsAsync(TimeSpan.FromMinutes(40));
        Assert.Equal(0, _published);
        _time.Move(TimeSpan.FromMinutes(40));
        await PublishedAsync(1);
    }

    [Fact]
    public async Task The_interval_is_kept_from_turn_to_turn()
    {
        Start();
        for (var turn = 1; turn <= 4; turn++)
        {
            await PublishedAsync(turn);
            await WaitsAsync(Interval);
            _time.Move(Interval - Second);
            await WaitsAsync(Second);
            Assert.Equal(turn, _published);
            _time.Move(Second);
        }
    }

    [Fact]
    public async Task A_clock_that_was_set_back_does_not_put_the_next_turn_off()
    {
        Start();
        await PublishedAsync(1);
        await WaitsAsync(Interval);
        _time.Set(_time.GetUtcNow() - TimeSpan.FromDays(365));
        _time.Move(Interval);
        await PublishedAsync(2);
        await WaitsAsync(Interval);
    }

    [Fact]
    public async Task A_copy_from_the_future_is_replaced_at_once()
    {
        await PublishBeforeAsync(-TimeSpan.FromDays(365));
        Start();
        await PublishedAsync(1);
        await WaitsAsync(Interval);
    }

    [Fact]
    public async Task A_failure_is_told_and_tried_again_before_the_interval_is_over()
    {
        // A file where the directory of the copy has to be.
        var directory = Path.GetDirectoryName(_database.PublishedPath)!;
        File.WriteAllText(directory, "in the way");
        Start();
        for (var failure = 1; failure <= 2; failure++)
        {
            await Eventually.HoldsAsync(() => _failures.Count == failure, "the failure is told");
            await WaitsAsync(Limits.PublishRetry);
            _time.Move(Limits.PublishRetry - Second);
            Assert.Equal(failure, _failures.Count);
            if (failure == 2)
            {
                File.Delete(directory);
            }

            _time.Move(Second);
        }

        await PublishedAsync(1);
        await WaitsAsync(Interval);
    }

    private void Start() => _loop = _upkeep.PublishForeverAsync(
        Interval,
        _ =>
        {
            // The file's time is the system's; here it is the test's.
            File.SetLastWriteTimeUtc(_database.PublishedPath, _time.GetUtcNow().UtcDateTime);
            Interlocked.Increment(ref _published);
        },
        _failures.Enqueue,
        _stop.Token);

    private async Task PublishBeforeAsync(TimeSpan age)
    {
        await _upkeep.PublishAsync(null, CancellationToken.None);
        File.SetLastWriteTimeUtc(_database.PublishedPath, (_time.GetUtcNow() - age).UtcDateTime);
    }

    private Task PublishedAsync(int count) => Eventually.HoldsAsync(() => _loop.IsFaulted ? throw _loop.Exception! : Volatile.Read(ref _published) == count, $"{count} publications");

    private Task WaitsAsync(TimeSpan wait) => Eventually.HoldsAsync(() => _time.Waits is [var only] && only == wait, $"it waits {wait}, not {string.Join(", ", _time.Waits)}");
}
