using System.Collections.Frozen;
using System.Globalization;
using Auraed.Base;

namespace Auraed.Config;

/// <summary>Every setting. The command line, the file, the environment, `config show` and the documentation are all drawn from here.</summary>
public static class SettingsCatalog
{
    /// <summary>Variables that begin with AURAE_ and are read by someone else than the settings.</summary>
    public static readonly FrozenSet<string> OtherVariables = FrozenSet.ToFrozenSet(["AURAE_ROOT", "AURAE_CONFIG"]);

    /// <summary>In the order in which they are shown.</summary>
    public static IReadOnlyList<Setting> All { get; } = [.. Identity(), .. Places(), .. Logging(), .. Bounds(), .. Times(), .. Assets()];

    public static FrozenDictionary<string, Setting> ByKey { get; } = All.ToFrozenDictionary(setting => setting.Key);

    private static Setting[] Identity() =>
    [
        new()
        {
            Key = "server_crt", Flags = ["--server-crt"], Kind = SettingKind.Path, Default = "/etc/aurae/pki/_signed.server.crt",
            Zero = "not allowed", IsReloadable = true, Description = "Certificate that the server shows to clients (PEM).",
            Show = s => s.ServerCertificatePath, Apply = (s, v) => s with { ServerCertificatePath = v.Text },
        },
        new()
        {
            Key = "server_key", Flags = ["--server-key"], Kind = SettingKind.Path, Default = "/etc/aurae/pki/server.key",
            Zero = "not allowed", IsReloadable = true,
            Description = "Private key of the server (PEM); it also unlocks the database. A credential server.key of the service manager is taken first.",
            Show = s => s.ServerKeyPath, Apply = (s, v) => s with { ServerKeyPath = v.Text },
        },
        new()
        {
            Key = "ca_crt", Flags = ["--ca-crt"], Kind = SettingKind.Path, Default = "/etc/aurae/pki/ca.crt",
            Zero = "not allowed", IsReloadable = true, Description = "Authority that signs client certificates (PEM); nobody else is trusted.",
            Show = s => s.AuthorityPath, Apply = (s, v) => s with { AuthorityPath = v.Text },
        },
    ];

    private static Setting[] Places() =>
    [
        new()
        {
            Key = "runtime_dir", Flags = ["--runtime-dir", "-r"], Kind = SettingKind.Path, Default = "/var/run/aurae",
            Zero = "not allowed", Description = "Directory of sockets and other things that end with the boot.",
            Show = s => s.RuntimeDirectory, Apply = (s, v) => s with { RuntimeDirectory = v.Text },
        },
        new()
        {
            Key = "library_dir", Flags = ["--library-dir", "-l"], Kind = SettingKind.Path, Default = "/var/lib/aurae",
            Zero = "not allowed", Description = "Directory of the database; one daemon at a time uses it.",
            Show = s => s.LibraryDirectory, Apply = (s, v) => s with { LibraryDirectory = v.Text },
        },
        new()
        {
            Key = "store.durability", Flags = ["--durability"], Kind = SettingKind.Choice, Choices = ["wal", "journal"], Default = "journal",
            Zero = "not allowed",
            Description = "How an acknowledged write is kept: journal syncs one record per group of writes beside the database, and commits later; wal syncs a commit of the database per group. It may be changed at any start.",
            Show = s => s.Durability.ToString().ToLowerInvariant(), Apply = (s, v) => s with { Durability = (DurabilityName)v.Number },
        },
        new()
        {
            Key = "socket", Flags = ["--socket", "-s"], Kind = SettingKind.Address, Default = "<runtime_dir>/aurae.sock",
            Zero = "not allowed", Description = "Where clients connect with TLS: path of a Unix socket, or ADDRESS:PORT for TCP.",
            Show = s => s.Socket.ToString(), Apply = (s, v) => s with { Socket = v.Address! },
        },
        new()
        {
            Key = "listen.tcp", Flags = ["--listen-tcp"], Kind = SettingKind.Endpoint, Default = "",
            Zero = "empty: no such listener", Description = "A further listener with TLS, as ADDRESS:PORT.",
            Show = s => s.TcpListener?.ToString() ?? "", Apply = (s, v) => s with { TcpListener = v.Address?.Tcp },
        },
        new()
        {
            Key = "listen.plaintext_socket", Flags = ["--plaintext-socket"], Kind = SettingKind.Path, Default = "",
            Zero = "empty: no such listener", Description = "A Unix socket without TLS, for root and the daemon's own user as the kernel names them.",
            Show = s => s.PlaintextSocketPath ?? "", Apply = (s, v) => s with { PlaintextSocketPath = v.Text is "" ? null : v.Text },
        },
        new()
        {
            Key = "origin.tcp", Flags = ["--origin-tcp"], Kind = SettingKind.Endpoint, Default = "",
            Zero = "empty: no such listener", Description = "Where published assets are served over plain HTTP, to casync, desync and CDNs, as ADDRESS:PORT.",
            Show = s => s.OriginEndpoint?.ToString() ?? "", Apply = (s, v) => s with { OriginEndpoint = v.Address?.Tcp },
        },
        new()
        {
            Key = "origin.unix_socket", Flags = ["--origin-socket"], Kind = SettingKind.Path, Default = "",
            Zero = "empty: no such listener", Description = "The same on a Unix socket, for a proxy on this host.",
            Show = s => s.OriginSocketPath ?? "", Apply = (s, v) => s with { OriginSocketPath = v.Text is "" ? null : v.Text },
        },
        new()
        {
            Key = "origin.purge_file", Flags = ["--origin-purge-file"], Kind = SettingKind.Path, Default = "",
            Zero = "empty: nobody is told", Description = "Caches that are told what is no longer published: a URL a line, and behind a space what is sent as Authorization.",
            Show = s => s.OriginPurgePath ?? "", Apply = (s, v) => s with { OriginPurgePath = v.Text is "" ? null : v.Text },
        },
    ];

