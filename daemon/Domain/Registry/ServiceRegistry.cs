using System.Security.Cryptography;
using Aurae.Registry.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Records;
using Auraed.Store.Registry;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Registry;

/// <summary>
/// Who offers what on this host and beyond. Entries are records, which only this room changes; their leases are beside them (<see cref="LeaseBook"/>).
/// </summary>
public sealed class ServiceRegistry
{
    private readonly Database _database;

    private ServiceRegistry(Database database, LeaseBook leases, int graced)
    {
        _database = database;
        Leases = leases;
        Graced = graced;
    }

    public LeaseBook Leases { get; }

    /// <summary>Leases that this start has prolonged.</summary>
    public int Graced { get; }

    public static async Task<ServiceRegistry> OpenAsync(Database database, TimeProvider time, CancellationToken cancel)
    {
        ((long, long) clock, List<StoredLease> stored) = await database.ReadAsync(unit => (LeaseRows.Clock(unit), LeaseRows.All(unit)), cancel).ConfigureAwait(false);
        var book = new LeaseBook(time, clock);
        List<RenewedLease> graced = book.Load(stored);
        if (graced.Count > 0)
        {
            await database.WriteAsync(
                unit =>
                {
                    graced.ForEach(lease => LeaseRows.Put(unit, lease.RowId, lease.Deadline, isGraced: true));
                    LeaseRows.SetClock(unit, book.Now);
                    return 0;
                },
                cancel).ConfigureAwait(false);
        }

        return new ServiceRegistry(database, book, graced.Count);
    }

    public Task<EntryStatus> RegisterAsync(string tenant, RegistryEntry entry, string principal, CancellationToken cancel) => _database.WriteAsync(
        unit =>
        {
            var writer = new RecordWriter(unit, new RecordCall(tenant, principal));
            if (writer.Find(EntryRows.Table, entry.Id) is { Body: RegistryEntry known })
            {
                RequireOpen(known);
                RequireSame(known, entry);
                if (entry.Health == EndpointHealth.Unspecified)
                {
                    (entry.Health, entry.Note) = (known.Health, known.Note);
                }
            }

            StoredRecord stored = Put(writer, entry);
            if (entry.Ttl is null)
            {
                LeaseRows.Remove(unit, stored.RowId);
                Leases.Remove(tenant, entry.Id);
            }
            else
            {
                LeaseRows.Put(unit, stored.RowId, Leases.Put(tenant, entry.Id, stored.RowId, entry.Ttl.ToTimeSpan()), isGraced: false);
                LeaseRows.SetClock(unit, Leases.Now);
            }

            CrashPoint.Reach("registry.registered");
            return Status(stored);
        },
        cancel);

    public async Task<long> DeregisterAsync(string tenant, string id, string principal, CancellationToken cancel)
    {
        long revision = await _database.WriteAsync(
            unit =>
            {
                var writer = new RecordWriter(unit, new RecordCall(tenant, principal));
                RequireOpen(writer.Find(EntryRows.Table, id)?.Body as RegistryEntry ?? throw NotFound(tenant, id));
                _ = writer.Delete(new RecordDelete(EntryRows.Table, id, 0, AllowMissing: false));
                return writer.Revision;
            },
            cancel).ConfigureAwait(false);
        Leases.Remove(tenant, id);
        return revision;
    }

