namespace Auraed.Base;

/// <summary>Services.</summary>
public static partial class Limits
{
    /// <summary>A program's path.</summary>
    public const int CommandBytesMax = 4096;

    /// <summary>What a service is for, in a sentence or some.</summary>
    public const int DescriptionBytesMax = 4096;

    /// <summary>A program out of an asset: it is written out whole, and read whole to be checked.</summary>
    public const long ProgramBytesMax = 4L * 1024 * 1024 * 1024;

    /// <summary>Of a file on every file system.</summary>
    public const int ProgramNameBytesMax = 255;

    /// <summary>Versions that one call removes.</summary>
    public const int VersionsPrunedCountMax = 1000;

    /// <summary>Of one stream: less is gone before anybody reads it.</summary>
    public const long LogBytesLeast = 64 * 1024;

    public const long LogBytesMost = 1024 * 1024 * 1024;

    public const int ArgumentsCountMax = 1024;

    public const int EnvironmentCountMax = 1024;

    /// <summary>Arguments, and the environment as it is given: a record of a version holds both.</summary>
    public const int SpecificationBytesMax = 768 * 1024;

    public const int ServiceDependenciesCountMax = 64;

    /// <summary>Services of one tenant: their graph is walked at each deploy.</summary>
    public const int ServicesCountMax = 10_000;

    public const int ServicesListedCountMax = 1000;

    public const int VersionsListedCountMax = 1000;

    /// <summary>What a slot remembers of its instances: enough to see why it crashes, little enough to be written with each change.</summary>
    public const int SlotHistoryCountMax = 32;

    /// <summary>An error's text in a record.</summary>
    public const int SlotDetailCharactersMax = 1024;

    /// <summary>Launches under way at once: each is a process that starts the daemon's binary. More would only take turns.</summary>
    public const int LaunchesCountMax = 8;

    /// <summary>Probes under way at once.</summary>
    public const int ProbesCountMax = 32;

    public static readonly TimeSpan ProbeIntervalDefault = TimeSpan.FromSeconds(10);

    /// <summary>While an instance is not ready yet, or its last probe failed, unless its own interval is shorter.</summary>
    public static readonly TimeSpan ProbeIntervalWarming = TimeSpan.FromSeconds(1);

    public static readonly TimeSpan ProbeIntervalMin = TimeSpan.FromMilliseconds(100);

    public static readonly TimeSpan ProbeTimeoutDefault = TimeSpan.FromSeconds(2);

    public static readonly TimeSpan ProbeTimeoutMax = TimeSpan.FromMinutes(1);

    /// <summary>How long the old instance of a hot swap serves on, unless its specification says otherwise.</summary>
    public static readonly TimeSpan DrainDefault = TimeSpan.FromSeconds(5);

    /// <summary>Without a probe, the new instance of a hot swap is taken for well when it has lived so long.</summary>
    public static readonly TimeSpan SwapSettle = TimeSpan.FromSeconds(1);

    /// <summary>Inputs that wait for the supervisor; past it whoever tells one waits.</summary>
    public const int SupervisorQueueCountMax = 4096;

    /// <summary>Inputs that are taken, and kept in one go.</summary>
    public const int SupervisorBatchCountMax = 256;

    /// <summary>A round of the supervisor waits for the disk.</summary>
    public static readonly TimeSpan SupervisorRoundMax = TimeSpan.FromSeconds(60);

    /// <summary>After a state that could not be kept.</summary>
    public static readonly TimeSpan SupervisorRetry = TimeSpan.FromSeconds(1);

    /// <summary>What a reconciliation report tells in words.</summary>
    public const int ReconciliationNotesCountMax = 100;

    /// <summary>Log lines of one message.</summary>
    public const int LogLinesPerMessageMax = 256;

    /// <summary>Lines that a request may ask for from the end.</summary>
    public const int LogTailLinesMax = 100_000;

    /// <summary>Characters of one message's log lines, after which it is sent.</summary>
    public const int LogMessageCharactersMax = 256 * 1024;
}
