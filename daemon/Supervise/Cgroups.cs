using System.Globalization;
using Auraed.Base;
using Auraed.Native;

namespace Auraed.Supervise;

/// <summary>
/// The daemon's part of the cgroup v2 tree: nodes by relative path (<c>cells/a/b</c>), below the node of the unit auraed-workloads.service beside the
/// daemon's, or, where there is none, below the node that the daemon was started in.
/// <code>
///   NODE                          "/" of the host, or what the service manager delegates
///     daemon/                     who was in the node, moved there before the first controller is switched on (no processes in inner nodes): the daemon itself,
///                                 or what holds the unit beside it. A unit with such nodes below cannot be started again by systemd before 254, hence that unit
///     aurae/ID/                   of one database: more than one daemon may run on a host, and each ends what is nobody's
///       cells/a/                  a cell's bounds
///         _/                      its processes
///         b/ ...                  its children
///       services/...
/// </code>
/// A node is made whole or not at all. Without a cgroup v2 tree there is no <see cref="Cgroups"/>, and everything but bounds works without.
/// </summary>
public sealed class Cgroups
{
    private const string Branch = "aurae";
    private const string UnitSuffix = ".service";
    private const string WorkloadsUnit = "auraed-workloads.service";
    private const int OwnerCharactersMax = 12;
    private readonly string _own;

    private Cgroups(string own, string owner, bool isRoot) =>
        (_own, Directory, IsRoot) = (own, Path.Combine(own, Branch, owner.Length > OwnerCharactersMax ? owner[..OwnerCharactersMax] : owner), isRoot);

    /// <summary>True when the daemon runs in the root of the tree, which may hold processes and children.</summary>
    public bool IsRoot { get; }

    /// <summary>Where all nodes of this owner are.</summary>
    public string Directory { get; }

    /// <summary>Null, with the reason, when this host has no cgroup v2 tree in which the daemon may make nodes.</summary>
    /// <param name="owner">Whose nodes these are: the database's identity.</param>
    public static Cgroups? Find(string owner, out string reason)
    {
        reason = "no cgroup v2 tree is mounted";
        if (Mount() is not { } mount || OwnPath() is not { } path)
        {
            return null;
        }

        // A daemon that was started again by the one before it stands where that one had moved itself.
        path = path.EndsWith("/daemon", StringComparison.Ordinal) ? path[..^"/daemon".Length] : path;
        var cgroups = new Cgroups(NodeOf(mount, path.TrimEnd('/')), owner, path.Trim('/').Length == 0);
        try
        {
            _ = System.IO.Directory.CreateDirectory(cgroups.Directory);
            reason = string.Empty;
            return cgroups;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            reason = $"{cgroups.Directory} cannot be made: {error.Message}";
            return null;
        }
    }

    /// <summary>The directory of the unit for workloads beside the daemon's unit, or that of the daemon's own node.</summary>
    internal static string NodeOf(string mount, string path)
    {
        string beside = path.EndsWith(UnitSuffix, StringComparison.Ordinal) ? $"{mount}{path[..path.LastIndexOf('/')]}/{WorkloadsUnit}" : string.Empty;
        return System.IO.Directory.Exists(beside) ? beside : mount + path;
    }

    /// <summary>A tree at a directory of a test's choosing.</summary>
    internal static Cgroups At(string own) => new(own, "test", isRoot: true);

    public string PathOf(string node) => Path.Combine(Directory, node);

    public bool Exists(string node) => System.IO.Directory.Exists(PathOf(node));

    /// <summary>What the path of the node's cgroup, and of those below, holds in whatever way the tree is seen: it begins and ends with a slash.</summary>
    public string TailOf(string node) => Directory[Directory.LastIndexOf($"/{Branch}/", StringComparison.Ordinal)..] + $"/{node}/";

    /// <summary>The processes in the node and below, now.</summary>
    public IReadOnlyList<int> ProcessesOf(string node)
    {
        var found = new List<int>();
        if (Exists(node))
        {
            foreach (string directory in System.IO.Directory.EnumerateDirectories(PathOf(node), "*", SearchOption.AllDirectories).Prepend(PathOf(node)))
            {
                found.AddRange(Words(Path.Combine(directory, "cgroup.procs")).Select(word => int.Parse(word, CultureInfo.InvariantCulture)));
            }
        }

        return found;
    }

