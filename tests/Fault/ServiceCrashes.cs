using Aurae.Services.V0;
using Auraed.Domain.Services;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Faults;

/// <summary>A daemon killed at each step of its services: nothing runs twice, nothing that is wanted is down, nothing is left over, and what was acknowledged is there.</summary>
public sealed class ServiceCrashes
{
    /// <summary>What was acknowledged last, by service: wanted and the version, or null when it is gone.</summary>
    private readonly Dictionary<string, (bool Wanted, long Version)?> _acknowledged = [];
    private DoomedDaemon _daemon = null!;
    private ServiceService.ServiceServiceClient Services => new(_daemon.Channel);

    [Theory]
    [InlineData("service.extracting", 1)]
    [InlineData("service.extracted", 1)]
    [InlineData("service.published", 1)]
    [InlineData("service.published", 2)]
    [InlineData("service.deployed", 1)]
    [InlineData("service.deployed", 3)]
    [InlineData("service.wanted", 1)]
    [InlineData("service.wanted", 3)]
    [InlineData("service.prepared", 1)]
    [InlineData("service.prepared", 3)]
    [InlineData("service.recorded", 2)]
    [InlineData("service.launched", 1)]
    [InlineData("service.launched", 3)]
    [InlineData("service.kept", 2)]
    [InlineData("service.kept", 7)]
    [InlineData("service.kept", 15)]
    [InlineData("service.kept", 22)]
    [InlineData("service.swapped", 1)]
    [InlineData("service.cleaned", 1)]
    [InlineData("service.deleted", 1)]
    public async Task A_kill_leaves_services_as_they_were_acknowledged(string point, int times)
    {
        await using var daemon = _daemon = await DoomedDaemon.StartAsync(point, times);
        var first = await ServiceAssets.PutAsync(daemon.Channel, ServiceAssets.Script("one"), "one");
        await ServiceAssets.PutAsync(daemon.Channel, [.. ServiceAssets.Script("two"), .. new byte[300_000]], "two");
        daemon.Arm();
        await daemon.CallAsync(Calls());
        await daemon.ReturnAsync();
        await ServiceAssets.CollectAsync(daemon.Channel);
        await Eventually.HoldsAsync(async () => (await ListAsync()).All(IsAsAsked), "all is as asked for");
        var services = await ListAsync();
        foreach (var (name, state) in _acknowledged)
        {
            var service = services.FirstOrDefault(status => status.Service.Name == name)?.Service;
            Assert.True(state is null ? service is null : service is not null, $"{name} is {(service is null ? "gone" : "there")}");
        }

        await Eventually.HoldsAsync(
            () => daemon.Running("AURAE_SERVICE") is var running && running.All(group => group.Count() == 1)
                && services.All(status => running.Contains(status.Service.Name) == status.Service.Wanted) && running.Count == services.Count(status => status.Service.Wanted),
            "each that is wanted runs once, and nothing else does");
        AssertNothingIsLeft(services);
        // And it goes on from there: what was cut off can be done now.
        await new ServiceService.ServiceServiceClient(daemon.Channel).DeployAsync(new DeployRequest { Spec = App("one"), Wait = true });
        Assert.Equal(first, (await Services.GetAsync(new GetServiceRequest { Name = "app" })).Spec.Artifact.Caid);
        foreach (var name in new[] { "app", "api", "db" }.Where(name => name == "app" || services.Any(status => status.Service.Name == name)))
        {
            await Services.DeleteAsync(new DeleteServiceRequest { Name = name });
        }

        Assert.Empty(daemon.Running("AURAE_SERVICE"));
        AssertNothingIsLeft([]);
    }

    private IEnumerable<Func<Task>> Calls()
    {
        yield return () => AskAsync("app", true, 1, () => Services.DeployAsync(new DeployRequest { Spec = App("one"), Wait = true }).ResponseAsync);
        yield return () => AskAsync("db", true, 1, () => Services.DeployAsync(new DeployRequest { Spec = Sleeper("db"), Wait = true }).ResponseAsync);
        yield return () => AskAsync("api", true, 1, () => Services.DeployAsync(new DeployRequest { Spec = Sleeper("api", "db"), Wait = true }).ResponseAsync);
        yield return () => AskAsync("app", true, 2, () => Services.HotSwapAsync(new HotSwapRequest { Name = "app", Spec = App("two") }).ResponseAsync);
        yield return () => AskAsync("db", false, 1, () => Services.StopAsync(new OperateRequest { Name = "db", Wait = true }).ResponseAsync);
        yield return () => AskAsync("api", true, 1, () => Services.StartAsync(new OperateRequest { Name = "api", Wait = true }).ResponseAsync);
        yield return () => AskAsync("db", true, 1, () => Services.RestartAsync(new OperateRequest { Name = "db", Wait = true }).ResponseAsync);
        yield return () => AskAsync("app", true, 1, () => Services.RollbackAsync(new RollbackRequest { Name = "app", Wait = true }).ResponseAsync);
        yield return async () =>
        {
            // Until it is answered, either may be.
            _acknowledged.Remove("app");
            await Services.DeleteAsync(new DeleteServiceRequest { Name = "app" });
            _acknowledged["app"] = null;
        };
    }

    private async Task AskAsync(string name, bool isWanted, long version, Func<Task<ServiceStatus>> call)
    {
        var status = await call();
        Assert.Equal((isWanted, version), (status.Service.Wanted, status.Service.Version));
        _acknowledged[name] = (isWanted, version);
    }

    private async Task<List<ServiceStatus>> ListAsync() => [.. (await Services.ListAsync(new ListServicesRequest())).Services];

    private static bool IsAsAsked(ServiceStatus status) => status.Service.Wanted
        ? status.Slot is { Phase: SlotPhase.Running } && status.Slot.Version == status.Service.Version
        : status.Slot is null or { Phase: SlotPhase.Stopped };

    private void AssertNothingIsLeft(List<ServiceStatus> services)
    {
        var logs = Directory.EnumerateFiles(Path.Combine(_daemon.Library, "logs", "services"), "*.log").Select(path => Path.GetFileName(path).Split('.')[2]).Distinct();
        Assert.Empty(logs.Except(services.Select(status => status.Service.Name)));
        var programs = Path.Combine(_daemon.Library, "programs");
        Assert.True(services.Any(status => status.Service.Name == "app") || !Directory.EnumerateFileSystemEntries(programs).Any(), "a program is left");
        Assert.Empty(Directory.EnumerateFiles(programs, ".*.partial", SearchOption.AllDirectories));
    }

    private ServiceSpec App(string asset) => new()
    {
        Name = "app",
        Artifact = new Artifact { Caid = asset },
        Environment = { new EnvironmentVariable { Name = "MARK", Value = _daemon.Mark } },
        Stop = new Stop { Grace = new() { Seconds = 2 } },
        Drain = new(),
    };

    private ServiceSpec Sleeper(string name, params string[] requires)
    {
        var spec = ServiceHost.Sleeper(name, requires);
        spec.Environment.Add(new EnvironmentVariable { Name = "MARK", Value = _daemon.Mark });
        return spec;
    }
}
