using Auraed.Supervise;

namespace Auraed.Tests.Unit.Supervise;

public class TraceLineTests
{
    [Theory]
    [InlineData("signal_generate: sig=9 errno=0 code=0 comm=bash pid=4653 grp=1 res=0", 9, 4653)]
    [InlineData("signal_generate: sig=15 errno=0 code=0 comm=a pid=1 b pid=7 grp=1 res=1", 15, 7)]
    [InlineData("signal_generate: sig=2 errno=0 code=128 comm=(sd pam) res=0 pid=8 grp=0 res=2", 2, 8)]
    public void A_signal_is_read_around_a_name_that_may_say_anything(string line, int signal, int process)
    {
        Assert.Equal(new TraceLine(TraceLineKind.Signal, signal, process), TraceLine.Parse(line));
        Assert.False(TraceLine.IsCut(line));
    }

    [Theory]
    [InlineData("sched_process_fork: comm=.NET TP Worker pid=2906 child_comm=.NET TP Worker child_pid=4643", 2906, 4643)]
    [InlineData("sched_process_fork: comm= pid=77 child_c pid=12 child_comm= pid=77 child_c child_pid=13", 12, 13)]
    public void A_fork_tells_parent_and_child(string line, int parent, int child) =>
        Assert.Equal(new TraceLine(TraceLineKind.Fork, ProcessId: child, Parent: parent), TraceLine.Parse(line));

    [Fact]
    public void A_move_tells_the_cgroup() => Assert.Equal(
        new TraceLine(TraceLineKind.Attach, ProcessId: 12, Cgroup: "/system.slice/auraed.service/aurae/0a/cells/a/_/b"),
        TraceLine.Parse("cgroup_attach_task: dst_root=0 dst_id=88 dst_level=6 dst_path=/system.slice/auraed.service/aurae/0a/cells/a/_/b pid=12 comm=x pid=13"));

    [Theory]
    [InlineData("CPU:1 [LOST 12 EVENTS]", TraceLineKind.Lost)]
    [InlineData("", TraceLineKind.Other)]
    [InlineData("signal_generate: sig= errno=0 code=0 comm=x pid=1 grp=1 res=0", TraceLineKind.Other)]
    [InlineData("signal_generate: sig=99999999999 errno=0 code=0 comm=x pid=1 grp=1 res=0", TraceLineKind.Other)]
    [InlineData("signal_generate: sig=9", TraceLineKind.Other)]
    [InlineData("sched_process_fork: comm=a child_comm=b pid=1 child_comm=a child_comm=b child_pid=2", TraceLineKind.Other)]
    [InlineData("sched_process_exec: filename=/bin/true pid=1 old_pid=1", TraceLineKind.Other)]
    public void Whatever_else_comes_is_no_event(string line, object kind) => Assert.Equal((TraceLineKind)kind, TraceLine.Parse(line).Kind);

    [Fact]
    public void A_line_that_a_name_has_cut_is_known() => Assert.True(TraceLine.IsCut("signal_generate: sig=9 errno=0 code=0 comm=a"));
}
