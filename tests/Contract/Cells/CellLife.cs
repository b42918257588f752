using Aurae.Cells.V0;
using Aurae.Hosts.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Domain.Cells;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Supervise;
using Auraed.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Auraed.Tests.Contract.Cells;

/// <summary>Cells over a real file, with real processes; a daemon's end is the end of the objects, after which others find everything again.</summary>
public sealed class CellLife : IAsyncLifetime
{
    private readonly StoreFixture _store = new();
    private readonly string _root = $"t{Guid.NewGuid():N}"[..12];
    private Cgroups? _cgroups;
    private Database _database = null!;
    private Processes _processes = null!;
    private ProcessLogs _logs = null!;
    private RecordStore _records = null!;
    private CellHost _cells = null!;

    [Fact]
    public async Task Cells_are_listed_as_they_were_allocated_before_and_after_a_restart()
    {
        await AllocateAsync(new Cell { Name = $"/{_root}/" });
        await AllocateAsync(new Cell { Name = $"{_root}/b", Cpu = new CpuController(), Cpuset = new CpusetController { Cpus = "" } });
        await AllocateAsync(new Cell { Name = $"{_root}/a", Memory = new MemoryController() });
        await AllocateAsync(new Cell { Name = $"{_root}/a/Z9" });
        string expected = $"{_root}({_root}/a({_root}/a/Z9()){_root}/b())";
        Assert.Equal(expected, Shown(_cells.List()));
        Cell[] before = Flat(_cells.List());
        await RestartAsync();
        Assert.Equal(expected, Shown(_cells.List()));
        Assert.Equal(before, Flat(_cells.List()));
        Assert.NotNull(before.Single(cell => cell.Name == $"{_root}/b").Cpu);
        Assert.Null(before.Single(cell => cell.Name == $"{_root}/a").Cpu);
    }

    [Fact]
    public async Task An_executable_goes_on_while_the_daemon_is_away()
    {
        await AllocateAsync(new Cell { Name = _root });
        int pid = await StartAsync("a", "sleep 1000");
        ProcessIdentity? identity = ProcessFiles.IdentityOf(pid);
        await RestartAsync();
        Assert.Equal(identity, ProcessFiles.IdentityOf(pid));
        Assert.Equal("executable 'a' exists", (await Assert.ThrowsAsync<Fault>(() => StartAsync("a", "true"))).Message);
        await StopAsync("a");
        Assert.Null(ProcessFiles.IdentityOf(pid));
        _ = await StartAsync("a", "true");
    }

    [Fact]
    public async Task One_that_has_exited_stays_until_it_is_stopped()
    {
        await AllocateAsync(new Cell { Name = _root });
        int pid = await StartAsync("a", "echo out; echo err >&2; exit 3");
        await Eventually.HoldsAsync(() => ProcessFiles.IdentityOf(pid) is null, "the end of the process");
        Assert.Equal(FaultKind.AlreadyExists, (await Assert.ThrowsAsync<Fault>(() => StartAsync("a", "true"))).Kind);
        Assert.Equal(["out"], await LinesAsync("a", LogChannel.Output));
        await RestartAsync();
        Assert.Equal(["err"], await LinesAsync("a", LogChannel.Error));
        await StopAsync("a");
        Assert.Equal("executable 'a' not found", (await Assert.ThrowsAsync<Fault>(() => StopAsync("a"))).Message);
    }

    [Fact]
    public async Task An_end_is_recorded_although_the_tenant_is_read_only()
    {
        await AllocateAsync(new Cell { Name = _root });
        var go = Path.Combine(_store.Root, "go");
        _ = await StartAsync("a", $"while [ ! -e {go} ]; do sleep 0.01; done");
        await LimitAsync(isReadOnly: true);
        await File.WriteAllTextAsync(go, "");
        await Eventually.HoldsAsync(() => _database.ReadAsync(IsAnyRunning, default).ContinueWith(running => !running.Result, TaskScheduler.Default), "the end is on record");
        await LimitAsync(isReadOnly: false);

        static bool IsAnyRunning(ReadUnit unit)
        {
            Statement select = unit.Prepare("SELECT 1 FROM cell_executable WHERE running");
            bool isAny = select.Step();
            select.Reset();
            return isAny;
        }
    }

    [Fact]
    public async Task A_free_ends_everything_below()
    {
        await AllocateAsync(new Cell { Name = _root });
        await AllocateAsync(new Cell { Name = $"{_root}/x" });
        int outer = await StartAsync("a", "sleep 1000");
        int inner = await StartAsync("a", "sleep 1000 & wait", $"{_root}/x");
        await _cells.FreeAsync(CellName.Parse(_root, "cell_name"), "test", default);
        Assert.Empty(_cells.List());
        Assert.Null(ProcessFiles.IdentityOf(outer));
        Assert.Null(ProcessFiles.IdentityOf(inner));
        Assert.False(_cgroups?.Exists($"cells/{_root}") ?? false);
        await RestartAsync();
        Assert.Empty(_cells.List());
    }

    [Fact]
    public async Task A_node_that_a_crash_left_does_not_block_its_name()
    {
        _cgroups?.Create($"cells/{_root}", CgroupBounds.None, "_");
        await AllocateAsync(new Cell { Name = _root });
        await RestartAsync();
        Assert.Equal($"{_root}()", Shown(_cells.List()));
        _cgroups?.Create($"cells/{_root}/stray", CgroupBounds.None, "_");
        await RestartAsync();
        Assert.False(_cgroups?.Exists($"cells/{_root}/stray") ?? false);
    }