    private static Setting[] Logging() =>
    [
        new()
        {
            Key = "verbose", Flags = ["--verbose", "-v", "--ritz"], Kind = SettingKind.Boolean, Default = "false",
            Zero = "false", IsReloadable = true, Description = "Log at level debug, whatever log.level says.",
            Show = s => s.Verbose ? "true" : "false", Apply = (s, v) => s with { Verbose = v.Number != 0 },
        },
        new()
        {
            Key = "log.level", Flags = ["--log-level"], Kind = SettingKind.Choice, Choices = ["trace", "debug", "info", "warn", "error"], Default = "info",
            Zero = "not allowed", IsReloadable = true, Description = "Least important messages that are logged; debug has one line per finished call.",
            Show = s => s.LogLevel.ToString().ToLowerInvariant(), Apply = (s, v) => s with { LogLevel = (LogLevelName)v.Number },
        },
        new()
        {
            Key = "log.format", Flags = ["--log-format"], Kind = SettingKind.Choice, Choices = ["text", "json"], Default = "text",
            Zero = "not allowed", Description = "Shape of a log line on standard error.",
            Show = s => s.LogFormat.ToString().ToLowerInvariant(), Apply = (s, v) => s with { LogFormat = (LogFormat)v.Number },
        },
        new()
        {
            Key = "log.slow_call", Flags = ["--log-slow-call"], Kind = SettingKind.Duration, Default = "1s", Max = 86_400_000,
            Zero = "no call is logged for its time", IsReloadable = true, Description = "A unary call that took longer is logged at level info.",
            Show = s => Shown(s.SlowCall), Apply = (s, v) => s with { SlowCall = v.Time },
        },
    ];

