using Aurae.Registry.V0;
using Aurae.Services.V0;
using Auraed.Domain.Records;
using Auraed.Domain.Registry;
using Auraed.Store;
using Auraed.Store.Registry;
using Auraed.Supervise;
using Google.Protobuf;

namespace Auraed.Domain.Services;

/// <summary>
/// Writes what supervision knows: slots, each with its event, and the registry's entries of those that are ready. Invariants: one unit for all that changed
/// together in a tenant; an entry stands in the registry exactly while the slot that serves is ready.
/// </summary>
internal sealed class SlotKeeper(Database database, TimeProvider time)
{
    /// <summary>Who events of supervision name; no caller can have this name.</summary>
    public const string Principal = "auraed:services";

    public static string EntryOf(string service) => "service/" + service;

    /// <summary>Keeps every slot that is dirty; then none is.</summary>
    public async Task KeepAsync(IReadOnlyCollection<ManagedSlot> slots, CancellationToken cancel)
    {
        foreach (IGrouping<string, ManagedSlot> group in slots.GroupBy(slot => slot.Service.Tenant))
        {
            ManagedSlot[] kept = [.. group];
            foreach (ManagedSlot slot in kept)
            {
                SlotRecords.Write(slot.Record, slot.Machine.State);
                if (slot.IsChanged)
                {
                    SlotRecords.Remember(slot.Record, time.GetUtcNow());
                }

                slot.IsDirty = slot.IsChanged = false;
            }

            try
            {
                await WriteAsync(group.Key, writer => Array.ForEach(kept, slot => Keep(writer, slot)), cancel).ConfigureAwait(false);
            }
            catch
            {
                Array.ForEach(kept, slot => slot.IsDirty = true);
                throw;
            }
        }
    }

    /// <summary>Writes in one unit, as the daemon itself.</summary>
    public Task WriteAsync(string tenant, Action<RecordWriter> work, CancellationToken cancel) => database.WriteAsync(
        unit =>
        {
            work(new RecordWriter(unit, new RecordCall(tenant, Principal) { IsDaemon = true }));
            CrashPoint.Reach("service.kept");
            return 0;
        },
        cancel);

    public static void Put(RecordWriter writer, Aurae.Schema.RecordTable table, string name, IMessage body) =>
        writer.Update(new RecordUpdate(new RecordDraft { Table = table, Name = name, Body = body }, null, AllowMissing: true));

    /// <summary>Takes the entry away, if it is this service's.</summary>
    public static void RemoveEntry(RecordWriter writer, string service)
    {
        if (writer.Find(EntryRows.Table, EntryOf(service))?.Body is RegistryEntry known && known.Owner == service)
        {
            _ = writer.Delete(new RecordDelete(EntryRows.Table, EntryOf(service), 0, AllowMissing: true));
        }
    }

    /// <summary>Makes the registry say what the slot that serves is like.</summary>
    public static void PutEntry(RecordWriter writer, ManagedSlot slot)
    {
        if (slot.Machine.State.Phase != ServicePhase.Running || slot.Spec.Registration is not { } registration)
        {
            RemoveEntry(writer, slot.Service.Name);
            return;
        }

        string service = registration.Service.Length > 0 ? registration.Service : slot.Service.Name;
        if (writer.Find(EntryRows.Table, EntryOf(slot.Service.Name))?.Body is RegistryEntry known && known.Service != service)
        {
            RemoveEntry(writer, slot.Service.Name);
        }

        var entry = new RegistryEntry
        {
            Id = EntryOf(slot.Service.Name),
            Service = service,
            Address = slot.Record.Address,
            Health = slot.Machine.State.IsHealthy ? EndpointHealth.Healthy : EndpointHealth.Unhealthy,
            Note = slot.Machine.State.IsHealthy ? string.Empty : slot.Record.Detail,
            Owner = slot.Service.Name,
            Tags = { RegistryRequests.Tags(registration.Tags, "tags") },
        };
        if (registration.HasWeight)
        {
            entry.Weight = registration.Weight;
        }

        IEnumerable<string> needs = (slot.Spec.Dependencies?.Requires ?? []).Concat(registration.Needs).Distinct().Order(StringComparer.Ordinal);
        entry.Dependencies.AddRange(needs.Select(need => new Dependency { Service = need }));
        _ = ServiceRegistry.Put(writer, entry);
    }

    private static void Keep(RecordWriter writer, ManagedSlot slot)
    {
        Put(writer, ServiceNames.Slots, slot.Record.Id, slot.Record);
        if (slot == slot.Service.Active)
        {
            PutEntry(writer, slot);
        }
    }
}
