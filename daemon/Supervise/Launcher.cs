using System.Buffers.Binary;
using Auraed.Base;
using Auraed.Native;

namespace Auraed.Supervise;

/// <summary>
/// The child's side of a launch: the binary as it is started by the daemon, between posix_spawn and exec. It reads what it is to become, does it step
/// by step, says that it is prepared, and executes the program when told so. When the daemon has gone meanwhile it ends: a process that is on no
/// record never runs. Hidden from the command line; reached from Main before anything else.
/// </summary>
public static class Launcher
{
    /// <summary>The argument that makes the binary a launcher.</summary>
    public const string Verb = "__launch";

    private const int Channel = ProcessSpawn.ChannelDescriptor;
    private const int ExitFailed = 127;
    private const int OpenFiles = 7;
    private const ulong OpenFilesSoft = 1024;
    private const int CloneMounts = 0x0002_0000;
    private const int CloneHostName = 0x0400_0000;
    private const int CloneIpc = 0x0800_0000;
    private const int CloneNetwork = 0x4000_0000;
    private const string PathDefault = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>The exit code; a launch that succeeds does not return.</summary>
    public static int Run()
    {
        if (Receive() is not { } order)
        {
            return Fail(LaunchStep.Specification, 0, "it is damaged");
        }

        int home = order.ProgramDirectory is { } directory ? LaunchCalls.OpenDirectory(directory) : 0;
        if (home < 0)
        {
            return Fail(LaunchStep.Program, -home, order.ProgramDirectory!);
        }

        (LaunchStep step, int error, string what) = Prepare(order);
        if (error != 0)
        {
            return Fail(step, error, what);
        }

        Span<byte> word = [LaunchWire.Prepared];
        if (LaunchCalls.Write(Channel, word) != 1 || LaunchCalls.Read(Channel, word) != 1 || word[0] != LaunchWire.Go)
        {
            return ExitFailed;
        }

        LaunchCalls.ResetSignals();
        if (order.Program.Length == 0)
        {
            _ = LaunchCalls.Close(Channel);
            LaunchCalls.StayAsFirst();
        }

        error = LaunchCalls.CloseOnExecute(Channel);
        return error != 0 ? Fail(LaunchStep.Descriptors, error, string.Empty) : Fail(LaunchStep.Program, Execute(order, home), order.Program);
    }

    private static LaunchOrder? Receive()
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        int bytes = Fill(length) ? BinaryPrimitives.ReadInt32LittleEndian(length) : 0;
        if (bytes is <= 0 or > Limits.LaunchSpecBytesMax)
        {
            return null;
        }

        var frame = new byte[bytes];
        try
        {
            return Fill(frame) ? LaunchWire.Decode(frame) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static bool Fill(Span<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            int count = LaunchCalls.Read(Channel, buffer);
            if (count <= 0)
            {
                return false;
            }

            buffer = buffer[count..];
        }

        return true;
    }

    private static (LaunchStep Step, int Error, string What) Prepare(LaunchOrder order)
    {
        int error = LaunchCalls.NewSession();
        if (error != 0)
        {
            return (LaunchStep.Session, error, string.Empty);
        }

        // The daemon asked for many descriptors and for protection from the memory killer; both are its own.
        _ = LaunchCalls.SetBound(OpenFiles, OpenFilesSoft, HardOpenFiles());
        _ = LaunchCalls.WriteFile("/proc/self/oom_score_adj", "0");
        foreach (ResourceBound bound in order.Bounds)
        {
            error = LaunchCalls.SetBound(bound.Resource, bound.Soft, bound.Hard);
            if (error != 0)
            {
                return (LaunchStep.Bounds, error, $"{bound.Resource}");
            }
        }

        if ((error = LaunchCalls.OpenAs(0, null)) != 0 || (error = LaunchCalls.OpenAs(1, order.OutputPath)) != 0 || (error = LaunchCalls.OpenAs(2, order.ErrorPath)) != 0)
        {
            return (LaunchStep.Output, error, order.OutputPath ?? string.Empty);
        }

        // Before the namespaces, in which the path may not lead there.
        if (order.Cgroup is not null && (error = LaunchCalls.WriteFile(order.Cgroup + "/cgroup.procs", "0")) != 0)
        {
            return (LaunchStep.Cgroup, error, order.Cgroup);
        }

        (LaunchStep Step, int Error, string What) failure = Enter(order);
        return failure.Error != 0 ? failure : Become(order);
    }

