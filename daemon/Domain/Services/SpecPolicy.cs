using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Supervise;

namespace Auraed.Domain.Services;

/// <summary>From a specification to what supervision takes. Everything throws Fault(Invalid) that names the field.</summary>
internal static class SpecPolicy
{
    /// <summary>RLIMIT_* of Linux on x86-64 and arm64, by the names of prlimit(1).</summary>
    private static readonly Dictionary<string, int> Resources = new(StringComparer.Ordinal)
    {
        ["cpu"] = 0, ["fsize"] = 1, ["data"] = 2, ["stack"] = 3, ["core"] = 4, ["rss"] = 5, ["nproc"] = 6, ["nofile"] = 7,
        ["memlock"] = 8, ["as"] = 9, ["locks"] = 10, ["sigpending"] = 11, ["msgqueue"] = 12, ["nice"] = 13, ["rtprio"] = 14, ["rttime"] = 15,
    };

    public static ServicePolicy Of(ServiceSpec spec, string path = "spec")
    {
        var plain = new ServicePolicy();
        Restart restart = spec.Restart ?? new Restart();
        Probe? probe = spec.Probe;
        return new ServicePolicy
        {
            Restart = restart.Policy switch
            {
                Restart.Types.Policy.No => RestartPolicy.No,
                Restart.Types.Policy.Always => RestartPolicy.Always,
                Restart.Types.Policy.Unspecified or Restart.Types.Policy.OnFailure => RestartPolicy.OnFailure,
                _ => throw Fault.Invalid(path + ".restart.policy", $"{path}.restart.policy {(int)restart.Policy} is not known"),
            },
            BackOffMin = SpecCheck.Span(restart.BackOffMin, path + ".restart.back_off_min") ?? plain.BackOffMin,
            BackOffMax = SpecCheck.Span(restart.BackOffMax, path + ".restart.back_off_max") ?? Longer(plain.BackOffMax, SpecCheck.Span(restart.BackOffMin, path)),
            HealthyAfter = SpecCheck.Span(restart.HealthyAfter, path + ".restart.healthy_after") ?? plain.HealthyAfter,
            StartCountMax = restart.HasStartCountMax ? restart.StartCountMax : plain.StartCountMax,
            StartInterval = SpecCheck.Span(restart.StartInterval, path + ".restart.start_interval") ?? plain.StartInterval,
            StartTimeout = SpecCheck.Span(spec.StartTimeout, path + ".start_timeout") ?? plain.StartTimeout,
            StopSignal = Signal(spec.Stop?.Signal ?? string.Empty, path + ".stop.signal"),
            StopGrace = SpecCheck.Span(spec.Stop?.Grace, path + ".stop.grace") ?? plain.StopGrace,
            Readiness = spec.Ready switch
            {
                ReadyWhen.Started => Readiness.Started,
                ReadyWhen.Probed => Readiness.Probe,
                ReadyWhen.Unspecified => probe is null ? Readiness.Started : Readiness.Probe,
                _ => throw Fault.Invalid(path + ".ready", $"{path}.ready {(int)spec.Ready} is not known"),
            },
            ProbeFailuresMax = probe is { HasFailuresMax: true } ? probe.FailuresMax : plain.ProbeFailuresMax,
            ProbeSuccessesMin = probe is { HasSuccessesMin: true } ? probe.SuccessesMin : plain.ProbeSuccessesMin,
        }.Check(path);
    }

