using System.Globalization;
using System.Net.Sockets;
using Auraed.Base;
using Auraed.Cli.Output;

namespace Auraed.Cli.Verbs;

/// <summary>`auraed doctor`: everything that the daemon needs on this host, looked at once, read only.</summary>
internal static class DoctorVerbs
{
    private const long FreeBytesMin = 1L << 30;

    /// <summary>pidfd_open, clone3 with a cgroup, and cgroup.kill are all there from here on.</summary>
    private static readonly Version KernelMin = new(5, 14);

    public static async Task RunAsync(Invocation invocation, CancellationToken cancel)
    {
        var findings = new List<Finding>();
        findings.AddRange(PkiVerbs.Check(invocation, invocation.Layout.PkiDirectory));
        findings.AddRange(Configuration(invocation));
        findings.AddRange(Directories(invocation));
        findings.Add(Disk(invocation.Layout.LibraryDirectory));
        findings.Add(await DaemonAsync(invocation, cancel));
        findings.Add(Kernel());
        findings.Add(ControlGroups());
        if (Unit(invocation.Layout.Root) is { } unit)
        {
            findings.Add(unit);
        }

        PkiVerbs.Report(invocation, findings);
    }

    private static IEnumerable<Finding> Configuration(Invocation invocation)
    {
        Finding client;
        try
        {
            var settings = ClientSettings.Find(invocation);
            if (settings.IsSecure)
            {
                var (authority, identity) = settings.LoadCertificates();
                authority.Dispose();
                identity.Dispose();
            }

            client = Finding.Good(settings.Source, "is a client configuration that can be used");
        }
        catch (Fault fault)
        {
            client = Finding.Error(fault.Field ?? "client configuration", fault.Message, fault.Hint);
        }

        return [client, ConfigVerbs.Check(invocation)];
    }

    private static IEnumerable<Finding> Directories(Invocation invocation)
    {
        const UnixFileMode othersMayWrite = UnixFileMode.OtherWrite;
        foreach (var path in new[] { invocation.Layout.LibraryDirectory, invocation.Layout.RuntimeDirectory })
        {
            if (!Directory.Exists(path))
            {
                yield return Finding.Warning(path, "does not exist; the daemon makes it when it may", $"auraed init{invocation.RootFlag}");
                continue;
            }

            var mode = File.GetUnixFileMode(path);
            yield return (mode & othersMayWrite) == 0
                ? Finding.Good(path, "is there, and others may not write it")
                : Finding.Error(path, $"has mode {Convert.ToString((int)mode, 8)}: everyone may write it", $"chmod o-w {path}");
        }
    }

    private static Finding Disk(string place)
    {
        while (!Directory.Exists(place))
        {
            place = Path.GetDirectoryName(place) ?? "/";
        }

        var free = new DriveInfo(place).AvailableFreeSpace;
        return free >= FreeBytesMin
            ? Finding.Good(place, $"has {Units.Bytes(free)} free")
            : Finding.Warning(place, $"has only {Units.Bytes(free)} free", $"df -h {place}");
    }

    private static async Task<Finding> DaemonAsync(Invocation invocation, CancellationToken cancel)
    {
        try
        {
            var daemon = invocation.Daemon;
            var answer = await StatusVerbs.DiscoverAsync(daemon, cancel);
            return Finding.Good(daemon.Settings.Socket, $"answers: auraed {answer.Version}");
        }
        catch (Fault fault) when (fault.Kind == FaultKind.NotFound)
        {
            return Finding.Warning(invocation.ClientConfigs[0], "does not exist, so the daemon was not asked", fault.Hint);
        }
        catch (Fault fault)
        {
            var socket = invocation.Daemon.Settings.Socket;
            var isStale = File.Exists(socket) && fault.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused };
            return isStale
                ? Finding.Warning(socket, "is left over: nobody listens behind it. The daemon replaces it when it starts", invocation.StartCommand)
                : Finding.Error(socket, fault.Message, fault.Hint ?? invocation.StartCommand);
        }
    }

    private static Finding Kernel()
    {
        var release = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        var digits = release.Split('-')[0].Split('.');
        var version = new Version(int.Parse(digits[0], CultureInfo.InvariantCulture), int.Parse(digits[1], CultureInfo.InvariantCulture));
        return version >= KernelMin
            ? Finding.Good("kernel", $"is {release}")
            : Finding.Warning("kernel", $"is {release}; from {KernelMin} on, processes can be followed without races", "upgrade the kernel");
    }

    private static Finding ControlGroups()
    {
        const string controllers = "/sys/fs/cgroup/cgroup.controllers";
        if (!File.Exists(controllers))
        {
            return Finding.Warning("/sys/fs/cgroup", "is not cgroup v2: limits of cells are refused", "boot with systemd.unified_cgroup_hierarchy=1");
        }

        var have = File.ReadAllText(controllers).Split(' ', '\n');
        var lacks = new[] { "cpu", "cpuset", "memory" }.Except(have).ToArray();
        return lacks.Length == 0
            ? Finding.Good("/sys/fs/cgroup", "is cgroup v2 with cpu, cpuset and memory")
            : Finding.Warning("/sys/fs/cgroup", $"is cgroup v2 without {string.Join(", ", lacks)}: such limits are refused", $"cat {controllers}");
    }

    /// <summary>Only for the system's daemon, and only where systemd runs.</summary>
    private static Finding? Unit(string? root)
    {
        string[] places = ["/etc/systemd/system/auraed.service", "/usr/local/lib/systemd/system/auraed.service", "/usr/lib/systemd/system/auraed.service", "/lib/systemd/system/auraed.service"];
        if (root is not null || !Directory.Exists("/run/systemd/system"))
        {
            return null;
        }

        var unit = places.FirstOrDefault(File.Exists);
        return unit is null
            ? Finding.Warning("auraed.service", "is not installed", "make install, or install the package")
            : Directory.Exists("/sys/fs/cgroup/system.slice/auraed.service")
                ? Finding.Good("auraed.service", "is active")
                : Finding.Warning("auraed.service", "is not active", "systemctl enable --now auraed");
    }
}
