using System.Globalization;

namespace Auraed.Supervise;

/// <summary>What a line of the trace says.</summary>
internal enum TraceLineKind
{
    /// <summary>Nothing that is asked for, or a part of a line: names of processes may hold a newline.</summary>
    Other,
    /// <summary>A signal was sent to the process.</summary>
    Signal,
    /// <summary>The process was moved to the cgroup.</summary>
    Attach,
    /// <summary>The process has made a child, or a thread.</summary>
    Fork,
    /// <summary>The kernel had no room: so many lines are missing here.</summary>
    Lost,
}

/// <summary>
/// One line of trace_pipe, with the option nocontext-info:
/// <code>
/// signal_generate: sig=9 errno=0 code=0 comm=NAME pid=4653 grp=1 res=0
/// cgroup_attach_task: dst_root=0 dst_id=88 dst_level=4 dst_path=/a/b pid=4653 comm=NAME
/// sched_process_fork: comm=NAME pid=4634 child_comm=NAME child_pid=4653
/// CPU:1 [LOST 12 EVENTS]
/// </code>
/// NAME is up to 15 bytes of the process' own choosing, so what stands before it is read from the front, and what stands after it from the end.
/// </summary>
/// <param name="Signal">Of Signal alone.</param>
/// <param name="ProcessId">The one that is signalled, moved, or made; as the host numbers it.</param>
/// <param name="Parent">Of Fork alone.</param>
/// <param name="Cgroup">Of Attach alone: from the root of the hierarchy.</param>
internal readonly record struct TraceLine(TraceLineKind Kind, int Signal = 0, int ProcessId = 0, int Parent = 0, string Cgroup = "")
{
    private const string SignalEvent = "signal_generate: sig=";
    private const string AttachEvent = "cgroup_attach_task: ";
    private const string ForkEvent = "sched_process_fork: comm=";

    public static TraceLine Parse(string line)
    {
        if (line.StartsWith(SignalEvent, StringComparison.Ordinal))
        {
            return Number(line, SignalEvent.Length) is { } signal && Number(line, After(line.LastIndexOf(" pid=", StringComparison.Ordinal), 5)) is { } target
                ? new TraceLine(TraceLineKind.Signal, signal, target)
                : default;
        }

        if (line.StartsWith(ForkEvent, StringComparison.Ordinal))
        {
            int child = line.IndexOf(" child_comm=", StringComparison.Ordinal);
            int parent = child < 0 ? -1 : line.LastIndexOf(" pid=", child, StringComparison.Ordinal);
            return Number(line, After(parent, 5)) is { } maker && Number(line, After(line.LastIndexOf(" child_pid=", StringComparison.Ordinal), 11)) is { } made
                ? new TraceLine(TraceLineKind.Fork, ProcessId: made, Parent: maker)
                : default;
        }

        if (line.StartsWith(AttachEvent, StringComparison.Ordinal))
        {
            int path = After(line.IndexOf(" dst_path=", StringComparison.Ordinal), 10);
            int end = path < 0 ? -1 : line.IndexOf(" pid=", path, StringComparison.Ordinal);
            return Number(line, After(end, 5)) is { } moved ? new TraceLine(TraceLineKind.Attach, ProcessId: moved, Cgroup: line[path..end]) : default;
        }

        return line.StartsWith("CPU:", StringComparison.Ordinal) && line.Contains(" [LOST ", StringComparison.Ordinal) ? new TraceLine(TraceLineKind.Lost) : default;
    }

    /// <summary>True of the first part of a line about a signal whose process has a newline in its name.</summary>
    public static bool IsCut(string line) =>
        line.StartsWith(SignalEvent, StringComparison.Ordinal) && line.LastIndexOf(" res=", StringComparison.Ordinal) < line.LastIndexOf(" comm=", StringComparison.Ordinal);

    private static int After(int index, int length) => index < 0 ? -1 : index + length;

    private static int? Number(string line, int from)
    {
        if (from < 0)
        {
            return null;
        }

        int end = from;
        while (end < line.Length && char.IsAsciiDigit(line[end]))
        {
            end++;
        }

        return int.TryParse(line.AsSpan(from, end - from), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
    }
}
