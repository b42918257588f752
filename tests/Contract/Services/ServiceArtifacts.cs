using Aurae.Assets.V0;
using Aurae.Services.V0;
using Auraed.Tests.Support;
using Grpc.Core;

namespace Auraed.Tests.Contract.Services;

/// <summary>Services whose program is an asset.</summary>
public sealed class ServiceArtifacts : IAsyncLifetime
{
    private ServiceHost _host = null!;

    public async Task InitializeAsync() => _host = await ServiceHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    private AssetService.AssetServiceClient Assets => new(_host.Channel);

    [Fact]
    public async Task A_version_keeps_its_asset_and_runs_it_again_after_a_rollback()
    {
        var first = await ServiceAssets.PutAsync(_host.Channel, ServiceAssets.Script("one"), "app");
        var made = await _host.DeployAsync(App());
        Assert.Equal((SlotPhase.Running, first), (made.Slot.Phase, made.Spec.Artifact.Caid));
        Assert.Equal(1, (await _host.DeployAsync(App())).Service.NewestVersion);
        await SaidAsync("one");

        var second = await ServiceAssets.PutAsync(_host.Channel, ServiceAssets.Script("two"), "app");
        Assert.Equal(1, (await _host.DeployAsync(made.Spec)).Service.NewestVersion);
        Assert.Equal((2L, second), (await _host.DeployAsync(App())) is var changed ? (changed.Service.Version, changed.Spec.Artifact.Caid) : default);
        await SaidAsync("one", "two");
        await FailsToDeleteAsync(first);
        await ServiceAssets.CollectAsync(_host.Channel);
        File.Delete(ProgramOf(first));
        var back = await _host.Services.RollbackAsync(new RollbackRequest { Name = "app", Wait = true });
        Assert.Equal((SlotPhase.Running, first), (back.Slot.Phase, back.Spec.Artifact.Caid));
        await SaidAsync("one", "two", "one");

        // A third version later nothing needs the second any more.
        await _host.DeployAsync(ServiceHost.Sleeper("app"));
        Assert.Equal([2L], (await _host.Services.PruneVersionsAsync(new PruneVersionsRequest { Name = "app", Keep = 1 })).Removed);
        Assert.False(File.Exists(ProgramOf(second)));
        await Assets.DeleteAsync(new DeleteAssetRequest { Asset = second, Untag = true });
        await FailsToDeleteAsync(first);
        await _host.Services.DeleteAsync(new DeleteServiceRequest { Name = "app" });
        Assert.Empty(Directory.EnumerateFileSystemEntries(Programs));
        await Assets.DeleteAsync(new DeleteAssetRequest { Asset = first });
    }

    /// <summary>A program runs before it has said its word: one that is replaced sooner says nothing.</summary>
    private Task SaidAsync(params string[] words) => Eventually.HoldsAsync(
        async () => (await _host.LinesAsync("app")).Select(line => line.Split(' ')[0]).SequenceEqual(words), $"what was said is {string.Join(", ", words)}");

    [Fact]
    public async Task A_program_is_named_by_its_entry_point_and_run_by_a_user_who_may_not_enter_the_daemons_directory()
    {
        await ServiceAssets.PutAsync(_host.Channel, await File.ReadAllBytesAsync("/bin/sleep"), "bin");
        var spec = new ServiceSpec { Name = "s", Artifact = new Artifact { Caid = "bin", EntryPoint = "dozer" }, Arguments = { "1000" }, User = Environment.IsPrivilegedProcess ? "nobody" : "" };
        var status = await _host.DeployAsync(spec);
        Assert.Equal(("it runs", "dozer"), (status.Explanation, (await File.ReadAllTextAsync($"/proc/{status.Slot.Pid}/comm")).Trim()));
        Assert.Equal("dozer\u00001000\u0000", await File.ReadAllTextAsync($"/proc/{status.Slot.Pid}/cmdline"));
        // Nothing of the daemon's is open in it.
        Assert.Equal(3, Directory.EnumerateFileSystemEntries($"/proc/{status.Slot.Pid}/fd").Count());

        await ServiceAssets.PutAsync(_host.Channel, ServiceAssets.Script("hello"), "script");
        spec.Artifact.Caid = "script";
        spec.Isolation = new Isolation { Mount = Environment.IsPrivilegedProcess };
        Assert.Equal("it runs", (await _host.DeployAsync(spec)).Explanation);
    }

