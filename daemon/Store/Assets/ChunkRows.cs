namespace Auraed.Store.Assets;

/// <summary>What is known of a chunk without its bytes.</summary>
public readonly record struct StoredChunk(long Number, int Size, int StoredSize);

/// <summary>Chunks and their bytes, whoever holds them.</summary>
/// <param name="prepare">The unit's own.</param>
public readonly struct ChunkRows(Func<string, Statement> prepare)
{
    public ChunkRows(ReadUnit unit)
        : this(unit.Prepare)
    {
    }

    public ChunkRows(WriteUnit unit)
        : this(unit.Prepare)
    {
    }

    public StoredChunk? Find(ReadOnlySpan<byte> id)
    {
        Statement select = prepare("SELECT number, size, stored_size FROM chunk WHERE id = ?");
        select.Blob(0, id);
        StoredChunk? found = select.Step() ? new StoredChunk(select.Integer(0), (int)select.Integer(1), (int)select.Integer(2)) : null;
        select.Reset();
        return found;
    }

    public StoredChunk? Find(long number)
    {
        Statement select = prepare("SELECT size, stored_size FROM chunk WHERE number = ?");
        select.Integer(0, number);
        StoredChunk? found = select.Step() ? new StoredChunk(number, (int)select.Integer(0), (int)select.Integer(1)) : null;
        select.Reset();
        return found;
    }

    /// <summary>Writes the id to <paramref name="id"/>, 32 bytes; false when the chunk is gone.</summary>
    public bool TryReadId(long number, Span<byte> id)
    {
        Statement select = prepare("SELECT id FROM chunk WHERE number = ?");
        select.Integer(0, number);
        bool found = select.Step();
        if (found)
        {
            select.Blob(0).CopyTo(id);
        }

        select.Reset();
        return found;
    }

    /// <summary>The frame, copied; null when the chunk or its bytes are gone.</summary>
    public byte[]? Frame(long number)
    {
        Statement select = prepare("SELECT frame FROM chunk_body WHERE number = ?");
        select.Integer(0, number);
        byte[]? frame = select.Step() ? select.Blob(0).ToArray() : null;
        select.Reset();
        return frame;
    }

    /// <summary>The chunk of this id after it is there: the one that was, or a new one with this frame.</summary>
    public StoredChunk Add(ReadOnlySpan<byte> id, int size, ReadOnlySpan<byte> frame)
    {
        Statement insert = prepare("INSERT INTO chunk (id, size, stored_size) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING number");
        insert.Blob(0, id);
        insert.Integer(1, size);
        insert.Integer(2, frame.Length);
        long? number = insert.Step() ? insert.Integer(0) : null;
        insert.Reset();
        if (number is not { } made)
        {
            return Find(id)!.Value;
        }

        Statement body = prepare("INSERT INTO chunk_body (number, frame) VALUES (?, ?)");
        body.Integer(0, made);
        body.Blob(1, frame);
        _ = body.Execute();
        return new StoredChunk(made, size, frame.Length);
    }

    /// <summary>Puts a sound frame in the place of a damaged one.</summary>
    public void Mend(long number, ReadOnlySpan<byte> frame)
    {
        Statement body = prepare("INSERT OR REPLACE INTO chunk_body (number, frame) VALUES (?, ?)");
        body.Integer(0, number);
        body.Blob(1, frame);
        _ = body.Execute();
        Statement damage = prepare("DELETE FROM chunk_damage WHERE number = ?");
        damage.Integer(0, number);
        _ = damage.Execute();
    }
}
