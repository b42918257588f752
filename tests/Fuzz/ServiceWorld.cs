using Auraed.Supervise;

namespace Auraed.Tests.Fuzz;

/// <summary>
/// What a service machine lives in: processes that start slowly or not at all and end as they like, a clock, a daemon that dies between any two
/// orders. It counts for itself what the machine must keep to, and says at once when it does not.
/// </summary>
internal sealed class ServiceWorld
{
    private const int StepsMax = 24;
    private static readonly ServicePolicy[] Policies = MakePolicies();

    private readonly List<ServiceOutput> _orders = [];
    private ServiceMachine _machine = new(new ServiceState(), Policies[0]);
    private ServicePolicy _policy = Policies[0];
    private ulong _random;
    private TimeSpan _now;

    // The world's truth.
    private long _alive;
    private long _launching;
    private bool _isSignalled;
    private bool _isKilled;
    private bool _isWanted;
    private bool _isMet;
    private string? _broken;

    // The world's own account of the back-off.
    private TimeSpan _earliest;
    private TimeSpan _readySince;
    private int _row;
    private bool _wasReady;
    private TimeSpan _windowStart;
    private int _windowStarts;

    public long Steps { get; private set; }

    public long Launches { get; private set; }

    public long Adoptions { get; private set; }

    public long GivenUp { get; private set; }

    /// <summary>One history; null when all that must hold held.</summary>
    public string? Live(int seed)
    {
        _random = (ulong)seed * 0x9E3779B97F4A7C15UL + 1;
        _policy = Policies[Next(Policies.Length)];
        _machine = new ServiceMachine(new ServiceState(), _policy);
        _now = TimeSpan.FromSeconds(Next(100));
        (_alive, _launching, _isSignalled, _isKilled, _isWanted, _isMet, _broken) = (0, 0, false, false, false, true, null);
        (_earliest, _readySince, _row, _wasReady, _windowStart, _windowStarts) = (TimeSpan.Zero, TimeSpan.Zero, 0, false, TimeSpan.Zero, 0);
        Ask(ServiceInput.Start);
        for (int step = 0; step < StepsMax && _broken is null; step++)
        {
            Step();
        }

        Settle();
        return _broken is null ? null : $"{_broken}; {_machine.State.Phase}, {_machine.State.Cause}, instance {_machine.State.Instance}, policy {Array.IndexOf(Policies, _policy)}";
    }

    private void Step()
    {
        Steps++;
        _now += TimeSpan.FromMilliseconds(Next(4) == 0 ? Next(20_000) : Next(400));
        switch (Next(16))
        {
            case 0:
                Ask(ServiceInput.Start);
                break;
            case 1:
                Ask(ServiceInput.Stop);
                break;
            case 2:
                Ask(ServiceInput.Restart);
                break;
            case 3 or 4:
                EndProcess(Next(3) == 0 ? ExitStatus.Exited(0) : ExitStatus.Signalled(11));
                break;
            case 5:
                RestartDaemon(isRebooted: false);
                break;
            case 6 when Next(4) == 0:
                RestartDaemon(isRebooted: true);
                break;
            case 7:
                Give(ServiceInput.Probe(_alive, Next(2) == 0));
                break;
            case 8:
                _isMet = Next(2) == 0;
                Give(ServiceInput.Dependencies(_isMet, "'x'"));
                break;
            case 9:
                // The clock is read wrong once: earlier than before.
                Take(ServiceInput.Tick, _now - TimeSpan.FromSeconds(Next(1000)));
                break;
            case 10:
                Give(ServiceInput.Ready(_alive));
                break;
            case 11:
                Give(ServiceInput.Exited(_machine.State.Instance - 1, ExitStatus.Exited(1)));
                break;
            case 12 or 13:
                AnswerLaunch(Next(4) != 0);
                break;
            case 14:
                _now = _machine.WakeAt is { } at && at > _now ? at : _now;
                Give(ServiceInput.Tick);
                break;
            default:
                Give(ServiceInput.Tick);
                break;
        }
    }

