namespace Auraed.Base;

/// <summary>Every bound in the daemon. The unit stands in the name, the reason beside the value.</summary>
public static partial class Limits
{
    /// <summary>One request or response message. etcd takes 1.5 MiB, gRPC's default is 4 MiB; a record fits many times over.</summary>
    public const int MessageBytesMax = 4 * 1024 * 1024;

    /// <summary>How long running calls may take to finish after SIGTERM. Service managers kill after 90 s.</summary>
    public static readonly TimeSpan DrainMax = TimeSpan.FromSeconds(25);

    // Records.

    /// <summary>The body of a record, encoded. Larger things are assets, in chunks.</summary>
    public const int RecordBytesMax = 1024 * 1024;

    /// <summary>A record's name. A cell's nested path fits, and an index entry stays far below a page.</summary>
    public const int RecordNameBytesMax = 256;

    /// <summary>A tenant's name: a DNS label.</summary>
    public const int TenantNameCharactersMax = 63;

    public const int LabelsCountMax = 64;

    public const int LabelKeyCharactersMax = 128;

    public const int LabelValueBytesMax = 256;

    /// <summary>A caller's name for one request; a UUID fits many times.</summary>
    public const int RequestIdBytesMax = 128;

    /// <summary>How long the answer to a request id is kept. A client that has not repeated its request by then has given it up.</summary>
    public static readonly TimeSpan RequestIdAgeMax = TimeSpan.FromHours(24);

    /// <summary>Operations, and preconditions, of one Commit: they hold the writer for a few milliseconds. etcd takes 128.</summary>
    public const int CommitOperationsCountMax = 1000;

    /// <summary>Keys of one BatchGet.</summary>
    public const int BatchGetKeysCountMax = 1000;

    /// <summary>What a List without a page size answers.</summary>
    public const int PageRecordsCountDefault = 100;

    public const int PageRecordsCountMax = 1000;

    /// <summary>A page is ended early at this size, so that it fits a message with what is included.</summary>
    public const int PageBytesMax = 2 * 1024 * 1024;

    /// <summary>Related records that one answer may include; past it the page is to be made smaller.</summary>
    public const int IncludedRecordsCountMax = 10_000;

    /// <summary>Included types of one request.</summary>
    public const int IncludeTypesCountMax = 8;

    /// <summary>A filter's text.</summary>
    public const int FilterBytesMax = 16 * 1024;

    /// <summary>Comparisons in a filter: the engine's own limit on a statement's parameters and depth stays far away.</summary>
    public const int FilterTermsMax = 256;

    /// <summary>Nested groups in a filter; the parser recurses once for each.</summary>
    public const int FilterDepthMax = 32;

    /// <summary>Parts of a field's path.</summary>
    public const int FieldPathSegmentsMax = 16;

    public const int OrderByFieldsMax = 4;

    /// <summary>Paths of a field mask.</summary>
    public const int FieldMaskPathsMax = 256;

    /// <summary>A page token as text. Its sort keys are bounded with it: a longer one is never made.</summary>
    public const int PageTokenCharactersMax = 8 * 1024;

    /// <summary>Nested messages and JSON values; protobuf's own reader stops at 100.</summary>
    public const int JsonDepthMax = 32;

    /// <summary>Records that a cascading delete takes along.</summary>
    public const int CascadeRecordsCountMax = 10_000;

    /// <summary>Events that a watch reads at a time: what one slow watcher costs in memory.</summary>
    public const int WatchBatchEventsMax = 256;

    /// <summary>A file that `auraed records apply` reads: what fits one message, as JSON.</summary>
    public const int ApplyCharactersMax = 16 * 1024 * 1024;

    /// <summary>Machines that the machine service lists: its answer has no pages.</summary>
    public const int MachinesListedCountMax = 20_000;

    /// <summary>Records changed while a watch reads its initial state, which it has to remember.</summary>
    public const int WatchNotedRecordsCountMax = 100_000;

    /// <summary>Open watches of one daemon; each keeps a call open.</summary>
    public const int WatchersCountMax = 1024;

    public static readonly TimeSpan WatchProgressIntervalDefault = TimeSpan.FromSeconds(10);

    public static readonly TimeSpan WatchProgressIntervalMin = TimeSpan.FromSeconds(1);

    // Store.

    /// <summary>Units that wait for the writer. At 60 thousand a second it is a tenth of a second; more would only be latency and memory.</summary>
    public const int StoreWriteQueueCountMax = 8192;

