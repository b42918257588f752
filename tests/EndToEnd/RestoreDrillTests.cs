using Aurae.Admin.V0;
using Aurae.Cells.V0;
using Aurae.Services.V0;
using Auraed.Host;
using Auraed.Store;
using Auraed.Tests.Support;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace Auraed.Tests.EndToEnd;

/// <summary>A backup is tried out on the host of its original: two daemons of one database, one of which supervises.</summary>
public sealed class RestoreDrillTests : IAsyncLifetime
{
    private readonly DaemonFixture _fixture = new();
    private DaemonHost _original = null!;
    private DaemonHost? _copy;
    private GrpcChannel _channel = null!;
    private ServiceService.ServiceServiceClient _services = null!;

    public async Task InitializeAsync()
    {
        _original = await _fixture.StartAsync();
        _channel = _fixture.Open();
        _services = new ServiceService.ServiceServiceClient(_channel);
    }

    public async Task DisposeAsync()
    {
        await (_copy?.DisposeAsync() ?? ValueTask.CompletedTask);
        await _original.DisposeAsync();
        await using (await _fixture.StartAsync())
        {
            await _services.ShutdownAsync(new ShutdownRequest());
        }

        _channel.Dispose();
        _fixture.Dispose();
    }

    [Fact]
    public async Task A_restored_copy_touches_no_process_while_its_original_runs()
    {
        var before = await DeployAsync("before");
        var cells = new CellService.CellServiceClient(_channel);
        var bare = await cells.StartAsync(new CellServiceStartRequest { Executable = new Executable { Name = "bare", Command = "exec sleep 60" } });
        await RestoreAsync();
        var after = await DeployAsync("after");

        using var channel = await StartCopyAsync();
        var (services, health) = (new ServiceService.ServiceServiceClient(channel), new Health.HealthClient(channel));
        var seen = Assert.Single((await services.ListAsync(new ListServicesRequest())).Services);
        Assert.Equal(("before", before.Slot.Pid), (seen.Service.Name, seen.Slot.Pid));
        Assert.Contains($"another daemon (pid {Environment.ProcessId}) supervises", seen.Explanation, StringComparison.Ordinal);
        var status = await new AdminService.AdminServiceClient(channel).StatusAsync(new StatusRequest());
        Assert.Contains("stop that one, then start this one again", status.SupervisionRefused, StringComparison.Ordinal);
        Assert.Contains("no process is touched", _fixture.Log.Text, StringComparison.Ordinal);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(new HealthCheckRequest())).Status);
        foreach (var service in new[] { ServiceService.Descriptor, CellService.Descriptor })
        {
            Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, (await health.CheckAsync(new HealthCheckRequest { Service = service.FullName })).Status);
        }

        await RefusedAsync(services.DeployAsync(new DeployRequest { Spec = ServiceHost.Sleeper("another") }));
        await RefusedAsync(services.StopAsync(new OperateRequest { Name = "before" }));
        await RefusedAsync(services.DeleteAsync(new DeleteServiceRequest { Name = "before" }));
        await RefusedAsync(services.ShutdownAsync(new ShutdownRequest()));
        await RefusedAsync(new CellService.CellServiceClient(channel).StopAsync(new CellServiceStopRequest { ExecutableName = "bare" }));
        await RefusedAsync(new CellService.CellServiceClient(channel).AllocateAsync(new CellServiceAllocateRequest { Cell = new Cell { Name = "cell", Cpu = new(), Cpuset = new(), Memory = new() } }));
        await _copy!.StopAsync(default);
        await _copy.DisposeAsync();
        _copy = null;

        Assert.All([before.Slot.Pid, after.Slot.Pid, bare.Pid], pid => Assert.True(ServiceHost.IsAlive(pid)));
        Assert.Equal([(SlotPhase.Running, after.Slot.Pid), (SlotPhase.Running, before.Slot.Pid)], (await _services.ListAsync(new ListServicesRequest())).Services.Select(service => (service.Slot.Phase, service.Slot.Pid)));
        await cells.StopAsync(new CellServiceStopRequest { ExecutableName = "bare" });
    }

    [Fact]
    public async Task A_restored_copy_goes_on_with_the_processes_when_its_original_is_gone_and_so_does_the_original_after_it()
    {
        var before = await DeployAsync("before");
        await RestoreAsync();
        await _original.StopAsync(default);
        await _original.DisposeAsync();
        using (var channel = await StartCopyAsync())
        {
            var seen = Assert.Single((await new ServiceService.ServiceServiceClient(channel).ListAsync(new ListServicesRequest())).Services);
            Assert.Equal((SlotPhase.Running, before.Slot.Pid, ""), (seen.Slot.Phase, seen.Slot.Pid, _copy!.Parts.SupervisionRefused));
            await _copy.StopAsync(default);
            await _copy.DisposeAsync();
            _copy = null;
        }

        _original = await _fixture.StartAsync();
        Assert.Equal("", _original.Parts.SupervisionRefused);
        Assert.Equal(before.Slot.Pid, Assert.Single((await _services.ListAsync(new ListServicesRequest())).Services).Slot.Pid);
        Assert.True(ServiceHost.IsAlive(before.Slot.Pid));
    }

    private async Task<ServiceStatus> DeployAsync(string name) => await _services.DeployAsync(new DeployRequest { Spec = ServiceHost.Sleeper(name), Wait = true });

    /// <summary>A backup of the original, in a library directory of its own.</summary>
    private async Task RestoreAsync()
    {
        var backup = await _original.Parts.Database.BackupAsync(_fixture["backup.db"], null, default);
        Maintenance.Restore(new DatabaseOptions { Directory = _fixture["copy/lib"], KeyPath = _fixture.Pki.ServerKey }, backup.Path, null, default);
    }

    private async Task<GrpcChannel> StartCopyAsync()
    {
        _copy = await _fixture.StartAsync(("library_dir", _fixture["copy/lib"]), ("runtime_dir", _fixture["copy/run"]));
        return _fixture.Open(_fixture.ClientCertificate(), _fixture["copy/run/aurae.sock"]);
    }

    private static async Task RefusedAsync<T>(AsyncUnaryCall<T> call)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
        Assert.Contains("this daemon supervises nothing", failure.Status.Detail, StringComparison.Ordinal);
    }
}
