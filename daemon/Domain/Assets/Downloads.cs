using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Store.Records;
using Google.Protobuf;
using ChunkSizes = Auraed.Chunks.ChunkSizes;

namespace Auraed.Domain.Assets;

/// <summary>
/// Assets on their way out. A batch is read while the one before is taken, and no more than that: memory and snapshots do not wait for a slow taker.
/// </summary>
internal sealed class Downloads(Database database, ContentReader reader, AssetIndexes indexes, TimeProvider time)
{
    private const int BatchesAheadMax = 1;

    private readonly TransferPlaces _places = new(new TransferBounds("downloads", "TOO_MANY_DOWNLOADS", Limits.AssetDownloadsCountMax, Limits.AssetDownloadsOfTenantMax), time);

    /// <param name="send">Completes when the caller has taken the message; its bytes are good until then.</param>
    public async Task SendAsync(DownloadRequest request, Func<DownloadResponse, Task> send, CancellationToken cancel)
    {
        AssetName name = AssetRequests.Name(request.Tenant, request.Asset);
        (StoredRecord asset, StoredContent content) = await database.ReadAsync(unit => AssetCatalog.Open(unit, name), cancel).ConfigureAwait(false);
        if (request.Offset < 0 || request.Length < 0)
        {
            throw Fault.Invalid(request.Offset < 0 ? "offset" : "length", "offset and length are not less than 0");
        }

        if (request.Offset > content.Size)
        {
            throw new Fault(FaultKind.OutOfRange, $"asset {asset.Name} has {content.Size} bytes, so none at {request.Offset}", "offset") { Reason = "PAST_END" };
        }

        long end = request.Length == 0 || request.Length > content.Size - request.Offset ? content.Size : request.Offset + request.Length;
        await send(new DownloadResponse { Asset = (Asset)asset.Body }).ConfigureAwait(false);
        using TransferPlace place = Enter(name.Tenant);
        var batches = new Batches(reader, content, request.Offset, end, "asset " + asset.Name, request.Frames, cancel);
        await using (batches.ConfigureAwait(false))
        {
            await foreach ((DownloadResponse message, FrameRoom room) in batches.Messages.ReadAllAsync(cancel).ConfigureAwait(false))
            {
                await place.WaitAsync(send(message)).ConfigureAwait(false);
                room.Dispose();
            }
        }
    }

    public async IAsyncEnumerable<GetIndexResponse> IndexAsync(GetIndexRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        AssetName name = AssetRequests.Name(request.Tenant, request.Asset);
        (StoredRecord asset, StoredContent content) = await database.ReadAsync(unit => AssetCatalog.Open(unit, name), cancel).ConfigureAwait(false);
        await foreach (byte[] piece in indexes.ReadAsync(content, SizesOf((Asset)asset.Body), "asset " + asset.Name, cancel).ConfigureAwait(false))
        {
            yield return new GetIndexResponse { Data = UnsafeByteOperations.UnsafeWrap(piece) };
        }
    }

    /// <param name="send">Completes when the caller has taken the message.</param>
    public async Task FetchAsync(string tenant, List<ChunkId> ids, Func<FetchChunksResponse, Task> send, CancellationToken cancel)
    {
        using TransferPlace place = Enter(tenant);
        for (int next = 0; next < ids.Count;)
        {
            int first = next;
            ChunkBatch batch = await FetchAsync(tenant, ids, first, cancel).ConfigureAwait(false);
            if (batch.Chunks.Count == 0)
            {
                // The next one is archived, or one of the next cannot be read: it comes alone.
                batch.Chunks.Add(await FetchOneAsync(tenant, ids[first], first, cancel).ConfigureAwait(false));
            }

            next += batch.Chunks.Count;
            await place.WaitAsync(send(new FetchChunksResponse { Chunks = batch })).ConfigureAwait(false);
        }
    }

    private static ChunkSizes SizesOf(Asset asset)
    {
        bool isSound = ChunkSizes.TryCreate(asset.ChunkSizeMin, asset.ChunkSizeAvg, asset.ChunkSizeMax, out ChunkSizes sizes);
        Invariant.Hold(isSound);
        return sizes;
    }

    /// <summary>None when the next is archived, or what the disk gives is not what was written.</summary>
    private async Task<ChunkBatch> FetchAsync(string tenant, List<ChunkId> ids, int first, CancellationToken cancel)
    {
        try
        {
            return await database.ReadAsync(unit => Fetch(unit, tenant, ids, first), cancel).ConfigureAwait(false);
        }
        catch (Fault fault) when (EngineError.IsUnreadable(fault))
        {
            return new ChunkBatch();
        }
    }

    private static ChunkBatch Fetch(ReadUnit unit, string tenant, List<ChunkId> ids, int first)
    {
        unit.ReadAhead();
        var rows = new ChunkRows(unit);
        long? holder = new HolderRows(unit).Find(tenant);
        var batch = new ChunkBatch();
        long bytes = 0;
        for (int index = first; index < ids.Count && bytes < Limits.AssetBatchBytes; index++)
        {
            StoredChunk chunk = Uploads.Held(unit, holder, ids[index]) ?? throw NotHeld(tenant, ids[index], index);
            if (!chunk.IsResident)
            {
                break;
            }

            byte[] frame = rows.Frame(chunk.Number) ?? throw NotHeld(tenant, ids[index], index);

            batch.Chunks.Add(new Chunk { Id = ByteString.CopyFrom(ids[index].ToByteArray()), Size = (uint)chunk.Size, Frame = UnsafeByteOperations.UnsafeWrap(frame) });
            bytes += frame.Length;
        }

        return batch;
    }

