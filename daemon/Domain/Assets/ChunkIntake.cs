using System.Buffers;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Store;
using Auraed.Store.Assets;

namespace Auraed.Domain.Assets;

/// <summary>
/// Chunks that the caller has cut: each frame is inflated within its declared size and compared with its id, each reference must be to a chunk that the tenant
/// holds. Frames go into the file as they came.
/// </summary>
internal sealed class ChunkIntake(UploadSession session, WholeDigest whole, Database database, CheckCrew crew) : IDisposable
{
    private byte[] _content = [];

    /// <param name="batch">At most so many chunks and bytes as the limits say.</param>
    /// <param name="catchUp">Hashes what is durable up to a place that the whole's digest has not come to.</param>
    public async Task AddAsync(ChunkBatch batch, Func<long, Task> catchUp, CancellationToken cancel)
    {
        Check(batch);
        StoredChunk?[] held = await FindAsync(batch, cancel).ConfigureAwait(false);
        for (int first = 0; first < batch.Chunks.Count;)
        {
            int count = CountWithin(batch, first);
            await AddAsync(batch, held, first, count, catchUp).ConfigureAwait(false);
            first += count;
        }
    }

    public void Dispose()
    {
        if (_content.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_content);
        }
    }

    private void Check(ChunkBatch batch)
    {
        if (batch.Chunks.Count > Limits.AssetBatchChunksMax)
        {
            throw Fault.Invalid("chunks", $"chunks has {batch.Chunks.Count} entries, at most {Limits.AssetBatchChunksMax}");
        }

        long bytes = 0;
        for (int index = 0; index < batch.Chunks.Count; index++)
        {
            Chunk chunk = batch.Chunks[index];
            _ = AssetRequests.Id(chunk.Id, $"chunks[{index}].id");
            if (chunk.Size == 0 || chunk.Size > (uint)session.Plan.Sizes.Max)
            {
                throw Fault.Invalid($"chunks[{index}].size", $"chunks[{index}].size is {chunk.Size}, not 1 to {session.Plan.Sizes.Max}");
            }

            if (chunk.Frame.Length > ChunkFile.BytesMax((int)chunk.Size))
            {
                throw new Fault(
                    FaultKind.Invalid, $"chunk {new ChunkId(chunk.Id.Span)} of {session.Plan.Name} comes in {chunk.Frame.Length} bytes, which no frame of its size needs", $"chunks[{index}].frame")
                { Reason = "CHUNK_DAMAGED" };
            }

            bytes += chunk.Frame.Length;
        }

        if (bytes > Limits.AssetBatchBytesMax)
        {
            throw Fault.Invalid("chunks", $"chunks has {bytes} bytes of frames, at most {Limits.AssetBatchBytesMax}");
        }
    }

    private static int CountWithin(ChunkBatch batch, int first)
    {
        long bytes = 0;
        int count = 0;
        while (first + count < batch.Chunks.Count)
        {
            bytes += batch.Chunks[first + count].Frame.IsEmpty ? 0 : batch.Chunks[first + count].Size;
            if (bytes > Limits.AssetCheckBytesMax && count > 0)
            {
                break;
            }

            count++;
        }

        return count;
    }

    private Task<StoredChunk?[]> FindAsync(ChunkBatch batch, CancellationToken cancel)
    {
        if (batch.Chunks.All(chunk => !chunk.Frame.IsEmpty))
        {
            return Task.FromResult(new StoredChunk?[batch.Chunks.Count]);
        }

        return database.ReadAsync(
            unit =>
            {
                var held = new StoredChunk?[batch.Chunks.Count];
                for (int index = 0; index < held.Length; index++)
                {
                    Chunk chunk = batch.Chunks[index];
                    if (!chunk.Frame.IsEmpty)
                    {
                        continue;
                    }

                    var id = new ChunkId(chunk.Id.Span);
                    StoredChunk found = Uploads.Held(unit, session.Holder, id) is { IsSound: true } sound ? sound : throw new Fault(
                        FaultKind.Precondition, $"tenant '{session.Plan.Tenant}' does not hold chunk {id} in the file, or not undamaged, and it came without its bytes", $"chunks[{index}].frame", "ask MissingChunks, and send what it answers")
                    { Reason = "CHUNK_MISSING" };
                    held[index] = found.Size == (int)chunk.Size
                        ? found
                        : throw Fault.Invalid($"chunks[{index}].size", $"chunk {id} has {found.Size} bytes, not {chunk.Size}");
                }

                return held;
            },
            cancel);
    }

    private async Task AddAsync(ChunkBatch batch, StoredChunk?[] held, int first, int count, Func<long, Task> catchUp)
    {
        int[] places = Places(batch, first, count);
        int parts = (count + Limits.AssetCheckChunks - 1) / Limits.AssetCheckChunks;
        await crew.RunAsync(parts, part => Check(batch, first, places, part * Limits.AssetCheckChunks, Math.Min(count, (part + 1) * Limits.AssetCheckChunks))).ConfigureAwait(false);
        for (int index = first; index < first + count;)
        {
            if (held[index] is { } known)
            {
                await session.AddAsync(known).ConfigureAwait(false);
                index++;
                continue;
            }

            if (whole.Position < session.Length)
            {
                await catchUp(session.Length).ConfigureAwait(false);
            }

            // What came with its bytes stands side by side in the buffer.
            int end = index;
            int length = 0;
            for (; end < first + count && held[end] is null; end++)
            {
                length += (int)batch.Chunks[end].Size;
            }

            int place = places[index - first];
            await crew.RunAsync(1, _ => whole.Append(_content.AsSpan(place, length))).ConfigureAwait(false);
            for (; index < end; index++)
            {
                Chunk chunk = batch.Chunks[index];
                chunk.Frame.Span.CopyTo(session.FrameRoom.Span);
                await session.AddAsync(new ChunkId(chunk.Id.Span), (int)chunk.Size, chunk.Frame.Length).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Where in the buffer each chunk's bytes will stand.</summary>
    private int[] Places(ChunkBatch batch, int first, int count)
    {
        int[] places = new int[count];
        int length = 0;
        for (int index = 0; index < count; index++)
        {
            places[index] = length;
            length += batch.Chunks[first + index].Frame.IsEmpty ? 0 : (int)batch.Chunks[first + index].Size;
        }

        if (_content.Length < length)
        {
            Dispose();
            _content = ArrayPool<byte>.Shared.Rent(Math.Max(length, Limits.AssetCheckBytesMax));
        }

        return places;
    }

    /// <summary>Inflates chunks from one place to another into the buffer, and compares their ids. Fault: the bytes of one are not the chunk's.</summary>
    private void Check(ChunkBatch batch, int first, int[] places, int from, int to)
    {
        Span<int> lengths = stackalloc int[Limits.AssetCheckChunks];
        Span<ChunkId> found = stackalloc ChunkId[Limits.AssetCheckChunks];
        ChunkFile file = ChunkFiles.Rent();
        try
        {
            for (int index = from; index < to; index++)
            {
                lengths[index - from] = Inflate(file, batch.Chunks[first + index], first + index, places[index]);
            }
        }
        finally
        {
            ChunkFiles.Return(file);
        }

        // What came without its bytes has no place of its own, and is held.
        lengths = lengths[..(to - from)];
        ChunkDigest.Sha256.Compute(_content.AsSpan(places[from]), lengths, found);
        for (int index = from; index < to; index++)
        {
            Chunk chunk = batch.Chunks[first + index];
            if (lengths[index - from] > 0 && found[index - from] != new ChunkId(chunk.Id.Span))
            {
                throw Damaged(chunk, first + index, ChunkFile.Other(lengths[index - from], ChunkDigest.Sha256, found[index - from]));
            }
        }
    }

    /// <summary>Returns the chunk's bytes; 0 when it came without.</summary>
    private int Inflate(ChunkFile file, Chunk chunk, int index, int place)
    {
        if (chunk.Frame.IsEmpty)
        {
            return 0;
        }

        if (!file.TryInflate(chunk.Frame.Span, _content.AsSpan(place, (int)chunk.Size), out int length, out string wrong))
        {
            throw Damaged(chunk, index, wrong);
        }

        return length == (int)chunk.Size ? length : throw Damaged(chunk, index, $"has {length} bytes, not {chunk.Size}");
    }

    private Fault Damaged(Chunk chunk, int index, string wrong) =>
        new(FaultKind.Invalid, $"chunk {new ChunkId(chunk.Id.Span)} of {session.Plan.Name} {wrong}", $"chunks[{index}].frame") { Reason = "CHUNK_DAMAGED" };
}
