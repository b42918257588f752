using System.Buffers;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Google.Protobuf;
using Grpc.Core;

namespace Auraed.Cli.Assets;

/// <summary>Puts the bytes of a chunk into the target, which has room for the longest. Called from many threads.</summary>
internal delegate ValueTask<int> ReadChunk(AssetChunk chunk, Memory<byte> target, CancellationToken cancel);

/// <summary>What an upload moved.</summary>
internal sealed record UploadSummary(UploadResponse Response, long SentChunks, long SentBytes, long ResumedAt);

/// <summary>
/// Uploads a blob whose index is known: asks which chunks the daemon lacks, and compresses and sends those. The upload is named by the index, so that the same command goes
/// on where an interrupted one was.
/// </summary>
/// <param name="readsMax">Chunks that are read, and batches that are made, at a time.</param>
internal sealed class AssetUpload(ClientConnection daemon, AssetService.AssetServiceClient client, string tenant, AssetIndex index, ReadChunk read, int readsMax)
{
    private const int AskedChunks = 4096;
    private const int TriesMax = 5;

    private readonly string _id = "index-" + index.FileDigest();
    private long _sentChunks;
    private long _sentBytes;

    /// <param name="header">Title, media type, labels and tag.</param>
    /// <param name="progress">Told the place in the blob that everything before is sent up to, and how much of that was there already.</param>
    public async Task<UploadSummary> RunAsync(UploadHeader header, Action<long, long> progress, CancellationToken cancel)
    {
        if (await FindAsync(header.Tag, cancel) is { } there)
        {
            return new UploadSummary(new UploadResponse { Asset = there, Existed = true }, 0, 0, 0);
        }

        for (var left = TriesMax; ; left--)
        {
            try
            {
                return await TryAsync(header, progress, cancel);
            }
            catch (Fault fault) when ((fault.Kind == FaultKind.Aborted || fault.Reason == "UPLOAD_OFFSET") && left > 1)
            {
                // A chunk was collected after it was asked for, or another call went on with the upload, as one that broke off may for a moment: what is durable now is asked again.
            }
            catch (Fault fault) when (CutOff.Is(fault))
            {
                throw CutOff.Explain(fault, "nothing that the daemon acknowledged is lost");
            }
        }
    }

    /// <summary>The asset when the daemon has it undamaged: then there is nothing to send but its tag.</summary>
    private async Task<Asset?> FindAsync(string tag, CancellationToken cancel)
    {
        try
        {
            var id = index.FileDigest().ToString();
            var stat = await daemon.CallAsync("look for the asset", options => client.StatAsync(new StatAssetRequest { Tenant = tenant, Asset = id }, options), cancel);
            if (stat.DamagedChunkCount > 0)
            {
                return null;
            }

            var found = stat.Asset;
            if (tag.Length > 0)
            {
                var request = new TagAssetRequest { Tenant = tenant, Tag = tag, Asset = id };
                await daemon.CallAsync($"tag asset {id}", options => client.TagAsync(request, options), cancel);
            }

            return found;
        }
        catch (Fault fault) when (fault.Kind == FaultKind.NotFound)
        {
            return null;
        }
    }

    private async Task<UploadSummary> TryAsync(UploadHeader header, Action<long, long> progress, CancellationToken cancel)
    {
        var resumed = await DurableAsync(cancel);
        using var call = client.Upload(cancellationToken: cancel);
        try
        {
            await call.RequestStream.WriteAsync(new UploadRequest
            {
                Header = new UploadHeader(header)
                {
                    Tenant = tenant,
                    UploadId = _id,
                    Offset = resumed,
                    ChunkSizes = new Aurae.Assets.V0.ChunkSizes { Min = (uint)index.Sizes.Min, Avg = (uint)index.Sizes.Average, Max = (uint)index.Sizes.Max },
                },
            }, cancel);
            var there = resumed;
            for (var first = index.Find(resumed); first < index.Count; first += AskedChunks)
            {
                there = await SendAsync(call, first, Math.Min(index.Count - first, AskedChunks), there, progress, cancel);
            }

            await call.RequestStream.WriteAsync(new UploadRequest { Commit = new UploadCommit { Size = index.Length, Id = index.FileDigest().ToString() } }, cancel);
            await call.RequestStream.CompleteAsync();
            return new UploadSummary(await call.ResponseAsync, _sentChunks, _sentBytes, resumed);
        }
        catch (RpcException error)
        {
            throw daemon.Explain($"upload asset {index.FileDigest()}", error, cancel);
        }
    }

    private async Task<long> DurableAsync(CancellationToken cancel)
    {
        try
        {
            var request = new GetUploadRequest { Tenant = tenant, UploadId = _id };
            return (await daemon.CallAsync("ask for an earlier upload", options => client.GetUploadAsync(request, options), cancel)).DurableSize;
        }
        catch (Fault fault) when (fault.Kind == FaultKind.NotFound)
        {
            return 0;
        }
    }

