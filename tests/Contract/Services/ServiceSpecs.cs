using Aurae.Documents.V0;
using Aurae.Records.V0;
using Aurae.Services.V0;
using Auraed.Supervise;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Auraed.Tests.Contract.Services;

/// <summary>What a specification asks for is what the process gets.</summary>
public sealed class ServiceSpecs : IAsyncLifetime
{
    private ServiceHost _host = null!;

    public async Task InitializeAsync() => _host = await ServiceHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_process_has_its_user_directory_mask_limits_and_nothing_of_the_daemons_environment()
    {
        var spec = ServiceHost.Shell("a", "id -u; id -g; pwd; umask; ulimit -Sn; ulimit -Hn; ulimit -c; env | sort | tr '\\n' ' '; grep -c 'NoNewPrivs:.1' /proc/self/status");
        spec.WorkingDirectory = "/tmp";
        spec.FileMask = "027";
        spec.Restart = new Restart { Policy = Restart.Types.Policy.No };
        spec.Environment.Add(new EnvironmentVariable { Name = "GREETING", Value = "hello ${AURAE_PORT}" });
        spec.Registration = new Registration { Address = "127.0.0.1:4567" };
        spec.Limits = new ResourceLimits { Bounds = { new ProcessBound { Name = "nofile", Soft = 77, Hard = 99 }, new ProcessBound { Name = "core", Soft = 0, Hard = 0 } } };
        (uint user, uint group) = Processes.Own;
        if (Environment.IsPrivilegedProcess)
        {
            (spec.User, user, group) = ("daemon:adm", 1, 4);
        }

        await _host.DeployAsync(spec);
        await _host.BecomesAsync("a", SlotPhase.Finished);
        var lines = await _host.LinesAsync("a");
        Assert.Equal([$"{user}", $"{group}", "/tmp", "0027", "77", "99", "0"], lines[..7]);
        string[] names = [.. lines[7].Split(' ').Where(word => word.Contains('=', StringComparison.Ordinal)).Select(word => word.Split('=')[0])];
        string[] expected = ["AURAE_ADDRESS", "AURAE_INSTANCE", "AURAE_PORT", "AURAE_SERVICE", "AURAE_TENANT", "AURAE_VERSION", "GREETING", "PATH", "PWD"];
        Assert.Equal(Environment.IsPrivilegedProcess ? [.. expected[..7], "HOME", .. expected[7..], "USER"] : expected, names);
        Assert.Contains("GREETING=hello 4567 ", lines[7], StringComparison.Ordinal);
        Assert.EndsWith("1", lines[7], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_that_the_host_does_not_have_is_named()
    {
        var spec = ServiceHost.Sleeper("a");
        (spec.User, spec.Restart) = ("no-such-user", new Restart { Policy = Restart.Types.Policy.No });
        Assert.Contains("this host has no user 'no-such-user'", (await _host.DeployAsync(spec)).Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Variables_come_out_of_documents_when_an_instance_is_launched()
    {
        await PutAsync("one", 5432);
        var spec = ServiceHost.Shell("a", "echo $HOST $PORT $ON; exec sleep 1000");
        spec.Restart = new Restart { Policy = Restart.Types.Policy.No };
        foreach (var (name, path) in new[] { ("HOST", "db.host"), ("PORT", "db.port"), ("ON", "db.on") })
        {
            spec.Environment.Add(new EnvironmentVariable { Name = name, Config = new ConfigReference { Document = "settings", Path = path } });
        }

        await _host.DeployAsync(spec);
        await Eventually.HoldsAsync(async () => (await _host.LinesAsync("a")).SequenceEqual(["one 5432 true"]), "it has what stands in the document");
        await PutAsync("two", 1.5);
        await _host.Services.RestartAsync(new OperateRequest { Name = "a", Wait = true });
        await Eventually.HoldsAsync(async () => (await _host.LinesAsync("a")).LastOrDefault() == "two 1.5 true", "it has what stands there now");

        spec.Environment[0].Config.Path = "db.missing";
        Assert.Contains("HOST is to come from db.missing of document 'settings', which has no such field", (await _host.DeployAsync(spec)).Explanation, StringComparison.Ordinal);
        spec.Environment[0].Config.Path = "db";
        Assert.Contains("is no text, number or truth value", (await _host.DeployAsync(spec)).Explanation, StringComparison.Ordinal);
        spec.Environment[0].Config.Document = "other";
        Assert.Contains("document 'other', which is not there", (await _host.DeployAsync(spec)).Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_is_in_force_and_shown_or_refused_by_name_with_nothing_made()
    {
        var spec = ServiceHost.Sleeper("a");
        spec.Limits = new ResourceLimits { MemoryMax = 64 << 20, ProcessesMax = 7, CpuMax = 0.5, CpuWeight = 50 };
        if (!Controllers().IsSupersetOf(["memory", "pids", "cpu"]))
        {
            var failure = await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "spec.limits", () => _host.DeployAsync(spec));
            Assert.Matches("controller '(cpu|memory|pids)' is not available|no cgroup v2 tree|needs a cgroup v2 tree", failure.Status.Detail);
            Assert.Empty(await _host.ListAsync());
            return;
        }

        var status = await _host.DeployAsync(spec);
        var node = "/sys/fs/cgroup" + (await File.ReadAllTextAsync($"/proc/{status.Slot.Pid}/cgroup")).Split("0::")[1].Trim();
        Assert.Equal(["67108864", "7", "50000 100000", "50"], new[] { "memory.max", "pids.max", "cpu.max", "cpu.weight" }.Select(file => File.ReadAllText($"{node}/{file}").Trim()));
        Assert.Equal((1L, true), (status.Processes, status.HasMemoryBytes && status.HasCpuSeconds));
    }

    private static HashSet<string> Controllers() =>
        File.Exists("/sys/fs/cgroup/cgroup.controllers") ? [.. File.ReadAllText("/sys/fs/cgroup/cgroup.controllers").Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)] : [];

    private async Task PutAsync(string host, double port)
    {
        var body = Struct.Parser.ParseJson($"{{\"db\": {{\"host\": \"{host}\", \"port\": {port.ToString(System.Globalization.CultureInfo.InvariantCulture)}, \"on\": true}}}}");
        var records = new RecordService.RecordServiceClient(_host.Channel);
        await records.UpdateAsync(new UpdateRecordRequest { Record = RecordServer.Draft(new Document { Id = "settings", Body = body }), AllowMissing = true });
    }
}
