namespace Auraed.Base;

/// <summary>Registry.</summary>
public static partial class Limits
{
    /// <summary>A service's name: what DNS allows a whole name.</summary>
    public const int ServiceNameCharactersMax = 253;

    /// <summary>One label of a service's name.</summary>
    public const int ServiceLabelCharactersMax = 63;

    /// <summary>An endpoint's address; a URL with a long path fits.</summary>
    public const int EndpointAddressBytesMax = 1024;

    public const int EndpointTagsCountMax = 64;

    public const int EndpointTagCharactersMax = 128;

    /// <summary>DNS SRV records have the same.</summary>
    public const uint EndpointWeightMax = 65_535;

    /// <summary>Why an endpoint's health is what it is.</summary>
    public const int EndpointNoteBytesMax = 1024;

    public const int EndpointDependenciesCountMax = 64;

    /// <summary>Shorter ones would be lost to any pause of the host.</summary>
    public static readonly TimeSpan LeaseTimeMin = TimeSpan.FromSeconds(1);

    /// <summary>Longer ones are no leases: they outlive whoever took them.</summary>
    public static readonly TimeSpan LeaseTimeMax = TimeSpan.FromDays(30);

    /// <summary>Between two writes of the leases renewed meanwhile: what a kill forgets of heartbeats.</summary>
    public static readonly TimeSpan LeaseSaveInterval = TimeSpan.FromSeconds(5);

    /// <summary>
    /// What a lease has left at least after a start, once. With it, and <see cref="LeaseSaveInterval"/> being half of it, whoever renews every
    /// third of the lease's time keeps it over a kill, whatever that time is: above 30 s two thirds less both are more than a third, below it the grace is.
    /// A heartbeat after a start that used it up is written at once.
    /// </summary>
    public static readonly TimeSpan LeaseGrace = TimeSpan.FromSeconds(10);

    /// <summary>How late a lease may end: the loop looks at least so often while there is one. What has ended is no longer resolved before that.</summary>
    public static readonly TimeSpan LeaseLookInterval = TimeSpan.FromSeconds(1);

    /// <summary>Leases that one unit of work ends or saves: a few milliseconds of the writer.</summary>
    public const int LeaseBatchCountMax = 500;

    /// <summary>A round of the lease loop is some of those; it waits for the disk.</summary>
    public static readonly TimeSpan LeaseRoundMax = TimeSpan.FromSeconds(60);

    /// <summary>After a round that failed.</summary>
    public static readonly TimeSpan LeaseRetry = TimeSpan.FromSeconds(2);

    /// <summary>Ids of one heartbeat.</summary>
    public const int HeartbeatIdsCountMax = 1000;

    /// <summary>Entries that one page lists.</summary>
    public const int EntriesListedCountMax = 1000;

    /// <summary>Entries that one Resolve answers; a client tries a few.</summary>
    public const int EntriesResolvedCountMax = 100;

    /// <summary>Entries of one service that Resolve chooses from.</summary>
    public const int EntriesOfServiceCountMax = 10_000;

    /// <summary>Services that a list of dependents holds.</summary>
    public const int DependentsCountMax = 10_000;
}
