using System.Collections.Concurrent;
using Auraed.EventLog;

namespace Auraed.Domain.Events;

/// <summary>One gate for each cursor that is in use, by its row id.</summary>
public sealed class CursorGates
{
    private readonly ConcurrentDictionary<long, CursorGate> _gates = new();

    internal CursorGate Of(long cursor) => _gates.GetOrAdd(cursor, static _ => new CursorGate());

    /// <summary>Wakes those who wait for this cursor, after what they wait for is on the disk.</summary>
    internal void Changed(long cursor)
    {
        if (_gates.TryGetValue(cursor, out CursorGate? gate))
        {
            gate.Change();
        }
    }

    /// <summary>The cursor is gone.</summary>
    internal void Remove(long cursor)
    {
        if (_gates.TryRemove(cursor, out CursorGate? gate))
        {
            gate.Change();
        }
    }
}

/// <summary>
/// Lets one consumer of a cursor look for events at a time, so that they do not look for the same ones. Invariant: what it remembers is only read and
/// written inside; it is an opinion, and the unit of work that hands events out checks it.
/// </summary>
internal sealed class CursorGate
{
    private readonly SemaphoreSlim _turn = new(1);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes with the next change; to be taken before looking.</summary>
    public Task NextChange => Volatile.Read(ref _changed).Task;

    /// <summary>The cursor's filter; null until the first look.</summary>
    public EventSelection? Selection { get; set; }

    /// <summary>No event after the frontier <c>From</c> and up to <c>To</c> fits.</summary>
    public (long From, long To) Passed { get; set; }

    public Task EnterAsync(CancellationToken cancel) => _turn.WaitAsync(cancel);

    public void Leave() => _turn.Release();

    public void Change() => Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
}
