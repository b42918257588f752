namespace Auraed.Base;

/// <summary>EventLog.</summary>
public static partial class Limits
{
    /// <summary>Events that are read, and sent, at a time: with their bytes, what one slow watcher costs in memory.</summary>
    public const int EventPageEventsMax = 256;

    /// <summary>Rows that one read looks at for a filter that few of them fit: a few milliseconds of a connection.</summary>
    public const int EventPageRowsMax = 4096;

    /// <summary>A page is ended early at this size. A page and what is held back of the commit before still fit a message.</summary>
    public const int EventPageBytesMax = 1024 * 1024;

    /// <summary>The newest events that all watchers share; a tenth of a second at full load. A power of two.</summary>
    public const int EventTailEventsMax = 4096;

    /// <summary>Their size; with large events fewer of them are kept.</summary>
    public const int EventTailBytesMax = 8 * 1024 * 1024;

    /// <summary>Events that the tree takes in one read: some milliseconds of a snapshot, which the engine's log waits for. When so many wait, it takes them without waiting for a checkpoint.</summary>
    public const int TreeReadEventsMax = 2048;

    /// <summary>The same in bytes; with large events fewer are taken.</summary>
    public const int TreeReadBytesMax = 64 * 1024 * 1024;

    /// <summary>Events after which the next checkpoint is signed before its time: what may be cut off the end of a log unseen.</summary>
    public const int CheckpointEventsMax = 65_536;

    /// <summary>How often what is new is signed.</summary>
    public static readonly TimeSpan CheckpointInterval = TimeSpan.FromMinutes(10);

    /// <summary>How long the keeper of the log rests after a failure.</summary>
    public static readonly TimeSpan LogKeeperRetry = TimeSpan.FromMinutes(1);

    /// <summary>Checkpoints of one ListCheckpoints.</summary>
    public const int CheckpointsListedCountMax = 1000;

    /// <summary>What an event takes beside its payload: names, hash, and the objects that hold them.</summary>
    public const int EventOverheadBytes = 512;

    /// <summary>Kinds of one filter.</summary>
    public const int EventKindsCountMax = 64;

    /// <summary>One kind of a filter; the longest table has a third.</summary>
    public const int EventKindCharactersMax = 128;

    /// <summary>Events of one Append: they hold the writer for a few milliseconds, as the operations of a Commit.</summary>
    public const int AppendEventsCountMax = 1000;

    /// <summary>What an application's event holds; as a record's body. A page of one such still fits a message.</summary>
    public const int EventPayloadBytesMax = 1024 * 1024;

    /// <summary>Objects and arrays in each other in an application's JSON; the parser that keeps it takes fewer.</summary>
    public const int EventPayloadDepthMax = 128;

    /// <summary>Names after "app." in an application's kind.</summary>
    public const int EventKindNamesMax = 8;

    /// <summary>Cursors of one tenant: a list of them fits one message.</summary>
    public const int CursorsCountMax = 1000;

    public const int CursorInFlightDefault = 1000;

    /// <summary>Events that are out at a time: they are rows that each look at the cursor passes.</summary>
    public const int CursorInFlightMax = 10_000;

    /// <summary>An event that so many consumers could not finish is rather at fault than they.</summary>
    public const int CursorDeliveriesDefault = 16;

    public const int CursorDeliveriesMax = 1000;

    /// <summary>Dead letters of one cursor; past it the cursor stands until somebody looks at them.</summary>
    public const int CursorParkedCountMax = 10_000;

    public static readonly TimeSpan CursorLeaseDefault = TimeSpan.FromSeconds(30);

    public static readonly TimeSpan CursorLeaseMin = TimeSpan.FromSeconds(1);

    /// <summary>Longest lease and longest delay; a consumer that takes longer extends its lease.</summary>
    public static readonly TimeSpan CursorLeaseMax = TimeSpan.FromHours(12);

    /// <summary>A call does not stay open for longer without an answer.</summary>
    public static readonly TimeSpan CursorWaitMax = TimeSpan.FromMinutes(5);

    public const int CursorPullEventsDefault = 100;

    /// <summary>Events of one pull, acknowledgement, and list of parked ones.</summary>
    public const int CursorPullEventsMax = 256;

    public const int CursorConsumerBytesMax = 128;

    /// <summary>Events that do not fit are noted on the disk after so many, so that a restart does not look at them again.</summary>
    public const int CursorScanEventsMax = 4096;

    /// <summary>What is written of a segment at a time; with the last event of a part it stays below a message.</summary>
    public const int SegmentPartBytes = 1024 * 1024;

    /// <summary>One event in a segment. A message bounds what an event can hold; a longer one is damage.</summary>
    public const int SegmentEventBytesMax = 64 * 1024 * 1024;

    /// <summary>What a segment is read through.</summary>
    public const int SegmentReadBytes = 1024 * 1024;

    /// <summary>Differences between log and tables that are told; the rest is counted.</summary>
    public const int ReplayDifferencesMax = 100;

    /// <summary>Events of one archived segment; a multiple of 256. Some tens of MiB, checked in a fraction of a second.</summary>
    public const int SegmentEventsMax = 65_536;

    /// <summary>Events that are pruned in one unit of work: it holds the writer for some milliseconds.</summary>
    public const int PruneBatchEventsMax = 1024;

    /// <summary>How often it is looked whether there is something to archive or to prune.</summary>
    public static readonly TimeSpan RetentionInterval = TimeSpan.FromMinutes(1);
}
