using Auraed.Tests.Support;
using Grpc.Net.Client;

namespace Auraed.Tests.Interop;

/// <summary>Our client with our server: both sides of the suite, compression seen from both ends.</summary>
public sealed class OwnServerTests : IAsyncLifetime
{
    private readonly CountingGzip _gzip = new();
    private InteropServer _server = null!;

    public async Task InitializeAsync() => _server = await InteropServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [MemberData(nameof(InteropCases.All), MemberType = typeof(InteropCases))]
    public async Task Our_client_and_our_server_agree_over_a_Unix_socket(string name)
    {
        using var channel = _server.Channel(options => options.CompressionProviders = [_gzip]);
        await new InteropClient(channel, _gzip).Cases[name]();
    }

    [Theory]
    [MemberData(nameof(InteropCases.All), MemberType = typeof(InteropCases))]
    public async Task Our_client_and_our_server_agree_over_TLS(string name)
    {
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost";
        using var channel = GrpcChannel.ForAddress(
            $"https://localhost:{_server.TlsPort}", new GrpcChannelOptions { HttpHandler = handler, CompressionProviders = [_gzip] });
        await new InteropClient(channel, _gzip).Cases[name]();
    }
}
