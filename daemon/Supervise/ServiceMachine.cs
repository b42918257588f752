using Auraed.Base;

namespace Auraed.Supervise;

/// <summary>
/// Decides, does nothing: inputs and the time go in, orders come out. Whoever drives it keeps <see cref="State"/> durably before it carries out the
/// orders, so that the counts go on where they stood when the daemon comes back.
/// Invariants: a launch is ordered only while no instance is open; an open instance is closed only by word of its end; between the end of an
/// instance and the launch of the next lies the back-off, unless somebody asked; a service that is wanted and does not run has a cause, and
/// either a time to wake at or something that it waits for.
/// </summary>
public sealed class ServiceMachine(ServiceState state, ServicePolicy policy)
{
    private List<ServiceOutput> _outputs = [];
    private TimeSpan _now;

    public ServiceState State { get; } = state;

    /// <summary>In force from the next input on; a running instance is left alone.</summary>
    public ServicePolicy Policy { get; set; } = policy;

    /// <summary>When to give a <see cref="ServiceInput.Tick"/> at the latest; null for never.</summary>
    public TimeSpan? WakeAt => State.IsAdopting ? null : State.WakeAt;

    /// <summary>Takes what has happened at <paramref name="now"/> and adds what is to be done to <paramref name="outputs"/>, in order.</summary>
    public void Apply(in ServiceInput input, TimeSpan now, List<ServiceOutput> outputs)
    {
        _outputs = outputs;
        _now = State.Now = now > State.Now || input.Kind == ServiceInputKind.Recover ? Continue(now) : State.Now;
        (ServicePhase phase, ServiceCause cause, bool isHealthy) = (State.Phase, State.Cause, State.IsHealthy);
        Take(in input);
        Wake();
        if (State.Phase != phase || State.Cause != cause || State.IsHealthy != isHealthy)
        {
            Order(ServiceOutputKind.Changed);
        }
    }

    private void Take(in ServiceInput input)
    {
        bool isCurrent = State.IsInstanceOpen && input.Instance == State.Instance;
        switch (input.Kind)
        {
            case ServiceInputKind.Start:
                Start();
                break;
            case ServiceInputKind.Stop:
                Stop();
                break;
            case ServiceInputKind.Restart:
                Restart();
                break;
            case ServiceInputKind.Recover:
                Recover(input.Flag, input.Instance == 1);
                break;
            case ServiceInputKind.Dependencies:
                Depend(input.Flag, input.Detail);
                break;
            case ServiceInputKind.Launched when isCurrent && State.Phase == ServicePhase.Starting:
                Warm();
                break;
            case ServiceInputKind.LaunchFailed when isCurrent:
                End(null, ServiceCause.LaunchFailed, input.Detail);
                break;
            case ServiceInputKind.Exited when isCurrent:
                End(input.Exit, ServiceCause.Ended, input.Detail);
                break;
            case ServiceInputKind.Adopted when isCurrent && State.IsAdopting:
                Adopt();
                break;
            case ServiceInputKind.Ready when isCurrent && State.Phase == ServicePhase.Warming && Policy.Readiness == Readiness.Notification:
                BecomeReady();
                break;
            case ServiceInputKind.Probe when isCurrent:
                Probe(input.Flag, input.Detail);
                break;
            case ServiceInputKind.Tick:
            case ServiceInputKind.Launched:
            case ServiceInputKind.LaunchFailed:
            case ServiceInputKind.Exited:
            case ServiceInputKind.Adopted:
            case ServiceInputKind.Ready:
            case ServiceInputKind.Probe:
                break;
        }
    }

    // Requests.

    private void Start()
    {
        bool isLeftAlone = State.IsWanted && State.Phase is ServicePhase.Starting or ServicePhase.Warming or ServicePhase.Running;
        State.IsWanted = true;
        if (isLeftAlone)
        {
            return;
        }

        ForgetCounts();
        if (State.IsInstanceOpen)
        {
            // It is on its way down; the next one follows at once.
            State.IsRestartAsked = true;
        }
        else
        {
            Launch();
        }
    }

    private void Stop()
    {
        State.IsWanted = false;
        State.IsRestartAsked = false;
        if (State.IsInstanceOpen)
        {
            EndInstance(ServiceCause.StopRequested, string.Empty);
        }
        else
        {
            Enter(ServicePhase.Stopped, ServiceCause.NotWanted, string.Empty, null);
        }
    }

