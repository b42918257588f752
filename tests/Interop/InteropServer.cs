using System.Net;
using Auraed.Tests.Support;
using Grpc.AspNetCore.Server;
using Grpc.Net.Client;
using Grpc.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Auraed.Tests.Interop;

/// <summary>Our server with the interop service, on a Unix socket and on TCP with TLS.</summary>
public sealed class InteropServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly WebApplication _app;

    private InteropServer(Action<GrpcServiceOptions>? grpc, Action<KestrelServerOptions>? kestrel)
    {
        using var certificate = TestCertificate.Create();
        File.WriteAllText(CertificatePath, certificate.ExportCertificatePem());
        var loaded = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadPkcs12(
            certificate.Export(System.Security.Cryptography.X509Certificates.X509ContentType.Pkcs12), null);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.ListenUnixSocket(SocketPath, listen => listen.Protocols = HttpProtocols.Http2);
            options.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.UseHttps(loaded);
            });
            kestrel?.Invoke(options);
        });
        builder.Services.AddSingleton(Gzip);
        builder.Services.AddSingleton<TestServiceImpl>();
        builder.Services.AddGrpc(options =>
        {
            options.CompressionProviders.Add(Gzip);
            grpc?.Invoke(options);
        });
        _app = builder.Build();
        _app.MapGrpcService<TestServiceImpl>();
    }

    public CountingGzip Gzip { get; } = new();
    public string SocketPath => _directory["grpc.sock"];
    public string CertificatePath => _directory["ca.pem"];
    public TestServiceImpl Service => _app.Services.GetRequiredService<TestServiceImpl>();

    public int TlsPort => new Uri(
        _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single(address => address.StartsWith("https", StringComparison.Ordinal))).Port;

    public static async Task<InteropServer> StartAsync(Action<GrpcServiceOptions>? grpc = null, Action<KestrelServerOptions>? kestrel = null)
    {
        var server = new InteropServer(grpc, kestrel);
        await server._app.StartAsync();
        return server;
    }

    public GrpcChannel Channel(Action<GrpcChannelOptions>? configure = null) => UnixSocketChannel.Open(SocketPath, configure);

    public Task StopAsync() => _app.StopAsync();

    public async Task<bool> AnswersAsync()
    {
        using var channel = Channel();
        await new TestService.TestServiceClient(channel).EmptyCallAsync(new Empty());
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _directory.Dispose();
    }
}