    /// <summary>What a refused writer is told to wait: about the time in which the queue drains.</summary>
    public static readonly TimeSpan StoreWriteQueueRetryAfter = TimeSpan.FromMilliseconds(50);

    /// <summary>Units in one commit. Beyond some hundreds the sync's share is nothing, and those already done only wait longer.</summary>
    public const int StoreGroupCountMax = 1024;

    /// <summary>Units after which a group goes to the journal as soon as the one before is there and few more wait: then the sync's share is small, and each unit waits for the last.</summary>
    public const int StoreGroupCountWanted = 16;

    /// <summary>Groups of one, one after the other, after which a caller counts as alone: he waits for each answer, and each hand-over to another thread costs him a wake-up.</summary>
    public const int StoreLoneGroupsMin = 4;

    /// <summary>Groups that callers run themselves before one goes through the queue again: so many syncs at most are waited for in turn by one who asks for many writes at once.</summary>
    public const int StoreCallerGroupsMax = 32;

    /// <summary>Bulk units of one commit while nobody else writes: beyond it the sync's share is small.</summary>
    public const int StoreGroupBulkMax = 8;

    /// <summary>After so long without a request, bulk units are committed several at a time.</summary>
    public static readonly TimeSpan StoreQuietMin = TimeSpan.FromMilliseconds(250);

    /// <summary>Where requests leave a gap this long, bulk units are written: longer than a caller takes from an answer to his next request.</summary>
    public static readonly TimeSpan StoreBulkGap = TimeSpan.FromMilliseconds(3);

    /// <summary>While requests leave no gap, a bulk unit is written after this long: some 15 MiB/s of an ingest, of which few requests notice anything.</summary>
    public static readonly TimeSpan StoreBulkPause = TimeSpan.FromMilliseconds(20);

    /// <summary>Time that one group may grow before it is committed.</summary>
    public static readonly TimeSpan StoreGroupTimeMax = TimeSpan.FromMilliseconds(10);

    /// <summary>A writer without work looks after the log this often.</summary>
    public static readonly TimeSpan StoreIdleMax = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Frames (4 KiB) not yet in the file that a busy writer has moved beside it: 64 MiB. Fewer would be moved more often than pages repeat; more would have a
    /// commit's sync wait behind that of the file. A writer without work moves any number.
    /// </summary>
    public const int StoreWalFramesBusy = 16_384;

    /// <summary>
    /// The log begins again when it has so many times the frames of a pass, 128 MiB: a start after a crash reads them all, and the rest of it is the writer's own to move, which costs
    /// everyone who waits some milliseconds.
    /// </summary>
    public const int StoreWalPassesMax = 2;

    /// <summary>When fewer are left, the writer moves the rest itself, so that the log begins again: 4 MiB, some milliseconds.</summary>
    public const int StoreWalRestFrames = 1024;

    /// <summary>After a pass that got no further for a reader, the next one of a long log is tried so much later.</summary>
    public static readonly TimeSpan StorePassRetry = TimeSpan.FromMilliseconds(5);

    /// <summary>Frames at which readers are held back so that the log begins again: 384 MiB.</summary>
    public const int StoreWalFramesMax = 98_304;

    /// <summary>A segment of the journal: at full load some tenths of a second, so that the making of one is rare and little is kept for long.</summary>
    public const int StoreJournalSegmentBytes = 32 * 1024 * 1024;

    /// <summary>
    /// Emptied segments that are kept for their blocks under load, as many as the log has beside it before it begins again: to free the blocks of one takes 5 ms, and new ones are written twice. One
    /// of them stays when there is little to do.
    /// </summary>
    public const int StoreJournalSparesMax = 4;

    /// <summary>Reserved blocks of a segment that are written at once, ahead of the records: some hundred groups' worth, in about the time of three syncs.</summary>
    public const int StoreJournalAheadBytes = 1024 * 1024;

    /// <summary>The journal as a whole. Past it, checkpoints no longer wait for a good moment.</summary>
    public const long StoreJournalBytesMax = 8L * StoreJournalSegmentBytes;

    /// <summary>A group that changes more is committed and synced itself: a large value would otherwise be written, and synced, twice.</summary>
    public const int StoreJournalRecordBytesMax = 4 * 1024 * 1024;

    /// <summary>The longest that an acknowledged group waits for its commit: what a start after a crash has to do again, and how many rows share a page. A second more of it would be half a second of the start.</summary>
    public static readonly TimeSpan StoreLazyCommitTimeMax = TimeSpan.FromMilliseconds(500);

