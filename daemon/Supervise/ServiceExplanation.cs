using System.Globalization;

namespace Auraed.Supervise;

/// <summary>Why a service is where it is, in one sentence for an operator.</summary>
public static class ServiceExplanation
{
    public static string Of(ServiceState state, ServicePolicy policy, TimeSpan now) => state.IsAdopting
        ? "the daemon has come back and is looking for its process"
        : state.Phase switch
        {
            ServicePhase.Stopped => "it is stopped, as asked",
            ServicePhase.Waiting => $"it waits for {state.Detail}",
            ServicePhase.Delayed => $"it starts again in {Seconds(state.WakeAt - now)}: {Why(state, policy)}{Row(state)}",
            ServicePhase.Starting => "it is being started",
            ServicePhase.Warming => $"it runs and is not ready yet{Colon(state.Detail)}",
            ServicePhase.Running => state.Cause == ServiceCause.Unhealthy ? $"it runs, but its probe fails{Colon(state.Detail)}" : "it runs",
            ServicePhase.Stopping => $"it is being stopped, as {Why(state, policy)}",
            ServicePhase.Killing => $"it was sent SIGKILL and is not gone yet, as {Why(state, policy)}",
            ServicePhase.Finished => $"it has finished: it {state.LastExit}",
            ServicePhase.Failed => state.Cause == ServiceCause.StartLimit
                ? $"it was given up after {policy.StartCountMax} starts within {Seconds(policy.StartInterval)}{Last(state)}; a start by request tries again"
                : $"it has failed and its policy does not restart it: {Why(state, policy)}",
        };

    private static string Why(ServiceState state, ServicePolicy policy) => state.Cause switch
    {
        ServiceCause.Ended => $"it {Ended(state.LastExit)}{Colon(state.Detail)}",
        ServiceCause.LaunchFailed => $"it could not be launched{Colon(state.Detail)}",
        ServiceCause.StartTimeout => $"it was not ready within {Seconds(policy.StartTimeout)}{Colon(state.Detail)}",
        ServiceCause.Unhealthy => $"its probe failed {policy.ProbeFailuresMax} times in a row{Colon(state.Detail)}",
        ServiceCause.RestartRequested => "a restart was asked for",
        ServiceCause.None or ServiceCause.NotWanted or ServiceCause.Dependency or ServiceCause.StopRequested or ServiceCause.StartLimit or ServiceCause.Launching
            or ServiceCause.NotReady => "a stop was asked for",
    };

    private static string Ended(ExitStatus? exit) => exit is { Kind: ExitKind.Signalled } ? $"was {exit}" : $"{exit}";

    private static string Last(ServiceState state) => state.LastExit is { } exit ? $", the last of which {Ended(exit)}{Colon(state.Detail)}" : Colon(state.Detail);

    private static string Row(ServiceState state) => state.Failures > 1 ? string.Create(CultureInfo.InvariantCulture, $" ({state.Failures} times in a row)") : string.Empty;

    private static string Colon(string detail) => detail.Length > 0 ? ": " + detail : string.Empty;

    private static string Seconds(TimeSpan? wait) =>
        string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, wait?.TotalSeconds ?? 0):0.#} s");
}
