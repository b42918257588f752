using System.Globalization;

namespace Auraed.Store.Assets;

/// <summary>A chunk to be checked.</summary>
/// <param name="Frame">Null when its bytes are gone, in a backend alone, or cannot be read.</param>
/// <param name="Unreadable">Why they cannot be read; null when they can.</param>
public sealed record ScrubbedChunk(StoredChunk Chunk, byte[] Id, byte[]? Frame, string? Unreadable = null)
{
    public long Number => Chunk.Number;

    public int Size => Chunk.Size;
}

/// <summary>Going through all chunks, and what was found.</summary>
public static class ScrubRows
{
    /// <summary>The reason that is noted of a chunk that cannot be removed either.</summary>
    public const string Lost = "cannot be read from the disk, nor removed";

    private const string PlaceKey = "scrub_chunk";

    private const string EndKey = "scrub_end";

    /// <summary>The number of the last chunk that was checked; 0 for none.</summary>
    public static long Place(ReadUnit unit) => Read(unit, PlaceKey) ?? 0;

    public static void SetPlace(WriteUnit unit, long number) => Write(unit, PlaceKey, number);

    /// <summary>When a scrub last came to the last chunk, in nanoseconds since 1970 UTC; null when none ever did.</summary>
    public static long? End(ReadUnit unit) => Read(unit, EndKey);

    public static void SetEnd(WriteUnit unit, long time) => Write(unit, EndKey, time);

    private static long? Read(ReadUnit unit, string key)
    {
        Statement select = unit.Prepare("SELECT value FROM meta WHERE key = ?");
        select.Text(0, key);
        long? value = select.Step() ? long.Parse(select.Text(0), CultureInfo.InvariantCulture) : null;
        select.Reset();
        return value;
    }

    private static void Write(WriteUnit unit, string key, long value)
    {
        Statement update = unit.Prepare("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
        update.Text(0, key);
        update.Text(1, value.ToString(CultureInfo.InvariantCulture));
        _ = update.Execute();
    }

    /// <summary>Chunks after a number, until there are so many or their frames have so many bytes.</summary>
    /// <param name="frames">False leaves all frames out.</param>
    public static List<ScrubbedChunk> Next(ReadUnit unit, long after, int countMax, long bytesMax, bool frames)
    {
        Statement select = unit.Prepare("SELECT number, id, size, stored_size, resident FROM chunk WHERE number > ? ORDER BY number LIMIT ?");
        select.Integer(0, after);
        select.Integer(1, countMax);
        unit.ReadAhead();
        var rows = new ChunkRows(unit);
        var chunks = new List<ScrubbedChunk>();
        long bytes = 0;
        while (bytes < bytesMax && select.Step())
        {
            var chunk = new StoredChunk(select.Integer(0), (int)select.Integer(2), (int)select.Integer(3), select.Integer(4) != 0, IsDamaged: false);
            byte[]? frame = frames && chunk.IsResident ? rows.Frame(chunk.Number) : null;
            chunks.Add(new ScrubbedChunk(chunk, select.Blob(1).ToArray(), frame));
            bytes += chunk.IsResident ? chunk.StoredSize : 0;
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

    /// <summary>Notes that a chunk is damaged. True when that was not known.</summary>
    public static bool Note(WriteUnit unit, long number, string reason)
    {
        Statement insert = unit.Prepare("INSERT INTO chunk_damage (number, time, reason) SELECT number, ?, ? FROM chunk WHERE number = ? ON CONFLICT (number) DO NOTHING");
        insert.Integer(0, unit.Now);
        insert.Text(1, reason);
        insert.Integer(2, number);
        return insert.Execute() > 0;
    }

    /// <summary>Takes back that a chunk is damaged.</summary>
    public static void Clear(WriteUnit unit, long number)
    {
        Statement delete = unit.Prepare("DELETE FROM chunk_damage WHERE number = ?");
        delete.Integer(0, number);
        _ = delete.Execute();
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
