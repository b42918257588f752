namespace Auraed.Base;

/// <summary>Config, Host and the edge of Rpc. Those that a setting can change are its defaults.</summary>
public static partial class Limits
{
    /// <summary>Arrays and inline tables inside each other in a configuration file; the reader recurses once for each.</summary>
    public const int ConfigDepthMax = 16;

    /// <summary>At some 40 KiB for an idle TLS connection this is 160 MiB at worst.</summary>
    public const int ConnectionCountMax = 4096;

    /// <summary>One user or address cannot take all connections. A client needs one; a busy host has some dozens of clients.</summary>
    public const int ConnectionPerPeerCountMax = 1024;

    /// <summary>Kestrel's own 100 makes clients with more calls than that wait for each other.</summary>
    public const int StreamPerConnectionCountMax = 512;

    /// <summary>Past it a new call only makes all others slower.</summary>
    public const int CallCountMax = 4096;

    /// <summary>Long enough for a backup asked for by a unary call, short enough that a stuck handler is noticed the same hour.</summary>
    public static readonly TimeSpan CallTimeMax = TimeSpan.FromMinutes(10);

    /// <summary>How often calls are looked at for their time: what a call may run over.</summary>
    public static readonly TimeSpan CallSweepInterval = TimeSpan.FromSeconds(1);

    /// <summary>Between two warnings that calls are refused for want of room; those between are told at debug.</summary>
    public static readonly TimeSpan ExhaustedLogInterval = TimeSpan.FromSeconds(1);

    /// <summary>What a caller past <see cref="CallCountMax"/> is told to wait.</summary>
    public static readonly TimeSpan CallRetryAfter = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a word to the service manager waits for room in its queue; it is dropped and logged then.</summary>
    public static readonly TimeSpan NotifySendMax = TimeSpan.FromSeconds(1);

    /// <summary>Notices a peer that vanished without closing, before common firewalls forget the connection.</summary>
    public static readonly TimeSpan KeepaliveInterval = TimeSpan.FromSeconds(60);

    public static readonly TimeSpan KeepaliveTimeout = TimeSpan.FromSeconds(20);

    /// <summary>gRPC clients keep a connection for half an hour without calls and open a new one without being asked.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(30);

    /// <summary>A TLS handshake on a busy host takes milliseconds; who needs longer holds a connection for nothing.</summary>
    public static readonly TimeSpan HandshakeTimeMax = TimeSpan.FromSeconds(10);

    /// <summary>What one connection's answers may wait for in front of its socket: a download keeps the socket full without waking for every 64 KiB.</summary>
    public const long SocketWriteBytesMax = 256 * 1024;

    /// <summary>What comes in on one connection and waits for whom it is for.</summary>
    public const long SocketReadBytesMax = 1024 * 1024;

    /// <summary>What a connection that is silent holds to read into.</summary>
    public const int SocketReadBytes = 4 * 1024;

    /// <summary>What is read at once from one that brings more.</summary>
    public const int SocketReadBytesAtOnce = 32 * 1024;

    /// <summary>The pieces in which answers wait.</summary>
    public const int SocketWriteBytes = 16 * 1024;

    /// <summary>Connections on Unix sockets that have a thread of their own: more than a host's services keep busy, few enough that their stacks are of no account.</summary>
    public const int ConnectionThreadsCountMax = 32;

    /// <summary>After the process has no descriptor left for a new connection.</summary>
    public static readonly TimeSpan AcceptRetryDelay = TimeSpan.FromMilliseconds(50);

    /// <summary>Records of TLS that go to the socket together: what a Unix socket takes at once.</summary>
    public const int SocketGatherBytes = 128 * 1024;

    /// <summary>What the runtime hands to OpenSSL at once: two of the longest records (RFC 8446, section 5.1).</summary>
    public const int TlsBufferBytes = 32 * 1024;

    /// <summary>What the client takes of a response before it is read (RFC 9113, section 5.2): the protocol's own 64 KiB have the two sides wait for each other.</summary>
    public const int ClientWindowBytes = 1024 * 1024;

    /// <summary>What the client reads from its socket at a time: some records of TLS.</summary>
    public const int ClientReadBytes = 128 * 1024;

    /// <summary>All request headers of one call.</summary>
    public const int RequestHeadersBytesMax = 16 * 1024;

    /// <summary>Connections that the kernel holds until they are accepted.</summary>
    public const int ListenBacklogCountMax = 512;

    /// <summary>The path of a Unix socket (sun_path, without the NUL behind it).</summary>
    public const int SocketPathBytesMax = 107;

    /// <summary>A socket file that answers within this time has a daemon behind it.</summary>
    public static readonly TimeSpan SocketProbeTimeMax = TimeSpan.FromSeconds(1);

    /// <summary>Sockets that a service manager hands over.</summary>
    public const int InheritedSocketCountMax = 16;

    /// <summary>Health watchers at one time; each keeps a call open.</summary>
    public const int HealthWatcherCountMax = 256;

    /// <summary>Signals that wait to be acted on; more of them say nothing new.</summary>
    public const int SignalQueueCountMax = 16;

    /// <summary>A write that takes so long is none: the disk or the writer hangs. Longer than the slowest sync of a disk that recovers.</summary>
    public static readonly TimeSpan WriterRoundMax = TimeSpan.FromSeconds(60);

    /// <summary>A publication without a step forward for so long hangs. Its last step is one sync of the whole copy.</summary>
    public static readonly TimeSpan PublishStepMax = TimeSpan.FromMinutes(10);
}
