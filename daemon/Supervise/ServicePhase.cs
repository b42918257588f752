namespace Auraed.Supervise;

/// <summary>Where a service stands. The numbers are kept in records.</summary>
public enum ServicePhase
{
    /// <summary>Not wanted, and nothing runs.</summary>
    Stopped = 0,
    /// <summary>Wanted; what it depends on is not ready.</summary>
    Waiting = 1,
    /// <summary>Wanted; the back-off has not passed.</summary>
    Delayed = 2,
    /// <summary>The launch was ordered and has not been answered.</summary>
    Starting = 3,
    /// <summary>It runs and is not ready yet.</summary>
    Warming = 4,
    /// <summary>It runs and is ready.</summary>
    Running = 5,
    /// <summary>The stop signal was sent.</summary>
    Stopping = 6,
    /// <summary>SIGKILL was sent.</summary>
    Killing = 7,
    /// <summary>It ended with success, and its policy does not start it again.</summary>
    Finished = 8,
    /// <summary>It is given up; a start by request tries again.</summary>
    Failed = 9,
}

/// <summary>Why a service is not running, or why it was stopped. The numbers are kept in records.</summary>
public enum ServiceCause
{
    /// <summary>It runs, and nothing is wrong.</summary>
    None = 0,
    NotWanted = 1,
    Dependency = 2,
    /// <summary>The last instance ended by itself.</summary>
    Ended = 3,
    /// <summary>The launch failed.</summary>
    LaunchFailed = 4,
    /// <summary>It was not ready in time.</summary>
    StartTimeout = 5,
    /// <summary>Its probes failed.</summary>
    Unhealthy = 6,
    StopRequested = 7,
    RestartRequested = 8,
    /// <summary>Too many starts in the interval.</summary>
    StartLimit = 9,
    /// <summary>It is being started.</summary>
    Launching = 10,
    /// <summary>It was launched and is not ready yet.</summary>
    NotReady = 11,
}
