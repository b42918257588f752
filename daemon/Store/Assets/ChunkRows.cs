using Auraed.Base;

namespace Auraed.Store.Assets;

/// <summary>What is known of a chunk without its bytes.</summary>
/// <param name="IsResident">Its bytes are in the file; otherwise a backend alone has them.</param>
/// <param name="IsDamaged">They are known not to be what the id says.</param>
public readonly record struct StoredChunk(long Number, int Size, int StoredSize, bool IsResident, bool IsDamaged)
{
    /// <summary>Its bytes are in the file, and nothing is known to be wrong with them: what comes again need not be sent again.</summary>
    public bool IsSound => IsResident && !IsDamaged;
}

/// <summary>Chunks and their bytes, whoever holds them.</summary>
/// <param name="prepare">The unit's own.</param>
/// <param name="writer">Null for a unit that reads.</param>
public readonly struct ChunkRows(Func<string, Statement> prepare, WriteUnit? writer = null)
{
    private const string Body = "chunk_body";

    public ChunkRows(ReadUnit unit)
        : this(unit.Prepare)
    {
    }

    public ChunkRows(WriteUnit unit)
        : this(unit.Prepare, unit)
    {
    }

    /// <summary>The reason of the fault when a chunk cannot be put right in this file.</summary>
    public const string Unmendable = "CHUNK_UNMENDABLE";

    public StoredChunk? Find(ReadOnlySpan<byte> id)
    {
        Statement select = prepare("SELECT number, size, stored_size, resident, EXISTS (SELECT 1 FROM chunk_damage AS d WHERE d.number = c.number) FROM chunk AS c WHERE id = ?");
        select.Blob(0, id);
        StoredChunk? found = select.Step() ? new StoredChunk(select.Integer(0), (int)select.Integer(1), (int)select.Integer(2), select.Integer(3) != 0, select.Integer(4) != 0) : null;
        select.Reset();
        return found;
    }

    public StoredChunk? Find(long number)
    {
        Statement select = prepare("SELECT size, stored_size, resident, EXISTS (SELECT 1 FROM chunk_damage WHERE number = ?1) FROM chunk WHERE number = ?1");
        select.Integer(0, number);
        StoredChunk? found = select.Step() ? new StoredChunk(number, (int)select.Integer(0), (int)select.Integer(1), select.Integer(2) != 0, select.Integer(3) != 0) : null;
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

    /// <summary>The frame, copied; null when the chunk or its bytes are not in the file.</summary>
    public byte[]? Frame(long number)
    {
        Statement select = prepare("SELECT frame FROM chunk_body WHERE number = ?");
        select.Integer(0, number);
        byte[]? frame = select.Step() ? select.Blob(0).ToArray() : null;
        select.Reset();
        return frame;
    }

    /// <summary>The frame, copied into the room; null when the chunk or its bytes are not in the file. False when the room is too full for it.</summary>
    public bool TryReadFrame(long number, FrameRoom room, out ReadOnlyMemory<byte>? frame)
    {
        frame = null;
        Statement select = prepare("SELECT frame FROM chunk_body WHERE number = ?");
        select.Integer(0, number);
        bool fits = true;
        if (select.Step())
        {
            fits = room.TryAdd(select.Blob(0), out ReadOnlyMemory<byte> copy);
            frame = copy;
        }

        select.Reset();
        return fits;
    }

    /// <summary>Reads the frame and drops it: what cannot be read is a fault (<see cref="EngineError.IsUnreadable"/>).</summary>
    public void Touch(long number)
    {
        Statement select = prepare("SELECT frame FROM chunk_body WHERE number = ?");
        select.Integer(0, number);
        _ = select.Step() ? select.Blob(0).Length : 0;
        select.Reset();
    }

    /// <summary>
    /// The chunk of this id after it is in the file: the one that was, a new one with this frame, or one that has this frame now because it was in a backend alone, or damaged.
    /// </summary>
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
            StoredChunk found = Find(id)!.Value;
            return found.IsSound ? found : Fill(found, frame);
        }

        Statement body = prepare("INSERT INTO chunk_body (number, frame) VALUES (?, ?)");
        body.Integer(0, made);
        body.Blob(1, frame);
        _ = body.Execute();
        return new StoredChunk(made, size, frame.Length, IsResident: true, IsDamaged: false);
    }

    /// <summary>
    /// Puts a sound frame in the place of none, or of a damaged one. It may have another length than the former: what the holders hold is brought up to date. Fault(Corrupt), and
    /// nothing is changed, when the disk has lost what leads to the chunk's bytes, too.
    /// </summary>
    public StoredChunk Fill(StoredChunk chunk, ReadOnlySpan<byte> frame)
    {
        if (chunk.IsResident && !TryFree(chunk.Number, isReadable: false, frame))
        {
            throw new Fault(
                FaultKind.Corrupt, "the disk has lost more than a chunk's bytes: where they stand cannot be written again",
                hint: "auraed verify names the pages; auraed restore brings back a backup from before")
            { Reason = Unmendable };
        }

        Statement body = prepare("INSERT OR REPLACE INTO chunk_body (number, frame) VALUES (?, ?)");
        body.Integer(0, chunk.Number);
        body.Blob(1, frame);
        _ = body.Execute();
        Statement damage = prepare("DELETE FROM chunk_damage WHERE number = ?");
        damage.Integer(0, chunk.Number);
        _ = damage.Execute();
        Statement update = prepare("UPDATE chunk SET resident = 1, stored_size = ? WHERE number = ?");
        update.Integer(0, frame.Length);
        update.Integer(1, chunk.Number);
        _ = update.Execute();
        if (frame.Length != chunk.StoredSize)
        {
            Statement holders = prepare("UPDATE asset_holder SET stored_size = stored_size + ?1 WHERE EXISTS (SELECT 1 FROM chunk_holder WHERE holder = number AND chunk = ?2)");
            holders.Integer(0, frame.Length - chunk.StoredSize);
            holders.Integer(1, chunk.Number);
            _ = holders.Execute();
        }

        return chunk with { StoredSize = frame.Length, IsResident = true, IsDamaged = false };
    }

    /// <summary>
    /// Before the bytes of a chunk that is or may be damaged are replaced or removed. False when the engine cannot do that: then they are to be left alone.
    /// </summary>
    /// <param name="isReadable">They have just been read.</param>
    /// <param name="frame">What they should be, as far as that is known.</param>
    public bool TryFree(long number, bool isReadable, ReadOnlySpan<byte> frame)
    {
        Invariant.Hold(writer is not null);
        return writer!.TryFree(Body, number, isReadable, frame);
    }
}
