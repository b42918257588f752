using Aurae.Schema;
using Auraed.Base;
using Auraed.Native;
using Auraed.Store.Journal;
using Auraed.Store.Records;
using Auraed.Store.Replay;

namespace Auraed.Store;

/// <summary>
/// The host's one file, open. Invariants: only this process has it open; every write goes through <see cref="WriteAsync"/>; a write that was
/// answered with success is on the disk; a read sees every write that was answered before it began.
/// </summary>
public sealed class Database : IAsyncDisposable
{
    private readonly LibraryLock _lock;
    private readonly StoreKey _key;
    private readonly Connection _connection;
    private readonly TableVersions _tables;
    private readonly ReaderPool _readers;
    private readonly LogMover _mover;
    private readonly Checkpointer _checkpointer;
    private readonly Writer _writer;
    private readonly PendingGroups? _pending;
    private readonly RecentLog _recent = new();
    private readonly SequenceWaits _waits = new();
    private long _durable;
    private Fault? _failure;
    private int _closed;

    private Database(DatabaseOptions options, LibraryLock held, StoreKey key, Connection connection, TableVersions tables)
    {
        Options = options;
        Path = DatabaseFile.PathIn(options.Directory);
        _lock = held;
        _key = key;
        _connection = connection;
        _tables = tables;
        Id = connection.QueryTexts("SELECT value FROM meta WHERE key = 'database_id'").FirstOrDefault() ?? "";
        var readers = options.ReaderCount > 0 ? options.ReaderCount : Math.Max(4, 2 * Environment.ProcessorCount);
        _readers = new ReaderPool(() => Connection.Open(Path, ConnectionMode.Read, key, tables, options.FileLayer), readers);
        var queue = new WriteQueue();
        _mover = new LogMover(() => Connection.Open(Path, ConnectionMode.Write, key, tables, options.FileLayer), queue.Wake);
        _checkpointer = new Checkpointer(connection, _readers, _mover, options.LogFramesBusy ?? Limits.StoreWalFramesBusy);
        if (options.Durability == Durability.Journal)
        {
            _pending = new PendingGroups(queue.Wake);
        }

        _writer = new Writer(connection, queue, tables, options.Time, (sequence, news) => LogOf(sequence, news, queue), _recent, OnCommitted, OnFailed) { LoneGroupsMin = options.LoneGroupsMin };
        _durable = _writer.Sequence;
        _writer.Start();
    }

    /// <summary>The file's full path.</summary>
    public string Path { get; }

    public DatabaseOptions Options { get; }

    /// <summary>Random at creation, and the same in every copy.</summary>
    public string Id { get; }

    /// <summary>The last event that is on the disk; 0 before the first.</summary>
    public long Durable => Volatile.Read(ref _durable);

    /// <summary>Why nothing can be written any more; null while all is well.</summary>
    public Fault? Failure => Volatile.Read(ref _failure);

    public WriterCounts Writes => _writer.Counts;

    /// <summary>Writes that wait now.</summary>
    public int WaitingWrites => _writer.Queue.Count;

    /// <summary>Bytes of the write-ahead log in use.</summary>
    public long LogBytes => (long)_checkpointer.Frames * DatabaseFile.PageBytes;