    [Fact]
    public async Task Faults_speak_upstreams_words()
    {
        await AllocateAsync(new Cell { Name = _root });
        Assert.Equal($"cell '{_root}' already exists'", await FaultOfAsync(() => AllocateAsync(new Cell { Name = _root })));
        Assert.Equal("cell 'none' not found", await FaultOfAsync(() => AllocateAsync(new Cell { Name = "none/below" })));
        Assert.Equal("cell 'none' not found", await FaultOfAsync(() => _cells.FreeAsync(CellName.Parse("none", "cell_name"), "test", default)));
        // The kernel takes this number for "stay who you are": root.
        Assert.Equal("executable 'a' failed to start: cannot launch sh: becoming the user 4294967295: Invalid argument", await FaultOfAsync(() => _cells.StartAsync(
            new StartExecutable(CellName.Parse(_root, "cell_name"), "a", "true", "", uint.MaxValue, null), "test", default)));
        _ = await StartAsync("a", "true");
    }

    [Fact]
    public async Task An_isolated_cell_has_a_table_and_a_network_that_its_executables_share()
    {
        try
        {
            await AllocateAsync(new Cell { Name = _root, IsolateProcess = true, IsolateNetwork = true });
        }
        catch (Fault fault)
        {
            // A kernel that allows no namespaces says so by name.
            Assert.Contains("namespaces", fault.Message + fault.InnerException?.Message);
            return;
        }

        _ = await StartAsync("sleeper", "sleep 1000");
        _ = await StartAsync("a", "hostname; ls -d /proc/[0-9]* | wc -l; grep -c : /proc/net/dev");
        await Eventually.HoldsAsync(async () => (await LinesAsync("a", LogChannel.Output)).Count == 3, "what it sees");
        List<string> seen = await LinesAsync("a", LogChannel.Output);
        // The holder, the sleeper, the shell, ls and wc, in which sh may have become sleep.
        Assert.Equal((_root, "1"), (seen[0], seen[2]));
        Assert.InRange(int.Parse(seen[1], null), 4, 6);
        await RestartAsync();
        _ = await StartAsync("b", "ls -d /proc/[0-9]* | wc -l");
        await Eventually.HoldsAsync(async () => (await LinesAsync("b", LogChannel.Output)).Count == 1, "what it sees after a restart");
        Assert.InRange(int.Parse((await LinesAsync("b", LogChannel.Output))[0], null), 4, 6);
    }

    public Task InitializeAsync() => OpenAsync();

    public async Task DisposeAsync()
    {
        foreach (CellGraphNode cell in _cells.List())
        {
            await _cells.FreeAsync(CellName.Parse(cell.Cell.Name, "cell_name"), "test", default);
        }

        await CloseAsync();
        _store.Dispose();
    }

    private async Task OpenAsync()
    {
        _database = _store.Open();
        _cgroups = Cgroups.Find(_database.Id, out _);
        _records = await RecordStore.OpenAsync(_database, TimeProvider.System, default);
        _processes = new Processes(TimeProvider.System);
        _logs = new ProcessLogs(Path.Combine(_store.Root, "logs"), TimeProvider.System);
        _cells = new CellHost(_records, _processes, _cgroups, "none", _logs, SupervisorSeat.Undisputed, TimeProvider.System, NullLogger.Instance);
        await _cells.RecoverAsync(default);
    }

    private async Task CloseAsync()
    {
        await _cells.DisposeAsync();
        _logs.Dispose();
        _processes.Dispose();
        await _database.DisposeAsync();
    }

    private async Task RestartAsync()
    {
        await CloseAsync();
        await OpenAsync();
    }

    private Task AllocateAsync(Cell cell) => _cells.AllocateAsync(CellRequests.Parse(new CellServiceAllocateRequest { Cell = cell }), "test", default);

    private async Task<int> StartAsync(string name, string command, string? cell = null)
    {
        var request = new CellServiceStartRequest { CellName = cell ?? _root, Executable = new Executable { Name = name, Command = command } };
        return (await _cells.StartAsync(CellRequests.Parse(request), "test", default)).Pid;
    }

    private async Task LimitAsync(bool isReadOnly)
    {
        RecordTable tenants = Tables.ByTypeName[Tenant.Descriptor.FullName];
        var draft = new RecordDraft { Table = tenants, Name = RecordNames.DefaultTenant, Body = new Tenant { Name = RecordNames.DefaultTenant, ReadOnly = isReadOnly } };
        await _records.WriteAsync(new RecordCall(RecordNames.DefaultTenant, "test"), writer => writer.Update(new RecordUpdate(draft, null, AllowMissing: true)), default);
    }

    private Task StopAsync(string name) => _cells.StopAsync(CellRequests.Parse(new CellServiceStopRequest { CellName = _root, ExecutableName = name }), "test", default);

    private async Task<List<string>> LinesAsync(string name, LogChannel channel)
    {
        var lines = new List<string>();
        await foreach (OutputLine line in _cells.OutputOf(CellName.Parse(_root, "cell_name"), name, channel).ReadAsync(null, null, false, default))
        {
            lines.Add(line.Text);
        }

        return lines;
    }

    private static async Task<string> FaultOfAsync(Func<Task> call) => (await Assert.ThrowsAsync<Fault>(call)).Message;

    private static string Shown(IEnumerable<CellGraphNode> nodes) => string.Concat(nodes.Select(node => $"{node.Cell.Name}({Shown(node.Children)})"));

    private static Cell[] Flat(IEnumerable<CellGraphNode> nodes) => [.. nodes.SelectMany(node => Flat(node.Children).Prepend(node.Cell))];
}
