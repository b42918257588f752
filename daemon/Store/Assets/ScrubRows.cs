using System.Globalization;

namespace Auraed.Store.Assets;

/// <summary>A chunk to be checked.</summary>
/// <param name="Frame">Null when its bytes are gone.</param>
public sealed record ScrubbedChunk(long Number, byte[] Id, int Size, byte[]? Frame);

/// <summary>Going through all chunks, and what was found.</summary>
public static class ScrubRows
{
    private const string PlaceKey = "scrub_chunk";

    /// <summary>The number of the last chunk that was checked; 0 for none.</summary>
    public static long Place(ReadUnit unit)
    {
        Statement select = unit.Prepare("SELECT value FROM meta WHERE key = ?");
        select.Text(0, PlaceKey);
        long place = select.Step() ? long.Parse(select.Text(0), CultureInfo.InvariantCulture) : 0;
        select.Reset();
        return place;
    }

    public static void SetPlace(WriteUnit unit, long number)
    {
        Statement update = unit.Prepare("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
        update.Text(0, PlaceKey);
        update.Text(1, number.ToString(CultureInfo.InvariantCulture));
        _ = update.Execute();
    }

    /// <summary>Chunks after a number, until there are so many or their frames have so many bytes.</summary>
    public static List<ScrubbedChunk> Next(ReadUnit unit, long after, int countMax, long bytesMax)
    {
        Statement select = unit.Prepare("SELECT number, id, size FROM chunk WHERE number > ? ORDER BY number LIMIT ?");
        select.Integer(0, after);
        select.Integer(1, countMax);
        var rows = new ChunkRows(unit);
        var chunks = new List<ScrubbedChunk>();
        long bytes = 0;
        while (bytes < bytesMax && select.Step())
        {
            long number = select.Integer(0);
            byte[]? frame = rows.Frame(number);
            chunks.Add(new ScrubbedChunk(number, select.Blob(1).ToArray(), (int)select.Integer(2), frame));
            bytes += frame?.Length ?? 0;
        }

        select.Reset();
        return chunks;
    }

    /// <summary>Chunks and their bytes, before compression, after a number.</summary>
    public static (long Count, long Last) Left(ReadUnit unit, long after)
    {
        Statement select = unit.Prepare("SELECT count(*), coalesce(max(number), 0) FROM chunk WHERE number > ?");
        select.Integer(0, after);
        _ = select.Step();
        var left = (select.Integer(0), select.Integer(1));
        select.Reset();
        return left;
    }

    /// <summary>Notes that a chunk is damaged; null that it is sound.</summary>
    public static void Note(WriteUnit unit, long number, string? reason)
    {
        if (reason is null)
        {
            Statement delete = unit.Prepare("DELETE FROM chunk_damage WHERE number = ?");
            delete.Integer(0, number);
            _ = delete.Execute();
            return;
        }

        Statement insert = unit.Prepare("INSERT INTO chunk_damage (number, time, reason) SELECT number, ?, ? FROM chunk WHERE number = ? ON CONFLICT (number) DO NOTHING");
        insert.Integer(0, unit.Now);
        insert.Text(1, reason);
        insert.Integer(2, number);
        _ = insert.Execute();
    }

    /// <summary>Numbers of the chunks that are known to be damaged, at most so many.</summary>
    public static List<long> Damaged(ReadUnit unit, int countMax)
    {
        Statement select = unit.Prepare("SELECT number FROM chunk_damage ORDER BY number LIMIT ?");
        select.Integer(0, countMax);
        var numbers = new List<long>();
        while (select.Step())
        {
            numbers.Add(select.Integer(0));
        }

        return numbers;
    }

    /// <summary>Assets that refer to a chunk, of all tenants, at most so many. Goes through every part whose numbers span it.</summary>
    public static List<(string Tenant, string Id, string Title)> AssetsWith(ReadUnit unit, long number, int countMax)
    {
        Statement select = unit.Prepare(
            "SELECT a.tenant, a.id, a.title, p.entries FROM content_part AS p JOIN content AS c ON c.number = p.content JOIN asset AS a ON a.row_id = c.asset WHERE p.chunk_min <= ?1 AND p.chunk_max >= ?1");
        select.Integer(0, number);
        var assets = new List<(string, string, string)>();
        var entries = new List<PartEntry>();
        while (assets.Count < countMax && select.Step())
        {
            entries.Clear();
            PartEntries.Decode(select.Blob(3), entries);
            var asset = (select.Text(0), select.Text(1), select.Text(2));
            if (entries.Exists(entry => entry.Number == number) && !assets.Contains(asset))
            {
                assets.Add(asset);
            }
        }

        select.Reset();
        return assets;
    }
}
