using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Records;
using Auraed.Store.Services;
using Auraed.Supervise;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;

namespace Auraed.Domain.Services;

/// <summary>
/// What a start of the daemon does before anything else happens to services: loads them, finds the processes of before, starts what should run and does not,
/// ends what nobody owns, and says so in one event. Invariants: a process that lives is never started again; the back-off and counts of before hold.
/// </summary>
internal sealed class ServiceRecovery(Database database, ServiceSupervisor supervisor, TimeProvider time, ILogger logger)
{
    public const string EventKind = "services.reconciled";

    private readonly ReconciliationReport _report = new() { BootId = BootClock.BootId };

    public async Task<ReconciliationReport> RunAsync(CancellationToken cancel)
    {
        long started = time.GetTimestamp();
        List<ManagedService> services = await LoadAsync(cancel).ConfigureAwait(false);
        services.ForEach(supervisor.Add);
        _report.Services = services.Count;
        ManagedSlot[] slots = [.. services.SelectMany(service => service.Slots)];
        int open = slots.Count(slot => slot.Machine.State.IsInstanceOpen);
        bool[] isStale = [.. slots.Select(slot => slot.Record.BootId != BootClock.BootId)];
        _report.Rebooted = isStale.Any(stale => stale);
        await WantAsync(services, cancel).ConfigureAwait(false);

        // After a boot nothing is ready, whatever the records say: who waits for others waits until they are told.
        foreach ((ManagedSlot slot, bool stale) in slots.Zip(isStale).Where(pair => pair.Second))
        {
            supervisor.Tell(slot, ServiceInput.Dependencies(ServiceGraph.Needs(slot.Spec).All(name => supervisor.Find(slot.Service.Tenant, name) is null) && slot.Spec.Dependencies is not { Requires.Count: > 0 }, string.Join(", ", ServiceGraph.Needs(slot.Spec))));
        }

        foreach ((ManagedSlot slot, bool stale) in slots.Zip(isStale))
        {
            Recover(slot, stale);
        }

        supervisor.StopOrder.Turn();
        await supervisor.SettleAsync(cancel).ConfigureAwait(false);
        await CleanAsync(cancel).ConfigureAwait(false);
        CleanLogs();
        (await supervisor.Runner.Launcher.Programs.SweepAsync(cancel).ConfigureAwait(false)).ForEach(Note);
        _report.Adopted = slots.Count(slot => slot.Process is not null);
        _report.Ended = open - _report.Adopted;
        _report.Duration = Duration.FromTimeSpan(time.GetElapsedTime(started));
        await database.WriteAsync(unit => unit.Events.Append(RecordNames.DefaultTenant, SlotKeeper.Principal, null, EventKind, "host", _report.ToByteArray()), cancel).ConfigureAwait(false);
        Log.ServicesReconciled(logger, (long)_report.Duration.ToTimeSpan().TotalMilliseconds, _report.Services, _report.Adopted, _report.Ended, _report.Started, _report.Cleaned);
        return _report;
    }

    private Task<List<ManagedService>> LoadAsync(CancellationToken cancel) => database.ReadAsync(
        unit =>
        {
            var rows = new RecordRows(unit);
            var services = new List<ManagedService>();
            foreach ((string tenant, Service wanted) in ServiceRows.All(unit))
            {
                if (rows.Find(ServiceNames.Versions, tenant, ServiceNames.Version(wanted.Name, wanted.Version))?.Body is not ServiceVersion version)
                {
                    continue;
                }

                var service = new ManagedService(tenant, wanted, version.Spec);
                service.Active = Slot(rows, service, wanted.Slot, isActive: true);
                service.Other = Slot(rows, service, ServiceNames.OtherSlot(wanted.Slot), isActive: false);
                services.Add(service);
            }

            return services;
        },
        cancel);

    private static ManagedSlot? Slot(RecordRows rows, ManagedService service, string slot, bool isActive)
    {
        string id = ServiceNames.Slot(service.Name, slot);
        if (rows.Find(ServiceNames.Slots, service.Tenant, id)?.Body is not ServiceSlot record)
        {
            return isActive ? new ManagedSlot(service, new ServiceSlot { Id = id, Service = service.Name, Version = service.Wanted.Version, BootId = BootClock.BootId }, service.Spec, new ServiceState()) : null;
        }

        ServiceSpec spec = rows.Find(ServiceNames.Versions, service.Tenant, ServiceNames.Version(service.Name, record.Version))?.Body is ServiceVersion version ? version.Spec : service.Spec;
        return new ManagedSlot(service, record, spec, SlotRecords.Read(record)) { IsLeaving = !isActive };
    }