    /// <summary>Nothing bad happens any more: what is wanted then comes to run, what is not goes down, whatever was before.</summary>
    private void Settle()
    {
        _isMet = true;
        Give(ServiceInput.Dependencies(true));
        for (int step = 0; step < 64 && _broken is null; step++)
        {
            AnswerLaunch(isLaunched: true);
            Give(ServiceInput.Ready(_alive));
            Give(ServiceInput.Probe(_alive, true));
            if (_alive > 0 && (_isSignalled || _isKilled))
            {
                EndProcess(ExitStatus.Signalled(15));
            }

            if (_machine.WakeAt is not { } at)
            {
                break;
            }

            _now = at > _now ? at : _now;
            Give(ServiceInput.Tick);
        }

        ServicePhase phase = _machine.State.Phase;
        bool isSettled = _isWanted ? phase is ServicePhase.Running or ServicePhase.Failed or ServicePhase.Finished : phase == ServicePhase.Stopped && _alive == 0;
        Expect(isSettled && (phase != ServicePhase.Running || _alive == _machine.State.Instance), "it does not settle where it is meant to");
    }

    private void Ask(ServiceInput request)
    {
        bool isRunning = _isWanted && _machine.State.Phase is ServicePhase.Starting or ServicePhase.Warming or ServicePhase.Running;
        _isWanted = request.Kind != ServiceInputKind.Stop;
        if (_isWanted && !(request.Kind == ServiceInputKind.Start && isRunning))
        {
            ForgetRow();
        }

        Give(request);
    }

    private void AnswerLaunch(bool isLaunched)
    {
        if (_launching == 0)
        {
            return;
        }

        long instance = _launching;
        _launching = 0;
        if (isLaunched && !_isSignalled && !_isKilled)
        {
            _alive = instance;
            _wasReady = _policy.Readiness == Readiness.Started;
            _readySince = _now;
            Give(ServiceInput.Launched(instance));
        }
        else
        {
            NoteEnd(null);
            Give(ServiceInput.LaunchFailed(instance, "no such file"));
        }
    }

    private void EndProcess(ExitStatus status)
    {
        if (_alive == 0)
        {
            return;
        }

        long instance = _alive;
        _alive = 0;
        NoteEnd(status);
        Give(ServiceInput.Exited(instance, status));
    }

    private void RestartDaemon(bool isRebooted)
    {
        bool wasLaunched = _launching > 0 && Next(2) == 0;
        long instance = _launching > 0 ? _launching : _alive;
        _machine = new ServiceMachine(_machine.State.Clone(), _policy);
        if (isRebooted)
        {
            (_alive, _launching) = (0, 0);
            _now = TimeSpan.FromSeconds(Next(5));
            _isWanted = Next(3) != 0;
            ForgetRow();
            Give(ServiceInput.Recover(true, _isWanted));
            return;
        }

        // The daemon died before the launch was confirmed: it took place, or it did not.
        _alive = wasLaunched || _launching == 0 ? instance : 0;
        if (wasLaunched)
        {
            _wasReady = false;
        }

        _launching = 0;
        if (_alive > 0 && Next(3) == 0)
        {
            _alive = 0;
        }

        Give(ServiceInput.Recover(false, Next(2) == 0));
    }

    private void Give(ServiceInput input) => Take(in input, _now);

    private void Take(in ServiceInput input, TimeSpan time)
    {
        _orders.Clear();
        _machine.Apply(in input, time, _orders);
        ServicePhase phase = _machine.State.Phase;
        if (phase == ServicePhase.Running && !_wasReady && !_machine.State.IsAdopting)
        {
            (_wasReady, _readySince) = (true, _now);
        }

        long sought = 0;
        foreach (ServiceOutput order in _orders)
        {
            sought = order.Kind == ServiceOutputKind.Adopt ? order.Instance : sought;
            Obey(order);
        }

        CheckState();
        if (sought > 0 && _broken is null)
        {
            Find(sought);
        }
    }

    private void Obey(ServiceOutput order)
    {
        switch (order.Kind)
        {
            case ServiceOutputKind.Launch:
                Launch(order.Instance);
                break;
            case ServiceOutputKind.Signal:
                _isSignalled = true;
                Expect(order.Instance == _machine.State.Instance && (_alive > 0 || _launching > 0), "a signal goes to nothing");
                NoteStop();
                break;
            case ServiceOutputKind.Kill:
                _isKilled = true;
                break;
            default:
                break;
        }
    }

