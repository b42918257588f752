using Aurae.Services.V0;
using Auraed.Native;
using Auraed.Supervise;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Tests.Contract.Services;

/// <summary>What programs do to whoever supervises them.</summary>
public sealed class ServiceEdges : IAsyncLifetime
{
    private ServiceHost _host = null!;

    public async Task InitializeAsync() => _host = await ServiceHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task What_a_program_leaves_behind_when_it_exits_goes_before_the_next_instance()
    {
        var pids = _host["pids"];
        var spec = ServiceHost.Shell("forker", $"(setsid sh -c 'echo $$ >> {pids}; exec sleep 1000' &) ; until [ -s {pids} ]; do sleep 0.01; done; [ $AURAE_INSTANCE = 3 ] && exec sleep 1000; exit 0");
        spec.Restart = new Restart { Policy = Restart.Types.Policy.Always, BackOffMin = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(50)) };
        await _host.DeployAsync(spec, isAwaited: false);
        await Eventually.HoldsAsync(async () => (await _host.GetAsync("forker")).Slot is { Instance: 3, Phase: SlotPhase.Running } && Left().Length >= 2, "the third instance runs");
        var alive = Left().Where(ServiceHost.IsAlive).ToArray();
        Assert.True(alive.Length <= 1, $"{alive.Length} of earlier instances live on");

        int[] Left() => File.Exists(pids) ? [.. File.ReadAllLines(pids).Select(line => int.Parse(line, null))] : [];
    }

    [Fact]
    public async Task A_program_that_is_replaced_runs_on_and_the_next_instance_is_the_new_one()
    {
        var program = _host["program"];
        Write("#!/bin/sh\necho old\nexec sleep 1000\n");
        await _host.DeployAsync(new ServiceSpec { Name = "app", Command = program });
        // The shell opens its script by name, some time after it runs.
        await Eventually.HoldsAsync(async () => string.Join(' ', await _host.LinesAsync("app")) == "old", "the program has spoken");
        var before = await _host.GetAsync("app");
        Write("#!/bin/sh\necho new\nexec sleep 1000\n");
        await _host.StopDaemonAsync();
        await _host.StartDaemonAsync();
        Assert.Equal(before.Slot.Pid, (await _host.GetAsync("app")).Slot.Pid);
        await _host.Services.RestartAsync(new OperateRequest { Name = "app", Wait = true });
        await Eventually.HoldsAsync(async () => string.Join(' ', await _host.LinesAsync("app")) == "old new", "the new program has spoken");

        void Write(string text)
        {
            File.WriteAllText(program + ".new", text);
            File.SetUnixFileMode(program + ".new", UnixFileMode.UserRead | UnixFileMode.UserExecute);
            File.Move(program + ".new", program, overwrite: true);
        }
    }

    [Fact]
    public async Task A_daemon_that_starts_again_and_again_starts_a_failing_service_no_more_often()
    {
        var spec = ServiceHost.Shell("loop", "echo $AURAE_INSTANCE; exit 1");
        spec.Restart = new Restart { BackOffMin = new Duration { Seconds = 3600 }, BackOffMax = new Duration { Seconds = 3600 } };
        await _host.DeployAsync(spec, isAwaited: false);
        await _host.BecomesAsync("loop", SlotPhase.Delayed);
        for (var round = 0; round < 5; round++)
        {
            await _host.StopDaemonAsync();
            await _host.StartDaemonAsync();
            Assert.Equal((SlotPhase.Delayed, 1L), ((await _host.GetAsync("loop")).Slot.Phase, (await _host.GetAsync("loop")).Slot.Instance));
        }

        Assert.Equal(["1"], await _host.LinesAsync("loop"));
    }

    [Fact]
    public async Task A_firehose_is_kept_within_its_bound_while_it_goes_on()
    {
        const long bound = 64 * 1024;
        const long written = 256 * 1024 * 1024;
        var spec = ServiceHost.Shell("hose", $"yes 'a line of thirty-two characters, ok' | head -c {written}; exec sleep 1000");
        spec.LogBytesMax = bound;
        await _host.DeployAsync(spec);
        var log = Path.Combine(_host.Library, "logs", "services", "service.default.hose.out.log");
        await Eventually.HoldsAsync(() => new FileInfo(log).Length >= written, "all is written");
        await Eventually.HoldsAsync(() => Kept(log) <= bound, "what is kept is within its bound");
        Assert.NotEmpty(await _host.LinesAsync("hose", request => request.Tail = 10));

        static long Kept(string path)
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var end = RandomAccess.GetLength(file);
            return end - FileHoles.FirstData(file, end);
        }
    }

    [Fact]
    public async Task A_program_that_ignores_its_signals_is_killed_at_the_end_of_its_grace_with_what_it_started()
    {
        var spec = ServiceHost.Shell("deaf", "trap '' TERM INT HUP; (trap '' TERM; sleep 1000) & echo $!; while :; do sleep 1; done");
        spec.Stop = new Stop { Grace = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(100)) };
        await _host.DeployAsync(spec);
        await Eventually.HoldsAsync(async () => (await _host.LinesAsync("deaf")).Count == 1, "it has started its child");
        var child = int.Parse((await _host.LinesAsync("deaf"))[0], null);
        var pid = (await _host.GetAsync("deaf")).Slot.Pid;
        var stopped = await _host.Services.StopAsync(new OperateRequest { Name = "deaf", Wait = true });
        Assert.Equal((SlotPhase.Stopped, false, false), (stopped.Slot.Phase, ServiceHost.IsAlive(pid), ServiceHost.IsAlive(child)));
        Assert.Contains(stopped.Slot.History, moment => moment.Phase == SlotPhase.Killing);
    }

    [Fact]
    public async Task A_log_that_the_disk_refuses_delays_a_start_with_the_reason_and_lets_go_of_nothing_that_runs()
    {
        var log = Path.Combine(_host.Library, "logs", "services", "service.default.mute.out.log");
        await _host.DeployAsync(ServiceHost.Sleeper("other"));
        Directory.CreateDirectory(log);
        var spec = ServiceHost.Sleeper("mute");
        spec.Restart = new Restart { BackOffMin = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(100)), BackOffMax = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(100)), StartCountMax = 0 };
        await _host.DeployAsync(spec, isAwaited: false);
        await Eventually.HoldsAsync(async () => (await _host.GetAsync("mute")).Explanation.Contains($"the log {log} cannot be opened", StringComparison.Ordinal), "the reason is told");
        Directory.Delete(log);
        await _host.BecomesAsync("mute", SlotPhase.Running);

        var before = (await _host.ListAsync()).Select(status => status.Slot.Pid).ToArray();
        await _host.StopDaemonAsync();
        File.Delete(log);
        Directory.CreateDirectory(log);
        await _host.StartDaemonAsync();
        Assert.Equal(before, (await _host.ListAsync()).Select(status => status.Slot.Pid));
        // Its supervision goes on as well.
        Assert.Equal(SlotPhase.Stopped, (await _host.Services.StopAsync(new OperateRequest { Name = "mute", Wait = true })).Slot.Phase);
        Directory.Delete(log);
    }
}
