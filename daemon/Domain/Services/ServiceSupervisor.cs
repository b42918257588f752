using System.Threading.Channels;
using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Store;
using Auraed.Supervise;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;

namespace Auraed.Domain.Services;

/// <summary>
/// Drives the machines of all services. One loop owns everything: whatever happens outside is queued as work for it, taken in batches, kept in one go, and
/// only then carried out. Invariants: nothing is ordered that is not on record; a request is answered after its state is.
/// </summary>
public sealed class ServiceSupervisor
{
    private readonly Channel<Func<Task>> _inbox = Channel.CreateBounded<Func<Task>>(new BoundedChannelOptions(Limits.SupervisorQueueCountMax) { SingleReader = true });
    private readonly Dictionary<(string Tenant, string Name), ManagedService> _services = [];
    private readonly List<Action> _answers = [];
    private readonly List<ServiceOutput> _outputs = [];
    private readonly CancellationTokenSource _ended = new();
    private readonly Database _database;
    private readonly SlotKeeper _keeper;
    private readonly BootClock _clock;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Pulse _pulse;
    private TimeSpan? _retryAt;

    internal ServiceSupervisor(Database database, Processes processes, Cgroups? cgroups, ProcessLogs logs, ServicePrograms programs, SupervisorSeat seat, TimeProvider time, Pulses pulses, ILogger logger)
    {
        Seat = seat;
        _database = database;
        _keeper = new SlotKeeper(database, time);
        _clock = new BootClock(time);
        _time = time;
        _logger = logger;
        _pulse = pulses.Add("services", Limits.SupervisorRoundMax);
        Runner = new InstanceRunner(this, new InstanceLauncher(database, processes, cgroups, logs, programs, time), time, logger);
        Swaps = new HotSwaps(this, _keeper);
        Stops = new ShutdownOrder(this);
        StopOrder = new StopOrder(this);
    }

    internal InstanceRunner Runner { get; }

    internal SupervisorSeat Seat { get; }

    internal HotSwaps Swaps { get; }

    internal ShutdownOrder Stops { get; }

    internal StopOrder StopOrder { get; }

    internal SlotKeeper Keeper => _keeper;

    internal TimeSpan Now => _clock.Now;

    internal DateTimeOffset WallNow => _time.GetUtcNow();

    internal IReadOnlyCollection<ManagedService> Services => _services.Values;

    /// <summary>Before <see cref="RunAsync(CancellationToken)"/>: takes up what is on record and what runs.</summary>
    public Task<ReconciliationReport> RecoverAsync(CancellationToken cancel) => new ServiceRecovery(_database, this, _time, _logger).RunAsync(cancel);