    /// <summary>Changes that wait for their commit, at most.</summary>
    public const long StoreLazyCommitBytesMax = 64 * 1024 * 1024;

    /// <summary>Pages (4 KiB) that one commit behind a journal may write, nearly all of them ahead of it: 96 MiB of the log. With fewer, more pages are written for the same rows.</summary>
    public const int StoreLazyCommitPagesMax = 24_576;

    /// <summary>The same beside a large ingest, whose pages are written once however many a commit has.</summary>
    public const int StoreLazyCommitPagesBulkMax = 256;

    /// <summary>
    /// Changed pages that wait for their commit, as they may change again: the leaves of an index of two hundred thousand names. At 4 us each a stall of 16 ms when a reader wants
    /// them all now. Those left alone the longest are written ahead while the writer waits for a sync.
    /// </summary>
    public const int StorePagesKeptMax = 4096;

    /// <summary>The same when the commit is near: the pages that nearly every write touches.</summary>
    public const int StorePagesKeptMin = 128;

    /// <summary>Instead of the first of the two while commits are large: the leaves of six hundred thousand names. A reader that wants the commit waits for up to 50 ms.</summary>
    public const int StorePagesKeptWideMax = 12_288;

    /// <summary>Pages that a large commit writes: a third of what one may.</summary>
    public const int StoreWidePagesMin = StoreLazyCommitPagesMax / 3;

    /// <summary>After so long without a large one, commits are small. A load that comes in bursts finds the leaves that the one before had read.</summary>
    public static readonly TimeSpan StoreWideRest = TimeSpan.FromMinutes(1);

    /// <summary>Pages written ahead at a time: 0.1 to 0.2 ms, that the group which has been synced meanwhile may have to wait.</summary>
    public const int StoreWriteAheadPages = 32;

    /// <summary>Pages written ahead after which the kernel is asked to begin with them: 1 MiB.</summary>
    public const int StoreWriteBackPages = 256;

    /// <summary>Marks that rows share by their hash, as a power of two: one in eight is taken when a commit's rows are many, and who meets a foreign one only waits. 1 MiB.</summary>
    public const int StoreRowMarkBits = 17;

    /// <summary>Changes that the first commit gathers, before it is known how many pages they touch.</summary>
    public const long StoreLazyCommitBytesFirst = 2 * 1024 * 1024;

    /// <summary>Changes that are gathered at least, however many pages they touch.</summary>
    public const long StoreLazyCommitBytesMin = 128 * 1024;

    /// <summary>With nothing to do for so long, the writer commits what waits.</summary>
    public static readonly TimeSpan StoreLazyCommitIdle = TimeSpan.FromMilliseconds(20);

    /// <summary>How long readers are held back for that at most.</summary>
    public static readonly TimeSpan StoreReadersHeldBackMax = TimeSpan.FromMilliseconds(100);

    /// <summary>Page cache of the writer: the inner pages of every index of a database of millions of records, the leaves of some hundred thousand, and the changed pages that wait.</summary>
    public const int StoreWriteCacheKibibytes = 32 * 1024;

    /// <summary>The same while commits are large: what waits for one, and as much again of what the next one touches.</summary>
    public const int StoreWriteCacheWideKibibytes = 56 * 1024;

    /// <summary>The same beside a large ingest, whose pages nobody wants again: the inner pages, and what one of its commits writes.</summary>
    public const int StoreWriteCacheBulkKibibytes = 12 * 1024;

    /// <summary>An ingest has ended when no part of it came for so long.</summary>
    public static readonly TimeSpan StoreIngestRest = TimeSpan.FromSeconds(1);

    /// <summary>Page cache of one reader; a page from here is not read and not deciphered again.</summary>
    public const int StoreReadCacheKibibytes = 4 * 1024;

    /// <summary>Statements kept per generation and connection.</summary>
    public const int StoreStatementCountMax = 256;

    /// <summary>Reads that wait for a connection.</summary>
    public const int StoreReadWaitCountMax = 4096;

    /// <summary>How often a cancelled read is interrupted until it ends; one interrupt alone may fall between two statements.</summary>
    public static readonly TimeSpan StoreInterruptInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>How long a transaction that writes waits to begin before the file counts as another process's.</summary>
    public static readonly TimeSpan StoreBeginMax = TimeSpan.FromSeconds(1);

    /// <summary>Tables, indexes and views whose changes are counted for the query cache.</summary>
    public const int StoreTableCountMax = 4096;

    // Query: SQL that strangers write.

    /// <summary>Connections, each with a thread of its own. A statement that computes takes a core; more of them than cores would starve the calls.</summary>
    public const int QueryConnectionCountMax = 4;

