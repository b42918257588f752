namespace Auraed.Store.Assets;

/// <summary>Leases by their end.</summary>
public static class LeaseRows
{
    /// <summary>Names of a tenant's leases that ended at that time or before.</summary>
    /// <param name="asset">Only leases of this one; null for those of all.</param>
    public static List<string> Ended(WriteUnit unit, string tenant, string? asset, long time, int countMax)
    {
        Statement select = unit.Prepare(asset is null
            ? "SELECT id FROM asset_lease WHERE tenant = ?1 AND (expire_time <= ?2 OR expire_time IS NULL) ORDER BY expire_time LIMIT ?3"
            : "SELECT id FROM asset_lease WHERE tenant = ?1 AND asset = ?4 AND (expire_time <= ?2 OR expire_time IS NULL) LIMIT ?3");
        select.Text(0, tenant);
        select.Integer(1, time);
        select.Integer(2, countMax);
        if (asset is not null)
        {
            select.Text(3, asset);
        }

        var names = new List<string>();
        while (select.Step())
        {
            names.Add(select.Text(0));
        }

        return names;
    }
}
