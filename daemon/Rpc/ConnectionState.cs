using Auraed.Base;

namespace Auraed.Rpc;

/// <summary>What the edge knows of one connection: a feature of it that every call on it sees.</summary>
public sealed class ConnectionState
{
    private int _calls;

    /// <summary>Null until the handshake is done.</summary>
    public Principal? Principal { get; set; }

    /// <summary>Calls in flight.</summary>
    public int CallCount => Volatile.Read(ref _calls);

    internal void Enter() => Interlocked.Increment(ref _calls);

    internal void Leave() => Interlocked.Decrement(ref _calls);
}
