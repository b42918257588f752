using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Records;
using Auraed.Store.Services;
using Auraed.Supervise;

namespace Auraed.Domain.Services;

/// <summary>
/// What callers ask of services. Each runs on the supervisor's loop: first the record of what is asked for, in one unit with its event, then the machines;
/// answered when the machines' new state is kept, too.
/// </summary>
public sealed class ServiceOperations(Database database, ServiceSupervisor supervisor)
{
    /// <summary>A new service, or a new version of one; returns the version's number.</summary>
    /// <param name="isUpdate">There must be one.</param>
    public async Task<long> DeployAsync(string tenant, DeployRequest request, bool isUpdate, string principal, CancellationToken cancel)
    {
        ServiceSpec spec = SpecCheck.Check(request.Spec);
        supervisor.Seat.Require();
        supervisor.Runner.Launcher.RequireCgroups(spec);
        spec = await supervisor.Runner.Launcher.Programs.ResolveAsync(tenant, spec, cancel).ConfigureAwait(false);
        return await supervisor.RunAsync(
            async () =>
            {
                RequireUp();
                ManagedService? service = supervisor.Find(tenant, spec.Name);
                if (service is null && isUpdate)
                {
                    throw NotFound(tenant, spec.Name);
                }

                RefuseGraph(tenant, spec);
                Service wanted = service?.Wanted.Clone() ?? new Service { Name = spec.Name, Enabled = !request.Disabled, Slot = ServiceNames.FirstSlot };
                bool isNew = await AddVersionAsync(tenant, wanted, spec, principal, service is not null, draft =>
                {
                    if (draft.Version != draft.NewestVersion)
                    {
                        (draft.PreviousVersion, draft.Version) = (draft.Version, draft.NewestVersion);
                    }

                    draft.Wanted |= !request.Hold;
                }, cancel).ConfigureAwait(false);
                if (service is null)
                {
                    service = new ManagedService(tenant, wanted, spec);
                    var record = new ServiceSlot { Id = ServiceNames.Slot(spec.Name, wanted.Slot), Service = spec.Name, Version = wanted.Version, BootId = BootClock.BootId };
                    service.Active = new ManagedSlot(service, record, spec, new ServiceState()) { IsDirty = true };
                    supervisor.Add(service);
                }

                bool isChanged = isNew || wanted.Version != service.Wanted.Version;
                service.Wanted = wanted;
                if (isChanged)
                {
                    HotSwaps.Abandon(service, "another version was deployed");
                    Follow(service, spec, isRestarted: !request.Hold && service.Active!.Machine.State.IsInstanceOpen);
                }

                if (!request.Hold)
                {
                    await StartAsync(service, principal, cancel).ConfigureAwait(false);
                }

                return wanted.Version;
            },
            cancel).ConfigureAwait(false);
    }

    public Task<long> RollbackAsync(string tenant, string name, long version, string principal, CancellationToken cancel) => supervisor.RunAsync(
        async () =>
        {
            RequireUp();
            ManagedService service = Get(tenant, name);
            long target = version > 0 ? version : service.Wanted.PreviousVersion;
            if (target == 0)
            {
                throw new Fault(FaultKind.Precondition, $"service '{name}' has no version before {service.Wanted.Version}", "version", $"auraed services history {name}") { Reason = "NO_PREVIOUS_VERSION" };
            }

            ServiceSpec spec = await SpecAsync(tenant, name, target, cancel).ConfigureAwait(false);
            RefuseGraph(tenant, spec);
            if (target != service.Wanted.Version)
            {
                await ChangeAsync(service, principal, wanted => (wanted.PreviousVersion, wanted.Version) = (wanted.Version, target), cancel).ConfigureAwait(false);
                HotSwaps.Abandon(service, $"the service was rolled back to version {target}");
                Follow(service, spec, isRestarted: service.Active!.Machine.State.IsInstanceOpen);
            }

            return target;
        },
        cancel);

