using System.Net.Sockets;

namespace Auraed.Tests.Support;

/// <summary>Stands between a client and a Unix socket, counts what passes, and cuts every connection when it was told so much.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _end = new();
    private readonly string _target;
    private readonly Task _loop;
    private long _sent;
    private long _received;
    private long _sentMax = long.MaxValue;
    private long _receivedMax = long.MaxValue;

    public CuttingProxy(string path, string target)
    {
        _target = target;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _loop = AcceptAsync();
    }

    /// <summary>Bytes from clients since the last <see cref="Begin"/>.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Bytes to clients since then.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Counts from nothing, and cuts after so many bytes either way.</summary>
    public void Begin(long sentMax = long.MaxValue, long receivedMax = long.MaxValue)
    {
        (_sentMax, _receivedMax) = (sentMax, receivedMax);
        Volatile.Write(ref _sent, 0);
        Volatile.Write(ref _received, 0);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _loop;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                connections.Add(PassAsync(await _listener.AcceptAsync(_end.Token)));
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task PassAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        using (client)
        {
            await server.ConnectAsync(new UnixDomainSocketEndPoint(_target));
            await Task.WhenAll(
                PumpAsync(client, server, bytes => Interlocked.Add(ref _sent, bytes) <= _sentMax, cut), PumpAsync(server, client, bytes => Interlocked.Add(ref _received, bytes) <= _receivedMax, cut));
        }
    }

    private static async Task PumpAsync(Socket from, Socket to, Func<int, bool> passes, CancellationTokenSource cut)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(buffer, cut.Token)) > 0 && passes(count))
            {
                for (var done = 0; done < count;)
                {
                    done += await to.SendAsync(buffer.AsMemory(done, count - done), cut.Token);
                }
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException)
        {
            // The other direction was cut, or an end went away.
        }

        await cut.CancelAsync();
    }
}