    [Fact]
    public async Task A_damaged_program_is_written_anew_before_it_runs()
    {
        var id = await ServiceAssets.PutAsync(_host.Channel, ServiceAssets.Script("sound"), "app");
        await _host.DeployAsync(App());
        var said = 1;
        await SaysAsync();
        await _host.Services.StopAsync(new OperateRequest { Name = "app", Wait = true });
        // Within one run of the daemon, and across a restart.
        foreach (var isRestarted in new[] { false, true })
        {
            File.SetUnixFileMode(ProgramOf(id), File.GetUnixFileMode(ProgramOf(id)) | UnixFileMode.UserWrite);
            await File.WriteAllBytesAsync(ProgramOf(id), ServiceAssets.Script("hurt!"));
            await File.WriteAllTextAsync(Path.Combine(Programs, id, ".app.partial"), "half");
            if (isRestarted)
            {
                await _host.StopDaemonAsync();
                Directory.CreateDirectory(Path.Combine(Programs, "nobodys"));
                await _host.StartDaemonAsync();
                Assert.Equal([id], Directory.EnumerateFileSystemEntries(Programs).Select(path => Path.GetFileName(path)));
            }

            await _host.Services.StartAsync(new OperateRequest { Name = "app", Wait = true });
            said++;
            await SaysAsync();
            Assert.Equal(ServiceAssets.Script("sound"), await File.ReadAllBytesAsync(ProgramOf(id)));
            await _host.Services.StopAsync(new OperateRequest { Name = "app", Wait = true });
        }

        Assert.Equal(["app"], Directory.EnumerateFileSystemEntries(Path.Combine(Programs, id)).Select(path => Path.GetFileName(path)));

        Task SaysAsync() => Eventually.HoldsAsync(
            async () => (await _host.LinesAsync("app")) is var lines && lines.Count == said && lines.All(line => line.StartsWith("sound", StringComparison.Ordinal)), "each start said its word");
    }

    [Fact]
    public async Task What_is_no_program_is_refused()
    {
        await RecordServer.FailsAsync(StatusCode.NotFound, "spec.artifact.caid", () => _host.DeployAsync(App()));
        await ServiceAssets.PutAsync(_host.Channel, "text"u8.ToArray(), "app");
        await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "spec.artifact.caid", () => _host.DeployAsync(App()));
        foreach (var (field, change) in new (string, Action<ServiceSpec>)[]
        {
            ("spec.command", spec => spec.Command = "/bin/sh"),
            ("spec.artifact.caid", spec => spec.Artifact.Caid = ""),
            ("spec.artifact.entry_point", spec => spec.Artifact.EntryPoint = "bin/app"),
            ("spec.artifact.entry_point", spec => spec.Artifact.EntryPoint = ".."),
            ("spec.log_bytes_max", spec => spec.LogBytesMax = 1),
        })
        {
            var spec = App();
            change(spec);
            await RecordServer.FailsAsync(StatusCode.InvalidArgument, field, () => _host.DeployAsync(spec));
        }

        Assert.Empty(await _host.ListAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Programs));
    }

    private string Programs => Path.Combine(_host.Library, "programs");

    private string ProgramOf(string id) => Path.Combine(Programs, id, "app");

    private static ServiceSpec App() => new() { Name = "app", Artifact = new Artifact { Caid = "app" }, Stop = new Stop { Grace = new() { Seconds = 2 } } };

    private Task FailsToDeleteAsync(string id) =>
        RecordServer.FailsAsync(StatusCode.FailedPrecondition, null, () => Assets.DeleteAsync(new DeleteAssetRequest { Asset = id, Untag = true }).ResponseAsync);
}