    /// <summary>Completes when the new version serves; Fault(Aborted) when it did not come up.</summary>
    public async Task HotSwapAsync(string tenant, HotSwapRequest request, string principal, CancellationToken cancel)
    {
        if (request.Spec is not null && (request.Version != 0 || (request.Spec.Name.Length > 0 && request.Spec.Name != request.Name)))
        {
            throw Fault.Invalid("spec", "spec excludes version, and is of the service that is named");
        }

        supervisor.Seat.Require();
        ServiceSpec? given = request.Spec is null ? null : await supervisor.Runner.Launcher.Programs.ResolveAsync(tenant, SpecCheck.Check(request.Spec), cancel).ConfigureAwait(false);
        Task<bool> end = await supervisor.RunAsync(
            async () =>
            {
                RequireUp();
                ManagedService service = Get(tenant, request.Name);
                if (given is not null)
                {
                    RefuseGraph(tenant, given);
                    supervisor.Runner.Launcher.RequireCgroups(given);
                    Service wanted = service.Wanted.Clone();
                    _ = await AddVersionAsync(tenant, wanted, given, principal, isKnown: true, _ => { }, cancel).ConfigureAwait(false);
                    service.Wanted = wanted;
                }

                long version = request.Version > 0 ? request.Version : service.Wanted.NewestVersion;
                ServiceSpec spec = given ?? await SpecAsync(tenant, request.Name, version, cancel).ConfigureAwait(false);
                return supervisor.Swaps.Begin(service, version, spec);
            },
            cancel).ConfigureAwait(false);
        _ = await end.WaitAsync(cancel).ConfigureAwait(false);
    }

    public Task StartAsync(string tenant, string name, string principal, CancellationToken cancel) =>
        supervisor.RunAsync(
            async () =>
            {
                RequireUp();
                await StartAsync(Get(tenant, name), principal, cancel).ConfigureAwait(false);
                return 0;
            },
            cancel);

    public Task StopAsync(string tenant, string name, string principal, CancellationToken cancel) => supervisor.RunAsync(
        async () =>
        {
            List<ManagedService> stopped = supervisor.StopOrder.With(Get(tenant, name));
            await ChangeAsync(stopped, principal, wanted => wanted.Wanted = false, cancel).ConfigureAwait(false);
            foreach (ManagedService service in stopped)
            {
                HotSwaps.Abandon(service, "the service was stopped");
                service.IsStopDue = true;
            }

            supervisor.StopOrder.Turn();
            return 0;
        },
        cancel);

    public Task RestartAsync(string tenant, string name, string principal, CancellationToken cancel) => supervisor.RunAsync(
        async () =>
        {
            RequireUp();
            ManagedService service = Get(tenant, name);
            HotSwaps.Abandon(service, "the service was restarted");
            await WantAsync(service, principal, cancel).ConfigureAwait(false);
            supervisor.Tell(service.Active!, ServiceInput.Restart);
            return 0;
        },
        cancel);

    public Task EnableAsync(string tenant, string name, bool isEnabled, string principal, CancellationToken cancel) => supervisor.RunAsync(
        async () =>
        {
            await ChangeAsync(Get(tenant, name), principal, wanted => wanted.Enabled = isEnabled, cancel).ConfigureAwait(false);
            return 0;
        },
        cancel);