    /// <summary>
    /// Opens the directory's database, makes it when there is none, and migrates it. Each reason not to is a Fault of its own (see
    /// <see cref="Fault.Reason"/>), and none of them changes the file.
    /// </summary>
    public static Database Open(DatabaseOptions options)
    {
        var held = DatabaseFile.TakeDirectory(options);
        StoreKey? key = null;
        Connection? connection = null;
        try
        {
            using (var server = ServerKey.Load(options.KeyPath))
            {
                key = new StoreKey(server);
            }

            var tables = new TableVersions();
            connection = DatabaseFile.OpenOrCreate(options, key, tables);

            // The log's name, too, before the first answer: the engine syncs the directory with fdatasync alone.
            DurableFiles.SyncDirectory(System.IO.Path.GetFullPath(options.Directory));
            return new Database(options, held, key, connection, tables);
        }
        catch
        {
            connection?.Dispose();
            key?.Dispose();
            held.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Runs the work in a savepoint of its own, on the writer's thread or, when nobody else writes, on this one; the answer comes after the commit is on the disk. An
    /// exception rolls back this work alone. Fault(Exhausted) when the queue or the disk is full. A caller that cancels while the work waits is answered at once; work that has begun is done.
    /// </summary>
    public Task<T> WriteAsync<T>(Func<WriteUnit, T> work, CancellationToken cancel, WritePriority priority = WritePriority.Small)
    {
        var item = new WriteItem<T>(work, cancel);
        item.HeedCancel();
        if (priority != WritePriority.Small || !_writer.TryRun(item))
        {
            _writer.Queue.Add(item, priority);
        }

        return item.Task;
    }

    /// <summary>Completes when the writer's thread has come round; it never waits on the caller's.</summary>
    public Task AskWriterAsync()
    {
        var item = new WriteItem<int>(static _ => 0, CancellationToken.None);
        _writer.Queue.Add(item, WritePriority.Small);
        return item.Task;
    }

    /// <summary>Runs the work on one snapshot, which holds everything that was acknowledged before the call; the token interrupts a running statement.</summary>
    public Task<T> ReadAsync<T>(Func<ReadUnit, T> work, CancellationToken cancel) =>
        _pending is { } pending && pending.Sealed is var wanted && pending.Committed < wanted
            ? ReadAfterAsync(work, pending, wanted, cancel)
            : _readers.RunAsync(work, cancel);

    /// <summary>The same for who has time: the writer's next commit is waited for, which comes by itself, instead of asking for one.</summary>
    internal Task<T> ReadPatientlyAsync<T>(Func<ReadUnit, T> work, CancellationToken cancel) =>
        _pending is { } pending && pending.Sealed is var wanted && pending.Committed < wanted
            ? ReadAfterAsync(work, pending, wanted, cancel, isPatient: true)
            : _readers.RunAsync(work, cancel);

    /// <summary>
    /// The same for work without any effect but its result: it may be begun twice, and in return does not wait for a commit of tables that it does not read.
    /// </summary>
    public Task<T> ReadPurelyAsync<T>(Func<ReadUnit, T> work, CancellationToken cancel)
    {
        // Before the groups: those that wrote these events are among them.
        var durable = Durable;
        return _pending is { } pending && pending.Sealed is var wanted && pending.Committed is var held && held < wanted
            ? ReadPurelyAsync(work, pending, wanted, new SnapshotGap(pending, held, durable), cancel)
            : _readers.RunAsync(work, cancel);
    }

    /// <summary>The record as it was acknowledged last, or null. Waits for no commit: what is not committed yet is read where it was written.</summary>
    public async Task<StoredRecord?> FindAsync(RecordTable table, string tenant, string name, CancellationToken cancel)
    {
        var durable = Durable;
        var gap = _pending is { } pending && pending.Sealed is var wanted && pending.Committed is var held && held < wanted ? new SnapshotGap(pending, held, durable) : null;
        try
        {
            return await _readers.RunAsync(Find, cancel, gap).ConfigureAwait(false);
        }
        catch (BehindException)
        {
            // It is read on the writer's connection, which sees every group that is durable or on its way, and is answered after them.
        }

        try
        {
            return await WriteAsync(unit => new RecordRows(unit).Find(table, tenant, name), cancel).ConfigureAwait(false);
        }
        catch (Fault fault) when (fault.Reason == "DISK_FULL")
        {
            // There was no room for a group that it had seen something of.
            await SettleAsync(cancel).ConfigureAwait(false);
            return await _readers.RunAsync(Find, cancel).ConfigureAwait(false);
        }

        StoredRecord? Find(ReadUnit unit) => unit.Find(table, tenant, name);
    }

    /// <summary>A part of the event log; the newest comes from memory.</summary>
    public Task<EventsPage> ReadEventsAsync(EventRange range, EventWanted wanted, CancellationToken cancel) =>
        _recent.Page(range, wanted) is { } page ? Task.FromResult(page) : ReadAsync(unit => EventsPage.Read(unit, range, wanted), cancel);

    /// <summary>What follows a sequence, as <see cref="Records.EventRows.Read"/> has it; the newest comes from memory.</summary>
    public Task<Records.EventBatch> ReadEventsAsync(string tenant, long after, int countMax, Func<string, string, bool> wants, CancellationToken cancel) =>
        _recent.Rows(tenant, after, countMax, wants) is { } rows ? Task.FromResult(rows) : ReadAsync(unit => Records.EventRows.Read(unit, tenant, after, countMax, wants), cancel);

    /// <summary>Completes when a new snapshot holds everything that was acknowledged before the call.</summary>
    public Task SettleAsync(CancellationToken cancel) => _pending is { } pending ? pending.WaitAsync(pending.Sealed, cancel) : Task.CompletedTask;

    /// <summary>Signs checkpoints; null when server.key is of a kind that signs none.</summary>
    internal Proof.CheckpointKey? Signer => _key.Signer;

    /// <summary>Counts each table's commits, so that what was read from it is known to hold.</summary>
    internal TableVersions Tables => _tables;

    /// <summary>A read-only connection outside the pool, which the caller closes before the database.</summary>
    internal Connection OpenReader() => Connection.Open(Path, ConnectionMode.Read, _key, _tables, Options.FileLayer);

    /// <summary>Completes when an event after <paramref name="after"/> is durable; at once when one is.</summary>
    public async Task WaitForSequenceAsync(long after, CancellationToken cancel)
    {
        if (Durable > after)
        {
            return;
        }

        var wait = _waits.Enter(after);
        try
        {
            // Whatever came before it entered told nobody.
            if (Durable > after)
            {
                return;
            }

            if (Failure is { } failure)
            {
                throw failure;
            }

            await wait.Done.Task.WaitAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            _waits.Leave(wait);
        }
    }

    /// <summary>Writes a consistent, encrypted, durable copy while the database is in use; the name appears when the copy is complete.</summary>
    public Task<BackupReport> BackupAsync(string destination, Action<StoreProgress>? progress, CancellationToken cancel) => AsideAsync(
        connection => Backup.Run(connection, _key, destination, progress, cancel), cancel);

    /// <summary>Replaces <c>backup/aurae.db</c> of the library directory, the file that a plain <c>cp</c> may take at any moment.</summary>
    public Task<BackupReport> PublishAsync(Action<StoreProgress>? progress, CancellationToken cancel) => BackupAsync(PublishedPath, progress, cancel);

    /// <summary>Where <see cref="PublishAsync"/> writes.</summary>
    public string PublishedPath => System.IO.Path.Combine(System.IO.Path.GetFullPath(Options.Directory), "backup", DatabaseFile.Name);

    /// <summary>Folds the write-ahead log into the file as far as readers let it.</summary>
    public Task CheckpointAsync(CancellationToken cancel) => Failure is { } failure ? Task.FromException(failure) : _writer.FoldAsync().WaitAsync(cancel);

    /// <summary>What each migration did, by number.</summary>
    public Task<IReadOnlyList<AppliedMigration>> MigrationsAsync(CancellationToken cancel) => ReadAsync(AppliedMigration.ReadAll, cancel);

    /// <summary>A copy under <c>snapshots/</c> of the library directory.</summary>
    public Task<BackupReport> SnapshotAsync(string why, Action<StoreProgress>? progress, CancellationToken cancel) =>
        BackupAsync(DatabaseFile.SnapshotPath(Options, why), progress, cancel);

    /// <summary>
    /// Checks what is open, on one snapshot, beside all other work. Every page in use is read, and its seal checked with it; a page of the file
    /// whose good copy is in the log is not looked at, as nobody reads it.
    /// </summary>
    public Task<VerifyReport> VerifyAsync(Action<StoreProgress>? progress, CancellationToken cancel) => AsideAsync(
        connection => Verification.OfConnection(Path, connection, _key.Signer, [], progress, cancel), cancel);

    /// <summary>Folds the log of one snapshot and compares it with the tables, beside all other work.</summary>
    public Task<ReplayReport> ReplayCheckAsync(string? archives, Action<StoreProgress>? progress, CancellationToken cancel) => AsideAsync(
        connection => Replayer.Check(connection, _key, System.IO.Path.Combine(System.IO.Path.GetFullPath(Options.Directory), "replay"), archives, progress, cancel), cancel);

    /// <summary>Writes a database of the state as it was, out of the log of one snapshot.</summary>
    public Task<ReplayReport> ReplayAsync(ReplayMoment moment, string output, string? archives, Action<StoreProgress>? progress, CancellationToken cancel) => AsideAsync(
        connection => Replayer.Materialise(connection, _key, Options.KeyPath, moment, output, archives, Options.Time, progress, cancel), cancel);

    /// <summary>Commits what waits, folds the log into the file, so that one file is left, and wipes the key.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
        {
            return;
        }

        await Task.CompletedTask.ConfigureAwait(false);
        _writer.Stop();
        _mover.Dispose();
        _readers.Dispose();

        // A sync that failed beside the writer as it ended is not tried again either: the log stays, and a start reads what it holds.
        if ((Failure ?? _mover.Failure) is null)
        {
            CrashPoint.Reach("close.before");
            _connection.FoldOnClose();
        }

        _connection.Dispose();
        CrashPoint.Reach("close.after");
        _key.Dispose();
        _lock.Dispose();
    }

    private async Task<T> ReadAfterAsync<T>(Func<ReadUnit, T> work, PendingGroups pending, long wanted, CancellationToken cancel, bool isPatient = false)
    {
        await pending.WaitAsync(wanted, cancel, isPatient).ConfigureAwait(false);
        return await _readers.RunAsync(work, cancel).ConfigureAwait(false);
    }

    /// <summary>Reads at once what no acknowledged and uncommitted group has touched, and waits for the commit of the rest.</summary>
    private async Task<T> ReadPurelyAsync<T>(Func<ReadUnit, T> work, PendingGroups pending, long wanted, SnapshotGap gap, CancellationToken cancel)
    {
        try
        {
            return await _readers.RunAsync(work, cancel, gap).ConfigureAwait(false);
        }
        catch (BehindException)
        {
            await pending.WaitAsync(wanted, cancel).ConfigureAwait(false);
        }

        return await _readers.RunAsync(work, cancel).ConfigureAwait(false);
    }

    /// <summary>Long work on a connection and a thread of its own, so that it takes none of the readers'.</summary>
    private async Task<T> AsideAsync<T>(Func<Connection, T> work, CancellationToken cancel)
    {
        await SettleAsync(cancel).ConfigureAwait(false);
        return await Task.Factory.StartNew(
            () =>
            {
                using var connection = Connection.Open(Path, ConnectionMode.Read, _key, _tables, Options.FileLayer);
                return work(connection);
            },
            cancel,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).ConfigureAwait(false);
    }

    private IGroupLog LogOf(long sequence, GroupNews news, WriteQueue queue) => _pending is null
        ? new WalGroups(_connection, _checkpointer, news)
        : new JournalGroups(_connection, _checkpointer, _pending, Options, _key, Id, sequence, news, queue);

    private void OnCommitted(long sequence)
    {
        if (sequence == _durable)
        {
            return;
        }

        Volatile.Write(ref _durable, sequence);
        _waits.Grown(sequence);
    }

    private void OnFailed(Fault fault)
    {
        Volatile.Write(ref _failure, fault);
        _waits.Fail(fault);
        if (Options.Failed is { } failed)
        {
            // Who is told may close the store, which waits for the writer's thread: this one.
            ThreadPool.UnsafeQueueUserWorkItem(failed, fault, preferLocal: false);
        }
    }
}
