using Auraed.Base;

namespace Auraed.Supervise;

public enum RestartPolicy
{
    /// <summary>Whatever ends stays down.</summary>
    No,
    /// <summary>Restarted unless it exits with 0 by itself.</summary>
    OnFailure,
    /// <summary>Restarted however it ends, unless it was asked to stop.</summary>
    Always,
}

/// <summary>What says that a started instance can do its work.</summary>
public enum Readiness
{
    /// <summary>That it runs.</summary>
    Started,
    /// <summary>A probe that succeeds.</summary>
    Probe,
    /// <summary>Word from itself, passed on as <see cref="ServiceInput.Ready"/>.</summary>
    Notification,
}

/// <summary>How one service is kept. Immutable; checked when made by <see cref="Check"/>, so that a machine never sees a policy that it cannot follow.</summary>
public sealed record ServicePolicy
{
    public RestartPolicy Restart { get; init; } = RestartPolicy.OnFailure;

    /// <summary>Before the first restart in a row; doubled with each further one.</summary>
    public TimeSpan BackOffMin { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan BackOffMax { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>An instance that was ready for so long ends the row: the next end counts as the first again.</summary>
    public TimeSpan HealthyAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Starts within <see cref="StartInterval"/>, after which the service is given up; 0 for no limit.</summary>
    public int StartCountMax { get; init; } = 5;

    public TimeSpan StartInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From the launch until ready.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(90);

    public int StopSignal { get; init; } = SignalNames.Terminate;

    /// <summary>From the stop signal to SIGKILL.</summary>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(10);

    public Readiness Readiness { get; init; } = Readiness.Started;

    /// <summary>Failed probes in a row that make a ready instance unhealthy; with a restart policy it is then replaced.</summary>
    public int ProbeFailuresMax { get; init; } = 3;

    /// <summary>Successful probes in a row that make an instance ready, or healthy again.</summary>
    public int ProbeSuccessesMin { get; init; } = 1;

    /// <summary>The wait before the start that follows the <paramref name="failures"/>th end in a row, from 1.</summary>
    public TimeSpan BackOff(int failures)
    {
        // Past 40 doublings any minimum is over the maximum, and a shift would overflow.
        double wait = BackOffMin.Ticks * Math.Pow(2, Math.Clamp(failures - 1, 0, 40));
        return wait >= BackOffMax.Ticks ? BackOffMax : TimeSpan.FromTicks((long)wait);
    }

    /// <summary>This policy, or Fault(Invalid) that names the field.</summary>
    public ServicePolicy Check(string path = "policy")
    {
        Range(BackOffMin, Limits.ServiceDelayMin, Limits.ServiceDelayMax, path, "back_off_min");
        Range(BackOffMax, BackOffMin, Limits.ServiceDelayMax, path, "back_off_max");
        Range(HealthyAfter, TimeSpan.Zero, Limits.ServiceDelayMax, path, "healthy_after");
        Range(StartInterval, TimeSpan.Zero, Limits.ServiceDelayMax, path, "start_interval");
        Range(StartTimeout, Limits.ServiceDelayMin, Limits.ServiceDelayMax, path, "start_timeout");
        Range(StopGrace, TimeSpan.Zero, Limits.ServiceDelayMax, path, "stop_grace");
        Range(StartCountMax, 0, Limits.ServiceStartsCountMax, path, "start_count_max");
        Range(ProbeFailuresMax, 1, Limits.ServiceProbesCountMax, path, "probe_failures_max");
        Range(ProbeSuccessesMin, 1, Limits.ServiceProbesCountMax, path, "probe_successes_min");
        Range(StopSignal, 1, Limits.SignalMax, path, "stop_signal");
        return this;
    }

    private static void Range<T>(T value, T min, T max, string path, string field)
        where T : IComparable<T>
    {
        if (value.CompareTo(min) < 0 || value.CompareTo(max) > 0)
        {
            throw Fault.Invalid($"{path}.{field}", $"{path}.{field} is {value}: it goes from {min} to {max}");
        }
    }
}
