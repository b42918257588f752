namespace Auraed.Supervise;

/// <summary>
/// The clock of delays and deadlines: CLOCK_MONOTONIC, which no setting of the host's time moves and which all processes of one boot share, so that
/// a time kept before the daemon's end means the same after it.
/// </summary>
public sealed class BootClock(TimeProvider time)
{
    /// <summary>Identifies this boot of the kernel; the times of another boot mean nothing.</summary>
    public static string BootId { get; } = File.Exists(BootIdPath) ? File.ReadAllText(BootIdPath).Trim() : string.Empty;

    public TimeSpan Now => time.GetElapsedTime(0, time.GetTimestamp());

    private const string BootIdPath = "/proc/sys/kernel/random/boot_id";
}
