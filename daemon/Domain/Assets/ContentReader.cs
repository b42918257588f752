using Auraed.Base;
using Auraed.Chunks;
using Auraed.Store;
using Auraed.Store.Assets;

namespace Auraed.Domain.Assets;

/// <summary>A chunk of a content with its id and, where it was asked for, its frame.</summary>
internal readonly record struct LoadedChunk(long Offset, int Size, ChunkId Id, ReadOnlyMemory<byte> Frame)
{
    public long End => Offset + Size;
}

/// <summary>
/// Reads a content in bounded batches, each on a snapshot of its own, so that a slow taker holds no snapshot. A content that is deleted and collected meanwhile is
/// Fault(Aborted), and never a part taken for the whole.
/// </summary>
internal sealed class ContentReader(Database database, ArchiveBackends backends)
{
    /// <summary>
    /// The chunks from the one on that holds the byte at <paramref name="offset"/>; of frames, as many as the room has place for. Those that are archived are fetched from their backend.
    /// </summary>
    /// <param name="room">Holds the frames, and what it held before goes; null when none are asked for.</param>
    /// <param name="what">For faults, as "asset 12ab...".</param>
    public async Task<List<LoadedChunk>> ReadAsync(StoredContent content, long offset, FrameRoom? room, string what, CancellationToken cancel)
    {
        var archived = new List<(int Index, List<string> Backends)>();
        List<LoadedChunk> chunks;
        try
        {
            chunks = await database.ReadAsync(unit => Read(unit, content, offset, room, what, archived), cancel).ConfigureAwait(false);
        }
        catch (Fault fault) when (room is not null && EngineError.IsUnreadable(fault))
        {
            long[] numbers = await database.ReadAsync(unit => new ContentRows(unit).Read(content.Number, offset, 1).Select(placed => placed.Entry.Number).ToArray(), cancel).ConfigureAwait(false);
            throw await ChunkDamage.NameAsync(database, fault, numbers, what, cancel).ConfigureAwait(false);
        }

        if (archived.Count > 0)
        {
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = Limits.StoreFetchesDefault, CancellationToken = cancel };
            await Parallel.ForEachAsync(archived, parallel, async (place, token) =>
            {
                LoadedChunk chunk = chunks[place.Index];
                chunks[place.Index] = chunk with { Frame = await backends.FetchArchivedAsync(chunk.Id, chunk.Size, place.Backends, what, token).ConfigureAwait(false) };
            }).ConfigureAwait(false);
        }

        return chunks;
    }

    /// <summary>The frame of a single chunk; null when the chunk is gone.</summary>
    public async Task<ReadOnlyMemory<byte>?> FrameAsync(ChunkId id, string what, Func<ReadUnit, StoredChunk?> find, CancellationToken cancel)
    {
        StoredChunk? known = null;
        (StoredChunk? chunk, byte[]? frame, List<string> names) = await ReadAsync().ConfigureAwait(false);
        if (chunk is not { } there)
        {
            return null;
        }

        return frame is not null ? frame : await backends.FetchArchivedAsync(id, there.Size, names, what, cancel).ConfigureAwait(false);

        async Task<(StoredChunk?, byte[]?, List<string>)> ReadAsync()
        {
            try
            {
                return await database.ReadAsync(
                    unit =>
                    {
                        known = find(unit);
                        byte[]? bytes = known is { IsResident: true } resident ? new ChunkRows(unit).Frame(resident.Number) ?? throw Bodiless(id, what) : null;
                        return (known, bytes, known is { IsResident: false } archived ? new CopyRows(unit).Backends(archived.Number) : new List<string>());
                    },
                    cancel).ConfigureAwait(false);
            }
            catch (Fault fault) when (known is { IsResident: true } && EngineError.IsUnreadable(fault))
            {
                throw ChunkDamage.Of(id, what, fault);
            }
        }
    }

    private static List<LoadedChunk> Read(ReadUnit unit, StoredContent content, long offset, FrameRoom? room, string what, List<(int Index, List<string> Backends)> archived)
    {
        unit.ReadAhead();
        var rows = new ChunkRows(unit);
        var loaded = new List<LoadedChunk>();
        Span<byte> id = stackalloc byte[ChunkId.Bytes];
        long archivedBytes = 0;
        archived.Clear();
        room?.Clear();
        foreach (PlacedChunk placed in new ContentRows(unit).Read(content.Number, offset, room is null ? Limits.AssetReadChunksMax : 1))
        {
            if (!rows.TryReadId(placed.Entry.Number, id))
            {
                throw Gone(what);
            }

            ReadOnlyMemory<byte>? frame = null;
            if (room is not null && !rows.TryReadFrame(placed.Entry.Number, room, out frame))
            {
                break;
            }

            if (room is not null && frame is null)
            {
                StoredChunk chunk = rows.Find(placed.Entry.Number)!.Value;
                archived.Add((loaded.Count, chunk.IsResident ? throw Bodiless(new ChunkId(id), what) : new CopyRows(unit).Backends(chunk.Number)));
                archivedBytes += chunk.StoredSize;
            }

            loaded.Add(new LoadedChunk(placed.Offset, placed.Entry.Size, new ChunkId(id), frame ?? default));
            if (archivedBytes >= Limits.AssetReadBytes)
            {
                break;
            }
        }

        return loaded.Count == 0 && offset < content.Size ? throw Gone(what) : loaded;
    }

    /// <summary>Hands on the bytes from <paramref name="from"/> up to <paramref name="to"/>, each chunk checked against its id.</summary>
    public async Task InflateAsync(StoredContent content, long from, long to, string what, Action<ReadOnlySpan<byte>> take, CancellationToken cancel)
    {
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(Limits.AssetChunkBytesMax);
        using var room = new FrameRoom();
        ChunkFile file = ChunkFiles.Rent();
        try
        {
            while (from < to)
            {
                foreach (LoadedChunk chunk in await ReadAsync(content, from, room, what, cancel).ConfigureAwait(false))
                {
                    int length = Inflate(file, chunk, buffer, what);
                    int first = (int)(from - chunk.Offset);
                    int last = (int)Math.Min(length, to - chunk.Offset);
                    take(buffer.AsSpan(first..last));
                    from = chunk.Offset + last;
                    if (from >= to)
                    {
                        break;
                    }
                }
            }
        }
        finally
        {
            ChunkFiles.Return(file);
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The chunk's bytes into the buffer, checked; Fault(Corrupt) names the chunk.</summary>
    public static int Inflate(ChunkFile file, LoadedChunk chunk, byte[] buffer, string what)
    {
        if (!file.TryRead(chunk.Frame.Span, chunk.Id, ChunkDigest.Sha256, buffer, out int length, out string wrong))
        {
            throw new Fault(FaultKind.Corrupt, $"chunk {chunk.Id} of {what} {wrong}", hint: ChunkDamage.Hint) { Reason = ChunkDamage.Reason };
        }

        return length == chunk.Size
            ? length
            : throw new Fault(FaultKind.Corrupt, $"chunk {chunk.Id} of {what} has {length} bytes, not {chunk.Size}", hint: ChunkDamage.Hint) { Reason = ChunkDamage.Reason };
    }

    private static Fault Gone(string what) =>
        new(FaultKind.Aborted, $"{what} was deleted while it was read", hint: "auraed assets ls") { Reason = "ASSET_GONE" };

    private static Fault Bodiless(ChunkId id, string what) =>
        new(FaultKind.Corrupt, $"chunk {id} of {what} has lost its bytes", hint: ChunkDamage.Hint) { Reason = ChunkDamage.Reason };
}
