using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Store.Events;

namespace Auraed.Domain.Assets;

/// <summary>
/// How far each cache was told, and the cursor behind them all. Invariants: the cursor stands where the cache does that is farthest behind; what a withdrawal keeps goes in the unit
/// that moves the cursor past it. What the others were told beyond the cursor is known until the process ends, and told again by the next one.
/// </summary>
/// <param name="frontier">Where the cursor stands.</param>
internal sealed class PurgeProgress(Database database, long frontier) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PurgeTarget, long> _told = [];
    private readonly SemaphoreSlim _one = new(1);
    private long _frontier = frontier;
    private long _withdrawn;

    /// <summary>The caches that are told from now on, and where they were if they were told before.</summary>
    public void Choose(IReadOnlyList<PurgeTarget> caches)
    {
        lock (_gate)
        {
            foreach (PurgeTarget cache in _told.Keys.Except(caches).ToArray())
            {
                _told.Remove(cache);
            }

            foreach (PurgeTarget cache in caches)
            {
                _told.TryAdd(cache, _frontier);
            }
        }
    }

    public long Of(PurgeTarget cache)
    {
        lock (_gate)
        {
            return _told[cache];
        }
    }

    /// <summary>The cache was told of everything up to an event.</summary>
    /// <param name="isWithdrawal">The event itself was told of: the cursor is to move past it without waiting for more.</param>
    public void Note(PurgeTarget cache, long sequence, bool isWithdrawal)
    {
        lock (_gate)
        {
            _told[cache] = sequence;
            _withdrawn = isWithdrawal ? Math.Max(_withdrawn, sequence) : _withdrawn;
        }
    }

    /// <summary>Moves the cursor when it is worth a write. Fault(Aborted) when it was deleted.</summary>
    public async Task KeepAsync(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            long least;
            lock (_gate)
            {
                least = _told.Values.Min();
                if (least <= _frontier || (_withdrawn <= _frontier && least - _frontier < Limits.PurgeCursorStep))
                {
                    return;
                }
            }

            CrashPoint.Reach("purge.sent");
            await database.WriteAsync(unit => Advance(unit, least), cancel).ConfigureAwait(false);
            lock (_gate)
            {
                _frontier = least;
            }
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private static bool Advance(WriteUnit unit, long frontier)
    {
        var rows = new CursorRows(unit);
        StoredCursor stored = rows.Find(RecordNames.DefaultTenant, OriginPurge.Cursor)
            ?? throw new Fault(FaultKind.Aborted, $"cursor {OriginPurge.Cursor} was deleted while it was in use");
        rows.Advance(stored, Math.Max(stored.Frontier, frontier), stored.LastLease);
        _ = WithdrawalRows.Clear(unit, frontier);
        return true;
    }
}
