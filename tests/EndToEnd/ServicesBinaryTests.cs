using System.Diagnostics;
using Aurae.Events.V0;
using Aurae.Registry.V0;
using Aurae.Services.V0;
using Auraed.Store;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit.Abstractions;

namespace Auraed.Tests.EndToEnd;

/// <summary>Services through the shipped binary, which is killed; and a host that boots.</summary>
public sealed class ServicesBinaryTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Count = 200;

    private readonly DaemonFixture _fixture = new();
    private GrpcChannel _channel = null!;
    private ServiceService.ServiceServiceClient _services = null!;
    private ChildProcess? _daemon;

    public async Task InitializeAsync()
    {
        _channel = _fixture.Open();
        _services = new ServiceService.ServiceServiceClient(_channel);
        await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _services.ShutdownAsync(new ShutdownRequest());
        await KillAsync();
        _channel.Dispose();
        _fixture.Dispose();
    }

    [Fact]
    public async Task Two_hundred_services_are_adopted_after_a_kill_and_start_again_in_order_after_a_boot()
    {
        for (var number = 0; number < Count; number++)
        {
            // Ten chains of twenty.
            var spec = ServiceHost.Sleeper($"s{number:d3}", number % 20 == 0 ? [] : [$"s{number - 1:d3}"]);
            await _services.DeployAsync(new DeployRequest { Spec = spec });
        }

        await Eventually.HoldsAsync(async () => (await ListAsync()).All(IsRunning), $"{Count} services run");
        var before = await ListAsync();
        await KillAsync();
        Assert.All(before, status => Assert.True(ServiceHost.IsAlive(status.Slot.Pid)));
        await StartAsync();
        var after = await ListAsync();
        Assert.Equal(before.Select(Identity), after.Select(Identity));
        var report = await ReportAsync();
        output.WriteLine($"adopted {report.Adopted} processes in {report.Duration.ToTimeSpan().TotalMilliseconds:0} ms");
        Assert.Equal((Count, 0, 0, 0), (report.Adopted, report.Ended, report.Started, report.Cleaned));

        await KillAsync();
        foreach (var status in after)
        {
            Process.GetProcessById(status.Slot.Pid).Kill();
        }

        await Eventually.HoldsAsync(() => !after.Any(status => ServiceHost.IsAlive(status.Slot.Pid)), "all processes have ended");
        await using (var database = Database.Open(new DatabaseOptions { Directory = _fixture.Settings().LibraryDirectory, KeyPath = _fixture.Settings().ServerKeyPath }))
        {
            await database.WriteAsync(unit => unit.Prepare("UPDATE service_slot SET boot_id = 'another boot'").Execute(), default);
        }

        await StartAsync();
        await Eventually.HoldsAsync(async () => (await ListAsync()).All(IsRunning), $"{Count} services run again");
        var again = (await ListAsync()).ToDictionary(status => status.Service.Name);
        Assert.True((await ReportAsync()).Rebooted);
        foreach (var status in again.Values.Where(status => status.Spec.Dependencies.Requires.Count > 0))
        {
            var needed = again[status.Spec.Dependencies.Requires[0]];
            Assert.True(Last(needed, SlotPhase.Running) <= Last(status, SlotPhase.Starting), $"{status.Service.Name} was started before {needed.Service.Name} was ready");
        }
    }

    [Fact]
    public async Task A_hot_swap_under_load_drops_no_request()
    {
        var script = _fixture["server.py"];
        await File.WriteAllTextAsync(script, """
            import http.server, os, signal, sys
            class Handler(http.server.BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"
                def do_GET(self):
                    body = sys.argv[1].encode()
                    self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
                def log_message(self, *_): pass
            http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["AURAE_PORT"])), Handler).serve_forever()
            """);
        var spec = new ServiceSpec
        {
            Name = "web",
            Command = "python3",
            Arguments = { script, "one" },
            Registration = new Registration { Address = "127.0.0.1:0" },
            Probe = new Probe { Http = new HttpProbe { Path = "/" }, Interval = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(200)) },
            Drain = new Duration { Seconds = 1 },
        };
        await _services.DeployAsync(new DeployRequest { Spec = spec, Wait = true });

        using var stop = new CancellationTokenSource();
        var seen = new Dictionary<string, int>();
        var load = Enumerable.Range(0, 4).Select(_ => AskAsync(seen, stop.Token)).ToArray();
        await Eventually.HoldsAsync(() => Seen("one") > 20, "the first version answers");
        spec.Arguments[1] = "two";
        var swapped = await _services.HotSwapAsync(new HotSwapRequest { Name = "web", Spec = spec });
        Assert.Equal((2L, 1L), (swapped.Service.Version, swapped.Service.PreviousVersion));
        await Eventually.HoldsAsync(() => Seen("two") > 20, "the second version answers");

        // One that does not come up changes nothing. While the old instance drains, the next swap is refused.
        spec.Arguments[0] = "/does/not/exist.py";
        RpcException failure = null!;
        await Eventually.HoldsAsync(
            async () =>
            {
                failure = await Assert.ThrowsAsync<RpcException>(() => _services.HotSwapAsync(new HotSwapRequest { Name = "web", Spec = spec }).ResponseAsync);
                return failure.StatusCode == StatusCode.Aborted;
            },
            "the swap is tried and given up");
        Assert.Contains("version 2 runs on as before", failure.Status.Detail, StringComparison.Ordinal);
        await Eventually.HoldsAsync(async () => (await GetAsync("web")).Service.SwapFailure.Length > 0, "the failure is on record");
        Assert.Equal(swapped.Slot.Pid, (await GetAsync("web")).Slot.Pid);
        await stop.CancelAsync();
        await Task.WhenAll(load);
        output.WriteLine($"answers by version: {string.Join(", ", seen)}");

        int Seen(string version)
        {
            lock (seen)
            {
                return seen.GetValueOrDefault(version);
            }
        }
    }

    private async Task AskAsync(Dictionary<string, int> seen, CancellationToken stop)
    {
        var registry = new RegistryService.RegistryServiceClient(_channel);
        using var client = new HttpClient();
        while (!stop.IsCancellationRequested)
        {
            var address = (await registry.ResolveAsync(new ResolveRequest { Service = "web" }, cancellationToken: CancellationToken.None)).Entries[0].Address;
            var answer = await client.GetStringAsync(new Uri($"http://{address}/"), CancellationToken.None);
            lock (seen)
            {
                seen[answer] = seen.GetValueOrDefault(answer) + 1;
            }
        }
    }

    private async Task StartAsync()
    {
        _daemon = PublishedBinary.Start(_fixture[""]);
        await Eventually.HoldsAsync(async () => await AnswersAsync(), "the daemon answers");
    }

    /// <summary>The daemon alone.</summary>
    private async Task KillAsync()
    {
        Process.GetProcessById(_daemon!.Id).Kill();
        await _daemon.WaitForExitAsync();
        await _daemon.DisposeAsync();
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await ListAsync();
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    private async Task<List<ServiceStatus>> ListAsync() => [.. (await _services.ListAsync(new ListServicesRequest())).Services];

    private async Task<ServiceStatus> GetAsync(string name) => await _services.GetAsync(new GetServiceRequest { Name = name });

    private static bool IsRunning(ServiceStatus status) => status.Slot?.Phase == SlotPhase.Running;

    private static (string, int, ulong, long, long) Identity(ServiceStatus status) =>
        (status.Service.Name, status.Slot.Pid, status.Slot.StartTicks, status.Slot.Instance, status.Slot.Restarts);

    private static DateTimeOffset Last(ServiceStatus status, SlotPhase phase) => status.Slot.History.Last(moment => moment.Phase == phase).Time.ToDateTimeOffset();

    private async Task<ReconciliationReport> ReportAsync()
    {
        using var call = new EventService.EventServiceClient(_channel).Read(new ReadEventsRequest { Filter = new EventFilter { Kinds = { "services.reconciled" } }, NewestFirst = true, Limit = 1 });
        ReconciliationReport? report = null;
        while (await call.ResponseStream.MoveNext(default))
        {
            report = call.ResponseStream.Current.Events.FirstOrDefault()?.Payload.Unpack<ReconciliationReport>() ?? report;
        }

        return report!;
    }
}
