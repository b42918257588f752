using System.Globalization;
using System.Net.Sockets;
using Aurae.Admin.V0;
using Aurae.Pki;
using Auraed.Base;
using Auraed.Cli.Output;
using Auraed.Store;

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
        findings.AddRange(await DaemonAsync(invocation, cancel));
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
            if (PkiCheck.IsHidden(path))
            {
                yield return Finding.Error(path, "cannot be looked at: permission denied", "run it as root, or as the owner");
                continue;
            }

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

    private static async Task<IReadOnlyList<Finding>> DaemonAsync(Invocation invocation, CancellationToken cancel)
    {
        ClientConnection daemon;
        try
        {
            daemon = invocation.Daemon;
        }
        catch (Fault fault)
        {
            return [Finding.Warning("daemon", $"was not asked: {fault.Message}", fault.Hint), .. Database(invocation)];
        }

        try
        {
            var answer = await StatusVerbs.DiscoverAsync(daemon, cancel);
            return [Finding.Good(daemon.Settings.Socket, $"answers: auraed {answer.Version}"), .. await SupervisionAsync(daemon, cancel)];
        }
        catch (Fault fault)
        {
            var socket = daemon.Settings.Socket;
            var isStale = File.Exists(socket) && fault.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused };
            return
            [
                isStale
                    ? Finding.Error(socket, "is left over: nobody listens behind it. The daemon replaces it when it starts", invocation.StartCommand)
                    : Finding.Error(socket, fault.Message, fault.Hint ?? invocation.StartCommand),
                .. Database(invocation),
            ];
        }
    }

    /// <summary>Nothing from a daemon that does not tell.</summary>
    private static async Task<IReadOnlyList<Finding>> SupervisionAsync(ClientConnection daemon, CancellationToken cancel)
    {
        try
        {
            var status = await daemon.CallAsync("ask for the daemon's status", options => new AdminService.AdminServiceClient(daemon.Invoker).StatusAsync(new StatusRequest(), options), cancel);
            return status.SupervisionRefused.Length == 0 ? [] : [Finding.Warning("supervision", $"is refused: {status.SupervisionRefused}", null)];
        }
        catch (Fault)
        {
            return [];
        }
    }

    /// <summary>Whether the next start can open the database. A daemon that runs has it open.</summary>
    private static IReadOnlyList<Finding> Database(Invocation invocation)
    {
        var path = invocation.Layout.LibraryDirectory;
        try
        {
            var settings = invocation.Settings;
            path = Path.Combine(settings.LibraryDirectory, "aurae.db");
            if (File.Exists(path) && !File.Exists(settings.ServerKeyPath) && !PkiCheck.IsHidden(settings.ServerKeyPath))
            {
                return
                [
                    Finding.Error(path, $"opens with {settings.ServerKeyPath} alone, which is gone: without it the database is lost, and every copy of it", $"put {settings.ServerKeyPath} back from its backup"),
                ];
            }

            return Maintenance.TryKey(settings.LibraryDirectory, settings.ServerKeyPath) ? [Finding.Good(path, $"opens with {settings.ServerKeyPath}")] : [];
        }
        catch (Fault fault)
        {
            return [Finding.Error(path, fault.Message, fault.Hint)];
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