    private static Setting[] Bounds() =>
    [
        new()
        {
            Key = "limits.connections", Flags = ["--limit-connections"], Kind = SettingKind.Integer, Unit = "connections", Default = Number(Limits.ConnectionCountMax),
            Min = 1, Max = 1_000_000, Zero = "not allowed", Description = "Open connections; past it the longest idle one is closed, or the new one when none is idle.",
            Show = s => Number(s.ConnectionCountMax), Apply = (s, v) => s with { ConnectionCountMax = (int)v.Number },
        },
        new()
        {
            Key = "limits.connections_per_peer", Flags = ["--limit-connections-per-peer"], Kind = SettingKind.Integer, Unit = "connections",
            Default = Number(Limits.ConnectionPerPeerCountMax), Min = 1, Max = 1_000_000, Zero = "not allowed",
            Description = "The same for one peer: one user on a Unix socket, one address over TCP.",
            Show = s => Number(s.ConnectionPerPeerCountMax), Apply = (s, v) => s with { ConnectionPerPeerCountMax = (int)v.Number },
        },
        new()
        {
            Key = "limits.streams_per_connection", Flags = ["--limit-streams"], Kind = SettingKind.Integer, Unit = "calls",
            Default = Number(Limits.StreamPerConnectionCountMax), Min = 1, Max = 65_536, Zero = "not allowed",
            Description = "Calls at one time on one connection; a client that knows the bound waits.",
            Show = s => Number(s.StreamPerConnectionCountMax), Apply = (s, v) => s with { StreamPerConnectionCountMax = (int)v.Number },
        },
        new()
        {
            Key = "limits.calls", Flags = ["--limit-calls"], Kind = SettingKind.Integer, Unit = "calls", Default = Number(Limits.CallCountMax),
            Min = 1, Max = 1_000_000, Zero = "not allowed", Description = "Calls at one time on all connections; one more is answered RESOURCE_EXHAUSTED.",
            Show = s => Number(s.CallCountMax), Apply = (s, v) => s with { CallCountMax = (int)v.Number },
        },
        new()
        {
            Key = "limits.message_bytes", Flags = ["--limit-message-bytes"], Kind = SettingKind.Bytes, Unit = "bytes", Default = Number(Limits.MessageBytesMax),
            Min = 1024, Max = 256 * 1024 * 1024, Zero = "not allowed", Description = "One request message; a longer one is answered RESOURCE_EXHAUSTED.",
            Show = s => Number(s.MessageBytesMax), Apply = (s, v) => s with { MessageBytesMax = (int)v.Number },
        },
    ];

    private static Setting[] Times() =>
    [
        new()
        {
            Key = "backup.publish_interval", Flags = ["--backup-publish-interval"], Kind = SettingKind.Duration, Default = Shown(Limits.PublishInterval), Max = 2_592_000_000,
            Zero = "only `auraed publish` makes one", Description = "How often backup/aurae.db in the library directory, the copy for a plain cp, is replaced by one of that moment.",
            Show = s => Shown(s.PublishInterval), Apply = (s, v) => s with { PublishInterval = v.Time },
        },
        new()
        {
            Key = "events.checkpoint_interval", Flags = ["--events-checkpoint-interval"], Kind = SettingKind.Duration, Default = Shown(Limits.CheckpointInterval), Max = 2_592_000_000,
            Zero = $"only every {Limits.CheckpointEventsMax} events and on stop", Description = "How often the event log is signed with the server's key, when it has grown: what may be cut off its end unseen.",
            Show = s => Shown(s.CheckpointInterval), Apply = (s, v) => s with { CheckpointInterval = v.Time },
        },
        new()
        {
            Key = "events.archive_dir", Flags = ["--events-archive-dir"], Kind = SettingKind.Path, Default = "",
            Zero = "empty: nothing is archived by itself", Description = "Directory that whole signed segments of the event log are archived to; not encrypted.",
            Show = s => s.ArchiveDirectory, Apply = (s, v) => s with { ArchiveDirectory = v.Text },
        },
        new()
        {
            Key = "events.archive_assets", Flags = ["--events-archive-assets"], Kind = SettingKind.Boolean, Default = "false",
            Zero = "false", Description = "Archive whole signed segments of the event log as assets, in place of events.archive_dir.",
            Show = s => s.ArchivesToAssets ? "true" : "false", Apply = (s, v) => s with { ArchivesToAssets = v.Number != 0 },
        },
        new()
        {
            Key = "events.keep_age", Flags = ["--events-keep-age"], Kind = SettingKind.Duration, Default = "0", Max = 3_153_600_000_000,
            Zero = "age prunes nothing", Description = "Archived events that are older are pruned from the database, when every cursor has passed them and events.keep_count lets them go.",
            Show = s => Shown(s.KeepAge), Apply = (s, v) => s with { KeepAge = v.Time },
        },
        new()
        {
            Key = "events.keep_count", Flags = ["--events-keep-count"], Kind = SettingKind.Integer, Unit = "events", Default = "0", Max = 1_000_000_000_000,
            Zero = "their number prunes nothing", Description = "The newest events, so many, are kept in the database; older archived ones are pruned when every cursor has passed them and events.keep_age lets them go.",
            Show = s => Number(s.KeepCount), Apply = (s, v) => s with { KeepCount = v.Number },
        },
        new()
        {
            Key = "limits.call_time", Flags = ["--limit-call-time"], Kind = SettingKind.Duration, Default = Shown(Limits.CallTimeMax), Max = 86_400_000,
            Zero = "a call lasts as long as its client waits", Description = "A unary call that runs longer is ended with DEADLINE_EXCEEDED.",
            Show = s => Shown(s.CallTimeMax), Apply = (s, v) => s with { CallTimeMax = v.Time },
        },
        new()
        {
            Key = "limits.drain_timeout", Flags = ["--drain-timeout"], Kind = SettingKind.Duration, Default = Shown(Limits.DrainMax), Max = 3_600_000,
            Zero = "running calls are cut at once", Description = "How long running calls may take to finish after SIGTERM.",
            Show = s => Shown(s.DrainTimeout), Apply = (s, v) => s with { DrainTimeout = v.Time },
        },
        new()
        {
            Key = "keepalive.interval", Flags = ["--keepalive-interval"], Kind = SettingKind.Duration, Default = Shown(Limits.KeepaliveInterval), Max = 86_400_000,
            Zero = "no pings", Description = "Silence on a connection after which the daemon pings the client; at least 1s.",
            Show = s => Shown(s.KeepaliveInterval), Apply = (s, v) => s with { KeepaliveInterval = v.Time },
        },
        new()
        {
            Key = "keepalive.timeout", Flags = ["--keepalive-timeout"], Kind = SettingKind.Duration, Default = Shown(Limits.KeepaliveTimeout), Min = 1000, Max = 86_400_000,
            Zero = "not allowed", Description = "How long the answer to a ping may take before the connection is closed.",
            Show = s => Shown(s.KeepaliveTimeout), Apply = (s, v) => s with { KeepaliveTimeout = v.Time },
        },
        new()
        {
            Key = "limits.idle_timeout", Flags = ["--limit-idle-timeout"], Kind = SettingKind.Duration, Default = Shown(Limits.IdleTimeout), Max = 604_800_000,
            Zero = "idle connections stay open", Description = "A connection without a call is closed after this time.",
            Show = s => Shown(s.IdleTimeout), Apply = (s, v) => s with { IdleTimeout = v.Time },
        },
    ];

