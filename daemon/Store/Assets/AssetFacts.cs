namespace Auraed.Store.Assets;

/// <summary>What is true of an asset's bytes whoever has it.</summary>
public static class AssetFacts
{
    /// <summary>The SHA-256 of the blob with this CAID, in hexadecimal digits; null when nobody has it.</summary>
    public static string? DigestOf(ReadUnit unit, string id)
    {
        // By tenant, as the index of ids begins with it.
        Statement select = unit.Prepare("SELECT a.sha256 FROM asset_holder AS h JOIN asset AS a ON a.tenant = h.tenant AND a.id = ? LIMIT 1");
        select.Text(0, id);
        string? digest = select.Step() ? select.Text(0) : null;
        select.Reset();
        return digest;
    }
}
