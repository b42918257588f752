namespace Auraed.Store.Assets;

/// <summary>What there is in all.</summary>
/// <param name="Chunks">StoredSize of all is what is in the file; of a tenant, with what is archived.</param>
/// <param name="Archived">Chunks that are in a backend alone; of all.</param>
public readonly record struct AssetTotals(long AssetCount, long AssetSize, long UploadCount, HolderSums Chunks, long Condemned, long Damaged, HolderSums Archived);

/// <summary>What the chunks of one content take, each once.</summary>
public record struct ContentSums(long StoredSize, long Damaged, long ArchivedCount, long ArchivedSize);

/// <summary>Sums over assets and chunks.</summary>
public static class SumRows
{
    /// <summary>What the chunks of a content take, each once, how many of them are damaged, and what is in a backend alone.</summary>
    public static ContentSums OfContent(ReadUnit unit, long content)
    {
        var contents = new ContentRows(unit);
        var chunks = new ChunkRows(unit);
        (long low, long high) = Range(unit, content);
        // Beyond a window of numbers a chunk that comes twice counts twice: the answer is for people, and memory is bounded.
        var seen = new LiveChunks(low, (int)Math.Min(high - low + 1, Base.Limits.CollectionWindowChunks), 0, null);
        bool isAnyDamaged = Integer(unit, "SELECT EXISTS (SELECT 1 FROM chunk_damage)") != 0;
        Statement damage = unit.Prepare("SELECT 1 FROM chunk_damage WHERE number = ?");
        var sums = default(ContentSums);
        long offset = 0;
        while (contents.Read(content, offset, Base.Limits.AssetReadChunksMax) is { Count: > 0 } placed)
        {
            foreach (PlacedChunk chunk in placed)
            {
                if (chunk.Entry.Number < seen.High && !seen.TryMark(chunk.Entry.Number))
                {
                    continue;
                }

                StoredChunk stored = chunks.Find(chunk.Entry.Number) ?? default;
                sums.StoredSize += stored.IsResident ? stored.StoredSize : 0;
                sums.ArchivedCount += stored.IsResident ? 0 : 1;
                sums.ArchivedSize += stored.IsResident ? 0 : stored.StoredSize;
                if (isAnyDamaged)
                {
                    damage.Integer(0, chunk.Entry.Number);
                    sums.Damaged += damage.Step() ? 1 : 0;
                    damage.Reset();
                }
            }

            offset = placed[^1].Offset + placed[^1].Entry.Size;
        }

        return sums;
    }

    /// <summary>Of one tenant: the chunks that it holds. Of all: each chunk once.</summary>
    public static AssetTotals Of(ReadUnit unit, string? tenant)
    {
        var (count, size) = (0L, 0L);
        Statement assets = unit.Prepare("SELECT count(*), coalesce(sum(size), 0) FROM asset WHERE ?1 IS NULL OR tenant = ?1");
        if (tenant is null)
        {
            assets.Null(0);
        }
        else
        {
            assets.Text(0, tenant);
        }

        if (assets.Step())
        {
            (count, size) = (assets.Integer(0), assets.Integer(1));
        }

        assets.Reset();
        Statement chunks = unit.Prepare(tenant is null
            ? "SELECT count(*), coalesce(sum(size), 0), coalesce(sum(stored_size), 0), coalesce(sum(resident = 0), 0), coalesce(sum(CASE WHEN resident = 0 THEN size END), 0), coalesce(sum(CASE WHEN resident = 0 THEN stored_size END), 0) FROM chunk"
            : "SELECT chunk_count, size, stored_size FROM asset_holder WHERE tenant = ?");
        if (tenant is not null)
        {
            chunks.Text(0, tenant);
        }

        HolderSums sums = chunks.Step() ? new HolderSums(chunks.Integer(0), chunks.Integer(1), chunks.Integer(2)) : default;
        HolderSums archived = tenant is null ? new HolderSums(chunks.Integer(3), chunks.Integer(4), chunks.Integer(5)) : default;
        chunks.Reset();
        return new AssetTotals(
            count,
            size,
            new UploadRows(unit).Count(tenant),
            sums with { StoredSize = sums.StoredSize - archived.StoredSize },
            tenant is null ? Integer(unit, "SELECT count(*) FROM chunk_condemned") : 0,
            tenant is null ? Integer(unit, "SELECT count(*) FROM chunk_damage") : 0,
            archived);
    }

    private static (long Low, long High) Range(ReadUnit unit, long content)
    {
        Statement select = unit.Prepare("SELECT coalesce(min(chunk_min), 0), coalesce(max(chunk_max), 0) FROM content_part WHERE content = ?");
        select.Integer(0, content);
        _ = select.Step();
        var range = (select.Integer(0), select.Integer(1));
        select.Reset();
        return range;
    }

    private static long Integer(ReadUnit unit, string sql)
    {
        Statement select = unit.Prepare(sql);
        long value = select.Step() ? select.Integer(0) : 0;
        select.Reset();
        return value;
    }
}