    private static (LaunchStep Step, int Error, string What) Enter(LaunchOrder order)
    {
        int flags = (order.Namespaces.HasFlag(Namespaces.Mount) ? CloneMounts : 0) | (order.Namespaces.HasFlag(Namespaces.HostName) ? CloneHostName : 0)
            | (order.Namespaces.HasFlag(Namespaces.Ipc) ? CloneIpc : 0) | (order.Namespaces.HasFlag(Namespaces.Network) ? CloneNetwork : 0);
        int error = flags == 0 ? 0 : order.IsJoining ? LaunchCalls.Join(ProcessSpawn.PeerDescriptor, flags) : LaunchCalls.Unshare(flags);
        if (error != 0)
        {
            return (LaunchStep.Namespaces, error, order.Namespaces.ToString());
        }

        if (order.IsJoining)
        {
            return default;
        }

        if (order.Namespaces.HasFlag(Namespaces.Mount) && (error = LaunchCalls.PrivateMounts()) != 0)
        {
            return (LaunchStep.Mounts, error, "/");
        }

        if (order.Namespaces.HasFlag(Namespaces.Mount | Namespaces.Process) && (error = LaunchCalls.MountProcesses()) != 0)
        {
            return (LaunchStep.Mounts, error, "/proc");
        }

        error = order.HostName is not null && order.Namespaces.HasFlag(Namespaces.HostName) ? LaunchCalls.SetHostName(order.HostName) : 0;
        return (LaunchStep.HostName, error, order.HostName ?? string.Empty);
    }

    private static (LaunchStep Step, int Error, string What) Become(LaunchOrder order)
    {
        int error = order.Groups is null ? 0 : LaunchCalls.SetGroups(order.Groups);
        error = error == 0 && order.GroupId is { } group ? LaunchCalls.SetGroup(group) : error;
        if (error != 0)
        {
            return (LaunchStep.Groups, error, $"{order.GroupId}");
        }

        error = order.UserId is { } user ? LaunchCalls.SetUser(user) : 0;
        if (error != 0)
        {
            return (LaunchStep.User, error, $"{order.UserId}");
        }

        if (order.IsWithoutNewPrivileges && (error = LaunchCalls.NoNewPrivileges()) != 0)
        {
            return (LaunchStep.Privileges, error, string.Empty);
        }

        LaunchCalls.SetFileMask(order.FileMask);
        // As the user, so that a directory that the user may not enter is refused.
        return (LaunchStep.Directory, LaunchCalls.ChangeDirectory(order.Directory), order.Directory);
    }

    /// <summary>The error of the place that came nearest to being a program.</summary>
    private static int Execute(LaunchOrder order, int home)
    {
        const int noEntry = 2;
        const int notDirectory = 20;
        string[] arguments = [order.Program, .. order.Arguments];
        if (home > 0)
        {
            return LaunchCalls.ExecuteIn(home, order.Program, arguments, order.Environment);
        }

        if (order.Program.Contains('/'))
        {
            return LaunchCalls.Execute(order.Program, arguments, order.Environment);
        }

        string path = order.Environment.FirstOrDefault(variable => variable.StartsWith("PATH=", StringComparison.Ordinal))?[5..] ?? PathDefault;
        int worst = noEntry;
        foreach (string directory in path.Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            int error = LaunchCalls.Execute(directory + "/" + order.Program, arguments, order.Environment);
            worst = error is noEntry or notDirectory ? worst : error;
        }

        return worst;
    }

    private static ulong HardOpenFiles() => LaunchCalls.HardBound(OpenFiles);

    private static int Fail(LaunchStep step, int error, string what)
    {
        _ = LaunchCalls.Write(Channel, LaunchWire.EncodeFailure(step, error, what));
        return ExitFailed;
    }
}
