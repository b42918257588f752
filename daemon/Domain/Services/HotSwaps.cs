using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Store;
using Auraed.Supervise;

namespace Auraed.Domain.Services;

/// <summary>
/// Hot swaps: the new version runs in the service's other slot beside the old one; when it is well, one unit moves the service and the registry's entry to
/// it, and the old one drains and stops. Whatever goes wrong before that leaves the old one as it was. On the supervisor's loop.
/// </summary>
internal sealed class HotSwaps(ServiceSupervisor supervisor, SlotKeeper keeper)
{
    /// <summary>Starts the version in the other slot; the task tells its end.</summary>
    public Task<bool> Begin(ManagedService service, long version, ServiceSpec spec)
    {
        if (service.Active?.Machine.State.Phase != ServicePhase.Running)
        {
            throw new Fault(
                FaultKind.Precondition, $"service '{service.Name}' does not run, so there is nothing to swap", "name", $"auraed services start {service.Name}, or deploy") { Reason = "NOT_RUNNING" };
        }

        if (service.Other is not null)
        {
            throw new Fault(FaultKind.Precondition, $"a hot swap of service '{service.Name}' is under way", "name", $"auraed services status {service.Name}") { Reason = "SWAP_UNDER_WAY" };
        }

        RequireTwoAddresses(service, spec);
        string id = ServiceNames.Slot(service.Name, ServiceNames.OtherSlot(service.Wanted.Slot));
        var record = new ServiceSlot { Id = id, Service = service.Name, Version = version, BootId = BootClock.BootId };
        service.Other = new ManagedSlot(service, record, spec, new ServiceState());
        // One try: that it fails once is reason enough to keep the old one.
        service.Other.Machine.Policy = service.Other.Machine.Policy with { Restart = RestartPolicy.No };
        service.Swap = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        supervisor.Settle(service);
        supervisor.Tell(service.Other, ServiceInput.Start);
        return service.Swap.Task;
    }

    /// <summary>Gives a swap under way up; the old instance runs on.</summary>
    public static void Abandon(ManagedService service, string why)
    {
        if (service is { Other: { } other, Swap: { } swap })
        {
            other.IsLeaving = true;
            Fail(service, swap, why);
        }
    }

    /// <summary>Takes the next step of every swap.</summary>
    public async Task TurnAsync(CancellationToken cancel)
    {
        foreach (ManagedService service in supervisor.Services.Where(service => service.Other is not null || service.Deletion is not null).ToArray())
        {
            if (service.Other is { } other)
            {
                await (service.Swap is { } swap && !other.IsLeaving ? AdvanceAsync(service, other, swap, cancel) : LeaveAsync(service, other, cancel)).ConfigureAwait(false);
            }

            if (service is { Deletion: { } deletion, IsDown: true })
            {
                await keeper.WriteAsync(service.Tenant, writer => Delete(writer, service.Name), cancel).ConfigureAwait(false);
                supervisor.Forget(service);
                _ = deletion.TrySetResult(true);
            }
        }
    }

    private static void Delete(Records.RecordWriter writer, string name)
    {
        SlotKeeper.RemoveEntry(writer, name);
        _ = writer.Delete(new Records.RecordDelete(ServiceNames.Services, name, 0, AllowMissing: true));
    }

    private async Task AdvanceAsync(ManagedService service, ManagedSlot other, TaskCompletionSource<bool> swap, CancellationToken cancel)
    {
        ServiceState state = other.Machine.State;
        switch (state.Phase)
        {
            case ServicePhase.Running when other.TurnAt is null:
                other.TurnAt = supervisor.Now + (other.Spec.Probe is null ? Limits.SwapSettle : TimeSpan.Zero);
                break;
            case ServicePhase.Running when other.TurnAt <= supervisor.Now:
                await MoveAsync(service, other, cancel).ConfigureAwait(false);
                (service.Swap, other.TurnAt) = (null, null);
                _ = swap.TrySetResult(true);
                break;
            case ServicePhase.Stopped or ServicePhase.Failed or ServicePhase.Finished or ServicePhase.Stopping or ServicePhase.Killing:
                other.IsLeaving = true;
                Fail(service, swap, ServiceExplanation.Of(state, other.Machine.Policy, supervisor.Now));
                break;
            default:
                break;
        }
    }

