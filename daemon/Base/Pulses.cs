using System.Collections.Concurrent;

namespace Auraed.Base;

/// <summary>
/// Tells whether the daemon's loops are alive. A loop enters before each round of work and leaves after it; one that stays inside longer than it
/// said is stalled. A loop that waits for work is outside, and well.
/// </summary>
public sealed class Pulses(TimeProvider time)
{
    private readonly ConcurrentBag<Pulse> _pulses = [];

    public Pulse Add(string name, TimeSpan roundMax)
    {
        var pulse = new Pulse(time, name, roundMax);
        _pulses.Add(pulse);
        return pulse;
    }

    /// <summary>The name of a loop that hangs; null when all are well.</summary>
    public string? FindStalled() => _pulses.FirstOrDefault(pulse => pulse.IsStalled)?.Name;
}

/// <summary>One loop's pulse; entered and left by that loop alone.</summary>
public sealed class Pulse
{
    private readonly TimeProvider _time;
    private readonly TimeSpan _roundMax;
    private long _entered;

    internal Pulse(TimeProvider time, string name, TimeSpan roundMax)
    {
        _time = time;
        _roundMax = roundMax;
        Name = name;
    }

    public string Name { get; }

    internal bool IsStalled => Volatile.Read(ref _entered) is var entered and not 0 && _time.GetElapsedTime(entered) > _roundMax;

    public void Enter() => Volatile.Write(ref _entered, _time.GetTimestamp());

    public void Leave() => Volatile.Write(ref _entered, 0);
}
