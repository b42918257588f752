namespace Auraed.Store;

/// <summary>
/// Those who wait until the log has grown past a sequence of theirs. Told at every group that is durable, it wakes nobody before his is among them: to wake a thread is what the group's
/// own callers would wait for. Invariant: who has looked at the log after <see cref="Enter"/> and found it too short is woken by whatever makes it longer.
/// </summary>
internal sealed class SequenceWaits
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, Wait> _waits = [];
    private long _first = long.MaxValue;

    /// <summary>The sequences that are waited for.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waits.Count;
            }
        }
    }

    /// <summary>One that completes when the log has grown past <paramref name="after"/>, from now on; to be left.</summary>
    public Wait Enter(long after)
    {
        lock (_gate)
        {
            if (!_waits.TryGetValue(after, out var wait))
            {
                _waits.Add(after, wait = new Wait(after));
                SetFirst();
            }

            wait.Waiters++;
            return wait;
        }
    }

    /// <summary>Its caller waits no longer, whatever the reason.</summary>
    public void Leave(Wait wait)
    {
        lock (_gate)
        {
            if (--wait.Waiters == 0 && _waits.TryGetValue(wait.After, out var known) && ReferenceEquals(known, wait))
            {
                _waits.Remove(wait.After);
                SetFirst();
            }
        }
    }

    /// <summary>The log has this sequence now, for everyone to see.</summary>
    public void Grown(long sequence)
    {
        // Between the writing of the log's end, before this call, and the reading of who waits: they do both in the other order.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _first) >= sequence)
        {
            return;
        }

        List<Wait> due;
        lock (_gate)
        {
            due = [.. _waits.Values.TakeWhile(wait => wait.After < sequence)];
            due.ForEach(wait => _waits.Remove(wait.After));
            SetFirst();
        }

        due.ForEach(wait => wait.Done.SetResult());
    }

    /// <summary>It will not grow any more.</summary>
    public void Fail(Exception failure)
    {
        List<Wait> all;
        lock (_gate)
        {
            all = [.. _waits.Values];
            _waits.Clear();
            SetFirst();
        }

        all.ForEach(wait => wait.Done.SetException(failure));
    }

    private void SetFirst()
    {
        Volatile.Write(ref _first, _waits.Count == 0 ? long.MaxValue : _waits.First().Key);
        Interlocked.MemoryBarrier();
    }

    /// <summary>All who wait for the same sequence.</summary>
    internal sealed class Wait(long after)
    {
        public long After => after;

        public int Waiters { get; set; }

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