    /// <summary>The new one serves from here on, in the registry too.</summary>
    private async Task MoveAsync(ManagedService service, ManagedSlot other, CancellationToken cancel)
    {
        ManagedSlot old = service.Active!;
        Service moved = service.Wanted.Clone();
        (moved.PreviousVersion, moved.Version, moved.Slot, moved.SwapFailure) = (moved.Version, other.Record.Version, other.Name, string.Empty);
        var history = old.Record.History.Concat(other.Record.History).TakeLast(Limits.SlotHistoryCountMax).ToArray();
        other.Record.History.Clear();
        other.Record.History.AddRange(history);
        SlotRecords.Write(other.Record, other.Machine.State);
        await keeper.WriteAsync(
            service.Tenant,
            writer =>
            {
                SlotKeeper.Put(writer, ServiceNames.Services, service.Name, moved);
                SlotKeeper.Put(writer, ServiceNames.Slots, other.Record.Id, other.Record);
                SlotKeeper.PutEntry(writer, other);
                CrashPoint.Reach("service.swapped");
            },
            cancel).ConfigureAwait(false);
        other.Machine.Policy = SpecPolicy.Of(other.Spec);
        (service.Wanted, service.Spec, service.Active, service.Other) = (moved, other.Spec, other, old);
        // Should it end by itself while it drains, it is not missed.
        old.Machine.Policy = old.Machine.Policy with { Restart = RestartPolicy.No };
        old.IsLeaving = true;
        old.TurnAt = supervisor.Now + (old.Spec.Drain?.ToTimeSpan() ?? Limits.DrainDefault);
    }

    /// <summary>Stops a slot that is to go when its time has come, and removes it once it is down.</summary>
    private async Task LeaveAsync(ManagedService service, ManagedSlot slot, CancellationToken cancel)
    {
        slot.IsLeaving = true;
        if (slot.TurnAt > supervisor.Now)
        {
            return;
        }

        slot.TurnAt = null;
        if (slot.Machine.State.IsWanted)
        {
            supervisor.Tell(slot, ServiceInput.Stop);
        }

        if (!slot.Machine.State.IsInstanceOpen)
        {
            await keeper.WriteAsync(
                service.Tenant,
                writer =>
                {
                    _ = writer.Delete(new Records.RecordDelete(ServiceNames.Slots, slot.Record.Id, 0, AllowMissing: true));
                    if (writer.Find(ServiceNames.Services, service.Name)?.Body is Service known && known.SwapFailure != service.Wanted.SwapFailure)
                    {
                        SlotKeeper.Put(writer, ServiceNames.Services, service.Name, service.Wanted);
                    }
                },
                cancel).ConfigureAwait(false);
            service.Other = null;
        }
    }

    private static void Fail(ManagedService service, TaskCompletionSource<bool> swap, string why)
    {
        service.Swap = null;
        service.Wanted = service.Wanted.Clone();
        service.Wanted.SwapFailure = $"version {service.Other!.Record.Version}: {why}";
        _ = swap.TrySetException(new Fault(
            FaultKind.Aborted,
            $"service '{service.Name}' was not swapped to version {service.Other!.Record.Version}: {why}; version {service.Wanted.Version} runs on as before",
            "name",
            $"auraed services logs {service.Name}")
        { Reason = "SWAP_FAILED" });
    }

    private static void RequireTwoAddresses(ManagedService service, ServiceSpec spec)
    {
        string address = spec.Registration?.Address ?? string.Empty;
        if (address.Length > 0 && address == service.Active!.Record.Address && spec.Registration is { SharedAddress: false })
        {
            throw new Fault(
                FaultKind.Precondition,
                $"both versions of service '{service.Name}' would listen on {address}",
                "spec.registration.address",
                "give port 0, so that each instance gets its own; another address; or shared_address, where the program sets SO_REUSEPORT")
            { Reason = "ONE_ADDRESS" };
        }
    }
}
