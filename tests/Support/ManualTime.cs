namespace Auraed.Tests.Support;

/// <summary>A clock that stands still until it is moved, with timers that go off by it.</summary>
internal sealed class ManualTime(DateTimeOffset now) : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<Timer> _timers = [];
    private DateTimeOffset _now = now;
    private TimeSpan _elapsed;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How long the waits take that are under way, from now on.</summary>
    public IReadOnlyList<TimeSpan> Waits
    {
        get
        {
            lock (_lock)
            {
                return [.. _timers.Where(timer => timer.Due is not null).Select(timer => timer.Due!.Value - _elapsed)];
            }
        }
    }

    public override DateTimeOffset GetUtcNow() => _now;

    public override long GetTimestamp() => _elapsed.Ticks;

    /// <summary>Time passes, and what is due by then goes off.</summary>
    public void Move(TimeSpan by)
    {
        List<Timer> due;
        lock (_lock)
        {
            _now += by;
            _elapsed += by;
            due = _timers.FindAll(timer => timer.Due <= _elapsed);
            due.ForEach(timer => timer.Due = null);
        }

        due.ForEach(timer => timer.Fire());
    }

    /// <summary>Somebody sets the clock; no time passes.</summary>
    public void Set(DateTimeOffset now) => _now = now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        lock (_lock)
        {
            _timers.Add(timer);
        }

        return timer;
    }

    private sealed class Timer(ManualTime time, Action fire) : ITimer
    {
        /// <summary>By the time that has passed; null when it does not run.</summary>
        public TimeSpan? Due { get; set; }

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Assert.Equal(Timeout.InfiniteTimeSpan, period);
            Due = dueTime == Timeout.InfiniteTimeSpan ? null : time._elapsed + dueTime;
            return true;
        }

        public void Dispose()
        {
            lock (time._lock)
            {
                time._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