    private void Launch(long instance)
    {
        Launches++;
        Expect(_alive == 0 && _launching == 0, "two instances live");
        Expect(_isWanted, "what is not wanted is launched");
        Expect(_isMet, "it is launched although what it depends on is not ready");
        Expect(_now >= _earliest, $"it is launched {_earliest - _now} before its back-off has passed");
        if (_windowStarts == 0 || _now - _windowStart >= _policy.StartInterval)
        {
            (_windowStart, _windowStarts) = (_now, 0);
        }

        Expect(_policy.StartCountMax == 0 || ++_windowStarts <= _policy.StartCountMax, "it is launched more often than the start limit allows");
        (_launching, _isSignalled, _isKilled, _wasReady) = (instance, false, false, false);
    }

    private void Find(long instance)
    {
        Adoptions++;
        // Time passes while it is looked for, and requests come in.
        if (Next(3) == 0)
        {
            _now += TimeSpan.FromMilliseconds(Next(500));
            Ask(Next(2) == 0 ? ServiceInput.Stop : ServiceInput.Restart);
        }

        if (_alive == instance)
        {
            Give(ServiceInput.Adopted(instance));
        }
        else
        {
            NoteEnd(ExitStatus.Unknown);
            Give(ServiceInput.Exited(instance, ExitStatus.Unknown));
        }
    }

    private void CheckState()
    {
        ServiceState state = _machine.State;
        bool isUp = state.Phase is ServicePhase.Starting or ServicePhase.Warming or ServicePhase.Running;
        Expect(state.IsWanted == _isWanted, "it forgot what is wanted");
        Expect(isUp || state.Cause != ServiceCause.None, "it is down without a cause");
        bool waits = state.WakeAt is not null || state.IsInstanceOpen || state.Phase is ServicePhase.Failed or ServicePhase.Finished
            || (state.Phase == ServicePhase.Waiting && !_isMet);
        Expect(!_isWanted || isUp || waits, "it is down and waits for nothing");
        Expect(state.Phase != ServicePhase.Starting || state.WakeAt is not null, "a start has no end");
        Expect(_isWanted || state.IsInstanceOpen || state.Phase == ServicePhase.Stopped, "it is neither wanted nor stopped");
        GivenUp += state.Phase == ServicePhase.Failed ? 1 : 0;
    }

    private void NoteStop()
    {
        if (_wasReady && _now - _readySince >= _policy.HealthyAfter)
        {
            _row = 0;
        }

        _wasReady = false;
    }

    private void NoteEnd(ExitStatus? status)
    {
        NoteStop();
        bool isAsked = !_isWanted || _machine.State.IsRestartAsked;
        if (!isAsked && (status is not { IsSuccess: true } || _policy.Restart == RestartPolicy.Always || _isSignalled))
        {
            _row++;
            double wait = Math.Min(_policy.BackOffMax.TotalMilliseconds, _policy.BackOffMin.TotalMilliseconds * (1L << Math.Min(_row - 1, 30)));
            _earliest = _now + TimeSpan.FromMilliseconds(wait);
        }
    }

    private void ForgetRow() => (_earliest, _row, _windowStarts) = (TimeSpan.Zero, 0, 0);

    private void Expect(bool holds, string what) => _broken ??= holds ? null : what;

    private int Next(int bound)
    {
        _random ^= _random << 13;
        _random ^= _random >> 7;
        _random ^= _random << 17;
        return (int)((_random >> 33) % (ulong)bound);
    }

    private static ServicePolicy[] MakePolicies()
    {
        var made = new List<ServicePolicy>();
        foreach (RestartPolicy restart in Enum.GetValues<RestartPolicy>())
        {
            foreach (Readiness readiness in Enum.GetValues<Readiness>())
            {
                foreach (int starts in (int[])[0, 4])
                {
                    made.Add(new ServicePolicy
                    {
                        Restart = restart,
                        Readiness = readiness,
                        StartCountMax = starts,
                        StartInterval = TimeSpan.FromSeconds(30),
                        BackOffMin = TimeSpan.FromMilliseconds(500),
                        BackOffMax = TimeSpan.FromSeconds(8),
                        HealthyAfter = TimeSpan.FromSeconds(5),
                        StartTimeout = TimeSpan.FromSeconds(10),
                        StopGrace = TimeSpan.FromSeconds(2),
                        ProbeFailuresMax = 2,
                    }.Check());
                }
            }
        }

        return [.. made];
    }
}
