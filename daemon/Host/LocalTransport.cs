using System.Net;
using System.Net.Sockets;
using Auraed.Base;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Auraed.Host;

/// <summary>
/// Kestrel's transport for Unix sockets. So many connections have a thread each (<see cref="LocalConnection"/>); those beyond are Kestrel's own, as all over TCP are.
/// </summary>
internal sealed class LocalTransport(SocketTransportOptions options, ILoggerFactory loggers) : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private readonly SocketConnectionContextFactory _stock = new(
        new SocketConnectionFactoryOptions
        {
            UnsafePreferInlineScheduling = options.UnsafePreferInlineScheduling,
            WaitForDataBeforeAllocatingBuffer = options.WaitForDataBeforeAllocatingBuffer,
            MaxReadBufferSize = options.MaxReadBufferSize,
            MaxWriteBufferSize = options.MaxWriteBufferSize,
            IOQueueCount = options.IOQueueCount,
        },
        loggers.CreateLogger<LocalTransport>());

    private int _threads;

    public bool CanBind(EndPoint endpoint) => endpoint is UnixDomainSocketEndPoint or FileHandleEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var socket = options.CreateBoundListenSocket(endpoint);
        socket.Listen(options.Backlog);
        return ValueTask.FromResult<IConnectionListener>(new Listener(this, endpoint, socket));
    }

    public void Dispose() => _stock.Dispose();

    private ConnectionContext Open(Socket socket)
    {
        if (socket.AddressFamily != AddressFamily.Unix)
        {
            // One that the service manager opened.
            socket.NoDelay = options.NoDelay;
            return _stock.Create(socket);
        }

        if (Interlocked.Increment(ref _threads) <= Limits.ConnectionThreadsCountMax)
        {
            try
            {
                return LocalConnection.Start(socket, () => Interlocked.Decrement(ref _threads));
            }
            catch (OutOfMemoryException)
            {
                // The system gives no more threads.
            }
        }

        Interlocked.Decrement(ref _threads);
        return _stock.Create(socket);
    }

    private sealed class Listener(LocalTransport transport, EndPoint endpoint, Socket socket) : IConnectionListener
    {
        public EndPoint EndPoint => endpoint;

        /// <summary>Null when the listener is closed.</summary>
        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (true)
            {
                try
                {
                    return transport.Open(await socket.AcceptAsync(cancellationToken).ConfigureAwait(false));
                }
                catch (ObjectDisposedException)
                {
                    return null;
                }
                catch (SocketException error) when (error.SocketErrorCode == SocketError.OperationAborted)
                {
                    return null;
                }
                catch (SocketException error) when (error.SocketErrorCode == SocketError.TooManyOpenSockets)
                {
                    await Task.Delay(Limits.AcceptRetryDelay, cancellationToken).ConfigureAwait(false);
                }
                catch (SocketException)
                {
                    // Gone before it was accepted.
                }
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => DisposeAsync();

        public ValueTask DisposeAsync()
        {
            socket.Dispose();
            return default;
        }
    }
}
