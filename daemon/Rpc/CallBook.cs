namespace Auraed.Rpc;

/// <summary>Calls in flight. Invariants: Count is the number of calls entered and not left; a call is in the list of its shard from enter to leave.</summary>
internal sealed class CallBook
{
    private const int ShardCount = 16;
    private readonly Lock[] _locks = [.. Enumerable.Range(0, ShardCount).Select(_ => new Lock())];
    private readonly Call?[] _heads = new Call?[ShardCount];
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>False, and nothing is entered, when <paramref name="max"/> calls are in flight.</summary>
    public bool TryEnter(Call call, int max)
    {
        if (Interlocked.Increment(ref _count) > max)
        {
            Interlocked.Decrement(ref _count);
            return false;
        }

        var shard = Environment.CurrentManagedThreadId % ShardCount;
        call.Shard = shard;
        lock (_locks[shard])
        {
            call.After = _heads[shard];
            if (call.After is { } after)
            {
                after.Before = call;
            }

            _heads[shard] = call;
        }

        return true;
    }

    public void Leave(Call call)
    {
        lock (_locks[call.Shard])
        {
            if (call.Before is { } before)
            {
                before.After = call.After;
            }
            else
            {
                _heads[call.Shard] = call.After;
            }

            if (call.After is { } after)
            {
                after.Before = call.Before;
            }
        }

        Interlocked.Decrement(ref _count);
    }

    /// <summary>The unary calls that are longer in flight than <paramref name="max"/>; those that go on nonetheless come again the next time.</summary>
    public List<Call> FindOverdue(TimeProvider time, TimeSpan max)
    {
        var overdue = new List<Call>();
        for (var shard = 0; shard < ShardCount; shard++)
        {
            lock (_locks[shard])
            {
                for (var call = _heads[shard]; call is not null; call = call.After)
                {
                    if (call.IsUnary && time.GetElapsedTime(call.Started) > max)
                    {
                        overdue.Add(call);
                    }
                }
            }
        }

        return overdue;
    }
}