    private void Restart()
    {
        State.IsWanted = true;
        ForgetCounts();
        if (State.IsInstanceOpen)
        {
            State.IsRestartAsked = true;
            EndInstance(ServiceCause.RestartRequested, string.Empty);
        }
        else
        {
            Launch();
        }
    }

    private void ForgetCounts()
    {
        State.Failures = 0;
        State.Restarts = 0;
        State.WindowStarts = 0;
    }

    // The daemon comes back.

    private void Recover(bool isRebooted, bool isWanted)
    {
        if (isRebooted)
        {
            State.IsWanted = isWanted;
            State.IsInstanceOpen = State.IsAdopting = State.IsRestartAsked = false;
            State.LastExit = State.Phase is ServicePhase.Stopped or ServicePhase.Finished or ServicePhase.Failed ? State.LastExit : ExitStatus.Unknown;
            ForgetCounts();
            if (isWanted)
            {
                Launch();
            }
            else
            {
                Enter(ServicePhase.Stopped, ServiceCause.NotWanted, string.Empty, null);
            }
        }
        else if (State.IsInstanceOpen)
        {
            State.IsAdopting = true;
            Order(ServiceOutputKind.Adopt);
        }
    }

    private void Adopt()
    {
        State.IsAdopting = false;
        switch (State.Phase)
        {
            case ServicePhase.Starting:
                Warm();
                break;
            case ServicePhase.Stopping:
                Order(ServiceOutputKind.Signal, Policy.StopSignal);
                break;
            case ServicePhase.Killing:
                Order(ServiceOutputKind.Kill);
                break;
            default:
                break;
        }
    }

    // Up.

    /// <summary>Launches, or enters the phase that says what is in the way.</summary>
    private void Launch()
    {
        Invariant.Hold(!State.IsInstanceOpen, "a launch is ordered only while no instance is open");
        if (!State.IsDependencyMet)
        {
            Enter(ServicePhase.Waiting, ServiceCause.Dependency, State.Missing, null);
            return;
        }

        if (Policy.StartCountMax > 0)
        {
            if (State.WindowStarts == 0 || _now - State.WindowStart >= Policy.StartInterval)
            {
                (State.WindowStart, State.WindowStarts) = (_now, 0);
            }

            if (State.WindowStarts >= Policy.StartCountMax)
            {
                Enter(ServicePhase.Failed, ServiceCause.StartLimit, State.Detail, null);
                return;
            }

            State.WindowStarts++;
        }

        State.Instance++;
        State.IsInstanceOpen = true;
        State.IsRestartAsked = false;
        State.IsHealthy = true;
        State.ProbeFailures = State.ProbeSuccesses = 0;
        Enter(ServicePhase.Starting, ServiceCause.Launching, string.Empty, _now + Policy.StartTimeout);
        Order(ServiceOutputKind.Launch);
    }

    private void Warm()
    {
        if (Policy.Readiness == Readiness.Started)
        {
            BecomeReady();
        }
        else
        {
            Enter(ServicePhase.Warming, ServiceCause.NotReady, string.Empty, State.WakeAt);
        }
    }

    private void BecomeReady()
    {
        State.ReadySince = _now;
        State.ProbeFailures = 0;
        Enter(ServicePhase.Running, ServiceCause.None, string.Empty, null);
    }

    private void Depend(bool isMet, string missing)
    {
        State.IsDependencyMet = isMet;
        State.Missing = missing;
        if (State.Phase == ServicePhase.Waiting)
        {
            State.Detail = missing;
            if (isMet)
            {
                Launch();
            }
        }
    }

