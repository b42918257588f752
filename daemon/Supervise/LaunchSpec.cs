namespace Auraed.Supervise;

/// <summary>What a process does not share with the host. Each needs a privilege; a kernel that refuses one fails the launch, by the step's name.</summary>
[Flags]
public enum Namespaces
{
    None = 0,
    /// <summary>A process table of its own: the process is number 1 in it and must reap what it leaves behind.</summary>
    Process = 1,
    /// <summary>Mounts of its own; with <see cref="Process"/> a /proc that shows that table.</summary>
    Mount = 2,
    Network = 4,
    /// <summary>A host name of its own.</summary>
    HostName = 8,
    /// <summary>System V IPC and POSIX message queues.</summary>
    Ipc = 16,
}

/// <summary>A bound of setrlimit(2); the number is Linux' on x86-64 and arm64.</summary>
public readonly record struct ResourceBound(int Resource, ulong Soft, ulong Hard);

/// <summary>
/// All that a process is to be, as the launcher makes it. Secrets may stand in the environment: the specification travels through an inherited
/// socket, never through arguments or the launcher's own environment, and is not logged.
/// </summary>
public sealed record LaunchSpec
{
    /// <summary>An absolute path, or a name that is sought in the PATH of <see cref="Environment"/>.</summary>
    public required string Program { get; init; }

    /// <summary>
    /// A directory of the daemon that holds the program, which <see cref="Program"/> then only names. It is opened before anything of the daemon's is given up, so
    /// that a user who may not enter it runs the program all the same. Null for a program of the host.
    /// </summary>
    public string? ProgramDirectory { get; init; }

    /// <summary>Without the program's own name.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The whole environment; nothing of the daemon's is inherited.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public string WorkingDirectory { get; init; } = "/";

    /// <summary>Null keeps the daemon's.</summary>
    public uint? UserId { get; init; }

    /// <summary>Null keeps the daemon's.</summary>
    public uint? GroupId { get; init; }

    /// <summary>Supplementary groups; null keeps the daemon's unless a user or group is given, which then has none.</summary>
    public IReadOnlyList<uint>? Groups { get; init; }

    public int FileMask { get; init; } = 0b000_010_010;

    /// <summary>No program that it executes gains privileges (PR_SET_NO_NEW_PRIVS).</summary>
    public bool IsWithoutNewPrivileges { get; init; }

    public IReadOnlyList<ResourceBound> Bounds { get; init; } = [];

    /// <summary>The directory of the cgroup v2 node to run in; null for the daemon's own.</summary>
    public string? Cgroup { get; init; }

    public Namespaces Namespaces { get; init; }

    /// <summary>Of a new <see cref="Namespaces.HostName"/>; null leaves the host's.</summary>
    public string? HostName { get; init; }

    /// <summary>A process whose namespaces (<see cref="Namespaces"/> says which) are joined instead of making new ones.</summary>
    public ProcessIdentity? NamespacesOf { get; init; }

    /// <summary>Appended to, and made if missing; null for /dev/null.</summary>
    public string? OutputPath { get; init; }

    /// <summary>As <see cref="OutputPath"/>; both may be the same file.</summary>
    public string? ErrorPath { get; init; }
}
