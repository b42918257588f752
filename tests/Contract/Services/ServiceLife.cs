using Aurae.Events.V0;
using Aurae.Registry.V0;
using Aurae.Services.V0;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Auraed.Tests.Contract.Services;

/// <summary>Services as real processes, through the daemon's socket.</summary>
public sealed class ServiceLife : IAsyncLifetime
{
    private ServiceHost _host = null!;

    public async Task InitializeAsync() => _host = await ServiceHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_service_is_deployed_changed_rolled_back_stopped_and_removed()
    {
        var made = await _host.DeployAsync(ServiceHost.Shell("web", "echo one; echo bad >&2; exec sleep 1000"));
        Assert.Equal((SlotPhase.Running, 1L, "it runs"), (made.Slot.Phase, made.Service.Version, made.Explanation));
        Assert.True(ServiceHost.IsAlive(made.Slot.Pid));
        await Eventually.HoldsAsync(async () => (await LinesAsync("web")).SequenceEqual(["Output one", "Error bad"]), "the first has said its lines before it is stopped");
        Assert.Equal(1, (await _host.DeployAsync(made.Spec)).Service.NewestVersion);

        var second = await _host.DeployAsync(ServiceHost.Shell("web", "echo two; exec sleep 1000"));
        Assert.Equal((SlotPhase.Running, 2L, 2L), (second.Slot.Phase, second.Service.Version, second.Slot.Version));
        Assert.False(ServiceHost.IsAlive(made.Slot.Pid));
        Assert.True(ServiceHost.IsAlive(second.Slot.Pid));
        await Eventually.HoldsAsync(async () => (await LinesAsync("web")).SequenceEqual(["Output one", "Output two", "Error bad"]), "the second, too");

        var back = await _host.Services.RollbackAsync(new RollbackRequest { Name = "web", Wait = true });
        Assert.Equal((1L, 2L, made.Spec), (back.Service.Version, back.Service.PreviousVersion, back.Spec));
        Assert.Equal([2L, 1L], (await _host.Services.ListVersionsAsync(new ListVersionsRequest { Name = "web" })).Versions.Select(version => version.Version.Number));
        await Eventually.HoldsAsync(async () => (await LinesAsync("web")).SequenceEqual(["Output one", "Output one", "Output two", "Error bad", "Error bad"]), "all instances' lines are kept");

        var stopped = await _host.Services.StopAsync(new OperateRequest { Name = "web", Wait = true });
        Assert.Equal((SlotPhase.Stopped, "it is stopped, as asked"), (stopped.Slot.Phase, stopped.Explanation));
        Assert.False(ServiceHost.IsAlive(back.Slot.Pid));
        await _host.Services.DeleteAsync(new DeleteServiceRequest { Name = "web" });
        await RecordServer.FailsAsync(StatusCode.NotFound, "name", () => _host.GetAsync("web"));
    }

    [Fact]
    public async Task What_fails_is_tried_again_and_given_up_with_a_reason()
    {
        var spec = ServiceHost.Shell("bad", "exit 3");
        spec.Restart = new Restart { BackOffMin = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(50)), StartCountMax = 2, StartInterval = new Duration { Seconds = 600 } };
        await _host.DeployAsync(spec, isAwaited: false);
        await _host.BecomesAsync("bad", SlotPhase.Failed);
        var status = await _host.GetAsync("bad");
        Assert.Contains("given up after 2 starts", status.Explanation, StringComparison.Ordinal);
        Assert.Contains("exited with 3", status.Explanation, StringComparison.Ordinal);
        Assert.Equal(2, status.Slot.History.Count(moment => moment.Exit is { Value: 3 } && moment.Phase is SlotPhase.Delayed));

