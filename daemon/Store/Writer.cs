using System.Diagnostics;
using Auraed.Base;
using Auraed.Store.Journal;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>
/// The one thread that writes. It takes as many units as wait, runs each in its own savepoint, has them made durable with one sync, and only then
/// answered. A caller who is alone takes its turn and does the same himself (<see cref="TryRun"/>). Invariants: nothing writes or checkpoints but who has the turn;
/// a unit is answered with success only after its group is durable, here or where <see cref="IGroupLog.Seal"/> has handed it to; what failed there is
/// never tried again, and a failed sync ends all writing, as nobody can know what the disk kept.
/// </summary>
internal sealed class Writer
{
    private readonly Connection _connection;
    private readonly WriteQueue _queue;
    private readonly HashSet<int> _written = [];
    private readonly WriteUnit _unit;
    private readonly TimeProvider _time;
    private readonly IGroupLog _log;
    private readonly Action<Fault> _failed;
    private readonly Thread _thread;
    private readonly Lock _turn = new();
    private readonly WriterCache _cache;
    private readonly BulkTurns _bulk = new(TimeProvider.System);
    private WriteGroup _group = new();
    private long _lastTime;
    private bool _isStale;
    private bool _isCallers;
    private int _callersInRow;
    private volatile int _aloneInRow;
    private long _callersRan;
    private Exception? _callersFailure;
    private volatile bool _hasCompany;
    private TaskCompletionSource? _foldRequest;
    private volatile bool _isEnded;

    public Writer(Connection connection, WriteQueue queue, TableVersions tables, TimeProvider time, Func<long, GroupNews, IGroupLog> log, RecentLog recent, Action<long> committed, Action<Fault> failed)
    {
        _connection = connection;
        _queue = queue;
        _time = time;
        _failed = failed;
        _cache = new WriterCache(connection);
        _unit = new WriteUnit(connection, _written);
        _lastTime = _unit.Events.LastTime;
        _log = log(_unit.Events.Sequence, new GroupNews(tables, recent, Counts, committed));
        _thread = new Thread(Loop) { Name = "store writer", IsBackground = true };
    }

    /// <summary>Groups of one after which a caller counts as alone.</summary>
    public required int LoneGroupsMin { get; init; }

    public WriteQueue Queue => _queue;

    public WriterCounts Counts { get; } = new();

    /// <summary>
    /// True when groups of one have come one after the other for a while: a caller who waits for each answer before the next request. There is nothing to do while
    /// his group is synced, and each hand-over to another thread is added to his latency.
    /// </summary>
    private bool IsAlone => _aloneInRow > LoneGroupsMin;

    public long Sequence => _unit.Events.Sequence;

    public void Start() => _thread.Start();

    /// <summary>Commits what waits, then ends the thread.</summary>
    public void Stop()
    {
        _queue.Close(Closing());
        if (_thread.IsAlive)
        {
            _thread.Join();
        }
    }

    /// <summary>
    /// Runs the unit on this thread, in the writer's place, and answers it: for a caller who is alone, to wake the writer and be woken again is much of the time
    /// that a write takes. False when it is to be queued: others write too, or the store is closing.
    /// </summary>
    public bool TryRun(WriteItem item)
    {
        if (!IsAlone || _callersInRow >= Limits.StoreCallerGroupsMax)
        {
            return false;
        }

        // The turn may be taken by its holder again: a unit that asks for another write is not interrupted by it.
        if (_turn.IsHeldByCurrentThread || !_turn.TryEnter())
        {
            _hasCompany = true;
            return false;
        }

        try
        {
            if (_queue.Count > 0 || _queue.IsClosed || (_callersFailure ?? _log.Failure) is not null)
            {
                return false;
            }

            _isCallers = true;
            _callersInRow++;
            _group.Add(item);
            RunGroup(item);
            _cache.AfterGroup(hadBulk: false, _log.IsWide);
            _callersRan = Stopwatch.GetTimestamp();
            if (_log.IsWorkDue)
            {
                _queue.Wake();
            }
        }
        catch (Exception failure)
        {
            // The writer ends of it, and answers.
            _callersFailure = failure;
            _queue.Wake();
        }
        finally
        {
            _isCallers = false;
            _turn.Exit();
        }

        return true;
    }