    /// <summary>Names of the nodes directly below.</summary>
    public IEnumerable<string> Children(string node) => Exists(node)
        ? System.IO.Directory.EnumerateDirectories(PathOf(node)).Select(path => Path.GetFileName(path))
        : [];

    /// <summary>
    /// Makes the node with its bounds and, with <paramref name="leaf"/>, a node of that name below it; one that exists is adopted and gets the bounds. Fault(Precondition)
    /// names the controller that is not there or the file that refused; what was made by the call is gone then.
    /// </summary>
    public void Create(string node, CgroupBounds bounds, string? leaf = null)
    {
        var made = new Stack<string>();
        try
        {
            Require(bounds);
            foreach (string controller in Controllers(bounds))
            {
                Make(Path.GetDirectoryName(PathOf(node))!, made);
                Enable(controller, Path.GetDirectoryName(PathOf(node))!);
            }

            Make(PathOf(node), made);
            foreach ((_, string file, string text) in bounds.Writes())
            {
                Write(Path.Combine(PathOf(node), file), text);
            }

            if (leaf is not null)
            {
                Make(Path.Combine(PathOf(node), leaf), made);
            }
        }
        catch
        {
            foreach (string directory in made)
            {
                TryRemoveDirectory(directory);
            }

            throw;
        }
    }

    public CgroupUse Use(string node) => new(
        Number(node, "cpu.stat", "usage_usec") is { } microseconds ? TimeSpan.FromMicroseconds(microseconds) : null,
        Number(node, "memory.current", null),
        Number(node, "pids.current", null),
        Number(node, "cgroup.events", "populated") == 1);

    /// <summary>How many of its processes, and of those below, the kernel has ended for want of memory; 0 where the memory controller is not on.</summary>
    public long OutOfMemoryKills(string node) => Number(node, "memory.events", "oom_kill") ?? 0;

