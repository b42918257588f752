using System.Net;
using System.Net.Sockets;
using Auraed.Base;
using Auraed.Config;
using Auraed.Native;
using Auraed.Rpc;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Auraed.Host;

/// <summary>
/// Where the daemon listens: the socket with TLS, and as asked for a TCP listener with TLS and a Unix socket without. Sockets that the service manager
/// opened take the place of those of the settings. HTTP/2 alone is spoken.
/// </summary>
internal sealed class Listeners(Settings settings, ConnectionGate gate, AccessPolicy policy, Func<TlsIdentity> identity, ILogger logger) : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // 0766 as upstream: everybody may connect, and TLS decides.
    private const UnixFileMode Everybody = Owner | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private readonly Dictionary<string, UnixListener> _unix = [];
    private readonly Dictionary<EndPoint, Socket> _tcp = [];
    private readonly List<string> _names = [];
    private IReadOnlyList<InheritedSocket> _inherited = [];

    /// <summary>For the log, in the order of opening.</summary>
    public string Names => string.Join(", ", _names);

    private bool HasTls => _inherited.Any(socket => !socket.IsPlaintext);

    private bool HasPlaintext => _inherited.Any(socket => socket.IsPlaintext);

    /// <summary>
    /// Makes what the settings name this daemon's, before it touches anything else; nobody reaches it yet. Fault(Precondition) when another process serves one of them.
    /// </summary>
    public void Claim(IReadOnlyList<InheritedSocket> inherited)
    {
        _inherited = inherited;
        if (!HasTls && settings.Socket.Path is { } path)
        {
            _unix[path] = UnixListener.Claim(path, Everybody, logger);
        }

        if (!HasPlaintext && settings.PlaintextSocketPath is { } plaintext)
        {
            _unix[plaintext] = UnixListener.Claim(plaintext, Owner, logger);
        }

        foreach (var endpoint in new[] { HasTls ? null : settings.Socket.Tcp, settings.TcpListener }.OfType<IPEndPoint>().Distinct())
        {
            _tcp[endpoint] = BindTcp(endpoint);
        }
    }

    /// <summary>Opens what was claimed, and tells Kestrel.</summary>
    public void Open(IWebHostBuilder host)
    {
        foreach (var listener in _unix.Values)
        {
            listener.Listen();
        }

        host.UseSockets(options =>
        {
            options.CreateBoundListenSocket = Bind;
            // The runtime's own sockets answer on the pool already: a further hand-over there only adds to each call's latency.
            options.UnsafePreferInlineScheduling = true;
            // A connection that is silent holds a buffer of 4 KiB, and each read of one that is not is one call instead of two.
            options.WaitForDataBeforeAllocatingBuffer = false;
            options.MaxWriteBufferSize = Limits.SocketWriteBytesMax;
        });
        host.ConfigureServices(services => services.AddSingleton<IConnectionListenerFactory>(provider =>
            new LocalTransport(provider.GetRequiredService<IOptions<SocketTransportOptions>>().Value, provider.GetRequiredService<ILoggerFactory>())));
        host.ConfigureKestrel(options =>
        {
            Bound(options);
            foreach (var socket in _inherited)
            {
                _names.Add($"descriptor {socket.Descriptor}");
                options.ListenHandle((ulong)socket.Descriptor, listen => Serve(listen, socket.IsPlaintext));
            }

            if (!HasTls)
            {
                Add(options, settings.Socket);
            }

            if (settings.TcpListener is { } tcp)
            {
                Add(options, ListenAddress.OfTcp(tcp));
            }

            if (!HasPlaintext && settings.PlaintextSocketPath is { } unencrypted)
            {
                _names.Add(unencrypted + " (plaintext)");
                options.ListenUnixSocket(unencrypted, listen => Serve(listen, isPlaintext: true));
            }
        });
    }

    public void Dispose()
    {
        foreach (var listener in _unix.Values)
        {
            listener.Dispose();
        }

        foreach (var socket in _tcp.Values)
        {
            socket.Dispose();
        }
    }

    private void Add(KestrelServerOptions options, ListenAddress address)
    {
        _names.Add(address.ToString());
        if (address.Tcp is { } tcp)
        {
            options.Listen(tcp, listen => Serve(listen, isPlaintext: false));
        }
        else
        {
            options.ListenUnixSocket(address.Path!, listen => Serve(listen, isPlaintext: false));
        }
    }

    private Socket Bind(EndPoint endpoint) => endpoint is UnixDomainSocketEndPoint && _unix.TryGetValue(endpoint.ToString()!, out var listener)
        ? listener.Socket
        : _tcp.GetValueOrDefault(endpoint) ?? SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);

    private static Socket BindTcp(IPEndPoint endpoint)
    {
        try
        {
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        }
        catch (SocketException error)
        {
            throw new Fault(FaultKind.Precondition, $"cannot listen on {endpoint}: {error.Message}", "socket", "give another address", error);
        }
    }

    private void Bound(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        // Aurae's clients without TLS send the scheme hxxp.
        options.AllowAlternateSchemes = true;
        var limits = options.Limits;
        limits.MaxRequestHeadersTotalSize = Limits.RequestHeadersBytesMax;
        // A stream may be silent for hours, and a slow reader is held by flow control; dead peers are found by keepalive.
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.MaxRequestBodySize = null;
        limits.KeepAliveTimeout = settings.IdleTimeout > TimeSpan.Zero ? settings.IdleTimeout : TimeSpan.MaxValue;
        limits.Http2.MaxStreamsPerConnection = settings.StreamPerConnectionCountMax;
        limits.Http2.KeepAlivePingDelay = settings.KeepaliveInterval > TimeSpan.Zero ? settings.KeepaliveInterval : TimeSpan.MaxValue;
        limits.Http2.KeepAlivePingTimeout = settings.KeepaliveTimeout;
    }

    private void Serve(ListenOptions listen, bool isPlaintext)
    {
        listen.Protocols = HttpProtocols.Http2;
        listen.Use(gate.Wrap);
        if (isPlaintext)
        {
            listen.Use(IdentifyUser);
            return;
        }

        listen.Use(WatchHandshake);
        listen.Use(RecordBuffers.Use);
        listen.Use(RecordGathering.Use);
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = Limits.HandshakeTimeMax,
            OnConnection = handshake => ValueTask.FromResult(identity().OptionsFor(handshake.Connection)),
        });
        listen.Use(IdentifyCertificate);
    }

    private ConnectionDelegate IdentifyUser(ConnectionDelegate next) => connection =>
    {
        if (Peer.CredentialsOf(connection) is not { } peer)
        {
            connection.Abort();
            return Task.CompletedTask;
        }

        var principal = Principal.OfUser(peer.UserId);
        if (!policy.IsKnown(principal))
        {
            Log.UserRefused(logger, connection.ConnectionId, peer.UserId, peer.ProcessId);
            connection.Abort();
            return Task.CompletedTask;
        }

        connection.Features.GetRequiredFeature<ConnectionState>().Principal = principal;
        return next(connection);
    };

    private static ConnectionDelegate IdentifyCertificate(ConnectionDelegate next) => connection =>
    {
        var certificate = connection.Features.GetRequiredFeature<ITlsConnectionFeature>().ClientCertificate;
        connection.Features.GetRequiredFeature<ConnectionState>().Principal = certificate is null ? null : TlsIdentity.PrincipalOf(certificate);
        connection.Features.Set(new HandshakeDone());
        return next(connection);
    };

    /// <summary>Says when a connection ends before its handshake is through: plaintext on a TLS socket, a client that does not trust us.</summary>
    private ConnectionDelegate WatchHandshake(ConnectionDelegate next) => async connection =>
    {
        await next(connection);
        if (connection.Features.Get<HandshakeDone>() is null)
        {
            Log.HandshakeFailed(logger, connection.ConnectionId, Peer.NameOf(connection), "it is no TLS, or one side refuses the other's certificate");
        }
    };

    private sealed record HandshakeDone;
}
