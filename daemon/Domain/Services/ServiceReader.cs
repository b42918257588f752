using System.Runtime.CompilerServices;
using Aurae.Records.V0;
using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Records;
using Auraed.Store.Services;
using Auraed.Supervise;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Services;

/// <summary>Tells of services what is on record, in words too, and what their cgroups count.</summary>
public sealed class ServiceReader(Database database, RecordWatch records, Cgroups? cgroups, SupervisorSeat seat, TimeProvider time)
{
    private readonly BootClock _clock = new(time);

    public Task<ServiceStatus> GetAsync(string tenant, string name, CancellationToken cancel) => database.ReadPurelyAsync(
        unit => new RecordRows(unit).Find(ServiceNames.Services, tenant, name) is { } stored ? Status(new RecordRows(unit), stored) : throw ServiceOperations.NotFound(tenant, name),
        cancel);

    public Task<ListServicesResponse> ListAsync(string tenant, string after, int count, CancellationToken cancel) => database.ReadPurelyAsync(
        unit =>
        {
            var rows = new RecordRows(unit);
            List<StoredRecord> page = ServiceRows.Page(unit, tenant, after, count + 1);
            return new ListServicesResponse { More = page.Count > count, Services = { page.Take(count).Select(stored => Status(rows, stored)) } };
        },
        cancel);

    public Task<ListVersionsResponse> VersionsAsync(string tenant, string name, CancellationToken cancel) => database.ReadPurelyAsync(
        unit =>
        {
            Service service = new RecordRows(unit).Find(ServiceNames.Services, tenant, name)?.Body as Service ?? throw ServiceOperations.NotFound(tenant, name);
            var response = new ListVersionsResponse();
            response.Versions.AddRange(ServiceRows.VersionsOf(unit, tenant, name, Limits.VersionsListedCountMax).Select(stored => new VersionStatus
            {
                Version = (ServiceVersion)stored.Body,
                DeployTime = RecordMessages.Time(stored.CreateTime),
                Current = ((ServiceVersion)stored.Body).Number == service.Version,
            }));
            return response;
        },
        cancel);

    /// <summary>Waits until the service is as it is wanted, or has failed; returns it.</summary>
    public async Task<ServiceStatus> WaitAsync(string tenant, string name, CancellationToken cancel)
    {
        while (true)
        {
            long seen = database.Durable;
            ServiceStatus status = await GetAsync(tenant, name, cancel).ConfigureAwait(false);
            SlotPhase phase = status.Slot?.Phase ?? SlotPhase.Stopped;
            bool isThere = status.Service.Wanted
                ? phase is SlotPhase.Running or SlotPhase.Finished or SlotPhase.Failed or SlotPhase.Delayed && status.Slot?.Version == status.Service.Version
                : phase == SlotPhase.Stopped;
            if (isThere)
            {
                return status;
            }

            await database.WaitForSequenceAsync(seen, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Each service as it is, then whenever its record or a slot of it has changed.</summary>
    /// <param name="name">Null for all.</param>
    public async IAsyncEnumerable<WatchServicesResponse> WatchAsync(string tenant, string? name, [EnumeratorCancellation] CancellationToken cancel)
    {
        var request = new RecordWatchRequest(
            tenant, [ServiceNames.Services, ServiceNames.Slots], null, LabelText.None, null, InitialState: true, Limits.WatchProgressIntervalDefault);
        bool isBegun = false;
        await foreach (WatchRecordsResponse message in records.WatchAsync(request, cancel).ConfigureAwait(false))
        {
            if (message.Progress is { } progress)
            {
                if (progress.InitialStateSent)
                {
                    isBegun = true;
                    yield return new WatchServicesResponse { InitialStateSent = true };
                }

                continue;
            }

            bool isService = message.Change.Record.Type == ServiceNames.Services.TypeName;
            string service = message.Change.Record.Name.Split('/')[0];
            if ((name is not null && service != name) || (!isBegun && !isService))
            {
                continue;
            }

            if (isService && message.Change.Kind == ChangeKind.Deleted)
            {
                yield return new WatchServicesResponse { Deleted = service };
            }
            else if (await FindAsync(tenant, service, cancel).ConfigureAwait(false) is { } status)
            {
                yield return new WatchServicesResponse { Status = status };
            }
        }
    }

    private Task<ServiceStatus?> FindAsync(string tenant, string name, CancellationToken cancel) => database.ReadPurelyAsync(
        unit => new RecordRows(unit).Find(ServiceNames.Services, tenant, name) is { } stored ? Status(new RecordRows(unit), stored) : null, cancel);

    private ServiceStatus Status(RecordRows rows, StoredRecord stored)
    {
        var service = (Service)stored.Body;
        var version = rows.Find(ServiceNames.Versions, stored.Tenant, ServiceNames.Version(service.Name, service.Version))?.Body as ServiceVersion;
        StoredRecord? kept = rows.Find(ServiceNames.Slots, stored.Tenant, ServiceNames.Slot(service.Name, service.Slot));
        var status = new ServiceStatus
        {
            Service = service,
            Spec = version?.Spec ?? new ServiceSpec { Name = service.Name },
            Slot = kept?.Body as ServiceSlot,
            Revision = Math.Max(stored.Revision, kept?.Revision ?? 0),
            CreateTime = RecordMessages.Time(stored.CreateTime),
        };
        if (status.Slot is not { } slot)
        {
            status.Explanation = "it has never been started";
            return status;
        }

        ServiceState state = SlotRecords.Read(slot);
        status.Explanation = ServiceExplanation.Of(state, SpecPolicy.Of(status.Spec), _clock.Now) + (service.SwapFailure.Length > 0 ? $"; its last hot swap failed: {service.SwapFailure}" : string.Empty);
        if (!seat.IsOurs)
        {
            // What is on record may have ended long ago, and nobody here would know.
            status.Explanation = $"{seat.Refusal}. On record: {status.Explanation}";
            return status;
        }

        if (state.Phase == ServicePhase.Running && slot.BootId == BootClock.BootId && _clock.Now > state.ReadySince)
        {
            status.ReadyFor = Duration.FromTimeSpan(_clock.Now - state.ReadySince);
        }

        AddUse(status, ServiceNames.Cgroup(stored.Tenant, service.Name, service.Slot));
        return status;
    }

    private void AddUse(ServiceStatus status, string cgroup)
    {
        if (cgroups is null || !status.Slot.InstanceOpen || !cgroups.Exists(cgroup))
        {
            return;
        }

        CgroupUse use = cgroups.Use(cgroup);
        if (use.Cpu is { } cpu)
        {
            status.CpuSeconds = cpu.TotalSeconds;
        }

        if (use.MemoryBytes is { } bytes)
        {
            status.MemoryBytes = bytes;
        }

        if (use.Processes is { } processes)
        {
            status.Processes = processes;
        }
    }
}
