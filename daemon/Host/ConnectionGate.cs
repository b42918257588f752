using Auraed.Base;
using Auraed.Config;
using Auraed.Rpc;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;

namespace Auraed.Host;

/// <summary>
/// Bounds open connections, in all and per peer. At the bound the connection that has been idle (no call in flight) longest makes room; when none is idle the
/// new one is closed. So a peer that opens connections and leaves them lying takes them from itself first, and a new client is served.
/// Invariant: every admitted connection is in the list, oldest first, from its acceptance to its end.
/// </summary>
internal sealed class ConnectionGate(Settings settings, TimeProvider time, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Admitted> _open = [];
    private readonly Dictionary<string, int> _perPeer = [];

    /// <summary>The first step of every connection, before its handshake.</summary>
    public ConnectionDelegate Wrap(ConnectionDelegate next) => async connection =>
    {
        var group = Peer.GroupOf(connection);
        var state = new ConnectionState();
        connection.Features.Set(state);
        connection.Features.Set(new ConnectionStart(time.GetLocalNow().DateTime));
        if (Admit(new Admitted(connection, group, state)) is not { } place)
        {
            Log.ConnectionRefused(logger, connection.ConnectionId, Peer.NameOf(connection), _open.Count);
            connection.Abort();
            return;
        }

        try
        {
            await next(connection);
        }
        finally
        {
            Leave(place);
        }
    };

    private LinkedListNode<Admitted>? Admit(Admitted newcomer)
    {
        Admitted? evicted = null;
        LinkedListNode<Admitted>? place;
        lock (_lock)
        {
            var ofPeer = _perPeer.GetValueOrDefault(newcomer.Group);
            var isPeerFull = ofPeer >= settings.ConnectionPerPeerCountMax;
            if (isPeerFull || _open.Count >= settings.ConnectionCountMax)
            {
                // Within a full peer its own; in a full house that of whoever has been idle longest.
                var victim = FindIdle(isPeerFull ? newcomer.Group : null);
                if (victim is null)
                {
                    return null;
                }

                evicted = victim.Value;
                Remove(victim);
            }

            place = _open.AddLast(newcomer);
            _perPeer[newcomer.Group] = _perPeer.GetValueOrDefault(newcomer.Group) + 1;
        }

        if (evicted is not null)
        {
            Log.ConnectionEvicted(logger, evicted.Connection.ConnectionId, newcomer.Group);
            Close(evicted.Connection);
        }

        return place;
    }

    private LinkedListNode<Admitted>? FindIdle(string? group)
    {
        for (var node = _open.First; node is not null; node = node.Next)
        {
            if (node.Value.State.CallCount == 0 && (group is null || node.Value.Group == group))
            {
                return node;
            }
        }

        return null;
    }

    private void Leave(LinkedListNode<Admitted> place)
    {
        lock (_lock)
        {
            Remove(place);
        }
    }

    private void Remove(LinkedListNode<Admitted> place)
    {
        if (place.List is null)
        {
            return;
        }

        _open.Remove(place);
        if (--_perPeer[place.Value.Group] == 0)
        {
            _perPeer.Remove(place.Value.Group);
        }
    }

    /// <summary>A connection that is served says goodbye (GOAWAY), and a client with a call on its way tries it again elsewhere; one in its handshake is cut.</summary>
    private static void Close(ConnectionContext connection)
    {
        if (connection.Features.Get<ConnectionState>()?.Principal is not null
            && connection.Features.Get<IConnectionLifetimeNotificationFeature>() is { } lifetime)
        {
            lifetime.RequestClose();
        }
        else
        {
            connection.Abort();
        }
    }

    private sealed record Admitted(ConnectionContext Connection, string Group, ConnectionState State);
}
