using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Auraed.Tests.Support;

/// <summary>An HTTP server on loopback whose answers a test decides.</summary>
public sealed class HttpPeer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private HttpPeer(WebApplication application) => _application = application;

    /// <summary>Lines of METHOD PATH, in order.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public string Location => _application.Urls.First();

    public static async Task<HttpPeer> StartAsync(RequestDelegate answer, Action<ListenOptions>? listen = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.Services.Configure<KestrelServerOptions>(options => options.Listen(System.Net.IPAddress.Loopback, 0, bound => listen?.Invoke(bound)));
        var application = builder.Build();
        var peer = new HttpPeer(application);
        application.Run(context =>
        {
            peer.Requests.Enqueue($"{context.Request.Method} {context.Request.Path}");
            return answer(context);
        });
        await application.StartAsync();
        return peer;
    }

    /// <summary>Serves a directory as casync and desync clients expect it, and takes PUT as desync's chunk server does.</summary>
    public static Task<HttpPeer> ServeAsync(string directory, Action<ListenOptions>? listen = null) => StartAsync(
        async context =>
        {
            var path = Path.Combine(directory, context.Request.Path.Value!.TrimStart('/'));
            if (context.Request.Method == "PUT")
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                var temporary = path + Guid.NewGuid().ToString("N");
                await using (var file = File.Create(temporary))
                {
                    await context.Request.Body.CopyToAsync(file);
                }

                File.Move(temporary, path, overwrite: true);
            }
            else if (File.Exists(path))
            {
                var bytes = await File.ReadAllBytesAsync(path);
                context.Response.ContentLength = bytes.Length;
                await (context.Request.Method == "HEAD" ? Task.CompletedTask : context.Response.Body.WriteAsync(bytes).AsTask());
            }
            else
            {
                context.Response.StatusCode = 404;
            }
        }, listen);

    public ValueTask DisposeAsync() => _application.DisposeAsync();
}