    /// <summary>Completes when it is down and gone.</summary>
    public async Task DeleteAsync(string tenant, string name, string principal, CancellationToken cancel)
    {
        Task<bool> end = await supervisor.RunAsync(
            async () =>
            {
                ManagedService service = Get(tenant, name);
                string[] needers = [.. RequiredBy(tenant, name)];
                if (needers.Length > 0)
                {
                    throw new Fault(FaultKind.Precondition, $"service '{name}' cannot be deleted: {string.Join(", ", needers)} requires it", "name", $"auraed services rm {needers[0]}, or deploy it without") { Reason = "REQUIRED" };
                }

                await ChangeAsync(service, principal, wanted => (wanted.Wanted, wanted.Enabled) = (false, false), cancel).ConfigureAwait(false);
                HotSwaps.Abandon(service, "the service is deleted");
                supervisor.Tell(service.Active!, ServiceInput.Stop);
                service.Deletion ??= new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
                return service.Deletion.Task;
            },
            cancel).ConfigureAwait(false);
        _ = await end.WaitAsync(cancel).ConfigureAwait(false);
        CrashPoint.Reach("service.deleted");
        supervisor.Runner.Launcher.Logs.Remove(ServiceNames.Log(tenant, name, LogStream.Output));
        supervisor.Runner.Launcher.Logs.Remove(ServiceNames.Log(tenant, name, LogStream.Error));
        _ = await supervisor.Runner.Launcher.Programs.SweepAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>Removes old versions; returns their numbers.</summary>
    public async Task<List<long>> PruneAsync(string tenant, string name, int keep, string principal, CancellationToken cancel)
    {
        List<long> removed = await supervisor.RunAsync(
            () =>
            {
                ManagedService service = Get(tenant, name);
                HashSet<long> kept = [service.Wanted.Version, service.Wanted.PreviousVersion, .. service.Slots.Select(slot => slot.Record.Version), .. service.Slots.Select(slot => slot.Pending?.Version ?? 0)];
                return database.WriteAsync(
                    unit =>
                    {
                        var writer = new RecordWriter(unit, new RecordCall(tenant, principal));
                        List<long> old = [.. ServiceRows.VersionNumbers(unit, tenant, name).Skip(keep).Where(number => !kept.Contains(number)).TakeLast(Limits.VersionsPrunedCountMax)];
                        old.ForEach(number => writer.Delete(new RecordDelete(ServiceNames.Versions, ServiceNames.Version(name, number), 0, AllowMissing: false)));
                        return old;
                    },
                    cancel);
            },
            cancel).ConfigureAwait(false);
        _ = await supervisor.Runner.Launcher.Programs.SweepAsync(cancel).ConfigureAwait(false);
        return removed;
    }

    /// <summary>Returns how many ran, when all are down.</summary>
    public async Task<int> ShutdownAsync(CancellationToken cancel)
    {
        Task<int> end = await supervisor.RunAsync(() => Task.FromResult(supervisor.Stops.Begin()), cancel).ConfigureAwait(false);
        return await end.WaitAsync(cancel).ConfigureAwait(false);
    }

    private IEnumerable<string> RequiredBy(string tenant, string name) => supervisor.Services
        .Where(service => service.Tenant == tenant && service.Spec.Dependencies?.Requires.Contains(name) == true).Select(service => service.Name).Order(StringComparer.Ordinal);

    private void RequireUp()
    {
        if (supervisor.Stops.HasBegun)
        {
            throw new Fault(FaultKind.Unavailable, "the services are stopped for a shutdown of the host", hint: "restart the daemon to start them again") { Reason = "SHUTTING_DOWN" };
        }
    }

    private ManagedService Get(string tenant, string name) => supervisor.Find(tenant, name) is { Deletion: null } service ? service : throw NotFound(tenant, name);

    /// <summary>All that it requires is deployed, and nothing waits for itself.</summary>
    private void RefuseGraph(string tenant, ServiceSpec spec)
    {
        ServiceGraph.RefuseCycle(spec, name => supervisor.Find(tenant, name)?.Spec);
        foreach (string name in spec.Dependencies?.Requires ?? [])
        {
            if (supervisor.Find(tenant, name) is null)
            {
                throw new Fault(FaultKind.Precondition, $"service '{spec.Name}' requires '{name}', which is not deployed", "spec.dependencies.requires", $"deploy {name} first") { Reason = "REQUIRED_MISSING" };
            }
        }
    }

    /// <summary>Adds the specification as a version unless it is the newest already; true when it was added. Changes <paramref name="wanted"/> alike.</summary>
    private async Task<bool> AddVersionAsync(
        string tenant, Service wanted, ServiceSpec spec, string principal, bool isKnown, Action<Service> change, CancellationToken cancel) => await database.WriteAsync(
        unit =>
        {
            var writer = new RecordWriter(unit, new RecordCall(tenant, principal));
            Service before = wanted.Clone();
            bool isNew = !isKnown || writer.Find(ServiceNames.Versions, ServiceNames.Version(wanted.Name, wanted.NewestVersion))?.Body is not ServiceVersion newest || !newest.Spec.Equals(spec);
            wanted.NewestVersion += isNew ? 1 : 0;
            change(wanted);
            if (!isKnown || !wanted.Equals(before))
            {
                SlotKeeper.Put(writer, ServiceNames.Services, wanted.Name, wanted);
            }

            if (isNew)
            {
                string id = ServiceNames.Version(wanted.Name, wanted.NewestVersion);
                SlotKeeper.Put(writer, ServiceNames.Versions, id, new ServiceVersion { Id = id, Service = wanted.Name, Number = wanted.NewestVersion, Spec = spec, Asset = spec.Artifact?.Caid ?? string.Empty });
            }

            CrashPoint.Reach("service.deployed");
            return isNew;
        },
        cancel).ConfigureAwait(false);

    private Task ChangeAsync(ManagedService service, string principal, Action<Service> change, CancellationToken cancel) => ChangeAsync([service], principal, change, cancel);

    /// <summary>In one unit, of one tenant.</summary>
    private async Task ChangeAsync(IEnumerable<ManagedService> services, string principal, Action<Service> change, CancellationToken cancel)
    {
        var changed = new List<(ManagedService Service, Service Wanted)>();
        foreach (ManagedService service in services)
        {
            Service wanted = service.Wanted.Clone();
            change(wanted);
            if (!wanted.Equals(service.Wanted))
            {
                changed.Add((service, wanted));
            }
        }

        if (changed.Count == 0)
        {
            return;
        }

        await database.WriteAsync(
            unit =>
            {
                var writer = new RecordWriter(unit, new RecordCall(changed[0].Service.Tenant, principal));
                changed.ForEach(change => SlotKeeper.Put(writer, ServiceNames.Services, change.Service.Name, change.Wanted));
                CrashPoint.Reach("service.wanted");
                return 0;
            },
            cancel).ConfigureAwait(false);
        changed.ForEach(change => change.Service.Wanted = change.Wanted);
    }

    /// <summary>What it requires is wanted with it.</summary>
    private async Task WantAsync(ManagedService service, string principal, CancellationToken cancel)
    {
        ManagedService[] needed = [.. ServiceGraph.Required(service.Name, required => supervisor.Find(service.Tenant, required)?.Spec.Dependencies?.Requires ?? [])
            .Select(name => supervisor.Find(service.Tenant, name)).OfType<ManagedService>()];
        await ChangeAsync(needed, principal, wanted => wanted.Wanted = true, cancel).ConfigureAwait(false);
        Array.ForEach(needed, wanted => wanted.IsStopDue = false);
    }

    private async Task StartAsync(ManagedService service, string principal, CancellationToken cancel)
    {
        await WantAsync(service, principal, cancel).ConfigureAwait(false);
        foreach (string name in ServiceGraph.Required(service.Name, required => supervisor.Find(service.Tenant, required)?.Spec.Dependencies?.Requires ?? []))
        {
            // One that runs already, or has done its work, is as required.
            if (supervisor.Find(service.Tenant, name) is { } needed && (needed == service || !needed.IsReady))
            {
                supervisor.Settle(needed);
                supervisor.Tell(needed.Active!, ServiceInput.Start);
            }
        }
    }

    /// <summary>The slot goes on with another version.</summary>
    private void Follow(ManagedService service, ServiceSpec spec, bool isRestarted)
    {
        ManagedSlot slot = service.Active!;
        service.Spec = spec;
        if (slot.Machine.State.IsInstanceOpen && !isRestarted)
        {
            // What runs keeps what it was started with; the next start takes the new version.
            slot.Pending = (service.Wanted.Version, spec);
            return;
        }

        (slot.Spec, slot.Record.Version, slot.Machine.Policy, slot.Pending, slot.IsDirty) = (spec, service.Wanted.Version, SpecPolicy.Of(spec), null, true);
        if (isRestarted)
        {
            supervisor.Settle(service);
            supervisor.Tell(slot, ServiceInput.Restart);
        }
    }

    private async Task<ServiceSpec> SpecAsync(string tenant, string name, long version, CancellationToken cancel) =>
        ((await database.FindAsync(ServiceNames.Versions, tenant, ServiceNames.Version(name, version), cancel).ConfigureAwait(false))?.Body as ServiceVersion)?.Spec
            ?? throw new Fault(FaultKind.NotFound, $"service '{name}' has no version {version}", "version", $"auraed services history {name}") { Reason = "NO_SUCH_VERSION" };

    internal static Fault NotFound(string tenant, string name) =>
        new(FaultKind.NotFound, $"tenant '{tenant}' has no service '{name}'", "name", "auraed services ls") { Reason = "NO_SUCH_SERVICE" };
}
