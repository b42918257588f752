using Aurae.Services.V0;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Services;

/// <summary>What requires a service goes before it, and within its grace.</summary>
public sealed class ServiceStops : IAsyncLifetime
{
    private ServiceHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await ServiceHost.StartAsync();
        await _host.DeployAsync(Slow("db"));
        await _host.DeployAsync(Slow("api", "db"));
        await _host.DeployAsync(Slow("web", "api"));
        await _host.DeployAsync(ServiceHost.Sleeper("other"));
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_stop_takes_along_what_requires_the_service_and_a_restart_does_not()
    {
        var before = await SlotsAsync();
        await _host.Services.RestartAsync(new OperateRequest { Name = "db", Wait = true });
        var after = await SlotsAsync();
        Assert.Equal((2L, 1L, 1L), (after["db"].Instance, after["api"].Instance, after["web"].Instance));
        Assert.Equal(before["web"].Pid, after["web"].Pid);

        await _host.Services.StopAsync(new OperateRequest { Name = "db", Wait = true });
        after = await SlotsAsync();
        Assert.All(["db", "api", "web"], name => Assert.Equal((SlotPhase.Stopped, false), (after[name].Phase, ServiceHost.IsAlive(before[name].Pid))));
        Assert.Equal(SlotPhase.Running, after["other"].Phase);
        AssertOrder(after);
        Assert.All(await _host.ListAsync(), status => Assert.Equal(status.Service.Name == "other", status.Service.Wanted));

        // A restart of the daemon brings none of them back, a start brings what is required.
        await _host.StopDaemonAsync();
        await _host.StartDaemonAsync();
        Assert.Equal(["other"], (await _host.ListAsync()).Where(status => status.Slot.Phase != SlotPhase.Stopped).Select(status => status.Service.Name));
        await _host.Services.StartAsync(new OperateRequest { Name = "api", Wait = true });
        Assert.Equal(["api", "db", "other"], (await _host.ListAsync()).Where(status => status.Slot.Phase == SlotPhase.Running).Select(status => status.Service.Name));
    }

    [Fact]
    public async Task A_stop_that_the_daemon_does_not_live_to_see_through_goes_on_in_its_order()
    {
        await _host.Services.StopAsync(new OperateRequest { Name = "db" });
        await _host.StopDaemonAsync();
        await _host.StartDaemonAsync();
        await Eventually.HoldsAsync(async () => (await SlotsAsync()).Where(pair => pair.Key != "other").All(pair => pair.Value.Phase == SlotPhase.Stopped), "all three are down");
        AssertOrder(await SlotsAsync());
    }

    [Fact]
    public async Task A_shutdown_stops_in_reverse_order_and_kills_at_the_end_of_the_grace()
    {
        var deaf = ServiceHost.Shell("deaf", "trap '' TERM; echo deaf; while true; do sleep 1000; done");
        (deaf.Stop, deaf.Dependencies) = (new Stop { Grace = new() { Nanos = 300_000_000 } }, new Dependencies { After = { "web" } });
        var pid = (await _host.DeployAsync(deaf)).Slot.Pid;
        await Eventually.HoldsAsync(async () => (await _host.LinesAsync("deaf")).Count == 1, "it is deaf");
        Assert.Equal(5, (await _host.Services.ShutdownAsync(new ShutdownRequest())).Stopped);
        var slots = await SlotsAsync();
        Assert.All(slots.Values, slot => Assert.Equal(SlotPhase.Stopped, slot.Phase));
        AssertOrder(slots);
        Assert.Contains(slots["deaf"].History, moment => moment.Phase == SlotPhase.Killing);
        Assert.True(Moment(slots["deaf"], SlotPhase.Stopped) <= Moment(slots["web"], SlotPhase.Stopping), "deaf was down before web was stopped");
        Assert.False(ServiceHost.IsAlive(pid));
        // What is asked for stays: the next start brings all back.
        await _host.StopDaemonAsync();
        await _host.StartDaemonAsync();
        await _host.BecomesAsync("deaf", SlotPhase.Running);
        Assert.All(await _host.ListAsync(), status => Assert.Equal(SlotPhase.Running, status.Slot.Phase));
    }

    [Fact]
    public async Task A_shutdown_and_a_stop_come_to_an_end_where_everything_is_down_already()
    {
        await _host.Services.StopAsync(new OperateRequest { Name = "db", Wait = true });
        await _host.Services.StopAsync(new OperateRequest { Name = "other", Wait = true });
        await _host.Services.StopAsync(new OperateRequest { Name = "db", Wait = true });
        // Three deep and not one end to wait for.
        Assert.Equal(0, (await _host.Services.ShutdownAsync(new ShutdownRequest(), deadline: DateTime.UtcNow.AddSeconds(20))).Stopped);
    }

    private static void AssertOrder(Dictionary<string, ServiceSlot> slots)
    {
        foreach (var (first, then) in new[] { ("web", "api"), ("api", "db") })
        {
            Assert.True(Moment(slots[first], SlotPhase.Stopped) <= Moment(slots[then], SlotPhase.Stopping), $"{first} was down before {then} was stopped");
        }
    }

    private static DateTimeOffset Moment(ServiceSlot slot, SlotPhase phase) => slot.History.Last(moment => moment.Phase == phase).Time.ToDateTimeOffset();

    private async Task<Dictionary<string, ServiceSlot>> SlotsAsync() => (await _host.ListAsync()).ToDictionary(status => status.Service.Name, status => status.Slot);

    /// <summary>Takes a while to stop, so that an order shows.</summary>
    private static ServiceSpec Slow(string name, params string[] requires)
    {
        var spec = ServiceHost.Shell(name, "trap 'sleep 0.2; exit 0' TERM; while true; do sleep 0.05; done");
        spec.Dependencies = new Dependencies { Requires = { requires } };
        return spec;
    }
}
