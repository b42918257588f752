using System.Buffers;
using Auraed.Bench.Echo;
using Auraed.Host;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// usage: echo grpc|kestrel SOCKET
// Both modes are hosted and listen as the daemon does; they differ only in what answers: our gRPC server, or as little as Kestrel can be asked for.
var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "echo" });
builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
{
    kestrel.AddServerHeader = false;
    kestrel.Limits.Http2.MaxStreamsPerConnection = 1024;
    kestrel.ListenUnixSocket(args[1], listen => listen.Protocols = HttpProtocols.Http2);
});
if (args[0] == "grpc")
{
    builder.Services.AddSingleton<IStartupFilter, DirectRoutes>();
    builder.Services.AddGrpc();
    builder.Services.AddSingleton<EchoAnswer>();
}

var app = builder.Build();
if (args[0] == "grpc")
    app.MapGrpcService<EchoAnswer>();
else
    app.Run(AnswerBareAsync);
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine("READY"));
app.Run();

// The request's framed message goes back as it came. This is the floor that a gRPC server on Kestrel is compared with.
static async Task AnswerBareAsync(HttpContext context)
{
    var response = context.Response;
    response.ContentType = "application/grpc";
    var reader = context.Request.BodyReader;
    var read = await reader.ReadAsync();
    while (!read.IsCompleted)
    {
        reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        read = await reader.ReadAsync();
    }
    foreach (var part in read.Buffer)
        response.BodyWriter.Write(part.Span);
    reader.AdvanceTo(read.Buffer.End);
    response.AppendTrailer("grpc-status", "0");
}

internal sealed class EchoAnswer : EchoService.EchoServiceBase
{
    public override Task<EchoMessage> Echo(EchoMessage request, ServerCallContext context) => Task.FromResult(request);
}
