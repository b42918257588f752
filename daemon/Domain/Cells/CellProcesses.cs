using Aurae.Hosts.V0;
using Auraed.Base;
using Auraed.Supervise;

namespace Auraed.Domain.Cells;

/// <summary>What cells and executables are on the host: cgroup nodes, holders, processes, logs. Knows no record.</summary>
internal sealed class CellProcesses(Processes processes, Cgroups? cgroups, string cgroupsMissing, ProcessLogs logs, TimeProvider time)
{
    private const string CellsNode = "cells";
    private const string BareNode = "executables";
    private const string Leaf = "_";
    private const string HolderNode = "holder";
    private const string PathVariable = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    public bool HasCgroups => cgroups is not null;

    public ProcessLogs Logs => logs;

    public static string NodeOf(string cell) => $"{CellsNode}/{cell}";

    /// <summary>Where the cell's own processes are, beside the cells within it.</summary>
    public static string ProcessesNodeOf(string cell) => $"{NodeOf(cell)}/{Leaf}";

    /// <summary>How many processes of the cell the kernel has ended for want of memory since it was made.</summary>
    public long OutOfMemoryKills(string cell) => cgroups?.OutOfMemoryKills(NodeOf(cell)) ?? 0;

    /// <summary>Makes the cell's node, or takes over one that a crash left. Fault(Precondition) when a bound cannot be set.</summary>
    public void Make(string cell, CgroupBounds bounds)
    {
        if (cgroups is not null)
        {
            cgroups.Create(NodeOf(cell), bounds, Leaf);
        }
        else if (bounds.Writes().Any())
        {
            throw new Fault(FaultKind.Precondition, $"its limits need a cgroup v2 tree: {cgroupsMissing}") { Reason = "CGROUP_MISSING" };
        }
    }

    /// <summary>Ends all that is left in the cell and removes its node, with those below.</summary>
    public async Task UnmakeAsync(string cell, CancellationToken cancel)
    {
        if (cgroups is not null)
        {
            await cgroups.KillAsync(NodeOf(cell), time, cancel).ConfigureAwait(false);
            cgroups.Remove(NodeOf(cell));
        }
    }

    public Task<PreparedProcess> PrepareHolderAsync(CellEntry cell, CancellationToken cancel)
    {
        var spec = new LaunchSpec
        {
            Program = string.Empty,
            Namespaces = cell.Namespaces,
            HostName = cell.Spec.IsolateProcess ? cell.Name[(cell.Name.LastIndexOf('/') + 1)..] : null,
            Cgroup = Node($"{NodeOf(cell.Name)}/{Leaf}/{HolderNode}"),
        };
        return processes.PrepareAsync(spec, cancel);
    }

    public Task<PreparedProcess> PrepareAsync(CellEntry cell, ExecutableEntry entry, CancellationToken cancel)
    {
        CellExecutable executable = entry.Record;
        var spec = new LaunchSpec
        {
            Program = "sh",
            Arguments = ["-c", executable.Command],
            Environment = new Dictionary<string, string> { ["PATH"] = PathVariable },
            UserId = executable.HasUid ? executable.Uid : null,
            GroupId = executable.HasGid ? executable.Gid : null,
            Namespaces = cell.Namespaces,
            NamespacesOf = cell.Holder?.Identity,
            Cgroup = Node(NodeOf(cell, entry)),
            OutputPath = logs.Open(LogOf(entry, isError: false)).Path,
            ErrorPath = logs.Open(LogOf(entry, isError: true)).Path,
        };
        return processes.PrepareAsync(spec, cancel);
    }

    public SupervisedProcess? TryAdopt(ProcessIdentity identity) => processes.TryAdopt(identity);

