using System.Net;

namespace Auraed.Config;

public enum LogLevelName
{
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

public enum DurabilityName
{
    Wal,
    Journal,
}

public enum LogFormat
{
    Text,
    Json,
}

/// <summary>
/// Every effective setting, after flags, file, environment and defaults. Immutable; a reload makes a new one. Paths are absolute.
/// What each one means, with unit and default, is in <see cref="SettingsCatalog"/>.
/// </summary>
public sealed record Settings
{
    public required Layout Layout { get; init; }

    /// <summary>The file that was read; null when there is none.</summary>
    public string? ConfigPath { get; init; }

    public required string ServerCertificatePath { get; init; }

    /// <summary>The service manager's credential wins over everything but a flag.</summary>
    public required string ServerKeyPath { get; init; }

    public required string AuthorityPath { get; init; }

    public required ListenAddress Socket { get; init; }

    public required string RuntimeDirectory { get; init; }

    public required string LibraryDirectory { get; init; }

    /// <summary>How an acknowledged write is kept.</summary>
    public DurabilityName Durability { get; init; } = DurabilityName.Journal;

    /// <summary>A further mTLS listener; null when none is asked for.</summary>
    public IPEndPoint? TcpListener { get; init; }

    /// <summary>A Unix socket without TLS for root and the daemon's own user; null when none is asked for.</summary>
    public string? PlaintextSocketPath { get; init; }

    /// <summary>The CDN origin's TCP listener; null when none is asked for.</summary>
    public IPEndPoint? OriginEndpoint { get; init; }

    /// <summary>The CDN origin's Unix socket; null when none is asked for.</summary>
    public string? OriginSocketPath { get; init; }

    /// <summary>The file of the caches that are told what is no longer published; null for none.</summary>
    public string? OriginPurgePath { get; init; }

    public bool Verbose { get; init; }

    public LogLevelName LogLevel { get; init; } = LogLevelName.Info;

    public LogFormat LogFormat { get; init; } = LogFormat.Text;

    /// <summary>A finished call that took longer is logged at Info; zero logs none for its time.</summary>
    public TimeSpan SlowCall { get; init; }

    public TimeSpan DrainTimeout { get; init; }

    public int ConnectionCountMax { get; init; }

    public int ConnectionPerPeerCountMax { get; init; }

    public int StreamPerConnectionCountMax { get; init; }

    public int CallCountMax { get; init; }

    /// <summary>Zero lets a unary call run as long as its client waits.</summary>
    public TimeSpan CallTimeMax { get; init; }

    public int MessageBytesMax { get; init; }

    /// <summary>Zero sends no keepalive pings.</summary>
    public TimeSpan KeepaliveInterval { get; init; }

    public TimeSpan KeepaliveTimeout { get; init; }

    /// <summary>Zero keeps idle connections for ever.</summary>
    public TimeSpan IdleTimeout { get; init; }

    /// <summary>Zero publishes no copy by itself.</summary>
    public TimeSpan PublishInterval { get; init; }

    /// <summary>Zero signs the event log after many events and on stop only.</summary>
    public TimeSpan CheckpointInterval { get; init; }

    /// <summary>Where whole segments of the event log are archived to; empty archives none by itself.</summary>
    public string ArchiveDirectory { get; init; } = "";

    /// <summary>Whole segments of the event log are archived to assets; then there is no directory for them.</summary>
    public bool ArchivesToAssets { get; init; }

    /// <summary>Younger events are not pruned; with zero, age is no reason.</summary>
    public TimeSpan KeepAge { get; init; }

    /// <summary>So many of the newest events are not pruned; with zero, their number is no reason.</summary>
    public long KeepCount { get; init; }

    /// <summary>The file of the backends that assets can be archived to; null for none.</summary>
    public string? AssetBackendsPath { get; init; }

    /// <summary>Zero collects chunks only when it is called for.</summary>
    public TimeSpan AssetCollectInterval { get; init; }

    /// <summary>Zero scrubs only when it is called for.</summary>
    public TimeSpan AssetScrubInterval { get; init; }

    public long AssetScrubBytesPerSecond { get; init; }

    /// <summary>Where each setting's value came from, by key; one that is absent is the default.</summary>
    public IReadOnlyDictionary<string, SettingOrigin> Origins { get; init; } = new Dictionary<string, SettingOrigin>();

    /// <summary>What the settings were loaded from, for a reload; null for settings made by hand.</summary>
    public SettingsSource? Source { get; init; }

    public SettingOrigin OriginOf(string key) => Origins.TryGetValue(key, out var origin) ? origin : SettingOrigin.Default;
}

/// <summary>The inputs of a load. A reload reads the file again and keeps flags and environment.</summary>
public sealed record SettingsSource(
    IReadOnlyDictionary<string, string> Flags, IReadOnlyDictionary<string, string> Environment, string? ConfigPath, string? Root)
{
    public Settings Load() => SettingsLoader.Load(Flags, Environment, ConfigPath, Root);
}
