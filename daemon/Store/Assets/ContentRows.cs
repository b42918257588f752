using Auraed.Base;

namespace Auraed.Store.Assets;

/// <summary>A sequence of chunks so far.</summary>
public readonly record struct StoredContent(long Number, long Holder, long Size, long ChunkCount);

/// <summary>A chunk of a content with where it begins.</summary>
public readonly record struct PlacedChunk(long Offset, PartEntry Entry);

/// <summary>
/// Contents and their parts. Invariants: the parts of a content follow each other without a gap from 0 to its size; a part is never changed.
/// </summary>
/// <param name="prepare">The unit's own.</param>
public readonly struct ContentRows(Func<string, Statement> prepare)
{
    private const string Columns = "SELECT number, holder, size, chunk_count FROM content WHERE ";

    public ContentRows(ReadUnit unit)
        : this(unit.Prepare)
    {
    }

    public ContentRows(WriteUnit unit)
        : this(unit.Prepare)
    {
    }

    /// <param name="asset">The row of the asset's record.</param>
    public StoredContent? OfAsset(long asset) => Find(Columns + "asset = ?", asset);

    public StoredContent? OfUpload(long upload) => Find(Columns + "upload = ?", upload);

    public StoredContent? Find(long number) => Find(Columns + "number = ?", number);

    public StoredContent Add(long holder, long upload)
    {
        Statement insert = prepare("INSERT INTO content (holder, upload) VALUES (?, ?) RETURNING number");
        insert.Integer(0, holder);
        insert.Integer(1, upload);
        _ = insert.Step();
        long number = insert.Integer(0);
        insert.Reset();
        return new StoredContent(number, holder, 0, 0);
    }

    /// <summary>The content of an upload becomes that of an asset.</summary>
    public void Give(long content, long asset)
    {
        Statement update = prepare("UPDATE content SET asset = ?, upload = NULL WHERE number = ?");
        update.Integer(0, asset);
        update.Integer(1, content);
        _ = update.Execute();
    }

    /// <summary>Adds a part at the end.</summary>
    public StoredContent Append(StoredContent content, ReadOnlySpan<PartEntry> entries)
    {
        var (size, least, most) = (0L, long.MaxValue, 0L);
        foreach (PartEntry entry in entries)
        {
            size += entry.Size;
            least = Math.Min(least, entry.Number);
            most = Math.Max(most, entry.Number);
        }

        Statement insert = prepare("INSERT INTO content_part (content, offset, size, chunk_min, chunk_max, entries) VALUES (?, ?, ?, ?, ?, ?)");
        insert.Integer(0, content.Number);
        insert.Integer(1, content.Size);
        insert.Integer(2, size);
        insert.Integer(3, least);
        insert.Integer(4, most);
        insert.Blob(5, PartEntries.Encode(entries));
        _ = insert.Execute();
        Statement update = prepare("UPDATE content SET size = size + ?, chunk_count = chunk_count + ? WHERE number = ?");
        update.Integer(0, size);
        update.Integer(1, entries.Length);
        update.Integer(2, content.Number);
        _ = update.Execute();
        return content with { Size = content.Size + size, ChunkCount = content.ChunkCount + entries.Length };
    }

    /// <summary>
    /// The chunks from the one that holds byte <paramref name="offset"/> on: whole parts, until there are <paramref name="countMax"/> chunks or more.
    /// Empty at the end. Fault(Corrupt) when the parts leave a gap.
    /// </summary>
    public List<PlacedChunk> Read(long content, long offset, int countMax)
    {
        Statement select = prepare("SELECT offset, size, entries FROM content_part WHERE content = ? AND offset > (SELECT coalesce(max(offset), -1) - 1 FROM content_part WHERE content = ?1 AND offset <= ?) ORDER BY offset");
        select.Integer(0, content);
        select.Integer(1, offset);
        var chunks = new List<PlacedChunk>();
        var entries = new List<PartEntry>();
        long next = -1;
        while (chunks.Count < countMax && select.Step())
        {
            long place = select.Integer(0);
            long end = place + select.Integer(1);
            entries.Clear();
            PartEntries.Decode(select.Blob(2), entries);
            bool follows = next == -1 ? place <= offset : place == next;
            next = place;
            foreach (PartEntry entry in entries)
            {
                if (next + entry.Size > offset)
                {
                    chunks.Add(new PlacedChunk(next, entry));
                }

                next += entry.Size;
            }

            if (!follows || next != end)
            {
                select.Reset();
                throw new Fault(FaultKind.Corrupt, $"the parts of an asset's index leave a gap at byte {place}", hint: "auraed verify") { Reason = "PART_DAMAGED" };
            }
        }

        select.Reset();
        return chunks;
    }

    private StoredContent? Find(string sql, long owner)
    {
        Statement select = prepare(sql);
        select.Integer(0, owner);
        StoredContent? found = select.Step() ? new StoredContent(select.Integer(0), select.Integer(1), select.Integer(2), select.Integer(3)) : null;
        select.Reset();
        return found;
    }
}