    private static Setting[] Assets() =>
    [
        new()
        {
            Key = "assets.backends_file", Flags = ["--assets-backends-file"], Kind = SettingKind.Path, Default = "",
            Zero = "empty: nothing is archived", Description = "Where assets can be archived to (TOML): a table for each backend, with its location and the files of its credentials.",
            Show = s => s.AssetBackendsPath ?? "", Apply = (s, v) => s with { AssetBackendsPath = v.Text is "" ? null : v.Text },
        },
        new()
        {
            Key = "assets.collect_interval", Flags = ["--assets-collect-interval"], Kind = SettingKind.Duration, Default = Shown(Limits.AssetCollectionInterval), Max = 2_592_000_000,
            Zero = "only `auraed assets gc` collects", Description = "How often chunks that nothing refers to are collected.",
            Show = s => Shown(s.AssetCollectInterval), Apply = (s, v) => s with { AssetCollectInterval = v.Time },
        },
        new()
        {
            Key = "assets.scrub_interval", Flags = ["--assets-scrub-interval"], Kind = SettingKind.Duration, Default = Shown(Limits.AssetScrubInterval), Max = 31_536_000_000,
            Zero = "only `auraed assets scrub` scrubs", Description = "From the end of one scrub of all chunks, which compares them with their ids, to the beginning of the next.",
            Show = s => Shown(s.AssetScrubInterval), Apply = (s, v) => s with { AssetScrubInterval = v.Time },
        },
        new()
        {
            Key = "assets.scrub_rate", Flags = ["--assets-scrub-rate"], Kind = SettingKind.Bytes, Unit = "bytes", Default = Number(Limits.AssetScrubBytesPerSecond),
            Max = 1L << 40, Zero = "no limit", Description = "Bytes a second that the daemon's own scrub reads.",
            Show = s => Number(s.AssetScrubBytesPerSecond), Apply = (s, v) => s with { AssetScrubBytesPerSecond = v.Number },
        },
    ];

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>The shortest text that parses back to the same time.</summary>
    internal static string Shown(TimeSpan time)
    {
        var milliseconds = (long)time.TotalMilliseconds;
        return milliseconds switch
        {
            0 => "0",
            _ when milliseconds % 3_600_000 == 0 => Number(milliseconds / 3_600_000) + "h",
            _ when milliseconds % 60_000 == 0 => Number(milliseconds / 60_000) + "m",
            _ when milliseconds % 1000 == 0 => Number(milliseconds / 1000) + "s",
            _ => Number(milliseconds) + "ms",
        };
    }
}