    /// <summary>Has the whole log moved into the file and cut, between two groups; completes when that is done or a reader was in the way.</summary>
    public Task FoldAsync()
    {
        var request = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var pending = Interlocked.CompareExchange(ref _foldRequest, request, null) ?? request;
        if (_isEnded)
        {
            _ = pending.TrySetException(Closing());
        }

        _queue.Wake();
        return pending.Task;
    }

    private static Fault Closing() => new(FaultKind.Unavailable, "the store is closing") { Reason = "STORE_CLOSED" };

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
                TimeSpan hold;
                lock (_turn)
                {
                    hold = _bulk.Hold(_log.IsSealing);
                }

                var isIdle = !_queue.Wait(_log.WaitMax, hold);
                lock (_turn)
                {
                    if (!TakeTurn(_queue.TryTake(bulkToo: _queue.IsClosed || _bulk.Hold(_log.IsSealing) == TimeSpan.Zero), isIdle))
                    {
                        return;
                    }
                }

                if (_queue.Count > 0)
                {
                    _hasCompany = true;
                }
            }
        }
        catch (Exception failure)
        {
            lock (_turn)
            {
                End(failure);
            }
        }
        finally
        {
            // Who asks from now on sees it; who asked just before is told here.
            _isEnded = true;
            _ = Interlocked.Exchange(ref _foldRequest, null)?.TrySetException(Closing());
        }
    }

    /// <summary>A group, or what there is to do without one; false when it was the last.</summary>
    private bool TakeTurn(WriteItem? first, bool isIdle)
    {
        if (first is not null)
        {
            // Before anything that may throw: who ends the writer answers the group.
            _group.Add(first);
        }

        if ((_callersFailure ?? _log.Failure) is { } failure)
        {
            throw failure;
        }

        Fold();
        if (first is not null)
        {
            _callersInRow = 0;
            RunGroup(first);
            _log.AfterGroup(_bulk.IsIngest);
            _cache.AfterGroup(_bulk.HasBulk, _log.IsWide);
        }
        else if (_queue.IsFinished)
        {
            _log.Close();
            return false;
        }
        else if (!isIdle || Stopwatch.GetElapsedTime(_callersRan) < _log.WaitMax)
        {
            _log.AfterGroup(hadBulk: false);
        }
        else
        {
            _log.WhenIdle();
        }

        return true;
    }

    /// <summary>Nothing is written any more; everyone who waits or comes later is told.</summary>
    private void End(Exception failure)
    {
        var fault = failure as Fault ?? new Fault(FaultKind.Internal, $"the writer ended: {failure.Message}", cause: failure);
        var told = new Fault(FaultKind.Unavailable, $"the store takes no more writes: {fault.Message}", hint: "restart the daemon; it then reads what the disk really holds", cause: fault) { Reason = "STORE_FAILED" };
        _queue.Close(told);
        // What is still in the group was not committed, or its commit has failed and said so.
        for (var item = _queue.TryTake(bulkToo: true); item is not null; item = _queue.TryTake(bulkToo: true))
        {
            _group.Add(item);
        }

        _group.Fail(told);
        Answer();
        _log.Fail(told);
        _ = Interlocked.Exchange(ref _foldRequest, null)?.TrySetException(told);
        _failed(fault);
    }

    /// <summary>Runs a group to where it is handed on. The first unit has joined it already.</summary>
    private void RunGroup(WriteItem first)
    {
        var started = Stopwatch.GetTimestamp();
        _written.Clear();
        _bulk.Begin(first.Priority);
        CrashPoint.Reach("group.before");
        try
        {
            _isStale |= !_log.Begin();
            if (_isStale)
            {
                _unit.Events.Load();
                _isStale = false;
            }
        }
        catch (Fault fault)
        {
            _group.Fail(fault);
            Answer();
            if (fault.Kind == FaultKind.Corrupt || _log.IsBroken)
            {
                throw;
            }

            return;
        }

        var lateLeft = _bulk.Count;
        for (var item = first; item is not null; item = Next(started, lateLeft > 0))
        {
            if (!RunOne(item))
            {
                Answer();
                return;
            }

            _bulk.Add(item.Priority);
            if (item.Priority != WritePriority.Small)
            {
                lateLeft--;
            }
        }

        CrashPoint.Reach("commit.before");
        var isOurs = Commit();
        CrashPoint.Reach("commit.after");
        if (isOurs)
        {
            Answer();
            CrashPoint.Reach("group.answered");
        }
        else
        {
            _group = new WriteGroup();
        }

        _bulk.End();
    }

    /// <summary>The next unit of the group, which it has joined; null when it is to be sealed. While the group before is on its way, this one grows by whoever comes.</summary>
    private WriteItem? Next(long started, bool bulkToo)
    {
        while (!_isCallers && _group.Count < Limits.StoreGroupCountMax && Stopwatch.GetElapsedTime(started) <= Limits.StoreGroupTimeMax)
        {
            var isSealing = _log.IsSealing;
            if (!isSealing && _group.Count >= Math.Max(_log.GroupCountWanted, 2 * _queue.Count))
            {
                break;
            }

            if (_queue.TryTake(bulkToo) is { } item)
            {
                _group.Add(item);
                return item;
            }

            if (!isSealing)
            {
                break;
            }

            if (!_log.WriteAhead())
            {
                _queue.WaitWhile(_log, bulkToo);
            }
        }

        return null;
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
            _group.Keep();
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
        _log.Empty(_group);
        _isStale = true;
        FailGroup(failure);
        return false;
    }

    /// <summary>True when the group is to be answered now; false when that is done elsewhere, once it is durable.</summary>
    private bool Commit()
    {
        if (_group.KeptCount == 0)
        {
            _log.Empty(_group);
            return true;
        }

        _group.Close(_written, _unit.Events.Take(), _unit.Events.Sequence);
        CountAlone();
        try
        {
            return _log.Seal(_group, IsAlone);
        }
        catch (Fault fault)
        {
            CommitFailed(fault);
            return true;
        }
        finally
        {
            _connection.EndUnit();
        }
    }

    /// <summary>Counts the group as one of a row of lone ones, or ends the row.</summary>
    private void CountAlone()
    {
        var isOne = !_hasCompany && _group.Count == 1 && _queue.Count == 0;
        _hasCompany = false;
        _aloneInRow = isOne ? Math.Min(_aloneInRow, LoneGroupsMin) + 1 : 0;
    }

    private void CommitFailed(Fault fault)
    {
        var code = (fault.InnerException as EngineException)?.Primary;
        if (ReferenceEquals(fault, _log.Failure))
        {
            // It befell an earlier one: this one was not even begun to be written.
            throw fault;
        }

        if (fault.Reason != "DISK_FULL" && code is not (raw.SQLITE_BUSY or raw.SQLITE_CONSTRAINT))
        {
            // No later write may build on it.
            FailGroup(WriteGroup.OutcomeUnknown(fault));
            throw fault;
        }

        _log.Abandon();
        _isStale = true;
        FailGroup(fault);
    }

    private void FailGroup(Exception failure)
    {
        _group.Fail(failure);
        Counts.AddFailed(_group.KeptCount);
    }

    private void Answer()
    {
        if (_isCallers)
        {
            _group.AnswerHere();
        }
        else
        {
            _group.Answer();
        }

        _group = new WriteGroup();
    }

    private long Now()
    {
        const long nanosecondsPerTick = 100;
        var now = (_time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) * nanosecondsPerTick;
        _lastTime = Math.Max(_lastTime, now);
        return _lastTime;
    }
}