    /// <summary>After a boot the enabled services are wanted, and no others.</summary>
    private async Task WantAsync(List<ManagedService> services, CancellationToken cancel)
    {
        foreach (IGrouping<string, ManagedService> group in services
            .Where(service => service.Active!.Record.BootId != BootClock.BootId && service.Wanted.Wanted != service.Wanted.Enabled).GroupBy(service => service.Tenant))
        {
            await supervisor.Keeper.WriteAsync(
                group.Key,
                writer =>
                {
                    foreach (ManagedService service in group)
                    {
                        service.Wanted.Wanted = service.Wanted.Enabled;
                        SlotKeeper.Put(writer, ServiceNames.Services, service.Name, service.Wanted);
                    }
                },
                cancel).ConfigureAwait(false);
        }
    }

    private void Recover(ManagedSlot slot, bool isRebooted)
    {
        bool isServing = slot == slot.Service.Active;
        bool isWanted = isServing && slot.Service.Wanted.Wanted;
        if (isServing && isRebooted && slot.Record.Version != slot.Service.Wanted.Version)
        {
            slot.Record.Version = slot.Service.Wanted.Version;
            slot.Spec = slot.Service.Spec;
            slot.Machine.Policy = SpecPolicy.Of(slot.Spec);
        }

        if (isRebooted)
        {
            slot.Record.BootId = BootClock.BootId;
            slot.IsDirty = true;
        }

        supervisor.Tell(slot, ServiceInput.Recover(isRebooted, isWanted));
        if (isRebooted)
        {
            _report.Started += isWanted ? 1 : 0;
        }
        else if (isWanted && !slot.Machine.State.IsWanted)
        {
            _report.Started++;
            supervisor.Settle(slot.Service);
            supervisor.Tell(slot, ServiceInput.Start);
        }
        else if (!isWanted && slot.Machine.State.IsWanted)
        {
            Note(isServing ? $"{slot.Service.Name} is stopped, as was asked" : $"the other instance of {slot.Service.Name}, of a hot swap, is stopped");
            if (isServing && slot.Machine.State.IsInstanceOpen)
            {
                // What requires it goes first, also now.
                slot.Service.IsStopDue = true;
            }
            else
            {
                supervisor.Tell(slot, ServiceInput.Stop);
            }
        }
    }

    /// <summary>Cgroups of services and slots that no record knows: of a kill between a deletion and its cleaning.</summary>
    private async Task CleanAsync(CancellationToken cancel)
    {
        InstanceLauncher launcher = supervisor.Runner.Launcher;
        if (launcher.Cgroups is not { } cgroups)
        {
            return;
        }

        var known = supervisor.Services.SelectMany(service => service.Slots).Select(slot => slot.Cgroup).ToHashSet(StringComparer.Ordinal);
        foreach (string name in cgroups.Children(ServiceNames.Branch).ToArray())
        {
            if (known.Contains(name))
            {
                continue;
            }

            try
            {
                await launcher.CleanAsync(name, cancel).ConfigureAwait(false);
                _report.Cleaned++;
                Note($"cgroup {name} was nobody's and is gone");
            }
            catch (Fault fault)
            {
                Note(fault.Message);
                Log.ServiceNotCleaned(logger, name, fault.Message);
            }
        }
    }

    /// <summary>Logs of services that are not on record: of a kill between a deletion and its cleaning.</summary>
    private void CleanLogs()
    {
        ProcessLogs logs = supervisor.Runner.Launcher.Logs;
        var known = supervisor.Services
            .SelectMany(service => new[] { LogStream.Output, LogStream.Error }.Select(stream => ServiceNames.Log(service.Tenant, service.Name, stream))).ToHashSet(StringComparer.Ordinal);
        foreach (string name in logs.Names.Where(name => !known.Contains(name)).ToArray())
        {
            try
            {
                logs.Remove(name);
                Note($"log {name} was nobody's and is gone");
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                Note($"log {name} is nobody's and cannot be removed: {failure.Message}");
            }
        }
    }

    private void Note(string text)
    {
        if (_report.Notes.Count < Limits.ReconciliationNotesCountMax)
        {
            _report.Notes.Add(text);
        }
    }
}
