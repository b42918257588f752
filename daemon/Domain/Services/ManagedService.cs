using Aurae.Services.V0;
using Auraed.Supervise;

namespace Auraed.Domain.Services;

/// <summary>A service in the supervisor's memory: what is asked for, and its slots. Touched by the supervisor's loop alone.</summary>
internal sealed class ManagedService(string tenant, Service wanted, ServiceSpec spec)
{
    public string Tenant { get; } = tenant;

    public string Name => Wanted.Name;

    public Service Wanted { get; set; } = wanted;

    /// <summary>Of the version that is asked for.</summary>
    public ServiceSpec Spec { get; set; } = spec;

    /// <summary>The slot that serves.</summary>
    public ManagedSlot? Active { get; set; }

    /// <summary>The slot that a hot swap starts, or the one that drains after it; null while there is none.</summary>
    public ManagedSlot? Other { get; set; }

    /// <summary>The hot swap under way; null when there is none.</summary>
    public TaskCompletionSource<bool>? Swap { get; set; }

    /// <summary>Told when the service is deleted and down.</summary>
    public TaskCompletionSource<bool>? Deletion { get; set; }

    /// <summary>It is to be stopped once those that require it are down.</summary>
    public bool IsStopDue { get; set; }

    public IEnumerable<ManagedSlot> Slots => new[] { Active, Other }.OfType<ManagedSlot>();

    /// <summary>Others that wait for it may go on.</summary>
    public bool IsReady => Active?.Machine.State.Phase is ServicePhase.Running or ServicePhase.Finished;

    /// <summary>It is to run and may still become ready.</summary>
    public bool IsComing => Active?.Machine.State is { IsWanted: true, Phase: not (ServicePhase.Running or ServicePhase.Finished or ServicePhase.Failed) };

    /// <summary>Of the version that is asked for, or of what runs.</summary>
    public bool Requires(string name) => Slots.Select(slot => slot.Spec).Append(Spec).Any(spec => spec.Dependencies?.Requires.Contains(name) == true);

    public bool IsDown => Slots.All(slot => !slot.Machine.State.IsInstanceOpen);
}

/// <summary>One place for a process: its machine, its record, and what is under way.</summary>
internal sealed class ManagedSlot(ManagedService service, ServiceSlot record, ServiceSpec spec, ServiceState state)
{
    public ManagedService Service { get; } = service;

    /// <summary>As it was kept last, or is about to be.</summary>
    public ServiceSlot Record { get; } = record;

    /// <summary>Of the version that is launched next, or runs.</summary>
    public ServiceSpec Spec { get; set; } = spec;

    /// <summary>The version that the next launch takes, while another runs; null for the same.</summary>
    public (long Version, ServiceSpec Spec)? Pending { get; set; }

    public ServiceMachine Machine { get; } = new(state, SpecPolicy.Of(spec));

    public string Name => Record.Id[(Record.Id.LastIndexOf('/') + 1)..];

    /// <summary>Below the node of this database.</summary>
    public string Cgroup => $"{Service.Tenant}.{Service.Name}.{Name}";

    /// <summary>The process that runs; null while none does.</summary>
    public SupervisedProcess? Process { get; set; }

    /// <summary>Ends the launch under way; null when there is none.</summary>
    public CancellationTokenSource? Launch { get; set; }

    /// <summary>It is to be kept, and what it ordered carried out after that.</summary>
    public bool IsDirty { get; set; }

    /// <summary>What has become of it is worth a line of its history.</summary>
    public bool IsChanged { get; set; }

    /// <summary>To be removed with its record once it is down.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>Orders that wait until the state is kept.</summary>
    public List<ServiceOutput> Orders { get; } = [];

    /// <summary>When the next probe is due; null for none.</summary>
    public TimeSpan? ProbeAt { get; set; }

    public bool IsProbing { get; set; }

    /// <summary>The last probe's result that the machine was told.</summary>
    public bool? LastProbe { get; set; }

    /// <summary>When a slot that drains is to stop, or one that is swapped in has settled.</summary>
    public TimeSpan? TurnAt { get; set; }

    /// <summary>It was told to stop because the host shuts down.</summary>
    public bool IsShutDown { get; set; }

    /// <summary>Told when the launcher's process is on record: true to let it run.</summary>
    public TaskCompletionSource<bool>? Prepared { get; set; }
}
