namespace Auraed.Store.Assets;

/// <summary>A tag that publishes an asset.</summary>
/// <param name="Tag">Its whole name, the prefix included.</param>
/// <param name="Asset">The asset's id.</param>
/// <param name="AssetRow">The row of the asset's record.</param>
public readonly record struct Publication(string Tag, string Asset, long AssetRow);

/// <summary>What is published: the assets of one tenant that tags with a prefix name.</summary>
public static class PublicationRows
{
    /// <summary>In the order of the tags; at most so many.</summary>
    public static List<Publication> Read(ReadUnit unit, string tenant, string prefix, int countMax)
    {
        Statement select = unit.Prepare(
            "SELECT t.id, t.asset, a.row_id FROM asset_tag AS t JOIN asset AS a ON a.tenant = t.tenant AND a.id = t.asset WHERE t.tenant = ? AND t.id >= ? AND t.id < ? ORDER BY t.id LIMIT ?");
        select.Text(0, tenant);
        select.Text(1, prefix);
        // The first text after all that begin with the prefix: its last letter, one up.
        select.Text(2, prefix[..^1] + (char)(prefix[^1] + 1));
        select.Integer(3, countMax);
        var publications = new List<Publication>();
        while (select.Step())
        {
            publications.Add(new Publication(select.Text(0), select.Text(1), select.Integer(2)));
        }

        select.Reset();
        return publications;
    }
}
