using Auraed.Base;
using Auraed.Supervise;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Supervise;

/// <summary>Nodes in this host's own cgroup v2 tree. A host without one says why, which is then what is checked.</summary>
public sealed class CgroupNodes : IDisposable
{
    private readonly string _node = $"tests/{Guid.NewGuid():N}";
    private readonly Cgroups? _cgroups = Cgroups.Find("tests", out string reason) is { } found && reason.Length == 0 ? found : null;
    private readonly Processes _processes = new(TimeProvider.System);

    [Fact]
    public async Task A_kill_reaches_what_has_left_its_session_and_parent()
    {
        if (_cgroups is null)
        {
            Assert.Null(Cgroups.Find("tests", out string reason));
            Assert.NotEmpty(reason);
            return;
        }

        _cgroups.Create(_node, CgroupBounds.None, "_");
        var spec = new LaunchSpec { Program = "sh", Arguments = ["-c", "setsid sh -c 'sleep 60 & sleep 60 & wait' & sleep 0.1"], Cgroup = _cgroups.PathOf(_node + "/_") };
        await using PreparedProcess prepared = await _processes.PrepareAsync(spec, default);
        using SupervisedProcess process = await prepared.GoAsync(default);
        Assert.True((await process.Ended).IsSuccess);
        Assert.True(_cgroups.Use(_node).IsPopulated);
        await _cgroups.KillAsync(_node, TimeProvider.System, default);
        Assert.False(_cgroups.Use(_node).IsPopulated);
        _cgroups.Remove(_node);
        Assert.False(_cgroups.Exists(_node));
    }

    [Fact]
    public void A_bound_that_the_host_cannot_give_is_refused_and_nothing_is_left()
    {
        using var tree = new TemporaryDirectory();
        var cgroups = Cgroups.At(tree.Path);
        File.WriteAllText(tree["cgroup.controllers"], "cpu pids\n");
        File.WriteAllText(tree["cgroup.subtree_control"], "cpu pids\n");
        Fault fault = Assert.Throws<Fault>(() => cgroups.Create("cells/a", new CgroupBounds { CpuWeight = 2, MemoryMax = 1 << 20 }, "_"));
        Assert.Equal($"the controller 'memory' is not available in cgroup {tree.Path}", fault.Message);
        Assert.False(Directory.Exists(cgroups.Directory));
    }

    [Fact]
    public void A_node_that_exists_is_adopted()
    {
        using var tree = new TemporaryDirectory();
        var cgroups = Cgroups.At(tree.Path);
        cgroups.Create("cells/a", CgroupBounds.None, "_");
        cgroups.Create("cells/a/b", CgroupBounds.None, "_");
        cgroups.Create("cells/a", CgroupBounds.None, "_");
        Assert.Equal(["_", "b"], cgroups.Children("cells/a").Order(StringComparer.Ordinal));
        cgroups.Remove("cells/a");
        Assert.Empty(cgroups.Children("cells"));
    }

    [Fact]
    public void What_the_kernel_ended_for_want_of_memory_is_counted()
    {
        using var tree = new TemporaryDirectory();
        var cgroups = Cgroups.At(tree.Path);
        cgroups.Create("services/a", CgroupBounds.None);
        Assert.Equal(0, cgroups.OutOfMemoryKills("services/a"));
        File.WriteAllText(cgroups.PathOf("services/a/memory.events"), "low 0\nhigh 3\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n");
        Assert.Equal(2, cgroups.OutOfMemoryKills("services/a"));
    }

    [Fact]
    public void Workloads_are_in_the_unit_beside_the_daemons_where_there_is_one()
    {
        using var tree = new TemporaryDirectory();
        Assert.Equal($"{tree.Path}/system.slice/auraed.service", Cgroups.NodeOf(tree.Path, "/system.slice/auraed.service"));
        Directory.CreateDirectory(tree["system.slice/auraed-workloads.service"]);
        Assert.Equal($"{tree.Path}/system.slice/auraed-workloads.service", Cgroups.NodeOf(tree.Path, "/system.slice/auraed.service"));
        Assert.Equal($"{tree.Path}/system.slice/session-1.scope", Cgroups.NodeOf(tree.Path, "/system.slice/session-1.scope"));
        Assert.Equal(tree.Path, Cgroups.NodeOf(tree.Path, string.Empty));
    }

    [Fact]
    public void The_processes_of_a_node_are_those_below_it_too()
    {
        using var tree = new TemporaryDirectory();
        var cgroups = Cgroups.At(tree.Path);
        cgroups.Create("cells/a/b", CgroupBounds.None);
        File.WriteAllText(cgroups.PathOf("cells/a/cgroup.procs"), "12\n");
        File.WriteAllText(cgroups.PathOf("cells/a/b/cgroup.procs"), "13\n14\n");
        Assert.Equal([12, 13, 14], cgroups.ProcessesOf("cells/a"));
        Assert.Empty(cgroups.ProcessesOf("cells/c"));
        Assert.Equal("/aurae/test/cells/a/", cgroups.TailOf("cells/a"));
    }

    [Fact]
    public void Every_bound_is_written_to_its_file()
    {
        var bounds = new CgroupBounds
        {
            CpuWeight = 2, CpuMax = 400000, CpuPeriod = 500000, Cpus = "0-1", MemoryNodes = "0", MemoryMin = 1, MemoryLow = 2, MemoryHigh = 3, MemoryMax = 4, ProcessesMax = 5, IoWeight = 6,
            IoMax = ["8:0 rbps=7"],
        };
        Assert.Equal(
            [
                "cpu.weight 2", "cpu.max 400000 500000", "cpuset.cpus 0-1", "cpuset.mems 0", "memory.min 1", "memory.low 2", "memory.high 3", "memory.max 4", "pids.max 5",
                "io.weight 6", "io.max 8:0 rbps=7",
            ],
            bounds.Writes().Select(write => $"{write.File} {write.Text}"));
        Assert.Equal("max 500000", new CgroupBounds { CpuPeriod = 500000 }.Writes().Single().Text);
        Assert.Empty(CgroupBounds.None.Writes());
    }

    public void Dispose()
    {
        _cgroups?.Remove(_node);
        _processes.Dispose();
    }
}
