using System.Globalization;

namespace Auraed.Supervise;

/// <summary>What a cgroup may use; null leaves the kernel's default. Bytes for memory, microseconds for time.</summary>
public sealed record CgroupBounds
{
    public static CgroupBounds None { get; } = new();

    public ulong? CpuWeight { get; init; }

    /// <summary>Of each period; with no period, the kernel's 100 ms.</summary>
    public long? CpuMax { get; init; }

    public ulong? CpuPeriod { get; init; }

    public string? Cpus { get; init; }

    public string? MemoryNodes { get; init; }

    public long? MemoryMin { get; init; }

    public long? MemoryLow { get; init; }

    public long? MemoryHigh { get; init; }

    public long? MemoryMax { get; init; }

    public long? ProcessesMax { get; init; }

    /// <summary>1 to 10000.</summary>
    public ulong? IoWeight { get; init; }

    /// <summary>Lines of io.max, as <c>8:0 rbps=1048576 wiops=max</c>.</summary>
    public IReadOnlyList<string> IoMax { get; init; } = [];

    /// <summary>Controller, file and text of everything that is to be written, in order.</summary>
    internal IEnumerable<(string Controller, string File, string Text)> Writes()
    {
        (string, string, string?)[] all =
        [
            ("cpu", "cpu.weight", Text(CpuWeight)),
            ("cpu", "cpu.max", CpuMax is null && CpuPeriod is null ? null : $"{Text(CpuMax) ?? "max"}{(CpuPeriod is null ? string.Empty : " " + Text(CpuPeriod))}"),
            ("cpuset", "cpuset.cpus", Cpus),
            ("cpuset", "cpuset.mems", MemoryNodes),
            ("memory", "memory.min", Text(MemoryMin)),
            ("memory", "memory.low", Text(MemoryLow)),
            ("memory", "memory.high", Text(MemoryHigh)),
            ("memory", "memory.max", Text(MemoryMax)),
            ("pids", "pids.max", Text(ProcessesMax)),
            ("io", "io.weight", Text(IoWeight)),
            .. IoMax.Select(line => ("io", "io.max", (string?)line)),
        ];
        return from write in all where write.Item3 is not null select (write.Item1, write.Item2, write.Item3!);
    }

    private static string? Text<T>(T? number)
        where T : struct, IFormattable => number?.ToString(null, CultureInfo.InvariantCulture);
}

/// <summary>What a cgroup uses now; null where its controller is not there.</summary>
public readonly record struct CgroupUse(TimeSpan? Cpu, long? MemoryBytes, long? Processes, bool IsPopulated);
