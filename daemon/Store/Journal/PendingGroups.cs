using Auraed.Base;

namespace Auraed.Store.Journal;

/// <summary>
/// Which groups are acknowledged and not yet committed, and which tables they touched: what a reader's snapshot may lack. Written by the writer's
/// and the sealer's thread, read by all. Invariants: a table's mark is set before the group that wrote it is answered; <see cref="Committed"/> grows only after the
/// COMMIT that holds the group. So a reader that looks at <see cref="Sealed"/> when it begins, and whose snapshot began after <see cref="Committed"/>
/// had that number or whose tables (or, of a record that it found, whose row) bear no later mark, lacks nothing that was acknowledged before it began.
/// </summary>
internal sealed class PendingGroups(Action wake)
{
    private readonly long[] _marks = new long[Limits.StoreTableCountMax];
    private readonly long[] _rowMarks = new long[1 << Limits.StoreRowMarkBits];
    private TaskCompletionSource _next = NewNews();
    private TaskCompletionSource? _tried;
    private long _sealed;
    private long _committed;
    private long _wanted;
    private Fault? _closed;

    /// <summary>The last group that is acknowledged or about to be.</summary>
    public long Sealed => Volatile.Read(ref _sealed);

    /// <summary>The last group that a new snapshot holds.</summary>
    public long Committed => Volatile.Read(ref _committed);

    /// <summary>True when a reader waits for a commit.</summary>
    public bool IsWanted => Volatile.Read(ref _wanted) > Committed;

    /// <summary>True when a snapshot that began with this state of commits may lack rows of the table.</summary>
    public bool IsPending(int table, long committed) => Volatile.Read(ref _marks[table]) > committed;

    /// <summary>The same of one row of it. Rows share marks (<see cref="MarkOf"/>), so it may be true of a row that nobody has touched.</summary>
    public bool IsPending(int table, long row, long committed) => Volatile.Read(ref _rowMarks[MarkOf(table, row)]) > committed;

    /// <summary>Which mark a row has.</summary>
    public static int MarkOf(int table, long row)
    {
        // The mixing step of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
        var mixed = (ulong)row + ((ulong)(table + 1) * 0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return (int)((mixed ^ (mixed >> 31)) >> (64 - Limits.StoreRowMarkBits));
    }

    /// <summary>In the order of groups, by one thread at a time, when the group is durable and before it is answered.</summary>
    /// <param name="tables">What it wrote.</param>
    /// <param name="rowMarks">Marks of the records that it wrote, by <see cref="MarkOf"/>; none when it is committed before it is answered.</param>
    /// <param name="group">Its number.</param>
    public void Seal(ReadOnlySpan<int> tables, ReadOnlySpan<int> rowMarks, long group)
    {
        foreach (var mark in rowMarks)
        {
            Volatile.Write(ref _rowMarks[mark], group);
        }

        foreach (var table in tables)
        {
            Volatile.Write(ref _marks[table], group);
        }

        Volatile.Write(ref _sealed, group);
    }

    /// <summary>Writer only: a commit is tried. Should it fail, that is no answer to those who ask from now on: what stood in its way may be gone by then.</summary>
    public void BeginCommit()
    {
        Invariant.Hold(_tried is null);
        // In this order: a wish that comes in between is heard once too often, never lost.
        Volatile.Write(ref _wanted, 0);
        _tried = Interlocked.Exchange(ref _next, NewNews());
    }

    /// <summary>Writer only, after a COMMIT.</summary>
    public void Commit(long group)
    {
        Volatile.Write(ref _committed, group);
        _tried?.SetResult();
        _tried = null;
        Interlocked.Exchange(ref _next, NewNews()).SetResult();
    }

    /// <summary>Writer only: those who asked before <see cref="BeginCommit"/> are told; a later commit may still succeed.</summary>
    public void Fail(Fault fault)
    {
        Tell(_tried, fault);
        _tried = null;
    }

    /// <summary>No commit comes any more: whoever waits, now or later, is told.</summary>
    public void Close(Fault fault)
    {
        Volatile.Write(ref _closed, fault);
        Fail(fault);
        Tell(Interlocked.Exchange(ref _next, NewNews()), fault);
    }

    /// <summary>Completes when a new snapshot holds the group; a patient caller asks for no commit, and has the one that comes by itself.</summary>
    public async Task WaitAsync(long group, CancellationToken cancel, bool isPatient = false)
    {
        while (true)
        {
            var next = Volatile.Read(ref _next);
            if (Committed >= group)
            {
                return;
            }

            if (Volatile.Read(ref _closed) is { } closed)
            {
                throw closed;
            }

            if (!isPatient)
            {
                Want(group);
            }

            await next.Task.WaitAsync(cancel).ConfigureAwait(false);
        }
    }

    private static TaskCompletionSource NewNews() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static void Tell(TaskCompletionSource? news, Fault fault)
    {
        news?.SetException(fault);
        _ = news?.Task.Exception;
    }

    private void Want(long group)
    {
        var wanted = Volatile.Read(ref _wanted);
        while (wanted < group)
        {
            var seen = Interlocked.CompareExchange(ref _wanted, group, wanted);
            if (seen == wanted)
            {
                break;
            }

            wanted = seen;
        }

        wake();
    }
}

/// <summary>What a snapshot may lack that began when <paramref name="committed"/> was the last group in the file.</summary>
/// <param name="pending">The groups.</param>
/// <param name="committed">The last group that every snapshot from now on holds.</param>
/// <param name="durable">The last event that was acknowledged before the reading began.</param>
internal sealed class SnapshotGap(PendingGroups pending, long committed, long durable)
{
    public long Durable => durable;

    public bool Has(int table) => pending.IsPending(table, committed);

    public bool Has(int table, long row) => pending.IsPending(table, row, committed);
}
