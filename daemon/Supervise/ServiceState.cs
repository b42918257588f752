namespace Auraed.Supervise;

/// <summary>
/// Everything that a <see cref="ServiceMachine"/> knows, to be kept as a record and given back after a restart of the daemon. Times are of the
/// monotonic clock of one boot (<see cref="BootClock"/>): they mean nothing after a reboot, which <see cref="ServiceInput.Recover"/> says.
/// </summary>
public sealed class ServiceState
{
    public ServicePhase Phase { get; set; }

    /// <summary>Whether it is meant to run.</summary>
    public bool IsWanted { get; set; }

    /// <summary>Why it is not running; of a running one, why it is not well. None when all is as asked for.</summary>
    public ServiceCause Cause { get; set; } = ServiceCause.NotWanted;

    /// <summary>What the cause says more: an error's text, the dependency's name.</summary>
    public string Detail { get; set; } = string.Empty;

    /// <summary>Number of the instance launched last, from 1; 0 before the first.</summary>
    public long Instance { get; set; }

    /// <summary>Whether that instance may be alive: from before its launch is carried out until its end is known.</summary>
    public bool IsInstanceOpen { get; set; }

    /// <summary>The daemon has come back and does not know yet whether the open instance lives.</summary>
    public bool IsAdopting { get; set; }

    /// <summary>What it depends on is ready.</summary>
    public bool IsDependencyMet { get; set; } = true;

    /// <summary>The names of what it depends on that is not ready.</summary>
    public string Missing { get; set; } = string.Empty;

    /// <summary>Start again when the open instance has ended, without delay.</summary>
    public bool IsRestartAsked { get; set; }

    /// <summary>False once probes have failed as often as the policy allows.</summary>
    public bool IsHealthy { get; set; } = true;

    public int ProbeFailures { get; set; }

    public int ProbeSuccesses { get; set; }

    /// <summary>Ends in a row, each without having been ready for long enough before.</summary>
    public int Failures { get; set; }

    /// <summary>Restarts since it was last started by request.</summary>
    public long Restarts { get; set; }

    /// <summary>When the window of the start limit began, and the starts in it.</summary>
    public TimeSpan WindowStart { get; set; }

    public int WindowStarts { get; set; }

    /// <summary>When the instance became ready; meaningless unless it is.</summary>
    public TimeSpan ReadySince { get; set; }

    /// <summary>When the phase ends by itself; null when it waits for something else.</summary>
    public TimeSpan? WakeAt { get; set; }

    /// <summary>The latest time seen: time never goes back for a machine.</summary>
    public TimeSpan Now { get; set; }

    /// <summary>How the last instance ended; null when none has.</summary>
    public ExitStatus? LastExit { get; set; }

    public ServiceState Clone() => (ServiceState)MemberwiseClone();
}
