using System.CommandLine;
using System.CommandLine.Parsing;
using Aurae.Cells.V0;
using Aurae.Logs.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Cli.Verbs;

/// <summary>Cells and their executables from the command line (aurae.cells.v0, aurae.logs.v0), with the options of upstream's `aer cell`.</summary>
internal static class CellsVerbs
{
    private static readonly Argument<string> CellName = new("CELL") { Description = "The cell's full name: labels joined by '/', as web or web/cache." };

    private static readonly Argument<string> Executable = new("EXECUTABLE") { Description = "The executable's name, unique in its cell." };


    private static readonly Option<string> Line = new("--executable-command", "-c", "--command", "--cmd") { Description = "What `sh -c` runs.", HelpName = "COMMAND", Required = true };

    private static readonly Option<string> About = new("--executable-description", "--description", "--desc") { Description = "For people.", HelpName = "TEXT" };

    private static readonly Option<uint?> User = new("--uid") { Description = "Whom it runs as. [default: the daemon's user]", HelpName = "NUMBER" };

    private static readonly Option<uint?> Group = new("--gid") { Description = "Which group it runs in. [default: the daemon's group]", HelpName = "NUMBER" };

    private static readonly Option<ulong?> Weight = new("--cell-cpu-weight", "--cpu-weight") { Description = "Its share of processor time, 1 to 10000.", HelpName = "NUMBER" };

    private static readonly Option<long?> CpuMax = new("--cell-cpu-max", "--cpu-max") { Description = "Microseconds of processor time in each period.", HelpName = "MICROSECONDS" };

    private static readonly Option<ulong?> Period = new("--cell-cpu-period") { Description = "The period. [default: 100000]", HelpName = "MICROSECONDS" };

    private static readonly Option<string?> Cpus = new("--cell-cpuset-cpus", "--cpuset-cpus") { Description = "The processors that it may use: 0-1,3.", HelpName = "LIST" };

    private static readonly Option<string?> Nodes = new("--cell-cpuset-mems", "--cpuset-mems") { Description = "The memory nodes that it may use.", HelpName = "LIST" };

    private static readonly Option<long?> MemoryMin = new("--cell-memory-min") { Description = "Memory that is never taken from it.", HelpName = "BYTES" };

    private static readonly Option<long?> MemoryLow = new("--cell-memory-low") { Description = "Memory that is taken from it last.", HelpName = "BYTES" };

    private static readonly Option<long?> MemoryHigh = new("--cell-memory-high") { Description = "Beyond it, it is slowed down.", HelpName = "BYTES" };

    private static readonly Option<long?> MemoryMax = new("--cell-memory-max") { Description = "Beyond it, it is killed.", HelpName = "BYTES" };

    private static readonly Option<bool> IsolateProcess = new("--cell-isolate-process") { Description = "A process table, mounts, IPC and a host name of its own." };

    private static readonly Option<bool> IsolateNetwork = new("--cell-isolate-network") { Description = "A network of its own." };

    private static readonly Option<bool> Follow = new("--follow", "-f") { Description = "Go on with what is written, until the process ends." };

    private static readonly Option<uint?> Tail = new("--tail", "-n") { Description = "Only the last so many lines.", HelpName = "LINES" };

    private static readonly Option<TimeSpan?> Since = new("--since") { Description = "Only what was written in the last 30s, 5m or 2h.", HelpName = "DURATION", CustomParser = ParseSpan };

    private static readonly Option<bool> Errors = new("--stderr") { Description = "Standard error; else standard output." };

    public static Command Build(CliEnvironment environment) => new Verb("cells", "Cells, and the executables that run in them.").With(
        new Verb("allocate", "Make a cell; it is there until it is freed.",
            "auraed cells allocate web", "auraed cells allocate web/cache --cell-memory-max 268435456", "auraed cells allocate jail --cell-isolate-process --cell-isolate-network")
            .With(CellName, Weight, CpuMax, Period, Cpus, Nodes, MemoryMin, MemoryLow, MemoryHigh, MemoryMax, IsolateProcess, IsolateNetwork).Calls(environment, AllocateAsync),
        new Verb("free", "End what runs in a cell and in those below, and remove them.", "auraed cells free web").With(CellName).Calls(environment, FreeAsync),
        new Verb("start", "Start an executable in a cell.", "auraed cells start web sleeper -c 'sleep 42'", "auraed cells start web nobody -c 'id' --uid 65534 --gid 65534")
            .With(CellName, Executable, Line, About, User, Group).Calls(environment, StartAsync),
        new Verb("stop", "End an executable at once and forget it; one that has exited is forgotten.", "auraed cells stop web sleeper").With(CellName, Executable).Calls(environment, StopAsync),
        new Verb("list", "List cells, children below their parents.", "auraed cells list", "auraed cells list --output json").Calls(environment, ListAsync),
        new Verb("logs", "Print what an executable has written.", "auraed cells logs web sleeper", "auraed cells logs web sleeper --follow --tail 20", "auraed cells logs web sleeper --stderr --since 10m")
            .With(CellName, Executable, Follow, Tail, Since, Errors).Calls(environment, LogsAsync));

