using System.Text.RegularExpressions;
using Aurae.Cells.V0;
using Auraed.Supervise;

namespace Auraed.Domain.Cells;

/// <param name="Spec">As it was sent, presence included, under its full name.</param>
public sealed record AllocateCell(CellName Name, Cell Spec, CgroupBounds Bounds);

/// <param name="Cell">Null: in no cell.</param>
public sealed record StartExecutable(CellName? Cell, string Name, string Command, string Description, uint? UserId, uint? GroupId);

/// <param name="Cell">Null: in no cell.</param>
public sealed record StopExecutable(CellName? Cell, string Name);

/// <summary>Requests of aurae.cells.v0, checked in upstream's order and refused in its words.</summary>
public static partial class CellRequests
{
    private const long WeightMin = 1;
    private const long WeightMax = 10_000;
    private const string ListRule = @"^(\d(-\d)?,?)*$";

    public static AllocateCell Parse(CellServiceAllocateRequest request)
    {
        Cell cell = request.Cell ?? throw CellFaults.Required("cell");
        CellName name = CellName.Parse(cell.Name, "cell.name");
        CgroupBounds bounds = Bounds(cell);
        cell = cell.Clone();
        cell.Name = name.Text;
        return new AllocateCell(name, cell, bounds);
    }

    public static CellName Parse(CellServiceFreeRequest request) => CellName.Parse(request.CellName, "cell_name");

    public static StartExecutable Parse(CellServiceStartRequest request)
    {
        CellName? cell = request.HasCellName ? CellName.Parse(request.CellName, "cell_name") : null;
        Executable executable = request.Executable ?? throw CellFaults.Required("executable");
        return new StartExecutable(
            cell,
            Given(executable.Name, "executable.name"),
            Given(executable.Command, "executable.command"),
            executable.Description,
            request.HasUid ? request.Uid : null,
            request.HasGid ? request.Gid : null);
    }

    public static StopExecutable Parse(CellServiceStopRequest request) =>
        new(request.HasCellName ? CellName.Parse(request.CellName, "cell_name") : null, Given(request.ExecutableName, "executable_name"));

    /// <summary>What the cell's cgroup is bound by.</summary>
    public static CgroupBounds Bounds(Cell cell)
    {
        ulong? weight = cell.Cpu is { HasWeight: true } cpu ? cpu.Weight : null;
        if (weight is < (ulong)WeightMin)
        {
            throw CellFaults.Minimum("cell.cpu.weight", WeightMin);
        }

        if (weight is > (ulong)WeightMax)
        {
            throw CellFaults.Maximum("cell.cpu.weight", WeightMax);
        }

        return new CgroupBounds
        {
            CpuWeight = weight,
            CpuMax = AtLeastZero(cell.Cpu is { HasMax: true } limited ? limited.Max : null, "cell.cpu.max"),
            CpuPeriod = cell.Cpu is { HasPeriod: true } timed ? timed.Period : null,
            Cpus = List(cell.Cpuset is { HasCpus: true } cpus ? cpus.Cpus : null, "cell.cpuset.cpus"),
            MemoryNodes = List(cell.Cpuset is { HasMems: true } nodes ? nodes.Mems : null, "cell.cpuset.mems"),
            MemoryMin = AtLeastZero(cell.Memory is { HasMin: true } min ? min.Min : null, "cell.memory.min"),
            MemoryLow = AtLeastZero(cell.Memory is { HasLow: true } low ? low.Low : null, "cell.memory.low"),
            MemoryHigh = AtLeastZero(cell.Memory is { HasHigh: true } high ? high.High : null, "cell.memory.high"),
            MemoryMax = AtLeastZero(cell.Memory is { HasMax: true } max ? max.Max : null, "cell.memory.max"),
        };
    }

    private static long? AtLeastZero(long? value, string field) => value is < 0 ? throw CellFaults.Minimum(field, 0) : value;

    /// <summary>An empty list is none: the kernel's default.</summary>
    private static string? List(string? text, string field) =>
        text is null || Numbers().IsMatch(text) ? (text is { Length: > 0 } ? text : null) : throw CellFaults.Pattern(field, ListRule);

    private static string Given(string text, string field) => text.Length > 0 ? text : throw CellFaults.Required(field);

    [GeneratedRegex(@"^([0-9](-[0-9])?,?)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Numbers();
}
