using System.Net;
using System.Net.Sockets;
using Auraed.Native;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Auraed.Host;

/// <summary>When a connection was accepted, in local time as certificates are compared; a feature of it.</summary>
internal sealed record ConnectionStart(DateTime Time);

/// <summary>Who is at the other end, before any handshake.</summary>
internal static class Peer
{
    /// <summary>What connections are counted by: the user on a Unix socket, the address over TCP.</summary>
    public static string GroupOf(ConnectionContext connection) => connection.RemoteEndPoint is IPEndPoint tcp
        ? tcp.Address.ToString()
        : CredentialsOf(connection) is { } peer ? $"uid:{peer.UserId}" : "unknown";

    /// <summary>For the log.</summary>
    public static string NameOf(ConnectionContext connection) => connection.RemoteEndPoint is IPEndPoint tcp
        ? tcp.ToString()
        : CredentialsOf(connection) is { } peer ? $"uid:{peer.UserId} pid:{peer.ProcessId}" : "unknown";

    /// <summary>Null when the connection is not one of a Unix socket, or has gone already.</summary>
    public static PeerCredentials? CredentialsOf(ConnectionContext connection)
    {
        try
        {
            return connection.Features.Get<IConnectionSocketFeature>()?.Socket is { AddressFamily: AddressFamily.Unix } socket ? PeerCredentials.Of(socket) : null;
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }
}