    /// <summary>Ends every process in the node and below, and waits until they are gone. Fault(Internal) when they do not go.</summary>
    public async Task KillAsync(string node, TimeProvider time, CancellationToken cancel)
    {
        TimeSpan step = TimeSpan.FromMilliseconds(1);
        for (TimeSpan waited = TimeSpan.Zero; Exists(node) && Number(node, "cgroup.events", "populated") == 1; waited += step, step = step < TimeSpan.FromMilliseconds(20) ? step * 2 : step)
        {
            if (waited > Limits.CgroupKillMax)
            {
                throw new Fault(FaultKind.Internal, $"the processes of cgroup {PathOf(node)} do not end", hint: $"cat {PathOf(node)}/cgroup.procs");
            }

            if (LaunchCalls.WriteFile(Path.Combine(PathOf(node), "cgroup.kill"), "1") != 0)
            {
                KillEach(PathOf(node));
            }

            await Task.Delay(step, time, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Removes the node and those below, which must be empty of processes. Fault(Internal) when the kernel refuses.</summary>
    public void Remove(string node)
    {
        if (Exists(node))
        {
            RemoveTree(PathOf(node));
        }
    }

    private static void RemoveTree(string directory)
    {
        foreach (string child in System.IO.Directory.EnumerateDirectories(directory))
        {
            RemoveTree(child);
        }

        try
        {
            System.IO.Directory.Delete(directory);
        }
        catch (IOException error) when (System.IO.Directory.Exists(directory))
        {
            throw new Fault(FaultKind.Internal, $"cgroup {directory} cannot be removed: {error.Message}", cause: error);
        }
    }

    private static void TryRemoveDirectory(string directory)
    {
        try
        {
            System.IO.Directory.Delete(directory);
        }
        catch (IOException)
        {
            // Somebody has made something in it meanwhile: it is theirs.
        }
    }

    private static void Make(string directory, Stack<string> made)
    {
        if (System.IO.Directory.Exists(directory))
        {
            return;
        }

        Make(Path.GetDirectoryName(directory)!, made);
        try
        {
            _ = System.IO.Directory.CreateDirectory(directory);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Precondition, $"cgroup {directory} cannot be made: {error.Message}", cause: error);
        }

        made.Push(directory);
    }

    /// <summary>Fault(Precondition) names a controller that the bounds need and the daemon does not have. Changes nothing.</summary>
    public void Require(CgroupBounds bounds)
    {
        string[] available = Words(Path.Combine(_own, "cgroup.controllers"));
        if (Controllers(bounds).FirstOrDefault(controller => !available.Contains(controller)) is { } missing)
        {
            throw new Fault(FaultKind.Precondition, $"the controller '{missing}' is not available in cgroup {_own}", hint: "give the daemon's unit Delegate=yes, and the host a unified cgroup v2 tree")
            {
                Reason = "CONTROLLER_MISSING",
            };
        }
    }

    private static string[] Controllers(CgroupBounds bounds) => [.. bounds.Writes().Select(write => write.Controller).Distinct()];

    /// <summary>Switches the controller on for the children of every node from the daemon's down to <paramref name="parent"/>.</summary>
    private void Enable(string controller, string parent)
    {
        string relative = Path.GetRelativePath(_own, parent);
        string directory = _own;
        foreach (string part in relative.Split('/').Prepend(string.Empty))
        {
            directory = part.Length == 0 ? directory : Path.Combine(directory, part);
            if (!Words(Path.Combine(directory, "cgroup.subtree_control")).Contains(controller))
            {
                if (directory == _own && !IsRoot)
                {
                    LeaveInnerNode();
                }

                Write(Path.Combine(directory, "cgroup.subtree_control"), "+" + controller);
            }
        }
    }

    /// <summary>Moves the daemon and what its start script left into a node of its own.</summary>
    private void LeaveInnerNode()
    {
        string home = Path.Combine(_own, "daemon");
        _ = System.IO.Directory.CreateDirectory(home);
        foreach (string process in Words(Path.Combine(_own, "cgroup.procs")))
        {
            _ = LaunchCalls.WriteFile(Path.Combine(home, "cgroup.procs"), process);
        }
    }

    private static void KillEach(string directory)
    {
        foreach (string process in Words(Path.Combine(directory, "cgroup.procs")))
        {
            if (int.TryParse(process, CultureInfo.InvariantCulture, out int id) && ProcessDescriptor.TryOpen(id) is { } descriptor)
            {
                _ = ProcessDescriptor.Signal(descriptor, SignalNames.Kill);
                descriptor.Dispose();
            }
        }

        foreach (string child in System.IO.Directory.EnumerateDirectories(directory))
        {
            KillEach(child);
        }
    }

    private static void Write(string path, string text)
    {
        int error = LaunchCalls.WriteFile(path, text);
        if (error != 0)
        {
            throw new Fault(FaultKind.Precondition, $"'{text}' cannot be written to {path}: {System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(error)}") { Reason = "CGROUP_REFUSED" };
        }
    }

    private static string[] Words(string path)
    {
        try
        {
            return File.ReadAllText(path).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private long? Number(string node, string file, string? key)
    {
        string[] words = Words(Path.Combine(PathOf(node), file));
        int index = key is null ? 0 : Array.IndexOf(words, key) + 1;
        bool isThere = words.Length > index && (key is null || index > 0);
        return isThere && long.TryParse(words[index], CultureInfo.InvariantCulture, out long number) ? number : null;
    }

    /// <summary>Where the cgroup2 file system is mounted (/proc/self/mountinfo, proc(5)).</summary>
    private static string? Mount() => File.ReadLines("/proc/self/mountinfo")
        .Select(line => line.Split(' '))
        .Where(fields => Array.IndexOf(fields, "-") is > 0 and var dash && fields.Length > dash + 1 && fields[dash + 1] == "cgroup2")
        .Select(fields => fields[4])
        .FirstOrDefault();

    private static string? OwnPath() => File.ReadLines("/proc/self/cgroup")
        .Where(line => line.StartsWith("0::", StringComparison.Ordinal))
        .Select(line => line[3..])
        .FirstOrDefault();
}
