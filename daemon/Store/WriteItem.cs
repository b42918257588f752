using Auraed.Base;

namespace Auraed.Store;

/// <summary>Which queue a unit waits in.</summary>
public enum WritePriority
{
    /// <summary>A request: committed with all others that wait.</summary>
    Small,
    /// <summary>A part of a large ingest: it waits for small ones, and joins them seldom while they come (<see cref="BulkTurns"/>).</summary>
    Bulk,
    /// <summary>Work of the daemon's own that writes few pages: it waits for small ones, in one queue with <see cref="Bulk"/>, and nothing else is done as beside an ingest.</summary>
    Upkeep,
}

/// <summary>A queued unit of work and the promise to its caller. It is answered exactly once, after the group it ran in is durable or rolled back.</summary>
internal abstract class WriteItem(CancellationToken cancel)
{
    private Exception? _failure;
    private bool _isLost;
    private int _isTaken;

    public CancellationToken Cancel { get; } = cancel;

    /// <summary>Set when it is queued.</summary>
    public WritePriority Priority { get; set; }

    /// <summary>Decides once between the writer that begins the work and the caller that waits no longer.</summary>
    public bool TryTake() => Interlocked.Exchange(ref _isTaken, 1) == 0;

    /// <summary>The unit alone is refused.</summary>
    public void Fail(Exception failure) => _failure ??= failure;

    /// <summary>Its group is not kept. A refusal may have rested on what was in there, so this is the reason, and the first such one stays; a caller that has left has left.</summary>
    public void FailWithGroup(Exception failure)
    {
        if (!_isLost && _failure is not OperationCanceledException)
        {
            _failure = failure;
        }

        _isLost = true;
    }

    public abstract void Run(WriteUnit unit);

    /// <summary>Answers the caller, off the writer's thread.</summary>
    public void Answer()
    {
        if (_failure is null)
        {
            AnswerResult();
        }
        else
        {
            AnswerFailure(_failure);
        }
    }

    protected abstract void AnswerResult();

    protected abstract void AnswerFailure(Exception failure);
}

internal sealed class WriteItem<T>(Func<WriteUnit, T> work, CancellationToken cancel) : WriteItem(cancel)
{
    /// <summary>What waits for it goes on at once, on the thread that answers: who answers decides where that may be.</summary>
    private readonly TaskCompletionSource<T> _promise = new();
    private CancellationTokenRegistration _leaving;
    private T? _result;

    public Task<T> Task => _promise.Task;

    /// <summary>Answers a caller that leaves before the work begins; before the item is queued.</summary>
    public void HeedCancel() => _leaving = Cancel.UnsafeRegister(
        static item =>
        {
            var self = (WriteItem<T>)item!;
            if (self.TryTake())
            {
                ThreadPool.UnsafeQueueUserWorkItem(static left => left._promise.TrySetCanceled(left.Cancel), self, preferLocal: true);
            }
        },
        this);

    public override void Run(WriteUnit unit) => _result = work(unit);

    protected override void AnswerResult()
    {
        _ = _leaving.Unregister();
        _ = _promise.TrySetResult(_result!);
    }

    protected override void AnswerFailure(Exception failure)
    {
        _ = _leaving.Unregister();
        _ = failure is OperationCanceledException ? _promise.TrySetCanceled(Cancel) : _promise.TrySetException(failure);
    }
}

/// <summary>The bounded queue before the writer: many callers, one taker.</summary>
internal sealed class WriteQueue
{
    private readonly Lock _gate = new();
    private readonly Queue<WriteItem> _small = new();
    private readonly Queue<WriteItem> _bulk = new();
    private readonly AutoResetEvent _arrived = new(false);
    private Exception? _closed;
    private volatile bool _sleeping;
    private bool _isForSeal;
    private volatile int _count;

    public int Count => _count;

    /// <summary>True after <see cref="Close"/>.</summary>
    public bool IsClosed => Volatile.Read(ref _closed) is not null;

    /// <summary>True when it is closed and empty, and so remains empty.</summary>
    public bool IsFinished => IsClosed && _count == 0;

    public void Add(WriteItem item, WritePriority priority)
    {
        bool wake;
        lock (_gate)
        {
            if (_closed is not null)
            {
                throw _closed;
            }

            if (_count >= Limits.StoreWriteQueueCountMax)
            {
                throw new Fault(FaultKind.Exhausted, $"{_count} writes wait already") { Reason = "WRITE_QUEUE_FULL", RetryAfter = Limits.StoreWriteQueueRetryAfter };
            }

            item.Priority = priority;
            (priority == WritePriority.Small ? _small : _bulk).Enqueue(item);
            _count++;
            wake = _sleeping;
            _sleeping = false;
        }

        if (wake)
        {
            _arrived.Set();
        }
    }

    /// <summary>The next unit without waiting; null when none may join now.</summary>
    public WriteItem? TryTake(bool bulkToo)
    {
        if (_count == 0)
        {
            return null;
        }

        lock (_gate)
        {
            if (_small.TryDequeue(out var item) || (bulkToo && _bulk.TryDequeue(out item)))
            {
                _count--;
                return item;
            }

            return null;
        }
    }

    /// <summary>Returns when a unit waits that may be taken, after this time, when the queue is closed, or when it is told to (<see cref="Wake"/>).</summary>
    /// <param name="wait">How long.</param>
    /// <param name="hold">So long none may be taken but small ones.</param>
    /// <returns>False when the time has passed, nobody came and nobody waits.</returns>
    public bool Wait(TimeSpan wait, TimeSpan hold)
    {
        bool isHeld;
        lock (_gate)
        {
            isHeld = _bulk.Count > 0;
            if (_small.Count > 0 || (isHeld && hold == TimeSpan.Zero) || _closed is not null)
            {
                return true;
            }

            _sleeping = true;
        }

        var hasArrived = _arrived.WaitOne(isHeld && hold < wait ? hold : wait);
        _sleeping = false;
        return hasArrived || isHeld;
    }

    /// <summary>Waits until a unit is there or the group on its way has arrived (<see cref="Sealed"/>).</summary>
    public void WaitWhile(IGroupLog log, bool bulkToo)
    {
        lock (_gate)
        {
            if (_small.Count > 0 || (bulkToo && _bulk.Count > 0) || _closed is not null || !log.IsSealing)
            {
                return;
            }

            _sleeping = true;
            _isForSeal = true;
        }

        _ = _arrived.WaitOne();
        _isForSeal = false;
        _sleeping = false;
    }

    /// <summary>After a group has arrived: wakes a taker who waits for that.</summary>
    public void Sealed()
    {
        lock (_gate)
        {
            if (!_sleeping || !_isForSeal)
            {
                return;
            }

            _sleeping = false;
        }

        _arrived.Set();
    }

    /// <summary>Has the taker look around although nothing was added.</summary>
    public void Wake() => _arrived.Set();

    /// <summary>Refuses what comes later with <paramref name="reason"/>; what waits already can still be taken.</summary>
    public void Close(Exception reason)
    {
        lock (_gate)
        {
            _closed ??= reason;
            _sleeping = false;
        }

        _arrived.Set();
    }
}