    /// <summary>What the cgroup of an instance may use.</summary>
    public static CgroupBounds Bounds(ServiceSpec spec, string path)
    {
        if (spec.Limits is not { } limits)
        {
            return CgroupBounds.None;
        }

        Range(limits.HasCpuWeight ? (long)limits.CpuWeight : null, 1, 10_000, path + ".cpu_weight");
        Range(limits.HasIoWeight ? (long)limits.IoWeight : null, 1, 10_000, path + ".io_weight");
        Range(limits.HasMemoryMin ? limits.MemoryMin : null, 0, long.MaxValue, path + ".memory_min");
        Range(limits.HasMemoryLow ? limits.MemoryLow : null, 0, long.MaxValue, path + ".memory_low");
        Range(limits.HasMemoryHigh ? limits.MemoryHigh : null, 0, long.MaxValue, path + ".memory_high");
        Range(limits.HasMemoryMax ? limits.MemoryMax : null, 0, long.MaxValue, path + ".memory_max");
        Range(limits.HasProcessesMax ? limits.ProcessesMax : null, 1, int.MaxValue, path + ".processes_max");
        if (limits.HasCpuMax && limits.CpuMax is not (>= 0.01 and <= 10_000))
        {
            throw Fault.Invalid(path + ".cpu_max", $"{path}.cpu_max is not between 0.01 and 10000 processors");
        }

        return new CgroupBounds
        {
            CpuWeight = limits.HasCpuWeight ? limits.CpuWeight : null,
            CpuMax = limits.HasCpuMax ? (long)(limits.CpuMax * CpuPeriod) : null,
            CpuPeriod = limits.HasCpuMax ? CpuPeriod : null,
            Cpus = limits.HasCpus ? limits.Cpus : null,
            MemoryNodes = limits.HasMemoryNodes ? limits.MemoryNodes : null,
            MemoryMin = limits.HasMemoryMin ? limits.MemoryMin : null,
            MemoryLow = limits.HasMemoryLow ? limits.MemoryLow : null,
            MemoryHigh = limits.HasMemoryHigh ? limits.MemoryHigh : null,
            MemoryMax = limits.HasMemoryMax ? limits.MemoryMax : null,
            ProcessesMax = limits.HasProcessesMax ? limits.ProcessesMax : null,
            IoWeight = limits.HasIoWeight ? limits.IoWeight : null,
            IoMax = [.. limits.IoMax],
        };
    }

    /// <summary>True when the specification asks for something that only a cgroup gives.</summary>
    public static bool NeedsCgroup(ServiceSpec spec) => spec.Limits is { } limits && !limits.Equals(new ResourceLimits { Bounds = { limits.Bounds } });

    public static IReadOnlyList<ResourceBound> ProcessBounds(ServiceSpec spec, string path) => [.. (spec.Limits?.Bounds ?? []).Select((bound, index) =>
    {
        int resource = Resources.TryGetValue(bound.Name, out int known)
            ? known
            : throw Fault.Invalid($"{path}[{index}].name", $"{path}[{index}].name '{bound.Name}' is not known", string.Join(", ", Resources.Keys));
        (ulong soft, ulong hard) = (bound.HasSoft ? bound.Soft : ulong.MaxValue, bound.HasHard ? bound.Hard : ulong.MaxValue);
        return soft <= hard ? new ResourceBound(resource, soft, hard) : throw Fault.Invalid($"{path}[{index}].soft", $"{path}[{index}].soft is more than hard");
    })];

    public static Namespaces NamespacesOf(ServiceSpec spec)
    {
        Isolation isolation = spec.Isolation ?? new Isolation();
        return (isolation.Process ? Namespaces.Process | Namespaces.Mount : Namespaces.None)
            | (isolation.Mount ? Namespaces.Mount : Namespaces.None)
            | (isolation.Network ? Namespaces.Network : Namespaces.None)
            | (isolation.Ipc ? Namespaces.Ipc : Namespaces.None)
            | (isolation.HostName.Length > 0 ? Namespaces.HostName : Namespaces.None);
    }

    private const int CpuPeriod = 100_000;

    private static int Signal(string name, string field)
    {
        if (name.Length == 0)
        {
            return SignalNames.Terminate;
        }

        return SignalNames.TryParse(name, out int signal) ? signal : throw Fault.Invalid(field, $"{field} '{name}' is no signal", "write SIGTERM, SIGINT, SIGQUIT, ...");
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan? other) => other > one ? other.Value : one;

    private static void Range(long? value, long least, long most, string field)
    {
        if (value < least || value > most)
        {
            throw Fault.Invalid(field, $"{field} is {value}: it goes from {least} to {most}");
        }
    }
}
