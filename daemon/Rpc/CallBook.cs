using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>One call in flight, and its place in the book.</summary>
internal sealed class Call(ServerCallContext context, ConnectionState connection, bool isUnary, long started)
{
    public ServerCallContext Context { get; } = context;

    public ConnectionState Connection { get; } = connection;

    public bool IsUnary { get; } = isUnary;

    /// <summary>A timestamp of the book's TimeProvider.</summary>
    public long Started { get; } = started;

    public bool IsCut { get; set; }

    internal Call? Before { get; set; }

    internal Call? After { get; set; }

    internal int Shard { get; set; }
}

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

    /// <summary>The unary calls that are longer in flight than <paramref name="max"/>, each handed out once.</summary>
    public List<Call> TakeOverdue(TimeProvider time, TimeSpan max)
    {
        var overdue = new List<Call>();
        for (var shard = 0; shard < ShardCount; shard++)
        {
            lock (_locks[shard])
            {
                for (var call = _heads[shard]; call is not null; call = call.After)
                {
                    if (call.IsUnary && !call.IsCut && time.GetElapsedTime(call.Started) > max)
                    {
                        call.IsCut = true;
                        overdue.Add(call);
                    }
                }
            }
        }

        return overdue;
    }
}