    private async Task<Chunk> FetchOneAsync(string tenant, ChunkId id, int index, CancellationToken cancel)
    {
        int size = 0;
        ReadOnlyMemory<byte> frame = await reader.FrameAsync(
            id,
            $"an asset of tenant '{tenant}'",
            unit =>
            {
                StoredChunk? found = Uploads.Held(unit, new HolderRows(unit).Find(tenant), id);
                size = found?.Size ?? 0;
                return found;
            },
            cancel).ConfigureAwait(false) ?? throw NotHeld(tenant, id, index);
        return new Chunk { Id = ByteString.CopyFrom(id.ToByteArray()), Size = (uint)size, Frame = UnsafeByteOperations.UnsafeWrap(frame) };
    }

    private static Fault NotHeld(string tenant, ChunkId id, int index) =>
        new(FaultKind.NotFound, $"tenant '{tenant}' does not hold chunk {id}", $"ids[{index}]") { Reason = "CHUNK_NOT_FOUND" };

    private TransferPlace Enter(string tenant) => _places.Enter(tenant, new Fault(
        FaultKind.Aborted, $"nothing was taken of a download for {Limits.TransferIdleMax.TotalSeconds:0} s, and another needed its place", hint: "call again, from the offset that was reached")
    { Reason = "TRANSFER_IDLE" });

    /// <summary>Reads ahead of the taker, on the pool. Disposing ends it.</summary>
    private sealed class Batches : IAsyncDisposable
    {
        private readonly Channel<(DownloadResponse Message, FrameRoom Room)> _ahead = Channel.CreateBounded<(DownloadResponse Message, FrameRoom Room)>(
            new BoundedChannelOptions(BatchesAheadMax) { SingleReader = true, SingleWriter = true });

        private readonly CancellationTokenSource _end;
        private readonly Task _loop;

        public Batches(ContentReader reader, StoredContent content, long from, long to, string what, bool frames, CancellationToken cancel)
        {
            _end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            _loop = LoopAsync(reader, content, from, to, what, frames, _end.Token);
        }

        public ChannelReader<(DownloadResponse Message, FrameRoom Room)> Messages => _ahead.Reader;

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync().ConfigureAwait(false);
            await _loop.ConfigureAwait(false);
            _end.Dispose();
        }

        private async Task LoopAsync(ContentReader reader, StoredContent content, long from, long to, string what, bool frames, CancellationToken cancel)
        {
            await Task.Yield();
            ChunkFile file = ChunkFiles.Rent();
            byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(Limits.AssetChunkBytesMax);
            try
            {
                while (from < to)
                {
                    var room = new FrameRoom();
                    List<LoadedChunk> chunks = await reader.ReadAsync(content, from, room, what, cancel).ConfigureAwait(false);
                    if (frames)
                    {
                        await _ahead.Writer.WriteAsync((Frames(chunks, to), room), cancel).ConfigureAwait(false);
                    }
                    else
                    {
                        foreach ((DownloadResponse, FrameRoom) message in Bytes(chunks, from, to, what, file, buffer))
                        {
                            await _ahead.Writer.WriteAsync(message, cancel).ConfigureAwait(false);
                        }

                        room.Dispose();
                    }

                    from = chunks[^1].End;
                }

                _ahead.Writer.Complete();
            }
            catch (Exception failure) when (failure is Fault or OperationCanceledException)
            {
                _ahead.Writer.Complete(failure);
            }
            finally
            {
                ChunkFiles.Return(file);
                System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        private static DownloadResponse Frames(List<LoadedChunk> chunks, long to)
        {
            var batch = new ChunkBatch();
            foreach (LoadedChunk chunk in chunks.Where(chunk => chunk.Offset < to))
            {
                batch.Chunks.Add(new Chunk { Id = UnsafeByteOperations.UnsafeWrap(chunk.Id.ToByteArray()), Size = (uint)chunk.Size, Frame = UnsafeByteOperations.UnsafeWrap(chunk.Frame) });
            }

            return new DownloadResponse { Chunks = batch };
        }

        private static IEnumerable<(DownloadResponse Message, FrameRoom Room)> Bytes(List<LoadedChunk> chunks, long from, long to, string what, ChunkFile file, byte[] buffer)
        {
            foreach (LoadedChunk chunk in chunks)
            {
                long first = Math.Max(from, chunk.Offset);
                long last = Math.Min(to, chunk.End);
                if (first < last)
                {
                    _ = ContentReader.Inflate(file, chunk, buffer, what);
                    var room = new FrameRoom();
                    _ = room.TryAdd(buffer.AsSpan((int)(first - chunk.Offset)..(int)(last - chunk.Offset)), out ReadOnlyMemory<byte> bytes);
                    yield return (new DownloadResponse { Data = UnsafeByteOperations.UnsafeWrap(bytes) }, room);
                }
            }
        }
    }
}