    private static async Task AllocateAsync(Invocation invocation, CancellationToken cancel)
    {
        var cell = new Aurae.Cells.V0.Cell
        {
            Name = invocation.Value(CellName)!,
            Cpu = new CpuController(),
            Cpuset = new CpusetController(),
            Memory = new MemoryController(),
            IsolateProcess = invocation.Value(IsolateProcess),
            IsolateNetwork = invocation.Value(IsolateNetwork),
        };
        Set(invocation.Value(Weight), value => cell.Cpu.Weight = value);
        Set(invocation.Value(CpuMax), value => cell.Cpu.Max = value);
        Set(invocation.Value(Period), value => cell.Cpu.Period = value);
        Set(invocation.Value(MemoryMin), value => cell.Memory.Min = value);
        Set(invocation.Value(MemoryLow), value => cell.Memory.Low = value);
        Set(invocation.Value(MemoryHigh), value => cell.Memory.High = value);
        Set(invocation.Value(MemoryMax), value => cell.Memory.Max = value);
        if (invocation.Value(Cpus) is { } cpus)
        {
            cell.Cpuset.Cpus = cpus;
        }

        if (invocation.Value(Nodes) is { } nodes)
        {
            cell.Cpuset.Mems = nodes;
        }

        var request = new CellServiceAllocateRequest { Cell = cell };
        var answer = await invocation.Daemon.CallAsync($"allocate cell '{cell.Name}'", options => Client(invocation).AllocateAsync(request, options), cancel);
        invocation.Printer.Fields(("cell_name", answer.CellName), ("cgroup_v2", answer.CgroupV2));
    }

    private static async Task FreeAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new CellServiceFreeRequest { CellName = invocation.Value(CellName)! };
        _ = await invocation.Daemon.CallAsync($"free cell '{request.CellName}'", options => Client(invocation).FreeAsync(request, options), cancel);
        invocation.Printer.Fields(("freed", request.CellName));
    }

    private static async Task StartAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new CellServiceStartRequest
        {
            CellName = invocation.Value(CellName)!,
            Executable = new Executable { Name = invocation.Value(Executable)!, Command = invocation.Value(Line)!, Description = invocation.Value(About) ?? "" },
        };
        Set(invocation.Value(User), value => request.Uid = value);
        Set(invocation.Value(Group), value => request.Gid = value);
        var answer = await invocation.Daemon.CallAsync($"start '{request.Executable.Name}'", options => Client(invocation).StartAsync(request, options), cancel);
        invocation.Printer.Fields(("pid", answer.Pid), ("uid", (long)answer.Uid), ("gid", (long)answer.Gid));
    }

    private static async Task StopAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new CellServiceStopRequest { CellName = invocation.Value(CellName)!, ExecutableName = invocation.Value(Executable)! };
        _ = await invocation.Daemon.CallAsync($"stop '{request.ExecutableName}'", options => Client(invocation).StopAsync(request, options), cancel);
        invocation.Printer.Fields(("stopped", request.ExecutableName));
    }

    private static async Task ListAsync(Invocation invocation, CancellationToken cancel)
    {
        var answer = await invocation.Daemon.CallAsync("list cells", options => Client(invocation).ListAsync(new CellServiceListRequest(), options), cancel);
        var cells = new List<Aurae.Cells.V0.Cell>();
        var open = new Stack<CellGraphNode>(answer.Cells.Reverse());
        while (open.TryPop(out CellGraphNode? node))
        {
            cells.Add(node.Cell);
            foreach (CellGraphNode child in node.Children.Reverse())
            {
                open.Push(child);
            }
        }

        invocation.Printer.Rows(
            cells,
            new Column<Aurae.Cells.V0.Cell>("name", cell => cell.Name),
            new Column<Aurae.Cells.V0.Cell>("cpu_weight", cell => cell.Cpu is { HasWeight: true } cpu ? (long)cpu.Weight : null),
            new Column<Aurae.Cells.V0.Cell>("cpu_max", cell => cell.Cpu is { HasMax: true } cpu ? cpu.Max : null),
            new Column<Aurae.Cells.V0.Cell>("cpus", cell => cell.Cpuset?.Cpus),
            new Column<Aurae.Cells.V0.Cell>("memory_max", cell => cell.Memory is { HasMax: true } memory ? memory.Max : null),
            new Column<Aurae.Cells.V0.Cell>("isolates", cell => Isolates(cell)));
    }

    private static Task LogsAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new ReadLogRequest
        {
            Executable = new ExecutableSource { CellName = invocation.Value(CellName)!, ExecutableName = invocation.Value(Executable)! },
            Stream = invocation.Value(Errors) ? LogStream.Stderr : LogStream.Stdout,
            Tail = invocation.Value(Tail) ?? 0,
            Follow = invocation.Value(Follow),
        };
        if (invocation.Value(Since) is { } since)
        {
            request.Since = Timestamp.FromDateTimeOffset(invocation.Environment.Time.GetUtcNow() - since);
        }

        var client = new LogService.LogServiceClient(invocation.Daemon.Invoker);
        return invocation.Daemon.StreamAsync("read the log", options => client.Read(request, options), Tell, cancel);

        void Tell(ReadLogResponse message)
        {
            foreach (LogLine line in message.Lines)
            {
                invocation.Terminal.Out.WriteLine(invocation.Printer.IsJson ? RecordJson.Write(line, isIndented: false) : Units.Printable(line.Text));
            }

            invocation.Terminal.Out.Flush();
        }
    }

    private static string Isolates(Aurae.Cells.V0.Cell cell) =>
        string.Join(',', new[] { cell.IsolateProcess ? "process" : "", cell.IsolateNetwork ? "network" : "" }.Where(text => text.Length > 0));

    private static void Set<T>(T? value, Action<T> set)
        where T : struct
    {
        if (value is { } given)
        {
            set(given);
        }
    }

    private static CellService.CellServiceClient Client(Invocation invocation) => new(invocation.Daemon.Invoker);

    private static TimeSpan? ParseSpan(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (Units.ParseSpan(text) is { } span && span > TimeSpan.Zero)
        {
            return span;
        }

        result.AddError($"'{text}' is no duration: write 500ms, 30s, 5m or 2h");
        return null;
    }
}