    /// <summary>Statements that wait for a connection; past it the caller is told to come back.</summary>
    public const int QueryQueueCountMax = 64;

    /// <summary>The text of a statement. A long hand-written one has 10 KiB.</summary>
    public const int QuerySqlBytesMax = 64 * 1024;

    /// <summary>One value on its way through a statement. A record's body has at most 1 MiB, and its JSON some more.</summary>
    public const int QueryValueBytesMax = 2 * 1024 * 1024;

    /// <summary>Parameters of one statement.</summary>
    public const int QueryParameterCountMax = 256;

    /// <summary>Their values together.</summary>
    public const int QueryParameterBytesMax = 1024 * 1024;

    /// <summary>Columns of a result. The widest table has a tenth.</summary>
    public const int QueryColumnCountMax = 256;

    /// <summary>Nesting of an expression; the parser's stack grows with it.</summary>
    public const int QueryExpressionDepthMax = 100;

    /// <summary>Terms of a UNION and its like.</summary>
    public const int QueryCompoundCountMax = 32;

    /// <summary>Instructions of a compiled statement: a join of twenty views has a few thousand.</summary>
    public const int QueryInstructionCountMax = 50_000;

    /// <summary>Arguments of a function; json_object takes two for each member.</summary>
    public const int QueryArgumentCountMax = 64;

    /// <summary>The pattern of LIKE and GLOB, whose cost grows with its length times the text's.</summary>
    public const int QueryPatternBytesMax = 256;

    /// <summary>Instructions between two looks at the clock, the caller and the memory: about 10 microseconds.</summary>
    public const int QueryStepsPerLook = 128;

    /// <summary>Instructions that one statement may run: some minutes of one core.</summary>
    public const long QueryStepsMax = 10_000_000_000;

    /// <summary>What sorting and intermediate results may add to the C heap. They stay in memory, so that no plaintext reaches a disk.</summary>
    public const long QueryMemoryBytesMax = 96 * 1024 * 1024;

    /// <summary>A statement that added more to the C heap gives it back at its end.</summary>
    public const long QueryHeapKeptBytesMax = 16 * 1024 * 1024;

    /// <summary>Memory is looked at this often: at the speed of memory some 10 MiB can be filled in between.</summary>
    public static readonly TimeSpan QueryMemoryLookInterval = TimeSpan.FromMilliseconds(2);

    /// <summary>A call without a deadline.</summary>
    public static readonly TimeSpan QueryTimeDefault = TimeSpan.FromSeconds(30);

    /// <summary>Whatever deadline the call has: an open snapshot keeps the write-ahead log from shrinking.</summary>
    public static readonly TimeSpan QueryTimeMax = TimeSpan.FromMinutes(10);

    /// <summary>A reader that takes nothing for so long loses its statement, as others wait for the connection.</summary>
    public static readonly TimeSpan QueryStallMax = TimeSpan.FromSeconds(15);

    public const long QueryRowsDefault = 100_000;

    public const long QueryRowsMax = 10_000_000;

    public const long QueryBytesDefault = 64L * 1024 * 1024;

    public const long QueryBytesMax = 4L * 1024 * 1024 * 1024;

    public const int QueryBatchRowsDefault = 1000;

    public const int QueryBatchRowsMax = 10_000;

    /// <summary>A message of rows ends here; a single longer row goes alone.</summary>
    public const int QueryBatchBytesMax = 256 * 1024;

    /// <summary>Messages that a statement runs ahead of its reader: the columns, two batches, the summary; so a short answer frees the connection at once.</summary>
    public const int QueryBatchesAheadMax = 4;

    /// <summary>An answer that is longer is not kept.</summary>
    public const int QueryCacheEntryBytesMax = 256 * 1024;

    /// <summary>Answers that are kept, as they lie in memory.</summary>
    public const long QueryCacheBytesMax = 24 * 1024 * 1024;

    /// <summary>What a refused caller is told to wait.</summary>
    public static readonly TimeSpan QueryRetryAfter = TimeSpan.FromMilliseconds(200);

    /// <summary>Between tries of a publication that failed, unless the interval is shorter: long enough for a disk to be cleared, short against a day.</summary>
    public static readonly TimeSpan PublishRetry = TimeSpan.FromMinutes(5);

    /// <summary>Between publications of the copy for a plain cp: what is lost at most by one who backs up with cp alone.</summary>
    public static readonly TimeSpan PublishInterval = TimeSpan.FromHours(1);
}
