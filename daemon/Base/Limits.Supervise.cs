namespace Auraed.Base;

public static partial class Limits
{
    // Supervision.

    /// <summary>The shortest back-off and start timeout: a service that fails at once then takes a few per cent of a core, not all of it.</summary>
    public static readonly TimeSpan ServiceDelayMin = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest of a policy's times: what is longer is a schedule, not supervision.</summary>
    public static readonly TimeSpan ServiceDelayMax = TimeSpan.FromDays(1);

    /// <summary>Between tries to kill what does not die, which only a process in uninterruptible sleep does.</summary>
    public static readonly TimeSpan ServiceKillRetry = TimeSpan.FromSeconds(5);

    public const int ServiceStartsCountMax = 1000;

    public const int ServiceProbesCountMax = 1000;

    /// <summary>SIGRTMAX.</summary>
    public const int SignalMax = 64;

    /// <summary>Arguments and environment of a process together. The kernel's own bound is a quarter of the stack's, 2 MiB.</summary>
    public const int LaunchSpecBytesMax = 4 * 1024 * 1024;

    /// <summary>From the start of a launcher until it is prepared: milliseconds, but for a host that swaps.</summary>
    public static readonly TimeSpan LaunchTimeMax = TimeSpan.FromSeconds(30);

    /// <summary>How long the reaper of a process that is no child may take until the kernel tells its status.</summary>
    public static readonly TimeSpan ReapTimeMax = TimeSpan.FromSeconds(2);

    /// <summary>Of one stream of one process; once past it, the older half of what fits goes.</summary>
    public const long LogBytesMax = 16 * 1024 * 1024;

    /// <summary>Longer lines are told in parts.</summary>
    public const int LogLineBytesMax = 64 * 1024;

    /// <summary>Seconds in which a log grew whose times are kept: 1 MiB of them.</summary>
    public const int LogTimesCountMax = 64 * 1024;

    /// <summary>How long a killed cgroup may take until it is empty.</summary>
    public static readonly TimeSpan CgroupKillMax = TimeSpan.FromSeconds(10);

    /// <summary>Lines of the daemon's log that can be read again: an hour of a busy daemon, about a megabyte.</summary>
    public const int DaemonLogLinesCountMax = 4096;

    /// <summary>What the last lines of a log may be asked for.</summary>
    public const int LogTailLinesCountMax = 1_000_000;

    /// <summary>A message of log lines is sent at this size.</summary>
    public const int LogMessageBytesMax = 256 * 1024;

    /// <summary>Of the kernel's trace for each processor: some 800 signals between two looks, which are microseconds apart.</summary>
    public const int TraceBufferBytes = 256 * 1024;

    /// <summary>What the trace is read in, and the longest line that is put together.</summary>
    public const int TraceReadBytes = 16 * 1024;

    /// <summary>Signals that wait for one slow caller: a second of a busy host.</summary>
    public const int SignalsQueueCountMax = 4096;

    /// <summary>Between two looks of process 1 at its zombies: a zombie costs a number, not time, and whoever started a child collects it within milliseconds.</summary>
    public static readonly TimeSpan OrphanLookInterval = TimeSpan.FromSeconds(1);

    /// <summary>How long the start of a daemon waits for one of the same database to be gone, before it supervises nothing: a killed process closes its files within milliseconds.</summary>
    public static readonly TimeSpan SeatWaitMax = TimeSpan.FromSeconds(1);

    /// <summary>Between two looks whether it is.</summary>
    public static readonly TimeSpan SeatLookInterval = TimeSpan.FromMilliseconds(50);
}
