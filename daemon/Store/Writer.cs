using System.Diagnostics;
using Auraed.Base;
using Auraed.Store.Journal;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>
/// The one thread that writes. It takes as many units as wait, runs each in its own savepoint, makes them durable with one sync, and only then
/// has them answered. Invariants: nothing else writes or checkpoints; a unit is answered with success only after <see cref="IGroupLog.Seal"/> of its group
/// returned; what failed there is never tried again, and a failed sync ends all writing, as nobody can know what the disk kept.
/// </summary>
internal sealed class Writer
{
    private readonly Connection _connection;
    private readonly WriteQueue _queue;
    private readonly HashSet<int> _written = [];
    private readonly WriteUnit _unit;
    private readonly TableVersions _tables;
    private readonly TimeProvider _time;
    private readonly IGroupLog _log;
    private readonly RecentLog _recent;
    private readonly Action<long> _committed;
    private readonly Action<Fault> _failed;
    private readonly Thread _thread;
    private List<WriteItem> _group = [];
    private readonly List<WriteItem> _done = [];
    private long _lastTime;
    private long _smallSeen;
    private bool _isStale;
    private TaskCompletionSource? _foldRequest;
    private volatile bool _stopping;

    public Writer(Connection connection, WriteQueue queue, TableVersions tables, TimeProvider time, Func<long, WriterCounts, IGroupLog> log, RecentLog recent, Action<long> committed, Action<Fault> failed)
    {
        _connection = connection;
        _queue = queue;
        _tables = tables;
        _time = time;
        _committed = committed;
        _failed = failed;
        _unit = new WriteUnit(connection, _written);
        _lastTime = _unit.Events.LastTime;
        _log = log(_unit.Events.Sequence, Counts);
        _recent = recent;
        _thread = new Thread(Loop) { Name = "store writer", IsBackground = true };
    }

    public WriteQueue Queue => _queue;

    public WriterCounts Counts { get; } = new();

    public long Sequence => _unit.Events.Sequence;

    public void Start() => _thread.Start();

    /// <summary>Commits what waits, then ends the thread.</summary>
    public void Stop()
    {
        _stopping = true;
        _queue.Close(new Fault(FaultKind.Unavailable, "the store is closing") { Reason = "STORE_CLOSED" });
        if (_thread.IsAlive)
        {
            _thread.Join();
        }
    }

    /// <summary>Has the whole log moved into the file and cut, between two groups; completes when that is done or a reader was in the way.</summary>
    public Task FoldAsync()
    {
        var request = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var pending = Interlocked.CompareExchange(ref _foldRequest, request, null) ?? request;
        _queue.Wake();
        return pending.Task;
    }

    private void Fold()
    {
        if (Interlocked.Exchange(ref _foldRequest, null) is { } request)
        {
            try
            {
                _log.Fold();
                request.SetResult();
            }
            catch (Exception failure)
            {
                request.SetException(failure);
                if (failure is not Fault { Reason: "DISK_FULL" })
                {
                    throw;
                }
            }
        }
    }

    private void Loop()
    {
        try
        {
            while (true)
            {
                var first = _queue.Take(_log.WaitMax);
                if (_log.Failure is { } failure)
                {
                    _group.AddRange(first is null ? [] : [first]);
                    throw failure;
                }

                Fold();
                if (first is not null)
                {
                    _log.AfterGroup(hadBulk: RunGroup(first));
                }
                else if (_stopping)
                {
                    _log.Close();
                    return;
                }
                else
                {
                    _log.WhenIdle();
                }
            }
        }
        catch (Exception failure)
        {
            End(failure);
        }
    }

    /// <summary>Nothing is written any more; everyone who waits or comes later is told.</summary>
    private void End(Exception failure)
    {
        var fault = failure as Fault ?? new Fault(FaultKind.Internal, $"the writer ended: {failure.Message}", cause: failure);
        var told = new Fault(FaultKind.Unavailable, $"the store takes no more writes: {fault.Message}", hint: "restart the daemon; it then reads what the disk really holds", cause: fault) { Reason = "STORE_FAILED" };
        _queue.Close(told);
        // What is still in the group was not committed, or its commit has failed and said so.
        foreach (var item in _group)
        {
            item.Fail(told);
        }

        for (var item = _queue.TryTake(bulkToo: true); item is not null; item = _queue.TryTake(bulkToo: true))
        {
            item.Fail(told);
            _group.Add(item);
        }

        Answer();
        _log.Fail(told);
        _ = Interlocked.Exchange(ref _foldRequest, null)?.TrySetException(told);
        _failed(fault);
    }

    /// <summary>True when a part of a large ingest was in the group.</summary>
    private bool RunGroup(WriteItem first)
    {
        var started = Stopwatch.GetTimestamp();
        _written.Clear();
        CrashPoint.Reach("group.before");
        try
        {
            _log.Begin();
            if (_isStale)
            {
                _unit.Events.Load();
                _isStale = false;
            }
        }
        catch (Fault fault)
        {
            first.Fail(fault);
            _group.Add(first);
            Answer();
            if (fault.Kind == FaultKind.Corrupt || _log.IsBroken)
            {
                throw;
            }

            return false;
        }

        var hadBulk = false;
        var bulkLeft = Stopwatch.GetElapsedTime(_smallSeen) < Limits.StoreQuietMin ? 1 : Limits.StoreGroupBulkMax;
        for (var item = first; item is not null;)
        {
            _group.Add(item);
            if (!RunOne(item))
            {
                Answer();
                return hadBulk;
            }

            if (item.Priority == WritePriority.Bulk)
            {
                hadBulk = true;
                bulkLeft--;
            }
            else
            {
                _smallSeen = Stopwatch.GetTimestamp();
            }

            item = _group.Count >= Limits.StoreGroupCountMax || Stopwatch.GetElapsedTime(started) > Limits.StoreGroupTimeMax
                ? null
                : _queue.TryTake(bulkToo: bulkLeft > 0);
        }

        CrashPoint.Reach("commit.before");
        Commit();
        CrashPoint.Reach("commit.after");
        Answer();
        CrashPoint.Reach("group.answered");
        return hadBulk;
    }

