using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Supervise;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Services;

/// <summary>From what supervision knows to the record that keeps it, and back. The numbers of phases, causes and exits are the same in both.</summary>
internal static class SlotRecords
{
    /// <summary>Writes the state over the record's part of it.</summary>
    public static void Write(ServiceSlot slot, ServiceState state)
    {
        slot.Phase = (SlotPhase)state.Phase;
        slot.Cause = (SlotCause)state.Cause;
        slot.Detail = Cut(state.Detail);
        slot.Wanted = state.IsWanted;
        slot.Instance = state.Instance;
        slot.InstanceOpen = state.IsInstanceOpen;
        slot.RestartAsked = state.IsRestartAsked;
        slot.Healthy = state.IsHealthy;
        slot.ProbeFailures = state.ProbeFailures;
        slot.ProbeSuccesses = state.ProbeSuccesses;
        slot.Failures = state.Failures;
        slot.Restarts = state.Restarts;
        slot.WindowStart = Duration.FromTimeSpan(state.WindowStart);
        slot.WindowStarts = state.WindowStarts;
        slot.ReadySince = Duration.FromTimeSpan(state.ReadySince);
        slot.WakeAt = state.WakeAt is { } at ? Duration.FromTimeSpan(at) : null;
        slot.Now = Duration.FromTimeSpan(state.Now);
        slot.LastExit = Exit(state.LastExit);
    }

    public static ServiceState Read(ServiceSlot slot) => new()
    {
        Phase = (ServicePhase)slot.Phase,
        Cause = (ServiceCause)slot.Cause,
        Detail = slot.Detail,
        IsWanted = slot.Wanted,
        Instance = slot.Instance,
        IsInstanceOpen = slot.InstanceOpen,
        IsRestartAsked = slot.RestartAsked,
        IsHealthy = slot.Healthy,
        ProbeFailures = slot.ProbeFailures,
        ProbeSuccesses = slot.ProbeSuccesses,
        Failures = slot.Failures,
        Restarts = slot.Restarts,
        WindowStart = Span(slot.WindowStart),
        WindowStarts = slot.WindowStarts,
        ReadySince = Span(slot.ReadySince),
        WakeAt = slot.WakeAt?.ToTimeSpan(),
        Now = Span(slot.Now),
        LastExit = slot.LastExit is { } exit ? new ExitStatus((ExitKind)exit.Kind, exit.Value, exit.CoreDumped) : null,
    };

    public static InstanceExit? Exit(ExitStatus? exit) => exit is not { } status ? null : new InstanceExit
    {
        Kind = (InstanceExit.Types.Kind)status.Kind,
        Value = status.Value,
        CoreDumped = status.IsCoreDumped,
    };

    /// <summary>Null when none was made.</summary>
    public static ProcessIdentity? Process(ServiceSlot slot) => slot.Pid > 0 ? new ProcessIdentity(slot.Pid, slot.StartTicks, slot.BootId) : null;

    /// <summary>Adds what became of it, and lets go of the oldest.</summary>
    public static void Remember(ServiceSlot slot, DateTimeOffset now)
    {
        slot.History.Add(new SlotMoment
        {
            Time = Timestamp.FromDateTimeOffset(now),
            Version = slot.Version,
            Instance = slot.Instance,
            Phase = slot.Phase,
            Cause = slot.Cause,
            Detail = slot.Detail,
            Exit = slot.InstanceOpen ? null : slot.LastExit?.Clone(),
        });
        while (slot.History.Count > Limits.SlotHistoryCountMax)
        {
            slot.History.RemoveAt(0);
        }
    }

    private static string Cut(string detail)
    {
        string printable = detail.Length <= Limits.SlotDetailCharactersMax ? detail : detail[..Limits.SlotDetailCharactersMax];
        return printable.Any(character => char.IsControl(character) || char.IsSurrogate(character))
            ? new string([.. printable.Where(character => !char.IsControl(character) && !char.IsSurrogate(character))])
            : printable;
    }

    private static TimeSpan Span(Duration? span) => span?.ToTimeSpan() ?? TimeSpan.Zero;
}