    /// <summary>Ends the executable with all that it started, and waits until it is gone. Without a cgroup, what left its process group is not reached.</summary>
    public async Task KillAsync(CellEntry cell, ExecutableEntry entry, CancellationToken cancel)
    {
        if (entry.Process is { } process)
        {
            await KillAsync(process, cancel).ConfigureAwait(false);
        }

        if (cgroups is not null)
        {
            await cgroups.KillAsync(NodeOf(cell, entry), time, cancel).ConfigureAwait(false);
            cgroups.Remove(NodeOf(cell, entry));
        }
    }

    /// <summary>Ends the process and its group, and waits until it is gone. Fault(Internal) when it does not go.</summary>
    public async Task KillAsync(SupervisedProcess process, CancellationToken cancel)
    {
        process.KillGroup();
        try
        {
            _ = await process.Ended.WaitAsync(Limits.CgroupKillMax, time, cancel).ConfigureAwait(false);
        }
        catch (TimeoutException error)
        {
            throw new Fault(FaultKind.Internal, $"process {process.Identity.Id} does not end", hint: $"cat /proc/{process.Identity.Id}/stack", cause: error);
        }
    }

    public ProcessLog LogOf(ExecutableEntry entry, LogChannel channel) => logs.Open(LogOf(entry, channel == LogChannel.Error));

    /// <summary>An adopted process goes on writing, so somebody has to keep its logs within their bounds.</summary>
    public void OpenLogs(ExecutableEntry entry)
    {
        _ = logs.Open(LogOf(entry, isError: false));
        _ = logs.Open(LogOf(entry, isError: true));
    }

    public void RemoveLogs(ExecutableEntry entry)
    {
        logs.Remove(LogOf(entry, isError: false));
        logs.Remove(LogOf(entry, isError: true));
    }

    /// <summary>Ends and removes what a crash left and no record owns; how much that was.</summary>
    public async Task<int> CleanAsync(IReadOnlyDictionary<string, CellEntry> cells, CellEntry bare, CancellationToken cancel)
    {
        var owned = cells.Values.Append(bare).SelectMany(cell => cell.Executables.Values).Select(entry => entry.Digest).ToHashSet();
        int count = 0;
        foreach (string log in logs.Names.Where(name => !owned.Contains(Path.GetFileNameWithoutExtension(name))).ToList())
        {
            logs.Remove(log);
            count++;
        }

        if (cgroups is null)
        {
            return count;
        }

        var stray = cgroups.Children(BareNode).Where(node => !owned.Contains(node)).Select(node => $"{BareNode}/{node}").ToList();
        Find(string.Empty);
        foreach (string node in stray)
        {
            await cgroups.KillAsync(node, time, cancel).ConfigureAwait(false);
            cgroups.Remove(node);
        }

        return count + stray.Count;

        void Find(string cell)
        {
            foreach (string child in cgroups.Children(cell.Length == 0 ? CellsNode : NodeOf(cell)))
            {
                string name = cell.Length == 0 ? child : $"{cell}/{child}";
                if (child == Leaf)
                {
                    stray.AddRange(cgroups.Children(NodeOf(name)).Where(node => node != HolderNode && !owned.Contains(node)).Select(node => $"{NodeOf(name)}/{node}"));
                }
                else if (cells.ContainsKey(name))
                {
                    Find(name);
                }
                else
                {
                    stray.Add(NodeOf(name));
                }
            }
        }
    }

    private static string LogOf(ExecutableEntry entry, bool isError) => entry.Digest + (isError ? ".err" : ".out");

    private static string NodeOf(CellEntry cell, ExecutableEntry entry) => cell.Name.Length == 0 ? $"{BareNode}/{entry.Digest}" : $"{NodeOf(cell.Name)}/{Leaf}/{entry.Digest}";

    /// <summary>The node's directory, made; null on a host without a tree.</summary>
    private string? Node(string node)
    {
        cgroups?.Create(node, CgroupBounds.None);
        return cgroups?.PathOf(node);
    }
}

/// <summary>Which of a process' outputs.</summary>
public enum LogChannel
{
    Output,
    Error,
}