    /// <summary>Runs until cancelled. Processes run on then.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                await WaitAsync(cancel).ConfigureAwait(false);
                _pulse.Enter();
                await RoundAsync(cancel).ConfigureAwait(false);
                _pulse.Leave();
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
        finally
        {
            _pulse.Leave();
            await _ended.CancelAsync().ConfigureAwait(false);
            await Runner.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Queues work for the loop. Nothing is done with it once the loop has ended.</summary>
    internal async ValueTask PostAsync(Action work)
    {
        try
        {
            await _inbox.Writer.WriteAsync(() =>
            {
                work();
                return Task.CompletedTask;
            }, _ended.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The daemon stops; what is on record is what the next one goes on from.
        }
    }

    /// <summary>Runs work on the loop; completes when what it changed is kept. What it throws, the caller gets. Fault(Precondition) without the seat.</summary>
    internal async Task<T> RunAsync<T>(Func<Task<T>> work, CancellationToken cancel)
    {
        Seat.Require();
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, _ended.Token);
        await _inbox.Writer.WriteAsync(
            async () =>
            {
                try
                {
                    T result = await work().ConfigureAwait(false);
                    _answers.Add(() => answer.TrySetResult(result));
                }
                catch (Exception failure) when (failure is Fault or IOException or UnauthorizedAccessException)
                {
                    // The caller's; the loop goes on for the others.
                    _ = answer.TrySetException(failure);
                }
            },
            either.Token).ConfigureAwait(false);
        return await answer.Task.WaitAsync(either.Token).ConfigureAwait(false);
    }

    internal Task RunAsync(Action work, CancellationToken cancel) => RunAsync(
        () =>
        {
            work();
            return Task.FromResult(0);
        },
        cancel);

    internal ManagedService? Find(string tenant, string name) => _services.GetValueOrDefault((tenant, name));

    internal void Add(ManagedService service) => _services.Add((service.Tenant, service.Name), service);

    internal void Forget(ManagedService service) => _services.Remove((service.Tenant, service.Name));

    /// <summary>Gives a machine its input and takes its orders, which are carried out once they are kept.</summary>
    internal void Tell(ManagedSlot slot, ServiceInput input)
    {
        (string detail, bool isWanted, bool isAsked) = (slot.Machine.State.Detail, slot.Machine.State.IsWanted, slot.Machine.State.IsRestartAsked);
        _outputs.Clear();
        slot.Machine.Apply(input, _clock.Now, _outputs);
        foreach (ServiceOutput output in _outputs)
        {
            slot.IsDirty |= output.Kind is ServiceOutputKind.Changed or ServiceOutputKind.Launch;
            slot.IsChanged |= output.Kind == ServiceOutputKind.Changed;
            if (output.Kind == ServiceOutputKind.Launch)
            {
                Begin(slot);
            }

            if (output.Kind != ServiceOutputKind.Changed)
            {
                slot.Orders.Add(output);
            }
        }

        ServiceState state = slot.Machine.State;
        slot.IsDirty |= state.Detail != detail || state.IsWanted != isWanted || state.IsRestartAsked != isAsked;
        bool isProbed = slot.Spec.Probe is not null && state.Phase is ServicePhase.Warming or ServicePhase.Running;
        slot.ProbeAt = isProbed ? slot.ProbeAt ?? _clock.Now : null;
    }

    /// <summary>The launcher's process is on record before its program runs. Fault(Precondition) when it is no longer wanted.</summary>
    internal void Record(ManagedSlot slot, long number, ProcessIdentity identity, string address)
    {
        if (slot.Machine.State.Instance != number || slot.Machine.State.Phase != ServicePhase.Starting)
        {
            throw new Fault(FaultKind.Precondition, "it was stopped while it was being launched");
        }

        (slot.Record.Pid, slot.Record.StartTicks, slot.Record.BootId, slot.Record.Address) = (identity.Id, identity.StartTicks, identity.BootId, address);
        slot.Record.LaunchTime = Timestamp.FromDateTimeOffset(_time.GetUtcNow());
        slot.IsDirty = true;
    }

    internal void Launched(ManagedSlot slot, long number, SupervisedProcess process)
    {
        slot.Process = process;
        slot.Launch = null;
        // A stop that came while the program was being executed reached nobody.
        if (slot.Machine.State.Phase is ServicePhase.Stopping or ServicePhase.Killing)
        {
            _ = process.Signal(slot.Machine.State.Phase == ServicePhase.Killing ? SignalNames.Kill : slot.Machine.Policy.StopSignal);
        }

        Tell(slot, ServiceInput.Launched(number));
    }

    internal void Ended(ManagedSlot slot, ServiceInput end)
    {
        if (slot.Machine.State.Instance == end.Instance)
        {
            (slot.Process, slot.Launch) = (null, null);
        }

        Tell(slot, end);
    }

    internal void Probed(ManagedSlot slot, long number, string? why)
    {
        slot.IsProbing = false;
        if (slot.ProbeAt is null)
        {
            return;
        }

        TimeSpan interval = slot.Spec.Probe?.Interval?.ToTimeSpan() ?? Limits.ProbeIntervalDefault;
        bool isSettled = slot.Machine.State.Phase == ServicePhase.Running && why is null;
        slot.ProbeAt = _clock.Now + (isSettled || interval < Limits.ProbeIntervalWarming ? interval : Limits.ProbeIntervalWarming);
        if (isSettled && slot.LastProbe == true && slot.Machine.State.IsHealthy)
        {
            return;
        }

        slot.LastProbe = why is null;
        Tell(slot, ServiceInput.Probe(number, why is null, why ?? string.Empty));
    }

    /// <summary>Tells the service's machines whether what it waits for is there.</summary>
    internal void Settle(ManagedService service)
    {
        foreach (ManagedSlot slot in service.Slots)
        {
            string missing = string.Join(", ", Missing(service, slot.Spec));
            if (slot.Machine.State.IsDependencyMet != (missing.Length == 0) || slot.Machine.State.Missing != missing)
            {
                Tell(slot, ServiceInput.Dependencies(missing.Length == 0, missing));
            }
        }
    }

    /// <summary>Keeps what has changed and carries out what was ordered, until nothing is left to.</summary>
    internal async Task SettleAsync(CancellationToken cancel)
    {
        ManagedSlot[] slots;
        do
        {
            foreach (ManagedService service in _services.Values)
            {
                Settle(service);
            }

            slots = [.. _services.Values.SelectMany(service => service.Slots).Where(slot => slot.IsDirty || slot.Orders.Count > 0)];
            ManagedSlot[] dirty = [.. slots.Where(slot => slot.IsDirty)];
            ManagedSlot[] changed = [.. dirty.Where(slot => slot.IsChanged)];
            await _keeper.KeepAsync(dirty, cancel).ConfigureAwait(false);
            foreach (ManagedSlot slot in changed)
            {
                Say(slot);
            }

            foreach (ManagedSlot slot in slots)
            {
                ServiceOutput[] orders = [.. slot.Orders];
                slot.Orders.Clear();
                Array.ForEach(orders, order => CarryOut(slot, order));
            }
        }
        while (slots.Length > 0);
    }

    private async Task WaitAsync(CancellationToken cancel)
    {
        TimeSpan? wait = (_retryAt ?? _services.Values.SelectMany(service => service.Slots).SelectMany(Times).Min()) - _clock.Now;
        if (wait <= TimeSpan.Zero)
        {
            return;
        }

        using var timer = wait is { } given ? new CancellationTokenSource(given, _time) : new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        try
        {
            _ = await _inbox.Reader.WaitToReadAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // Time for a tick.
        }

        static IEnumerable<TimeSpan?> Times(ManagedSlot slot) => [slot.Machine.WakeAt, slot.IsProbing ? null : slot.ProbeAt, slot.TurnAt];
    }

    private async Task RoundAsync(CancellationToken cancel)
    {
        for (int count = 0; count < Limits.SupervisorBatchCountMax && _inbox.Reader.TryRead(out Func<Task>? work); count++)
        {
            await work().ConfigureAwait(false);
        }

        Tick();
        try
        {
            await SettleAsync(cancel).ConfigureAwait(false);
            await Swaps.TurnAsync(cancel).ConfigureAwait(false);
            Stops.Turn();
            StopOrder.Turn();
            await SettleAsync(cancel).ConfigureAwait(false);
            _retryAt = null;
        }
        catch (Fault fault)
        {
            // What is not kept is not done; it stays dirty and is tried again.
            Log.ServicesNotKept(_logger, _services.Values.SelectMany(service => service.Slots).Count(slot => slot.IsDirty), fault.Message);
            _retryAt = _clock.Now + Limits.SupervisorRetry;
            return;
        }

        foreach (Action answer in _answers)
        {
            answer();
        }

        _answers.Clear();
    }

    private void Tick()
    {
        TimeSpan now = _clock.Now;
        foreach (ManagedSlot slot in _services.Values.SelectMany(service => service.Slots))
        {
            if (slot.Machine.WakeAt <= now)
            {
                Tell(slot, ServiceInput.Tick);
            }

            if (slot.ProbeAt <= now && !slot.IsProbing)
            {
                Runner.Probe(slot, new Instance(slot.Service.Tenant, slot.Spec, slot.Cgroup, slot.Record.Version, slot.Machine.State.Instance, slot.Record.Address));
            }
        }
    }

    private void CarryOut(ManagedSlot slot, ServiceOutput order)
    {
        switch (order.Kind)
        {
            case ServiceOutputKind.Launch:
                Runner.Launch(slot, order.Instance);
                break;
            case ServiceOutputKind.Signal:
                Runner.Signal(slot, order.Signal);
                break;
            case ServiceOutputKind.Kill:
                Runner.Kill(slot);
                break;
            case ServiceOutputKind.Adopt when Runner.Adopt(slot, order.Instance):
                Tell(slot, ServiceInput.Adopted(order.Instance));
                break;
            case ServiceOutputKind.Adopt:
            case ServiceOutputKind.Changed:
                break;
        }
    }

    /// <summary>A new instance: what is on record of the last one's process is no longer true.</summary>
    private static void Begin(ManagedSlot slot)
    {
        if (slot.Pending is { } pending)
        {
            (slot.Record.Version, slot.Spec, slot.Machine.Policy, slot.Pending) = (pending.Version, pending.Spec, SpecPolicy.Of(pending.Spec), null);
        }

        (slot.Record.Pid, slot.Record.StartTicks, slot.Record.Address) = (0, 0, string.Empty);
        slot.Record.BootId = BootClock.BootId;
        slot.Record.LaunchTime = null;
        slot.LastProbe = null;
        slot.ProbeAt = null;
    }

    private IEnumerable<string> Missing(ManagedService service, ServiceSpec spec)
    {
        foreach (string name in spec.Dependencies?.Requires ?? [])
        {
            if (Find(service.Tenant, name) is not { IsReady: true })
            {
                yield return name;
            }
        }

        foreach (string name in spec.Dependencies?.After ?? [])
        {
            if (Find(service.Tenant, name) is { IsComing: true } && spec.Dependencies!.Requires.Contains(name) == false)
            {
                yield return name;
            }
        }
    }

    private void Say(ManagedSlot slot)
    {
        if (slot.Machine.State.Phase is ServicePhase.Running or ServicePhase.Delayed or ServicePhase.Failed or ServicePhase.Finished or ServicePhase.Stopped)
        {
            Log.ServiceChanged(_logger, slot.Record.Id, slot.Machine.State.Phase.ToString(), ServiceExplanation.Of(slot.Machine.State, slot.Machine.Policy, _clock.Now));
        }
    }
}
