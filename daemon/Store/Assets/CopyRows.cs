namespace Auraed.Store.Assets;

/// <summary>A chunk on its way to a backend, or back.</summary>
/// <param name="Frame">Null when its bytes are in a backend alone.</param>
/// <param name="HasCopy">The backend that was asked about has it.</param>
public sealed record CopiedChunk(StoredChunk Chunk, long End, byte[] Id, byte[]? Frame, bool HasCopy);

/// <summary>What is known of one backend.</summary>
public readonly record struct CopySums(string Backend, long ChunkCount, long ArchivedCount, long ArchivedSize);

/// <summary>
/// Which backends have which chunks. Invariants: a chunk that is not resident has a copy; a copy is noted after it was durable in the backend and was read back right.
/// </summary>
/// <param name="prepare">The unit's own.</param>
public readonly struct CopyRows(Func<string, Statement> prepare)
{
    public CopyRows(ReadUnit unit)
        : this(unit.Prepare)
    {
    }

    public CopyRows(WriteUnit unit)
        : this(unit.Prepare)
    {
    }

    /// <summary>Null while nothing was archived to a backend of that name.</summary>
    public long? Find(string backend)
    {
        Statement select = prepare("SELECT number FROM asset_backend WHERE name = ?");
        select.Text(0, backend);
        long? number = select.Step() ? select.Integer(0) : null;
        select.Reset();
        return number;
    }

    public long FindOrAdd(string backend)
    {
        if (Find(backend) is { } number)
        {
            return number;
        }

        Statement insert = prepare("INSERT INTO asset_backend (name) VALUES (?) RETURNING number");
        insert.Text(0, backend);
        _ = insert.Step();
        long made = insert.Integer(0);
        insert.Reset();
        return made;
    }

    /// <summary>Names of the backends that have the chunk, in the order in which they came to be known.</summary>
    public List<string> Backends(long chunk)
    {
        Statement select = prepare("SELECT b.name FROM chunk_copy AS c JOIN asset_backend AS b ON b.number = c.backend WHERE c.number = ? ORDER BY c.backend");
        select.Integer(0, chunk);
        var names = new List<string>();
        while (select.Step())
        {
            names.Add(select.Text(0));
        }

        select.Reset();
        return names;
    }

    public bool Has(long chunk, long? backend)
    {
        if (backend is not { } number)
        {
            return false;
        }

        Statement select = prepare("SELECT 1 FROM chunk_copy WHERE number = ? AND backend = ?");
        select.Integer(0, chunk);
        select.Integer(1, number);
        bool has = select.Step();
        select.Reset();
        return has;
    }

    /// <summary>Notes a copy of a chunk that is there still.</summary>
    public void Note(long chunk, long backend)
    {
        Statement insert = prepare("INSERT INTO chunk_copy (number, backend) SELECT number, ? FROM chunk WHERE number = ? ON CONFLICT DO NOTHING");
        insert.Integer(0, backend);
        insert.Integer(1, chunk);
        _ = insert.Execute();
    }

    /// <summary>The chunks of a content from a byte on, each with what is asked of it: at most about <paramref name="bytesMax"/> of frames. Empty at the end.</summary>
    /// <param name="backend">Frames of chunks that it has are left out.</param>
    /// <param name="resident">False leaves all frames out.</param>
    public List<CopiedChunk> Next(long content, long offset, long? backend, bool resident, long bytesMax)
    {
        var rows = new ChunkRows(prepare);
        var chunks = new List<CopiedChunk>();
        long bytes = 0;
        byte[] id = new byte[32];
        foreach (PlacedChunk placed in new ContentRows(prepare).Read(content, offset, 1))
        {
            if (rows.Find(placed.Entry.Number) is not { } chunk || !rows.TryReadId(chunk.Number, id))
            {
                break;
            }

            bool has = Has(chunk.Number, backend);
            bool reads = resident && chunk.IsResident && !has;
            chunks.Add(new CopiedChunk(chunk, placed.Offset + placed.Entry.Size, id.ToArray(), reads ? rows.Frame(chunk.Number) : null, has));
            bytes += reads || !chunk.IsResident ? chunk.StoredSize : 0;
            if (bytes >= bytesMax)
            {
                break;
            }
        }

        return chunks;
    }

    /// <summary>Every backend that a copy is noted in, by name.</summary>
    public List<CopySums> Sums()
    {
        Statement select = prepare(
            "SELECT b.name, count(c.number), coalesce(sum(k.resident = 0), 0), coalesce(sum(CASE WHEN k.resident = 0 THEN k.stored_size END), 0) FROM asset_backend AS b LEFT JOIN chunk_copy AS c ON c.backend = b.number LEFT JOIN chunk AS k ON k.number = c.number GROUP BY b.number ORDER BY b.name");
        var sums = new List<CopySums>();
        while (select.Step())
        {
            sums.Add(new CopySums(select.Text(0), select.Integer(1), select.Integer(2), select.Integer(3)));
        }

        return sums;
    }
}
