using System.Globalization;
using Aurae.Schema;

namespace Auraed.Store.Records;

/// <summary>
/// How many records a tenant holds. Invariants: the number is kept for tenants with a limit only, in the transaction that makes or deletes
/// the record, so it is exact whatever is rolled back and outlives a restart; where it is not kept, the rows are counted.
/// </summary>
public static class TenantRows
{
    private static readonly string CountAll = "SELECT " + string.Join(
        " + ", Tables.All.Select(table => $"(SELECT count(*) FROM {table.Name} WHERE tenant = ?1)"));

    /// <summary>The records after <paramref name="change"/>, whose row is written already. The first time it counts them all.</summary>
    public static long Count(WriteUnit unit, string tenant, int change)
    {
        string key = Key(tenant);
        Statement update = unit.Prepare("UPDATE meta SET value = CAST(CAST(value AS INTEGER) + ? AS TEXT) WHERE key = ? RETURNING CAST(value AS INTEGER)");
        update.Integer(0, change);
        update.Text(1, key);
        long? known = update.Step() ? update.Integer(0) : null;
        update.Reset();
        if (known is { } count)
        {
            return count;
        }

        Statement select = unit.Prepare(CountAll);
        select.Text(0, tenant);
        count = select.Step() ? select.Integer(0) : 0;
        select.Reset();
        Statement insert = unit.Prepare("INSERT INTO meta (key, value) VALUES (?, ?)");
        insert.Text(0, key);
        insert.Text(1, count.ToString(CultureInfo.InvariantCulture));
        _ = insert.Execute();
        return count;
    }

    /// <summary>The number is no longer kept, because the tenant's limit may be gone.</summary>
    public static void Forget(WriteUnit unit, string tenant)
    {
        Statement delete = unit.Prepare("DELETE FROM meta WHERE key = ?");
        delete.Text(0, Key(tenant));
        _ = delete.Execute();
    }

    private static string Key(string tenant) => "record_count:" + tenant;
}
