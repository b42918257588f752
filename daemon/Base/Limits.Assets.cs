namespace Auraed.Base;

/// <summary>Assets.</summary>
public static partial class Limits
{
    /// <summary>A chunk that the store takes: its frame fits a message, and writing one holds the writer for some milliseconds.</summary>
    public const int AssetChunkBytesMax = 2 * 1024 * 1024;

    /// <summary>Chunks of one asset: its index is read whole by those who extract it, and fits <see cref="AssetIndexBytesMax"/> (400 GiB at the usual size).</summary>
    public const long AssetChunksCountMax = 6_500_000;

    /// <summary>Plain bytes in one message of an upload.</summary>
    public const int AssetDataBytesMax = 1024 * 1024;

    /// <summary>Pieces of plain bytes that are hashed and compressed together: with chunks of some bytes each costs a hundred times what it holds.</summary>
    public const int AssetPlainPiecesMax = 4096;

    /// <summary>Chunks in one message.</summary>
    public const int AssetBatchChunksMax = 256;

    /// <summary>Chunks are sent in messages of about this size.</summary>
    public const int AssetBatchBytes = 512 * 1024;

    /// <summary>Frames in one message of an upload; with the rest it fits a message.</summary>
    public const int AssetBatchBytesMax = 3 * 1024 * 1024;

    /// <summary>Bytes of chunks that are held while one batch is checked, whatever a message declares.</summary>
    public const int AssetCheckBytesMax = AssetChunkBytesMax;

    /// <summary>Chunks of a batch that one thread checks together: their ids are made side by side.</summary>
    public const int AssetCheckChunks = 4;

    /// <summary>What a client's worker inflates before it checks and writes it: of what a message brings, it is still in the processor's cache.</summary>
    public const int AssetRunBytes = 512 * 1024;

    /// <summary>Ids of one question.</summary>
    public const int AssetIdsCountMax = 16_384;

    public const int AssetUploadIdBytesMax = 128;

    public const int AssetMediaTypeCharactersMax = 128;

    /// <summary>
    /// Frames that one unit of work writes. Every request that comes meanwhile waits for them to be enciphered and synced: it decides how much an ingest slows
    /// small writes, and beyond it the share of the sync is small.
    /// </summary>
    public const int AssetUnitBytes = 240 * 1024;

    /// <summary>Chunks that one unit of work refers to: some milliseconds.</summary>
    public const int AssetUnitChunksMax = 512;

    /// <summary>Units of one upload that wait for the writer: one is written while the next is made.</summary>
    public const int AssetUnitsWaitingMax = 4;

    /// <summary>Uploads at a time; each takes up to 10 MiB. One more is the daemon's own.</summary>
    public const int AssetUploadsCountMax = 7;

    /// <summary>Of one tenant.</summary>
    public const int AssetUploadsOfTenantMax = 6;

    /// <summary>Downloads at a time; each takes up to 4 MiB.</summary>
    public const int AssetDownloadsCountMax = 18;

    /// <summary>Of one tenant.</summary>
    public const int AssetDownloadsOfTenantMax = 16;

    /// <summary>A transfer whose caller neither sent nor took a message for so long loses its place to the next that needs one: a message of half a megabyte passes at 17 KB/s.</summary>
    public static readonly TimeSpan TransferIdleMax = TimeSpan.FromSeconds(30);

    /// <summary>What a refused upload or download is told to wait.</summary>
    public static readonly TimeSpan AssetRetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>How often the command line asks for a chunk while all places are taken: half a minute. A call that was cut off keeps its place until the daemon has noticed.</summary>
    public const int AssetFetchTriesMax = 30;

    /// <summary>An upload that has not grown for so long is given up.</summary>
    public static readonly TimeSpan AssetUploadAgeMax = TimeSpan.FromHours(24);

    public static readonly TimeSpan AssetLeaseMin = TimeSpan.FromSeconds(1);

    public static readonly TimeSpan AssetLeaseMax = TimeSpan.FromDays(365);

    /// <summary>Frames that are read on one snapshot; three such batches are held for one download. What a unit of an upload writes fits, and so is read whole.</summary>
    public const int AssetReadBytes = 512 * 1024;

    /// <summary>Chunks looked up on one snapshot.</summary>
    public const int AssetReadChunksMax = 1024;

    /// <summary>Names of tags, pins and leases that are shown with an asset.</summary>
    public const int AssetNamesShownMax = 64;

    /// <summary>How long a chunk stays after nothing refers to it: whoever was told that it is there has sent the reference by then.</summary>
    public static readonly TimeSpan AssetGrace = TimeSpan.FromHours(1);

    public static readonly TimeSpan AssetGraceMax = TimeSpan.FromDays(30);

    /// <summary>Frames that are copied to a backend, or fetched from it, before they are flushed, read back and noted: two such batches are held.</summary>
    public const int ArchiveBatchBytes = 4 * 1024 * 1024;

    /// <summary>Characters of a backend's name.</summary>
    public const int BackendNameCharactersMax = 63;

    /// <summary>Between the daemon's own collections.</summary>
    public static readonly TimeSpan AssetCollectionInterval = TimeSpan.FromMinutes(30);

    /// <summary>Between the daemon's own scrubs: a disk that rots does so in months.</summary>
    public static readonly TimeSpan AssetScrubInterval = TimeSpan.FromDays(7);

    /// <summary>Compressed bytes a second of the daemon's own scrub: 1 TiB in a day and a half, and hardly to be felt.</summary>
    public const long AssetScrubBytesPerSecond = 8 * 1024 * 1024;

    /// <summary>From a start, or a failure, to the daemon's next own collection or scrub.</summary>
    public static readonly TimeSpan AssetCareDelay = TimeSpan.FromMinutes(2);

    /// <summary>Waits of days are cut into these, as clocks are set and hosts sleep.</summary>
    public static readonly TimeSpan AssetCareWaitMax = TimeSpan.FromHours(1);

    /// <summary>How long a scrub that is called for waits for one that runs: longer than a step of the daemon's own at its slowest.</summary>
    public static readonly TimeSpan ScrubWaitMax = TimeSpan.FromSeconds(5);

    /// <summary>Numbers of chunks that a collection looks at in one pass: two bitmaps of 2 MiB, whatever the store holds.</summary>
    public const int CollectionWindowChunks = 16 * 1024 * 1024;

    /// <summary>Rows that a collection reads on one snapshot.</summary>
    public const int CollectionRowsMax = 4096;

    /// <summary>Rows that a collection changes in one unit of work.</summary>
    public const int CollectionUnitRowsMax = 512;

    /// <summary>Chunks with their bytes that a collection removes in one unit of work: the pages of 2 MiB.</summary>
    public const int CollectionUnitChunksMax = 32;

    /// <summary>Chunks whose bytes a collection reads on one snapshot, before it removes them: about 16 MiB.</summary>
    public const int CollectionReadChunksMax = 256;

    /// <summary>A scrub remembers where it is after so many chunks.</summary>
    public const int ScrubStepChunks = 64;

    /// <summary>Assets that are named with one damaged chunk.</summary>
    public const int ScrubAssetsNamedMax = 32;

    /// <summary>Characters of what is said about one damaged chunk.</summary>
    public const int ScrubReasonCharactersMax = 512;
}
