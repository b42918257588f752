namespace Auraed.Base;

/// <summary>Chunks.</summary>
public static partial class Limits
{
    /// <summary>casync's own bound on a chunk's content; no index that declares more is read.</summary>
    public const int ChunkBytesMax = 128 * 1024 * 1024;

    /// <summary>An index file as a whole: 6.7 million chunks, which at the usual 64 KiB is an asset of 400 GiB.</summary>
    public const int AssetIndexBytesMax = 256 * 1024 * 1024;

    /// <summary>What one worker of a parallel chunking takes at a time: some thousand chunks, of which a few at its end are cut twice.</summary>
    public const int ChunkingSpanBytes = 64 * 1024 * 1024;

    /// <summary>What a worker of a parallel chunking reads at a time: far less than a processor's cache, far more than a call costs.</summary>
    public const int ChunkingReadBytes = 1024 * 1024;

    /// <summary>Of a file that is filled from its beginning to its end, the disk is given so much at a time to begin with.</summary>
    public const int WriteBackBytes = 8 * 1024 * 1024;

    /// <summary>A file's name on every file system that Linux writes to.</summary>
    public const int FileNameBytesMax = 255;

    /// <summary>A file name's length everywhere, less what a temporary name adds.</summary>
    public const int IndexNameCharactersMax = 200;

    /// <summary>A store's location. A path's own limit is the same.</summary>
    public const int StoreLocationCharactersMax = 4096;

    /// <summary>One answer of a store, from asking to its last byte. A chunk is some hundred KiB; who needs longer is gone.</summary>
    public static readonly TimeSpan StoreAnswerMax = TimeSpan.FromSeconds(60);

    /// <summary>An index may be a thousand times as long as a chunk.</summary>
    public static readonly TimeSpan StoreIndexAnswerMax = TimeSpan.FromMinutes(10);

    /// <summary>Until a connection stands, its handshake included.</summary>
    public static readonly TimeSpan StoreConnectMax = TimeSpan.FromSeconds(15);

    /// <summary>Hops from the address asked to the one that answers.</summary>
    public const int StoreRedirectsMax = 5;

    /// <summary>Tries of one call whose fault may pass by itself.</summary>
    public const int StoreTriesMax = 4;

    /// <summary>Between the first two tries; each further wait is twice the one before, and up to half of it is left to chance.</summary>
    public static readonly TimeSpan StoreRetryAfter = TimeSpan.FromMilliseconds(250);

    /// <summary>A store that may be passed over and did not answer is asked after the others for so long: for every chunk, its tries would be waited for again.</summary>
    public static readonly TimeSpan StoreAwaySpan = TimeSpan.FromSeconds(30);

    /// <summary>Chunks in flight at a time. On a line of 50 ms and 64 KiB a chunk this is 20 MiB/s; a setting raises it.</summary>
    public const int StoreFetchesDefault = 16;

    public const int StoreFetchesMax = 256;

    /// <summary>What is in flight may take so much memory; with huge chunks fewer are.</summary>
    public const long StoreFetchBytesMax = 64 * 1024 * 1024;

    /// <summary>What is kept of a child's error output, which is told when it fails: the end says why.</summary>
    public const int ChildErrorCharactersMax = 2048;

    /// <summary>A packet of SFTP. OpenSSH's own limit.</summary>
    public const int SftpPacketBytesMax = 256 * 1024;

    /// <summary>What one SFTP request reads or writes: every server takes that.</summary>
    public const int SftpBlockBytes = 32 * 1024;

    /// <summary>A file that credentials or certificates are read from.</summary>
    public const int CredentialFileBytesMax = 1024 * 1024;

    // The CDN origin.

    /// <summary>Published assets; the tags are read with each request.</summary>
    public const int OriginPublicationsMax = 1024;

    /// <summary>Chunks that are counted one by one; a hundred bytes each.</summary>
    public const int OriginHotChunksMax = 1024;

    /// <summary>Readers beside those of the API. Caches before the origin keep some dozens of connections.</summary>
    public const int OriginConnectionCountMax = 1024;

    /// <summary>Chunks that answers hold at a time, compressed: 128 KiB for each reader. Beyond it, those who ask wait for those who read.</summary>
    public const long OriginBytesMax = 128 * 1024 * 1024;

    /// <summary>Of an answer, what is handed to the server at a time; it copies that, and holds as much again before it lets nothing more in.</summary>
    public const int OriginPieceBytes = 64 * 1024;

    /// <summary>The longest path that there is has 300 characters.</summary>
    public const int OriginRequestLineBytesMax = 4096;

    /// <summary>Of them, those that statistics tell.</summary>
    public const int OriginHotChunksShown = 20;

    public static readonly TimeSpan OriginIdleMax = TimeSpan.FromMinutes(2);

    /// <summary>A cache that does not answer is asked again after this, then after twice as long, up to the next.</summary>
    public static readonly TimeSpan PurgeRetryMin = TimeSpan.FromSeconds(1);

    public static readonly TimeSpan PurgeRetryMax = TimeSpan.FromMinutes(5);

    /// <summary>Requests to a cache at a time.</summary>
    public const int PurgeRequestsMax = 8;

    /// <summary>Events that the purge's cursor may lie behind without a write; they are looked at again after a kill.</summary>
    public const int PurgeCursorStep = 4096;
}
