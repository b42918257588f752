using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>What a router does when a store fails, which is another thing than not having a chunk.</summary>
public enum StoreErrorPolicy
{
    /// <summary>The fetch fails. For a store that must not be passed over in silence.</summary>
    Stop,

    /// <summary>The next store is asked, and the fault is reported. One that did not answer is asked after the others for a while (<see cref="Limits.StoreAwaySpan"/>).</summary>
    Next,
}

/// <summary>One store of a router, and what it has done so far.</summary>
public sealed class RoutedStore(IChunkStore store, StoreErrorPolicy onError)
{
    private long _chunks;
    private long _bytes;
    private long _missing;
    private long _faults;
    private long _awayUntil;

    public IChunkStore Store { get; } = store;

    public StoreErrorPolicy OnError { get; } = onError;

    /// <summary>Chunks that it gave and that were what they said.</summary>
    public long Chunks => Volatile.Read(ref _chunks);

    /// <summary>Their bytes as they came, compressed.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Times that it did not have what was asked.</summary>
    public long Missing => Volatile.Read(ref _missing);

    /// <summary>Calls that failed after all tries, or lied.</summary>
    public long Faults => Volatile.Read(ref _faults);

    /// <summary>The last of them; null for none.</summary>
    public Fault? LastFault { get; private set; }

    internal bool IsAway(TimeProvider clock) => clock.GetTimestamp() < Volatile.Read(ref _awayUntil);

    internal void CountChunk(int bytes)
    {
        Volatile.Write(ref _awayUntil, 0);
        Interlocked.Increment(ref _chunks);
        Interlocked.Add(ref _bytes, bytes);
    }

    internal void CountMissing()
    {
        Volatile.Write(ref _awayUntil, 0);
        Interlocked.Increment(ref _missing);
    }

    internal void CountFault(Fault fault, TimeProvider clock)
    {
        if (OnError == StoreErrorPolicy.Next && fault.IsTransient)
        {
            Volatile.Write(ref _awayUntil, clock.GetTimestamp() + (long)(Limits.StoreAwaySpan.TotalSeconds * clock.TimestampFrequency));
        }

        Interlocked.Increment(ref _faults);
        LastFault = fault;
    }
}
