namespace Auraed.Store.Assets;

/// <summary>Leases by their end.</summary>
public static class LeaseRows
{
    /// <summary>Names of a tenant's leases that ended at that time or before.</summary>
    public static List<string> Ended(WriteUnit unit, string tenant, long time, int countMax)
    {
        Statement select = unit.Prepare("SELECT id FROM asset_lease WHERE tenant = ? AND (expire_time <= ? OR expire_time IS NULL) ORDER BY expire_time LIMIT ?");
        select.Text(0, tenant);
        select.Integer(1, time);
        select.Integer(2, countMax);
        var names = new List<string>();
        while (select.Step())
        {
            names.Add(select.Text(0));
        }

        return names;
    }
}