    /// <summary>Writes the leases that would not outlast a kill without this heartbeat.</summary>
    private async Task SavePressingAsync(HeartbeatCommand command, CancellationToken cancel)
    {
        List<RenewedLease> pressing = Leases.Pressing(command.Tenant, command.Ids);
        if (pressing.Count > 0)
        {
            await LeaseLoop.WriteAsync(_database, Leases, pressing, Leases.Now, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>The ids that are not registered. Writes only where health changes, and what <see cref="LeaseBook.Pressing"/> says.</summary>
    public async Task<IReadOnlyList<string>> HeartbeatAsync(HeartbeatCommand command, string principal, CancellationToken cancel)
    {
        string[] unknown = [.. command.Ids.Where(id => !Leases.Renew(command.Tenant, id))];
        await SavePressingAsync(command, cancel).ConfigureAwait(false);
        string[] looked = command.Health == EndpointHealth.Unspecified ? unknown : [.. command.Ids];
        if (looked.Length == 0)
        {
            return [];
        }

        Dictionary<string, RegistryEntry> found = await _database.ReadAsync(
            unit =>
            {
                var rows = new RecordRows(unit);
                return looked.Select(id => rows.Find(EntryRows.Table, command.Tenant, id)?.Body).OfType<RegistryEntry>().ToDictionary(entry => entry.Id);
            },
            cancel).ConfigureAwait(false);
        // An entry with a lease that could not be renewed is one whose lease is up, though its row may still be there.
        string[] missing = [.. unknown.Where(id => !found.TryGetValue(id, out RegistryEntry? entry) || entry.Ttl is not null)];
        if (missing.Length == command.Ids.Count)
        {
            throw new Fault(
                FaultKind.NotFound,
                missing.Length == 1 ? $"tenant '{command.Tenant}' has no registry entry '{missing[0]}', or its lease is up" : $"tenant '{command.Tenant}' has none of these {missing.Length} registry entries",
                "ids",
                "register it again")
            { Reason = "NOT_REGISTERED" };
        }

        if (command.Health != EndpointHealth.Unspecified && found.Values.Any(entry => !missing.Contains(entry.Id) && Tells(command, entry)))
        {
            await TellHealthAsync(command, [.. found.Keys.Except(missing)], principal, cancel).ConfigureAwait(false);
        }

        return missing;
    }

    public async Task<EntryStatus> GetAsync(string tenant, string id, CancellationToken cancel) =>
        await _database.FindAsync(EntryRows.Table, tenant, id, cancel).ConfigureAwait(false) is { } stored ? Status(stored) : throw NotFound(tenant, id);

    public Task<ListEntriesResponse> ListAsync(EntrySelection selection, CancellationToken cancel) => _database.ReadPurelyAsync(
        unit =>
        {
            List<StoredRecord> stored = EntryRows.Read(unit, selection with { CountMax = selection.CountMax + 1 });
            var response = new ListEntriesResponse { More = stored.Count > selection.CountMax };
            response.Entries.AddRange(stored.Take(selection.CountMax).Select(Status));
            return response;
        },
        cancel);

    /// <summary>Fault(NotFound) when no entry fits, with what there is instead.</summary>
    public async Task<ResolveResponse> ResolveAsync(ResolveCommand command, CancellationToken cancel)
    {
        (List<RegistryEntry> all, long revision) = await _database.ReadPurelyAsync(
            unit => (EntryRows.Read(unit, new EntrySelection(command.Tenant, command.Service, command.Tags, null, IsById: false, Limits.EntriesOfServiceCountMax))
                .ConvertAll(stored => (RegistryEntry)stored.Body), unit.Revision()),
            cancel).ConfigureAwait(false);
        all.RemoveAll(entry => Leases.Remaining(command.Tenant, entry.Id) == TimeSpan.Zero);
        List<RegistryEntry> chosen = command.AnyHealth ? all : all.FindAll(IsHealthy);
        if (chosen.Count == 0)
        {
            string why = all.Count > 0 ? $"none of its {all.Count} entries is healthy ({all[0].Id}: {all[0].Health.ToString().ToLowerInvariant()}{(all[0].Note.Length > 0 ? ", " + all[0].Note : "")})"
                : command.Tags.Count > 0 ? "it has no entry with these tags" : "it has no entry";
            throw new Fault(FaultKind.NotFound, $"service '{command.Service}' cannot be resolved: {why}", "service", $"auraed registry ls --service {command.Service}") { Reason = "NOT_RESOLVED" };
        }

        IEnumerable<RegistryEntry> ordered = command.Order == ResolveOrder.Weighted ? ByWeight(chosen) : chosen;
        var response = new ResolveResponse { Revision = revision };
        response.Entries.AddRange(ordered.OrderBy(entry => IsHealthy(entry) ? 0 : 1).Take(command.Limit));
        return response;
    }

    /// <summary>Breadth first, so that each service is found by a shortest path.</summary>
    public Task<ListDependentsResponse> DependentsAsync(string tenant, string service, bool isDirect, CancellationToken cancel) => _database.ReadPurelyAsync(
        unit =>
        {
            var paths = new Dictionary<string, string[]> { [service] = [service] };
            var open = new Queue<string>([service]);
            var response = new ListDependentsResponse();
            while (open.TryDequeue(out string? needed))
            {
                foreach (IGrouping<string, (string Service, string Id)> needer in EntryRows.NeedersOf(unit, tenant, needed).GroupBy(found => found.Service))
                {
                    if (!paths.TryAdd(needer.Key, [.. paths[needed], needer.Key]))
                    {
                        continue;
                    }

                    response.Dependents.Add(new Dependent { Service = needer.Key, Ids = { needer.Select(found => found.Id) }, Path = { paths[needer.Key] } });
                    if (response.Dependents.Count > Limits.DependentsCountMax)
                    {
                        throw new Fault(FaultKind.Exhausted, $"more than {Limits.DependentsCountMax} services depend on '{service}'", "service", "ask for the direct ones") { Reason = "ANSWER_TOO_LARGE" };
                    }

                    if (!isDirect)
                    {
                        open.Enqueue(needer.Key);
                    }
                }
            }

            return response;
        },
        cancel);

    /// <summary>Makes the entry what is given, within the unit; one that is so already is left as it is, without an event.</summary>
    internal static StoredRecord Put(RecordWriter writer, RegistryEntry entry)
    {
        StoredRecord? known = writer.Find(EntryRows.Table, entry.Id);
        if (known is null)
        {
            _ = writer.Create(new RecordDraft { Table = EntryRows.Table, Name = entry.Id, Body = entry });
        }
        else if (!known.Body.Equals(entry))
        {
            _ = writer.Update(new RecordUpdate(new RecordDraft { Table = EntryRows.Table, Name = entry.Id, Body = entry }, null, AllowMissing: false));
        }
        else
        {
            return known;
        }

        return writer.Find(EntryRows.Table, entry.Id)!;
    }

    private static bool IsHealthy(RegistryEntry entry) => entry.Health is EndpointHealth.Unspecified or EndpointHealth.Healthy;

    /// <summary>Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006): the keys random^(1/weight), largest first.</summary>
    private static IEnumerable<RegistryEntry> ByWeight(List<RegistryEntry> entries) => entries
        .Select(entry => (entry, weight: entry.HasWeight ? entry.Weight : 1))
        .OrderByDescending(pair => pair.weight == 0 ? -1 : Math.Pow((RandomNumberGenerator.GetInt32(int.MaxValue) + 1.0) / int.MaxValue, 1.0 / pair.weight))
        .Select(pair => pair.entry);

    private static bool Tells(HeartbeatCommand command, RegistryEntry entry) => entry.Health != command.Health || (command.Note.Length > 0 && entry.Note != command.Note);

    private Task TellHealthAsync(HeartbeatCommand command, IReadOnlyList<string> ids, string principal, CancellationToken cancel) => _database.WriteAsync(
        unit =>
        {
            var writer = new RecordWriter(unit, new RecordCall(command.Tenant, principal));
            foreach (string id in ids)
            {
                if (writer.Find(EntryRows.Table, id) is { Body: RegistryEntry entry } && Tells(command, entry))
                {
                    RequireOpen(entry);
                    entry.Health = command.Health;
                    entry.Note = command.Note;
                    _ = Put(writer, entry);
                }
            }

            return 0;
        },
        cancel);

    private EntryStatus Status(StoredRecord stored)
    {
        var status = new EntryStatus
        {
            Entry = (RegistryEntry)stored.Body,
            Revision = stored.Revision,
            CreateTime = RecordMessages.Time(stored.CreateTime),
            UpdateTime = RecordMessages.Time(stored.UpdateTime),
        };
        if (Leases.Remaining(stored.Tenant, stored.Name) is { } remaining)
        {
            status.Remaining = Duration.FromTimeSpan(remaining);
        }

        return status;
    }

    private static void RequireOpen(RegistryEntry entry)
    {
        if (entry.Owner.Length > 0)
        {
            throw new Fault(
                FaultKind.Precondition, $"registry entry '{entry.Id}' is kept by the daemon for its service '{entry.Owner}'", "id", $"auraed services stop {entry.Owner}, which takes it away")
            { Reason = "ENTRY_OWNED" };
        }
    }

    private static void RequireSame(RegistryEntry known, RegistryEntry entry)
    {
        if (known.Service != entry.Service)
        {
            throw new Fault(
                FaultKind.Precondition, $"registry entry '{entry.Id}' is one of service '{known.Service}', not of '{entry.Service}'", "entry.service", "give another id, or deregister it first")
            { Reason = "ENTRY_OF_OTHER_SERVICE" };
        }
    }

    private static Fault NotFound(string tenant, string id) =>
        new(FaultKind.NotFound, $"tenant '{tenant}' has no registry entry '{id}'", "id", "auraed registry ls") { Reason = "NOT_REGISTERED" };
}
