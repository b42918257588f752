using Aurae.Assets.V0;
using Aurae.Cells.V0;
using Aurae.Events.V0;
using Aurae.Hosts.V0;
using Aurae.Registry.V0;
using Aurae.Schema;
using Aurae.Services.V0;
using Auraed.Base;

namespace Auraed.Domain.Records;

/// <summary>
/// The tables that only their own service changes: a row of theirs is more than a row to it (a lease, a process). Everybody reads, queries and watches them.
/// </summary>
public sealed class KeptTables
{
    private static readonly Dictionary<string, string> Verbs = new(StringComparer.Ordinal)
    {
        [RegistryEntry.Descriptor.FullName] = "auraed registry",
        [Service.Descriptor.FullName] = "auraed services",
        [ServiceVersion.Descriptor.FullName] = "auraed services",
        [ServiceSlot.Descriptor.FullName] = "auraed services",
        [AssetArchive.Descriptor.FullName] = "auraed assets archive",
        [AssetPublication.Descriptor.FullName] = "auraed assets publish",
        [EventSegment.Descriptor.FullName] = "auraed events archive",
        [Cell.Descriptor.FullName] = "auraed cells",
        [CellState.Descriptor.FullName] = "auraed cells",
        [CellExecutable.Descriptor.FullName] = "auraed cells",
    };

    /// <summary>Fault(Precondition) for such a table.</summary>
    public void Refuse(RecordTable table, string field)
    {
        if (Verbs.TryGetValue(table.TypeName, out string? verb))
        {
            throw new Fault(FaultKind.Precondition, $"records of type {table.Name} are changed by their own service alone", field, $"{verb} --help") { Reason = "KEPT_BY_SERVICE" };
        }
    }

    /// <summary>Fault(Precondition) for a table of which others change and delete records, but make none: an asset without its bytes would be a promise that nobody keeps.</summary>
    public void RefuseNew(RecordTable table, string field)
    {
        if (table.TypeName == Asset.Descriptor.FullName)
        {
            throw new Fault(FaultKind.Precondition, "an asset comes into being by AssetService.Upload alone", field, "auraed assets put FILE") { Reason = "UPLOAD_ONLY" };
        }
    }
}
