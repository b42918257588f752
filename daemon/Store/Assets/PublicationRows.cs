namespace Auraed.Store.Assets;

/// <summary>An asset that the origin serves.</summary>
/// <param name="Name">Of its index, without extension.</param>
/// <param name="Asset">The asset's id.</param>
/// <param name="AssetRow">The row of the asset's record.</param>
public readonly record struct Publication(string Name, string Asset, long AssetRow);

/// <summary>What is published, of one tenant.</summary>
public static class PublicationRows
{
    private const string Select = "SELECT p.id, p.asset, a.row_id FROM asset_publication AS p JOIN asset AS a ON a.tenant = p.tenant AND a.id = p.asset WHERE p.tenant = ? ";

    /// <summary>In the order of the names; at most so many.</summary>
    public static List<Publication> Read(ReadUnit unit, string tenant, int countMax)
    {
        Statement select = unit.Prepare(Select + "ORDER BY p.id LIMIT ?");
        select.Text(0, tenant);
        select.Integer(1, countMax);
        var publications = new List<Publication>();
        while (select.Step())
        {
            publications.Add(Row(select));
        }

        select.Reset();
        return publications;
    }

    public static Publication? Find(ReadUnit unit, string tenant, string name)
    {
        Statement select = unit.Prepare(Select + "AND p.id = ?");
        select.Text(0, tenant);
        select.Text(1, name);
        Publication? found = select.Step() ? Row(select) : null;
        select.Reset();
        return found;
    }

    public static long Count(WriteUnit unit, string tenant)
    {
        Statement select = unit.Prepare("SELECT count(*) FROM asset_publication WHERE tenant = ?");
        select.Text(0, tenant);
        _ = select.Step();
        long count = select.Integer(0);
        select.Reset();
        return count;
    }

    private static Publication Row(Statement select) => new(select.Text(0), select.Text(1), select.Integer(2));
}
