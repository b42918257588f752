using Aurae.Cells.V0;
using Auraed.Base;
using Auraed.Domain.Cells;

namespace Auraed.Tests.Unit;

/// <summary>What upstream's validators refuse, in its words.</summary>
public class CellRequestsTests
{
    [Theory]
    [InlineData("", "Field = cell.name; Required")]
    [InlineData("ae-no_underscore", "Field = cell.name;  Regex = ^(?=.{1,63}$)(?![-])[a-zA-Z0-9-]+(?<![-])$")]
    [InlineData("good/bad_name", "Field = cell.name;  Regex = ^(?=.{1,63}$)(?![-])[a-zA-Z0-9-]+(?<![-])$")]
    [InlineData("a//b", "Field = cell.name;  Regex = ^(?=.{1,63}$)(?![-])[a-zA-Z0-9-]+(?<![-])$")]
    [InlineData("-a", "Field = cell.name;  Regex = ^(?=.{1,63}$)(?![-])[a-zA-Z0-9-]+(?<![-])$")]
    [InlineData("a\n", "Field = cell.name;  Regex = ^(?=.{1,63}$)(?![-])[a-zA-Z0-9-]+(?<![-])$")]
    public void A_name_is_labels_joined_by_slashes(string name, string message) => Refused(message, new Cell { Name = name });

    [Fact]
    public void Slashes_around_a_name_do_not_count()
    {
        AllocateCell command = CellRequests.Parse(new CellServiceAllocateRequest { Cell = new Cell { Name = "//a/B-9/" } });
        Assert.Equal(("a/B-9", "a/B-9", "a", "B-9"), (command.Name.Text, command.Spec.Name, command.Name.Root, command.Name.Leaf));
        Assert.Equal(["a"], command.Name.Ancestors);
    }

    [Fact]
    public void Controllers_have_their_bounds()
    {
        Refused("Field = cell.cpu.weight; Minimum = 1 unit", new Cell { Name = "a", Cpu = new CpuController { Weight = 0 } });
        Refused("Field = cell.cpu.weight; Maximum = 10000 units", new Cell { Name = "a", Cpu = new CpuController { Weight = 10001 } });
        Refused("Field = cell.cpu.max; Minimum = 0 units", new Cell { Name = "a", Cpu = new CpuController { Max = -1 } });
        Refused(@"Field = cell.cpuset.cpus;  Regex = ^(\d(-\d)?,?)*$", new Cell { Name = "a", Cpuset = new CpusetController { Cpus = "foo" } });
        Refused(@"Field = cell.cpuset.mems;  Regex = ^(\d(-\d)?,?)*$", new Cell { Name = "a", Cpuset = new CpusetController { Mems = "1..4" } });
        Refused("Field = cell.memory.low; Minimum = 0 units", new Cell { Name = "a", Memory = new MemoryController { Low = -1 } });
        var widest = new Cell { Name = "a", Cpu = new CpuController { Weight = 10000, Max = 0 }, Cpuset = new CpusetController { Cpus = "", Mems = "0-3,5" }, Memory = new MemoryController { Min = 0 } };
        Assert.Equal(10000UL, CellRequests.Parse(new CellServiceAllocateRequest { Cell = widest }).Bounds.CpuWeight);
    }

    [Fact]
    public void What_is_required_is_asked_for_in_order()
    {
        Refused("Field = cell; Required", null);
        Start("Field = cell_name; Required", new CellServiceStartRequest { CellName = "" });
        Start("Field = executable; Required", new CellServiceStartRequest());
        Start("Field = executable.name; Required", new CellServiceStartRequest { Executable = new Executable() });
        Start("Field = executable.command; Required", new CellServiceStartRequest { Executable = new Executable { Name = "a" } });
        Assert.Equal("Field = executable_name; Required", Assert.Throws<Fault>(() => CellRequests.Parse(new CellServiceStopRequest { CellName = "a" })).Message);
        Assert.Equal("Field = cell_name; Required", Assert.Throws<Fault>(() => CellRequests.Parse(new CellServiceFreeRequest())).Message);
    }

    private static void Refused(string message, Cell? cell)
    {
        Fault fault = Assert.Throws<Fault>(() => CellRequests.Parse(new CellServiceAllocateRequest { Cell = cell }));
        Assert.Equal((FaultKind.Precondition, message), (fault.Kind, fault.Message));
    }

    private static void Start(string message, CellServiceStartRequest request) => Assert.Equal(message, Assert.Throws<Fault>(() => CellRequests.Parse(request)).Message);
}
