using System.Net.Sockets;
using Auraed.Base;
using Auraed.Config;
using Auraed.Domain.Assets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Auraed.Host.Origin;

/// <summary>
/// The listeners of the CDN origin: plain HTTP/1.1, apart from gRPC's in everything, so that a crowd of readers takes no connection and no call from those who manage
/// the host. What encrypts is the proxy or the CDN before it.
/// </summary>
internal sealed class OriginServer : IAsyncDisposable
{
    private const UnixFileMode Everybody = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private readonly WebApplication _app;
    private readonly UnixListener? _unix;

    private OriginServer(WebApplication app, UnixListener? unix)
    {
        _app = app;
        _unix = unix;
    }

    /// <summary>Null when the settings name no listener. Fault(Precondition) when it cannot listen.</summary>
    public static async Task<OriginServer?> StartAsync(Settings settings, AssetOrigin assets, Action<ILoggingBuilder> log, ILogger logger, CancellationToken cancel)
    {
        if (settings.OriginEndpoint is null && settings.OriginSocketPath is null)
        {
            return null;
        }

        var unix = settings.OriginSocketPath is { } path ? UnixListener.Open(path, Everybody, logger) : null;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "auraed", ContentRootPath = "/", EnvironmentName = "Production" });
        log(builder.Logging);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.UseSockets(options => options.CreateBoundListenSocket = endpoint =>
            endpoint is UnixDomainSocketEndPoint && unix is not null ? unix.Socket : SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint));
        builder.WebHost.ConfigureKestrel(options =>
        {
            Bound(options);
            if (settings.OriginEndpoint is { } tcp)
            {
                options.Listen(tcp, listen => listen.Protocols = HttpProtocols.Http1);
            }

            if (settings.OriginSocketPath is { } socket)
            {
                options.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http1);
            }
        });
        var server = new OriginServer(builder.Build(), unix);
        server._app.Run(new OriginAnswers(assets, logger).AnswerAsync);
        try
        {
            await server._app.StartAsync(cancel);
            return server;
        }
        catch (Exception error)
        {
            await server.DisposeAsync();
            throw error is IOException or SocketException
                ? new Fault(FaultKind.Precondition, $"the origin cannot listen: {error.Message}", "origin.tcp", "give another address", error)
                : error;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _unix?.Dispose();
    }

    private static void Bound(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        var limits = options.Limits;
        limits.MaxConcurrentConnections = Limits.OriginConnectionCountMax;
        limits.MaxRequestBodySize = 0;
        limits.MaxRequestHeadersTotalSize = Limits.RequestHeadersBytesMax;
        limits.MaxRequestLineSize = Limits.OriginRequestLineBytesMax;
        limits.KeepAliveTimeout = Limits.OriginIdleMax;
        limits.RequestHeadersTimeout = Limits.HandshakeTimeMax;
        // Kestrel's least rates stay: who takes a chunk drop by drop is cut off.
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
