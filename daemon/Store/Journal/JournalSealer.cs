using Auraed.Base;

namespace Auraed.Store.Journal;

/// <summary>A group on its way into the journal: its record, with room for the header before the changes, and the marks of the rows in it.</summary>
internal readonly record struct SealedGroup(WriteGroup Group, byte[] Buffer, RecordHeader Header, int[] RowMarks)
{
    public Span<byte> Record => Buffer.AsSpan(0, JournalFormat.RecordHeaderBytes + Header.Length);
}

/// <summary>
/// Makes a group's record durable and tells of it: on a thread of its own, so that the writer runs the next units meanwhile, or on the writer's when there are
/// none. Invariants: one group is on its way at a time, and nothing else touches the appender meanwhile; a group is told of and answered after its record is
/// on the disk; what came of a group that was not kept stays here until the writer has asked (<see cref="Settle"/>), and until then no other is taken.
/// </summary>
internal sealed class JournalSealer : IDisposable
{
    private readonly JournalAppender _appender;
    private readonly PendingGroups _pending;
    private readonly GroupNews _news;
    private readonly WriteQueue _queue;
    private readonly Thread _thread;
    private readonly AutoResetEvent _given = new(false);
    private readonly AutoResetEvent _done = new(false);
    private SealedGroup _group;
    private byte[]? _spare;
    private Fault? _refusal;
    private Fault? _failure;
    private volatile bool _isBusy;
    private volatile bool _isAwaited;
    private volatile bool _isEnding;

    /// <param name="appender">The journal.</param>
    /// <param name="pending">Learns of each group that is durable.</param>
    /// <param name="news">Then everyone else does.</param>
    /// <param name="queue">Learns when another group may be given.</param>
    public JournalSealer(JournalAppender appender, PendingGroups pending, GroupNews news, WriteQueue queue)
    {
        _appender = appender;
        _pending = pending;
        _news = news;
        _queue = queue;
        _thread = new Thread(Loop) { Name = "journal sealer", IsBackground = true };
        _thread.Start();
    }

    /// <summary>True while a group is on its way.</summary>
    public bool IsBusy => _isBusy;

    /// <summary>True when the last one was refused, and <see cref="Settle"/> has not said so yet.</summary>
    public bool HasRefused => Volatile.Read(ref _refusal) is not null;

    /// <summary>Why nothing can be acknowledged any more; null while all is well.</summary>
    public Fault? Failure => Volatile.Read(ref _failure);

    /// <summary>Makes it durable on this thread. Fault as from <see cref="JournalAppender.Append"/>; then nobody has been told.</summary>
    public void SealHere(in SealedGroup group)
    {
        Invariant.Hold(!_isBusy);
        Seal(group);
    }

    /// <summary>Has it made durable beside this thread, and answered. Only after <see cref="Settle"/>.</summary>
    public void Give(in SealedGroup group)
    {
        Invariant.Hold(!_isBusy && _refusal is null);
        _group = group;
        _isBusy = true;
        _ = _given.Set();
    }

    /// <summary>
    /// Waits until none is on its way. Fault: the last one was refused for want of space, was told so, and with it everything is lost that the transaction
    /// holds of it and built upon it; or nobody knows what the disk kept, now and ever after.
    /// </summary>
    public void Settle()
    {
        while (_isBusy)
        {
            _isAwaited = true;
            Interlocked.MemoryBarrier();
            if (_isBusy)
            {
                _ = _done.WaitOne();
            }
        }

        if (Interlocked.Exchange(ref _refusal, null) is { } refusal)
        {
            throw refusal;
        }

        if (Failure is { } failure)
        {
            throw failure;
        }
    }

    /// <summary>A buffer to capture the next group in; null when there is none to use again.</summary>
    public byte[]? TakeSpare() => Interlocked.Exchange(ref _spare, null);

    /// <summary>Finishes what is on its way, and ends the thread.</summary>
    public void Dispose()
    {
        if (_isEnding)
        {
            return;
        }

        _isEnding = true;
        _ = _given.Set();
        _thread.Join();
        _given.Dispose();
        _done.Dispose();
    }

    private void Loop()
    {
        while (true)
        {
            _ = _given.WaitOne();
            if (_isBusy)
            {
                Take(_group);
                Volatile.Write(ref _spare, _group.Buffer);
                _group = default;
                Free();
            }

            // One signal may stand for a group and the end after it.
            if (_isEnding)
            {
                return;
            }
        }
    }

    private void Take(in SealedGroup group)
    {
        try
        {
            Seal(group);
        }
        catch (Fault fault) when (fault.Reason == "DISK_FULL")
        {
            group.Group.Fail(fault);
            _news.Counts.AddFailed(group.Group.KeptCount);
            Volatile.Write(ref _refusal, fault);
        }
        catch (Exception failure)
        {
            var fault = failure as Fault ?? new Fault(FaultKind.Internal, $"the journal's thread ended: {failure.Message}", cause: failure);
            group.Group.Fail(WriteGroup.OutcomeUnknown(fault));
            _news.Counts.AddFailed(group.Group.KeptCount);
            Volatile.Write(ref _failure, fault);
        }

        group.Group.Answer();
        CrashPoint.Reach("group.answered");
    }

    private void Seal(SealedGroup group)
    {
        _appender.Append(group.Record, group.Header);
        _news.Counts.JournalBytes = _appender.BytesWritten;
        _news.Tell(group.Group, () => _pending.Seal(group.Group.Written, group.RowMarks, group.Header.Number));
    }

    private void Free()
    {
        _isBusy = false;
        Interlocked.MemoryBarrier();
        if (_isAwaited)
        {
            _isAwaited = false;
            _ = _done.Set();
        }

        if (_refusal is null && _failure is null)
        {
            _queue.Sealed();
        }
        else
        {
            _queue.Wake();
        }
    }
}