        await _host.DeployAsync(new ServiceSpec { Name = "none", Command = "/does/not/exist", Restart = new Restart { Policy = Restart.Types.Policy.No } }, isAwaited: true);
        Assert.Contains("could not be launched: cannot launch /does/not/exist", (await _host.GetAsync("none")).Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_waits_for_what_it_requires_and_takes_it_along()
    {
        await _host.Services.DeployAsync(new DeployRequest { Spec = ServiceHost.Sleeper("db"), Hold = true });
        var api = ServiceHost.Sleeper("api", "db");
        await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "spec.dependencies.requires", () => _host.DeployAsync(ServiceHost.Sleeper("x", "missing")));
        Assert.Equal(SlotPhase.Running, (await _host.DeployAsync(api)).Slot.Phase);
        var db = await _host.GetAsync("db");
        Assert.Equal(SlotPhase.Running, db.Slot.Phase);
        var cycle = ServiceHost.Sleeper("db");
        cycle.Dependencies.After.Add("api");
        var failure = await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "spec.dependencies", () => _host.DeployAsync(cycle));
        Assert.Contains("db -> api -> db", failure.Status.Detail, StringComparison.Ordinal);
        await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "name", () => _host.Services.DeleteAsync(new DeleteServiceRequest { Name = "db" }).ResponseAsync);
    }

    [Fact]
    public async Task Processes_outlive_the_daemon_and_are_adopted()
    {
        var spec = ServiceHost.Shell("web", "exec sleep 1000");
        spec.Registration = new Registration { Address = "127.0.0.1:8099", Tags = { "a" } };
        var before = await _host.DeployAsync(spec);
        Assert.Equal("127.0.0.1:8099", Assert.Single((await _host.Registry.ResolveAsync(new ResolveRequest { Service = "web" })).Entries).Address);
        await _host.StopDaemonAsync();
        Assert.True(ServiceHost.IsAlive(before.Slot.Pid));
        await _host.StartDaemonAsync();
        var after = await _host.GetAsync("web");
        Assert.Equal((before.Slot.Pid, before.Slot.Instance, SlotPhase.Running), (after.Slot.Pid, after.Slot.Instance, after.Slot.Phase));
        Assert.Equal((1, 0), (await ReportAsync()) is var report ? (report.Adopted, report.Started) : default);
        Assert.Single((await _host.Registry.ResolveAsync(new ResolveRequest { Service = "web" })).Entries);

        // What ends while no daemon watches is noticed, and started again after its back-off.
        await _host.StopDaemonAsync();
        System.Diagnostics.Process.GetProcessById(after.Slot.Pid).Kill();
        await Eventually.HoldsAsync(() => !ServiceHost.IsAlive(after.Slot.Pid), "the process has ended");
        await _host.StartDaemonAsync();
        await Eventually.HoldsAsync(async () => (await _host.GetAsync("web")).Slot is { Phase: SlotPhase.Running, Instance: 2 }, "it runs again");
        Assert.Equal((0, 1), (await ReportAsync()) is var second ? (second.Adopted, second.Ended) : default);
        await _host.Services.StopAsync(new OperateRequest { Name = "web", Wait = true });
        await RecordServer.FailsAsync(StatusCode.NotFound, "service", () => _host.Registry.ResolveAsync(new ResolveRequest { Service = "web" }).ResponseAsync);
    }

    [Fact]
    public async Task After_a_boot_the_enabled_services_start_in_order()
    {
        await _host.DeployAsync(ServiceHost.Sleeper("a"));
        await _host.DeployAsync(ServiceHost.Sleeper("b", "a"));
        var last = await _host.DeployAsync(ServiceHost.Sleeper("c", "b"));
        await _host.DeployAsync(ServiceHost.Sleeper("off"));
        await _host.Services.DisableAsync(new OperateRequest { Name = "off" });
        var pids = (await _host.ListAsync()).Select(status => status.Slot.Pid).ToArray();
        await _host.StopDaemonAsync();
        Array.ForEach(pids, pid => System.Diagnostics.Process.GetProcessById(pid).Kill());
        await Eventually.HoldsAsync(() => !pids.Any(ServiceHost.IsAlive), "the processes have ended");
        await using (var database = _host.OpenDatabase())
        {
            await database.WriteAsync(unit => unit.Prepare("UPDATE service_slot SET boot_id = 'another'").Execute(), default);
        }

        await _host.StartDaemonAsync();
        await _host.BecomesAsync("c", SlotPhase.Running);
        Assert.Equal(SlotPhase.Stopped, (await _host.GetAsync("off")).Slot.Phase);
        Assert.True((await ReportAsync()).Rebooted);
        Assert.NotEqual(last.Slot.Pid, (await _host.GetAsync("c")).Slot.Pid);
        var moments = (await _host.ListAsync()).ToDictionary(status => status.Service.Name, status => status.Slot.History);
        foreach (var (first, then) in new[] { ("a", "b"), ("b", "c") })
        {
            Assert.True(moments[first].Last(moment => moment.Phase == SlotPhase.Running).Time <= moments[then].Last(moment => moment.Phase == SlotPhase.Starting).Time);
        }
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_is_wrong_with_a_specification_is_named(StatusCode code, string field, ServiceSpec spec) => await RecordServer.FailsAsync(code, field, () => _host.DeployAsync(spec));

    public static TheoryData<StatusCode, string, ServiceSpec> Wrong()
    {
        ServiceSpec Spec(Action<ServiceSpec> change)
        {
            var spec = ServiceHost.Sleeper("web");
            change(spec);
            return spec;
        }

        return new()
        {
            { StatusCode.InvalidArgument, "spec.name", Spec(spec => spec.Name = "a.b") },
            { StatusCode.InvalidArgument, "spec.command", Spec(spec => spec.Command = "") },
            { StatusCode.InvalidArgument, "spec.command", Spec(spec => spec.Command = "bin/x") },
            { StatusCode.Unimplemented, "spec.environment[0].secret", Spec(spec => spec.Environment.Add(new EnvironmentVariable { Name = "A", Secret = new SecretReference { Name = "s" } })) },
            { StatusCode.InvalidArgument, "spec.environment[0].name", Spec(spec => spec.Environment.Add(new EnvironmentVariable { Name = "A=", Value = "" })) },
            { StatusCode.InvalidArgument, "spec.stop.signal", Spec(spec => spec.Stop.Signal = "SIGNONE") },
            { StatusCode.InvalidArgument, "spec.back_off_min", Spec(spec => spec.Restart = new Restart { BackOffMin = new Duration { Nanos = 1 } }) },
            { StatusCode.InvalidArgument, "spec.probe", Spec(spec => spec.Probe = new Probe()) },
            { StatusCode.InvalidArgument, "spec.probe.tcp.address", Spec(spec => spec.Probe = new Probe { Tcp = new TcpProbe() }) },
            { StatusCode.InvalidArgument, "spec.ready", Spec(spec => spec.Ready = ReadyWhen.Probed) },
            { StatusCode.InvalidArgument, "spec.registration.address", Spec(spec => spec.Registration = new Registration { Address = "x" }) },
            { StatusCode.InvalidArgument, "spec.limits.cpu_weight", Spec(spec => spec.Limits = new ResourceLimits { CpuWeight = 0 }) },
            { StatusCode.InvalidArgument, "spec.limits.bounds[0].name", Spec(spec => spec.Limits = new ResourceLimits { Bounds = { new ProcessBound { Name = "x" } } }) },
            { StatusCode.InvalidArgument, "spec.file_mask", Spec(spec => spec.FileMask = "9") },
            { StatusCode.FailedPrecondition, "spec.dependencies", Spec(spec => spec.Dependencies.Requires.Add("web")) },
        };
    }

    private async Task<ReconciliationReport> ReportAsync()
    {
        using var call = new EventService.EventServiceClient(_host.Channel).Read(new ReadEventsRequest { Filter = new EventFilter { Kinds = { "services.reconciled" } } });
        ReconciliationReport? report = null;
        while (await call.ResponseStream.MoveNext(default))
        {
            report = call.ResponseStream.Current.Events.LastOrDefault()?.Payload.Unpack<ReconciliationReport>() ?? report;
        }

        return report!;
    }

    private async Task<string[]> LinesAsync(string name)
    {
        using var call = _host.Services.Logs(new LogsRequest { Name = name });
        var lines = new List<string>();
        while (await call.ResponseStream.MoveNext(default))
        {
            lines.AddRange(call.ResponseStream.Current.Lines.Select(line => $"{line.Stream} {line.Text}"));
        }

        return [.. lines.OrderByDescending(line => line.StartsWith("Output", StringComparison.Ordinal)).ThenBy(line => line, StringComparer.Ordinal)];
    }
}
