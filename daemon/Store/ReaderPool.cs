using Auraed.Base;
using Auraed.Native;
using Auraed.Store.Journal;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>
/// A bounded set of read-only connections, opened as they are needed. Invariants: a connection is lent to one caller at a time; the number
/// of callers that wait is bounded; a statement is interrupted when its caller's token is cancelled, and never after the connection is back.
/// </summary>
internal sealed class ReaderPool(Func<Connection> open, int size) : IDisposable
{
    private readonly SemaphoreSlim _free = new(size, size);
    private readonly Stack<Reader> _idle = new();
    private readonly Lock _gate = new();
    private int _waiting;
    private bool _closed;

    /// <param name="gap">What the snapshot may lack; work that reads of it is ended with <see cref="BehindException"/>.</param>
    public async Task<T> RunAsync<T>(Func<ReadUnit, T> work, CancellationToken cancel, SnapshotGap? gap = null)
    {
        cancel.ThrowIfCancellationRequested();
        if (!_free.Wait(0, CancellationToken.None))
        {
            await WaitAsync(cancel).ConfigureAwait(false);
        }

        try
        {
            var reader = Take();
            var sound = false;
            try
            {
                var result = reader.Run(work, cancel, gap);
                sound = true;
                return result;
            }
            catch (Fault)
            {
                sound = reader.IsSound;
                throw;
            }
            finally
            {
                Give(reader, sound || reader.IsSound);
            }
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>Runs <paramref name="work"/> with no reader inside a snapshot, or, when some do not end in time, with those few.</summary>
    public void WhileHeldBack(TimeSpan wait, Action work)
    {
        var held = 0;
        var until = DateTimeOffset.UnixEpoch + TimeSpan.FromMilliseconds(Environment.TickCount64) + wait;
        while (held < size)
        {
            var left = until - (DateTimeOffset.UnixEpoch + TimeSpan.FromMilliseconds(Environment.TickCount64));
            if (!_free.Wait(left > TimeSpan.Zero ? left : TimeSpan.Zero))
            {
                break;
            }

            held++;
        }

        try
        {
            work();
        }
        finally
        {
            if (held > 0)
            {
                _free.Release(held);
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            while (_idle.TryPop(out var reader))
            {
                reader.Dispose();
            }
        }
    }

    private async Task WaitAsync(CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _waiting) > Limits.StoreReadWaitCountMax)
        {
            Interlocked.Decrement(ref _waiting);
            throw new Fault(FaultKind.Exhausted, $"{Limits.StoreReadWaitCountMax} reads wait already") { Reason = "READ_QUEUE_FULL", RetryAfter = Limits.StoreWriteQueueRetryAfter };
        }

        try
        {
            await _free.WaitAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private Reader Take()
    {
        lock (_gate)
        {
            if (_closed)
            {
                throw new Fault(FaultKind.Unavailable, "the store is closed") { Reason = "STORE_CLOSED" };
            }

            if (_idle.TryPop(out var reader))
            {
                return reader;
            }
        }

        return new Reader(open());
    }

    private void Give(Reader reader, bool sound)
    {
        lock (_gate)
        {
            if (sound && !_closed)
            {
                _idle.Push(reader);
                return;
            }
        }

        reader.Dispose();
    }

    private sealed class Reader(Connection connection) : IDisposable
    {
        private readonly ReadUnit _unit = new(connection);
        private readonly Lock _interrupting = new();
        private Timer? _again;
        private bool _running;
        private int _run;

        public bool IsSound => connection.IsIdle && !EngineMend.IsSealBroken(connection.Handle);

        public T Run<T>(Func<ReadUnit, T> work, CancellationToken cancel, SnapshotGap? gap)
        {
            _unit.Begin(gap);
            lock (_interrupting)
            {
                _running = true;
                _run++;
            }

            using var registration = cancel.CanBeCanceled ? cancel.UnsafeRegister(static self => ((Reader)self!).Interrupt(), this) : default;
            try
            {
                connection.Prepare("BEGIN").Execute();
                var result = work(_unit);
                if (EngineMend.IsSealBroken(connection.Handle))
                {
                    // Zeros may have been taken for rows.
                    throw connection.FaultOf(raw.SQLITE_NOTADB, "a read failed");
                }

                return _unit.WasBehind ? throw new BehindException() : result;
            }
            catch (Fault fault) when (cancel.IsCancellationRequested && (fault.InnerException as EngineException)?.Primary == raw.SQLITE_INTERRUPT)
            {
                throw new OperationCanceledException(cancel);
            }
            finally
            {
                lock (_interrupting)
                {
                    _running = false;
                    _again?.Dispose();
                    _again = null;
                }

                _unit.End();
                connection.EndUnit();
                if (!connection.IsIdle)
                {
                    connection.Prepare("ROLLBACK").Execute();
                    connection.EndUnit();
                }
            }
        }

        public void Dispose()
        {
            _unit.Close();
            connection.Dispose();
        }

        /// <summary>Again and again until the unit has ended: an interrupt that comes between two statements is forgotten by the next (sqlite3_interrupt).</summary>
        private void Interrupt()
        {
            lock (_interrupting)
            {
                if (_running)
                {
                    int run = _run;
                    connection.Interrupt();
                    _again ??= new Timer(_ => InterruptAgain(run), null, Limits.StoreInterruptInterval, Limits.StoreInterruptInterval);
                }
            }
        }

        /// <summary>A timer may call once more after its end: the next unit is not meant.</summary>
        private void InterruptAgain(int run)
        {
            lock (_interrupting)
            {
                if (_running && _run == run)
                {
                    connection.Interrupt();
                }
            }
        }
    }
}
