using System.Net;
using System.Net.Sockets;
using Aurae.Services.V0;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Auraed.Tests.Contract.Services;

/// <summary>Each kind of probe: it makes a service ready, finds it unwell, and what comes of that is the policy's.</summary>
public sealed class ServiceProbes : IAsyncLifetime
{
    private ServiceHost _host = null!;

    public async Task InitializeAsync() => _host = await ServiceHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_program_decides_with_the_services_own_environment_and_directory()
    {
        var spec = Probed(new Probe { Exec = new ExecProbe { Command = "sh", Arguments = { "-c", "test -e $FLAG && test \"$AURAE_SERVICE\" = web && test \"$(pwd)\" = " + _host[""].TrimEnd('/') } } });
        spec.WorkingDirectory = _host[""].TrimEnd('/');
        spec.Environment.Add(new EnvironmentVariable { Name = "FLAG", Value = _host["flag"] });
        await _host.DeployAsync(spec, isAwaited: false);
        await Eventually.HoldsAsync(async () => (await _host.GetAsync("web")).Explanation == "it runs and is not ready yet: sh exited with 1", "it warms, and says why");
        File.WriteAllText(_host["flag"], "");
        await _host.BecomesAsync("web", SlotPhase.Running);
        var first = (await _host.GetAsync("web")).Slot;

        // Unwell for so long that it is replaced.
        File.Delete(_host["flag"]);
        await Eventually.HoldsAsync(async () => (await _host.GetAsync("web")).Slot.Instance > first.Instance, "another instance");
        Assert.False(ServiceHost.IsAlive(first.Pid));
        Assert.Contains((await _host.GetAsync("web")).Slot.History, moment => moment.Cause == SlotCause.Unhealthy && moment.Detail.Contains("exited with 1", StringComparison.Ordinal));
        File.WriteAllText(_host["flag"], "");
        await _host.BecomesAsync("web", SlotPhase.Running);
    }

    [Fact]
    public async Task A_connection_decides_and_without_a_restart_policy_it_runs_on_unwell()
    {
        var spec = Probed(new Probe());
        spec.Restart = new Restart { Policy = Restart.Types.Policy.No };
        using (var listener = Listen(0))
        {
            spec.Probe.Tcp = new TcpProbe { Address = listener.LocalEndpoint.ToString()! };
            var status = await _host.DeployAsync(spec);
            Assert.Equal(("it runs", true), (status.Explanation, status.Slot.Healthy));
        }

        await Eventually.HoldsAsync(async () => (await _host.GetAsync("web")).Explanation.StartsWith("it runs, but its probe fails: ", StringComparison.Ordinal), "it is unwell");
        Assert.Equal((SlotPhase.Running, 1L), ((await _host.GetAsync("web")).Slot.Phase, (await _host.GetAsync("web")).Slot.Instance));
        using var again = Listen(int.Parse(spec.Probe.Tcp.Address.Split(':')[1], null));
        await Eventually.HoldsAsync(async () => (await _host.GetAsync("web")).Slot.Healthy, "it is well again");
    }

    [Fact]
    public async Task A_grpc_server_decides()
    {
        byte serving = 2;
        await using var app = await ServeAsync(context => AnswerAsync(context, serving));
        var address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Authority;
        var spec = Probed(new Probe { Grpc = new GrpcProbe { Address = address, Service = "web.v1" } });
        await _host.DeployAsync(spec, isAwaited: false);
        await Eventually.HoldsAsync(async () => (await _host.GetAsync("web")).Explanation.EndsWith("it says that it is not serving", StringComparison.Ordinal), "it is not serving");
        serving = 1;
        await _host.BecomesAsync("web", SlotPhase.Running);
        spec.Probe.Grpc.Service = "other";
        await _host.DeployAsync(spec, isAwaited: false);
        await Eventually.HoldsAsync(async () => (await _host.GetAsync("web")).Explanation.EndsWith("grpc status 5 unknown service", StringComparison.Ordinal), "the server does not know the service");
    }

    [Fact]
    public async Task What_does_not_answer_in_time_is_not_ready_and_is_given_up_at_its_start_timeout()
    {
        using var listener = Listen(0);
        var spec = Probed(new Probe { Http = new HttpProbe { Url = $"http://{listener.LocalEndpoint}/" }, Timeout = Milliseconds(100) });
        spec.StartTimeout = Milliseconds(3000);
        spec.Restart = new Restart { Policy = Restart.Types.Policy.No };
        await _host.DeployAsync(spec, isAwaited: false);
        await _host.BecomesAsync("web", SlotPhase.Failed);
        Assert.Contains("it was not ready within 3 s: no answer within 0.1 s", (await _host.GetAsync("web")).Explanation, StringComparison.Ordinal);
    }

    private static ServiceSpec Probed(Probe probe)
    {
        (probe.Interval, probe.FailuresMax) = (Milliseconds(100), 2);
        var spec = ServiceHost.Sleeper("web");
        spec.Probe = probe;
        spec.Restart = new Restart { BackOffMin = Milliseconds(50), BackOffMax = Milliseconds(50) };
        return spec;
    }

    private static Duration Milliseconds(int milliseconds) => Duration.FromTimeSpan(TimeSpan.FromMilliseconds(milliseconds));

    private static TcpListener Listen(int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        return listener;
    }

    private static async Task<WebApplication> ServeAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync();
        return app;
    }

    /// <summary>grpc.health.v1.Health/Check for the service web.v1; the request is checked byte by byte.</summary>
    private static async Task AnswerAsync(HttpContext context, byte status)
    {
        using var request = new MemoryStream();
        await context.Request.Body.CopyToAsync(request);
        var isKnown = context.Request.Path == "/grpc.health.v1.Health/Check" && request.ToArray().AsSpan().SequenceEqual<byte>([0, 0, 0, 0, 8, 0x0A, 6, .. "web.v1"u8]);
        context.Response.ContentType = "application/grpc";
        context.Response.DeclareTrailer("grpc-status");
        if (isKnown)
        {
            await context.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 0, 2, 8, status });
        }

        context.Response.AppendTrailer("grpc-status", isKnown ? "0" : "5");
        context.Response.AppendTrailer("grpc-message", isKnown ? "" : "unknown service");
    }
}
