using System.Diagnostics;
using System.Globalization;

namespace Auraed.Bench;

/// <summary>What /proc knows.</summary>
internal static class Machine
{
    public static string LoadAverage() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    public static string FileSystemOf(string path) => new DriveInfo(path).DriveFormat;

    /// <summary>A field of /proc/PID/status or smaps_rollup that is given in kB, in MiB; 0 when it is not there.</summary>
    public static double Mebibytes(int pid, string file, string field) =>
        File.ReadLines($"/proc/{pid}/{file}").Where(line => line.StartsWith(field + ":", StringComparison.Ordinal))
            .Select(line => double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024).FirstOrDefault();

    /// <summary>User and system time of a process and of its children that have ended, in ticks of 10 ms.</summary>
    public static double CpuSecondsWithChildren(int pid) => CpuSeconds($"/proc/{pid}/stat", 11..15);

    /// <summary>The same of all children of this process that have ended and been waited for.</summary>
    public static double EndedChildrenCpuSeconds() => CpuSeconds("/proc/self/stat", 13..15);

    private static double CpuSeconds(string path, Range fields)
    {
        var stat = File.ReadAllText(path);
        return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[fields].Sum(ticks => double.Parse(ticks, CultureInfo.InvariantCulture)) / 100;
    }

    /// <summary>
    /// Bytes that the disk under the path has been written since boot, by whomever and with all that waits in memory; null when no single disk is. A process's own count will not do: to the kernel a few bytes
    /// that are written into a large folio are the whole of it (proc_pid_io(5); sysfs-block, stat).
    /// </summary>
    public static long? WrittenBytes(string path)
    {
        const int Device = 2;
        const int MountPoint = 4;
        const int SectorsWritten = 6;
        const int SectorBytes = 512;
        using (var sync = Process.Start("/bin/sync"))
        {
            sync.WaitForExit();
        }

        var mount = File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' '))
            .Where(fields => fields[MountPoint] == "/" || path == fields[MountPoint] || path.StartsWith(fields[MountPoint] + "/", StringComparison.Ordinal))
            .MaxBy(fields => fields[MountPoint].Length);
        var counts = $"/sys/dev/block/{mount?[Device]}/stat";
        return File.Exists(counts)
            ? SectorBytes * long.Parse(File.ReadAllText(counts).Split(' ', StringSplitOptions.RemoveEmptyEntries)[SectorsWritten], System.Globalization.CultureInfo.InvariantCulture)
            : null;
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? 0 : sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