    private void Probe(bool isSuccess, string why)
    {
        if (State.Phase is not (ServicePhase.Warming or ServicePhase.Running))
        {
            return;
        }

        State.ProbeSuccesses = isSuccess ? Math.Min(State.ProbeSuccesses + 1, Policy.ProbeSuccessesMin) : 0;
        State.ProbeFailures = isSuccess ? 0 : Math.Min(State.ProbeFailures + 1, Policy.ProbeFailuresMax);
        bool isGood = State.ProbeSuccesses >= Policy.ProbeSuccessesMin;
        if (State.Phase == ServicePhase.Warming)
        {
            State.Detail = isSuccess ? State.Detail : why;
            if (isGood && Policy.Readiness == Readiness.Probe)
            {
                BecomeReady();
            }
        }
        else if (isGood && !State.IsHealthy)
        {
            State.IsHealthy = true;
            Enter(ServicePhase.Running, ServiceCause.None, string.Empty, null);
        }
        else if (State.IsHealthy && State.ProbeFailures >= Policy.ProbeFailuresMax)
        {
            State.IsHealthy = false;
            if (Policy.Restart == RestartPolicy.No)
            {
                Enter(ServicePhase.Running, ServiceCause.Unhealthy, why, null);
            }
            else
            {
                EndInstance(ServiceCause.Unhealthy, why);
            }
        }
    }

    // Down.

    private void EndInstance(ServiceCause cause, string detail)
    {
        if (State.Phase is ServicePhase.Stopping or ServicePhase.Killing)
        {
            // A request overrides the cause of a stop under way; its deadline stays.
            Enter(State.Phase, cause, detail, State.WakeAt);
            return;
        }

        EndRow();
        Enter(ServicePhase.Stopping, cause, detail, _now + Policy.StopGrace);
        if (!State.IsAdopting)
        {
            Order(ServiceOutputKind.Signal, Policy.StopSignal);
        }
    }

    /// <summary>The instance is gone. What comes next depends on who wanted it gone, and on the policy.</summary>
    private void End(ExitStatus? exit, ServiceCause ended, string detail)
    {
        ServiceCause cause = State.Phase is ServicePhase.Stopping or ServicePhase.Killing ? State.Cause : ended;
        detail = cause == ended ? detail : State.Detail;
        EndRow();
        State.IsInstanceOpen = State.IsAdopting = false;
        State.LastExit = exit ?? State.LastExit;
        if (!State.IsWanted)
        {
            Enter(ServicePhase.Stopped, ServiceCause.NotWanted, string.Empty, null);
        }
        else if (State.IsRestartAsked)
        {
            State.IsRestartAsked = false;
            Launch();
        }
        else if (cause == ServiceCause.Ended && exit is { IsSuccess: true } && Policy.Restart != RestartPolicy.Always)
        {
            Enter(ServicePhase.Finished, cause, detail, null);
        }
        else if (Policy.Restart == RestartPolicy.No)
        {
            Enter(ServicePhase.Failed, cause, detail, null);
        }
        else
        {
            State.Failures++;
            State.Restarts++;
            Enter(ServicePhase.Delayed, cause, detail, _now + Policy.BackOff(State.Failures));
        }
    }

    private void EndRow()
    {
        if (State.Phase == ServicePhase.Running && _now - State.ReadySince >= Policy.HealthyAfter)
        {
            State.Failures = 0;
        }
    }

    // Time.

    /// <summary>A clock that starts anew within a boot (a host restored from a snapshot) moves what is kept along, so that no wait grows.</summary>
    private TimeSpan Continue(TimeSpan now)
    {
        TimeSpan back = State.Now - now;
        if (back > TimeSpan.Zero)
        {
            (State.WakeAt, State.WindowStart, State.ReadySince) = (State.WakeAt - back, State.WindowStart - back, State.ReadySince - back);
        }

        return now;
    }

    private void Wake()
    {
        if (State.WakeAt is not { } at || at > _now || State.IsAdopting)
        {
            return;
        }

        switch (State.Phase)
        {
            case ServicePhase.Delayed:
                Launch();
                break;
            case ServicePhase.Starting:
            case ServicePhase.Warming:
                EndInstance(ServiceCause.StartTimeout, State.Detail);
                break;
            case ServicePhase.Stopping:
            case ServicePhase.Killing:
                Enter(ServicePhase.Killing, State.Cause, State.Detail, _now + Limits.ServiceKillRetry);
                Order(ServiceOutputKind.Kill);
                break;
            default:
                State.WakeAt = null;
                break;
        }
    }

    private void Enter(ServicePhase phase, ServiceCause cause, string detail, TimeSpan? wakeAt) =>
        (State.Phase, State.Cause, State.Detail, State.WakeAt) = (phase, cause, detail, wakeAt);

    private void Order(ServiceOutputKind kind, int signal = 0) => _outputs.Add(new ServiceOutput(kind, State.Instance, signal));
}