    /// <summary>False when the engine has given up the whole transaction, and with it everyone in it.</summary>
    private bool RunOne(WriteItem item)
    {
        if (!item.TryTake() || item.Cancel.IsCancellationRequested)
        {
            item.Fail(new OperationCanceledException(item.Cancel));
            return true;
        }

        _unit.Begin(Now());
        _connection.Prepare("SAVEPOINT unit").Execute();
        var mark = _log.Mark();
        try
        {
            item.Run(_unit);
            if (_connection.HasDeferredViolations())
            {
                throw EngineError.ToFault(EngineError.ConstraintForeignKey, "FOREIGN KEY constraint failed", "a reference is left dangling");
            }

            _connection.ResetUnit();
            _connection.Prepare("RELEASE unit").Execute();
            _connection.EndUnit();
            _done.Add(item);
            CrashPoint.Reach("unit.done");
            return true;
        }
        catch (InvariantException)
        {
            throw;
        }
        catch (Exception failure)
        {
            return RollBackOne(item, failure, mark);
        }
    }

    private bool RollBackOne(WriteItem item, Exception failure, int mark)
    {
        _connection.ResetUnit();
        if (!_connection.IsIdle)
        {
            _connection.Prepare("ROLLBACK TO unit").Execute();
            _connection.Prepare("RELEASE unit").Execute();
            _connection.EndUnit();
            _log.Undo(mark);
            _unit.Events.Undo();
            item.Fail(failure);
            Counts.UnitsRefused++;
            return true;
        }

        // The engine rolled back everything: disk full or a disk error in the middle. All of the group are told the same.
        _log.Abandon();
        _isStale = true;
        FailDone(failure);
        item.Fail(failure);
        return false;
    }

    private void Commit()
    {
        if (_done.Count == 0)
        {
            _log.Empty();
            return;
        }

        _tables.Begin(_written);
        try
        {
            _log.Seal(_written, _unit.Events.Sequence);
        }
        catch (Fault fault)
        {
            CommitFailed(fault);
            return;
        }
        finally
        {
            _tables.End(_written);
            _connection.EndUnit();
        }

        Counts.Groups++;
        Counts.Units += _done.Count;
        _unit.Events.MoveTo(_recent);
        if (_written.Contains(_tables.NumberOf("event_floor")) || _written.Contains(_tables.NumberOf("sqlite_master")))
        {
            // Below a floor that moves events are gone, and with the triggers of the log nothing keeps it as it was appended.
            _recent.Clear();
        }

        _committed(_unit.Events.Sequence);
    }

    private void CommitFailed(Fault fault)
    {
        var code = (fault.InnerException as EngineException)?.Primary;
        if (fault.Reason != "DISK_FULL" && code is not (raw.SQLITE_BUSY or raw.SQLITE_CONSTRAINT))
        {
            // The commit may or may not be on the disk. Its callers learn exactly that, and no later write may build on it.
            var unknown = new Fault(FaultKind.Internal, $"{fault.Message}; whether this write is kept is known only after a restart", hint: "check the disk, then restart the daemon", cause: fault) { Reason = "OUTCOME_UNKNOWN" };
            FailDone(unknown);
            throw fault;
        }

        _log.Abandon();
        _isStale = true;
        FailDone(fault);
    }

    private void FailDone(Exception failure)
    {
        foreach (var item in _done)
        {
            item.Fail(failure);
        }

        Counts.UnitsFailed += _done.Count;
        _done.Clear();
    }

    /// <summary>
    /// One pool item answers the whole group, so that the writer goes on with the next at once. What waits for the last goes on in that same item: most
    /// groups of a daemon that is not busy are of one, and each further hand-over would be added to its latency.
    /// </summary>
    private void Answer()
    {
        if (_group.Count == 0)
        {
            return;
        }

        var group = _group;
        _group = new List<WriteItem>(group.Count);
        _done.Clear();
        ThreadPool.UnsafeQueueUserWorkItem(
            static items =>
            {
                for (var index = 0; index < items.Count - 1; index++)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(static item => item.Answer(), items[index], preferLocal: false);
                }

                items[^1].Answer();
            },
            group,
            preferLocal: false);
    }

    private long Now()
    {
        const long nanosecondsPerTick = 100;
        var now = (_time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) * nanosecondsPerTick;
        _lastTime = Math.Max(_lastTime, now);
        return _lastTime;
    }
}

/// <summary>What the writer has done since it started; read by metrics, written by its thread.</summary>
public sealed class WriterCounts
{
    /// <summary>Groups that became durable with at least one unit in them: commits, or records of the journal.</summary>
    public long Groups { get; internal set; }

    /// <summary>Commits behind a journal; 0 without one.</summary>
    public long Commits { get; internal set; }

    /// <summary>Bytes written to the journal; 0 without one.</summary>
    public long JournalBytes { get; internal set; }

    /// <summary>Units that became durable.</summary>
    public long Units { get; internal set; }

    /// <summary>Units that were rolled back by their own error.</summary>
    public long UnitsRefused { get; internal set; }

    /// <summary>Units that failed with their group: disk full, disk error.</summary>
    public long UnitsFailed { get; internal set; }
}
