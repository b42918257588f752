using System.Net.Sockets;
using Grpc.Net.Client;

namespace Auraed.Tests.Support;

/// <summary>A gRPC channel over a Unix socket.</summary>
public static class UnixSocketChannel
{
    public static GrpcChannel Open(string path, Action<GrpcChannelOptions>? configure = null)
    {
        var options = new GrpcChannelOptions { HttpHandler = Handler(path), DisposeHttpClient = true };
        configure?.Invoke(options);
        return GrpcChannel.ForAddress("http://localhost", options);
    }

    public static SocketsHttpHandler Handler(string path) => new()
    {
        ConnectCallback = async (_, cancel) => new NetworkStream(await ConnectAsync(path, cancel), ownsSocket: true),
    };

    public static async Task<Socket> ConnectAsync(string path, CancellationToken cancel = default)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
