using Aurae.Registry.V0;
using Aurae.Schema;
using Auraed.Store.Records;

namespace Auraed.Store.Registry;

/// <summary>Which entries are wanted.</summary>
/// <param name="Service">Null for all.</param>
/// <param name="Tags">All must be there.</param>
/// <param name="After">Only ids behind this one; null for all.</param>
/// <param name="IsById">By id; else in the order in which they were registered.</param>
public sealed record EntrySelection(string Tenant, string? Service, IReadOnlyList<string> Tags, string? After, bool IsById, int CountMax);

/// <summary>Reads the registry's entries; writing is the records' own.</summary>
public static class EntryRows
{
    public static RecordTable Table { get; } = Tables.ByTypeName[RegistryEntry.Descriptor.FullName];

    public static List<StoredRecord> Read(ReadUnit unit, EntrySelection selection)
    {
        RecordSql sql = RecordSql.Of(Table);
        string text = $"SELECT {sql.Columns} FROM registry_entry WHERE tenant = ?"
            + (selection.Service is null ? "" : " AND service = ?")
            + (selection.After is null ? "" : " AND id > ?")
            + string.Concat(selection.Tags.Select(_ => " AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)"))
            + (selection.IsById ? " ORDER BY id" : " ORDER BY row_id")
            + " LIMIT ?";
        Statement statement = unit.Prepare(text);
        int index = 0;
        statement.Text(index++, selection.Tenant);
        foreach (string? part in new[] { selection.Service, selection.After }.Concat(selection.Tags).Where(part => part is not null))
        {
            statement.Text(index++, part!);
        }

        statement.Integer(index, selection.CountMax);
        var rows = new RecordRows(unit);
        var entries = new List<StoredRecord>();
        while (statement.Step())
        {
            StoredRecord entry = RecordRows.Read(sql, selection.Tenant, statement);
            rows.AddChildren(sql, entry);
            entries.Add(entry);
        }

        return entries;
    }

    /// <summary>The entries that name a service among their dependencies, with their own service; by service, then id.</summary>
    public static List<(string Service, string Id)> NeedersOf(ReadUnit unit, string tenant, string service)
    {
        Statement statement = unit.Prepare(
            "SELECT DISTINCT e.service, e.id FROM registry_entry_dependencies d JOIN registry_entry e ON e.row_id = d.parent WHERE d.service = ? AND e.tenant = ? ORDER BY e.service, e.id");
        statement.Text(0, service);
        statement.Text(1, tenant);
        var needers = new List<(string, string)>();
        while (statement.Step())
        {
            needers.Add((statement.Text(0), statement.Text(1)));
        }

        return needers;
    }
}