    /// <summary>Makes some batches side by side while the one before them is sent.</summary>
    private async Task<long> SendAsync(
        AsyncClientStreamingCall<UploadRequest, UploadResponse> call, int first, int count, long there, Action<long, long> progress, CancellationToken cancel)
    {
        var asked = new MissingChunksRequest { Tenant = tenant };
        for (var chunk = first; chunk < first + count; chunk++)
        {
            asked.Ids.Add(UnsafeByteOperations.UnsafeWrap(index[chunk].Id.ToByteArray()));
        }

        var missing = (await daemon.CallAsync("ask for missing chunks", options => client.MissingChunksAsync(asked, options), cancel)).Missing.Select(place => first + (int)place).ToHashSet();
        var packing = new Queue<(Task<PackedBatch> Batch, int End)>();
        using var places = new SemaphoreSlim(readsMax);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            for (var next = first; next < first + count || packing.Count > 0;)
            {
                while (next < first + count && packing.Count < readsMax)
                {
                    var begin = next;
                    long bytes = 0;
                    for (; next < first + count && next - begin < Limits.AssetBatchChunksMax && bytes < Limits.AssetBatchBytes; next++)
                    {
                        bytes += missing.Contains(next) ? index[next].Length : 0;
                    }

                    packing.Enqueue((PackAsync(begin, next, missing, places, stop.Token), next));
                }

                var (packed, end) = packing.Peek();
                var batch = await packed;
                packing.Dequeue();
                await call.RequestStream.WriteAsync(new UploadRequest { Chunks = batch.Chunks }, cancel);
                there += batch.Chunks.Chunks.Where(chunk => chunk.Frame.IsEmpty).Sum(chunk => (long)chunk.Size);
                batch.Release();
                progress(index[end - 1].End, there);
            }
        }
        finally
        {
            // Whatever failed, the blob is not read from here on.
            await stop.CancelAsync();
            await Task.WhenAll(packing.Select(batch => (Task)batch.Batch)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return there;
    }

    private async Task<PackedBatch> PackAsync(int first, int end, HashSet<int> missing, SemaphoreSlim places, CancellationToken cancel)
    {
        await Task.Yield();
        // A chunk that is at hand is compressed here, one after the other; those that must be waited for are waited for together.
        var frames = await Task.WhenAll(Enumerable.Range(first, end - first).Select(place =>
            missing.Contains(place) ? CompressAsync(index[place], places, cancel) : Task.FromResult(default(ArraySegment<byte>))));
        var batch = new ChunkBatch();
        for (var place = first; place < end; place++)
        {
            var chunk = index[place];
            batch.Chunks.Add(new Chunk { Id = UnsafeByteOperations.UnsafeWrap(chunk.Id.ToByteArray()), Size = (uint)chunk.Length, Frame = UnsafeByteOperations.UnsafeWrap(frames[place - first]) });
        }

        return new PackedBatch(batch, frames);
    }

    private async Task<ArraySegment<byte>> CompressAsync(AssetChunk chunk, SemaphoreSlim places, CancellationToken cancel)
    {
        await places.WaitAsync(cancel);
        var content = ArrayPool<byte>.Shared.Rent(index.Sizes.Max);
        try
        {
            var length = await read(chunk, content, cancel);
            return length == chunk.Length
                ? Compress(content.AsSpan(0, length))
                : throw new Fault(FaultKind.Precondition, $"the blob changed while it was read: the chunk at byte {chunk.Offset} has {length} bytes, not {chunk.Length}", hint: "run the command again") { Reason = "SOURCE_CHANGED" };
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(content);
            places.Release();
        }
    }

    private ArraySegment<byte> Compress(ReadOnlySpan<byte> content)
    {
        var file = ClientCodecs.Rent();
        try
        {
            var frame = ArrayPool<byte>.Shared.Rent(ChunkFile.BytesMax(content.Length));
            var written = file.Write(content, frame);
            Interlocked.Increment(ref _sentChunks);
            Interlocked.Add(ref _sentBytes, written);
            return new ArraySegment<byte>(frame, 0, written);
        }
        finally
        {
            ClientCodecs.Return(file);
        }
    }

    /// <summary>A message, whose frames stand in pooled buffers until it is sent. One that is not sent is left to the collector.</summary>
    private sealed record PackedBatch(ChunkBatch Chunks, ArraySegment<byte>[] Frames)
    {
        public void Release()
        {
            Chunks.Chunks.Clear();
            foreach (var frame in Frames)
            {
                if (frame.Array is { Length: > 0 } buffer)
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            }
        }
    }
}

/// <summary>Codecs that are used again, as many as run side by side.</summary>
internal static class ClientCodecs
{
    private static readonly System.Collections.Concurrent.ConcurrentBag<ChunkFile> Idle = [];

    public static ChunkFile Rent() => Idle.TryTake(out var file) ? file : new ChunkFile();

    public static void Return(ChunkFile file) => Idle.Add(file);
}
