using System.Security.Cryptography;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Extraction;
using Auraed.Native;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Cli.Assets;

/// <summary>
/// Brings assets from the daemon. Chunks travel as they are kept and are inflated and checked here, so that what is written is what its id says whoever was on the way.
/// </summary>
internal sealed class AssetFetch(ClientConnection daemon, AssetService.AssetServiceClient client, string tenant, TimeProvider time)
{
    public async Task<StatAssetResponse> StatAsync(string asset, CancellationToken cancel) => await daemon.CallAsync(
        $"look up asset {asset}", options => client.StatAsync(new StatAssetRequest { Tenant = tenant, Asset = asset }, options), cancel);

    public async Task<AssetIndex> IndexAsync(Asset asset, CancellationToken cancel)
    {
        var id = asset.Id;
        if (AssetIndexFormat.BytesOf(asset.ChunkCount) > Limits.AssetIndexBytesMax)
        {
            throw new Fault(
                FaultKind.Precondition, $"asset {id} has {asset.ChunkCount} chunks, and no index of more than {Limits.AssetIndexBytesMax} bytes is read",
                hint: $"its bytes come without an index: auraed assets get {id} - >FILE");
        }

        using var bytes = new MemoryStream();
        var request = new GetIndexRequest { Tenant = tenant, Asset = id };
        await daemon.StreamAsync($"get the index of asset {id}", options => client.GetIndex(request, options), piece => bytes.Write(piece.Data.Span), cancel);
        var index = AssetIndex.Parse(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), "of asset " + id);
        return index.FileDigest().ToString() == id
            ? index
            : throw new Fault(FaultKind.Corrupt, $"the index of asset {id} that the daemon gave is another's", hint: "auraed verify") { Reason = "INDEX_DAMAGED" };
    }

    /// <summary>Plain bytes of the asset to standard output. What was written cannot be taken back, so its length and SHA-256 are compared with the asset's at the end: Fault(Corrupt).</summary>
    public async Task StreamAsync(Asset asset, Stream target, Action<long> progress, CancellationToken cancel)
    {
        using var call = client.Download(new DownloadRequest { Tenant = tenant, Asset = asset.Id }, cancellationToken: cancel);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long length = 0;
        try
        {
            await foreach (var message in call.ResponseStream.ReadAllAsync(cancel))
            {
                digest.AppendData(message.Data.Span);
                await target.WriteAsync(message.Data.Memory, cancel);
                length += message.Data.Length;
                progress(message.Data.Length);
            }

            await target.FlushAsync(cancel);
        }
        catch (RpcException error)
        {
            var fault = daemon.Explain($"get asset {asset.Id}", error, cancel);
            throw CutOff.Is(fault) ? CutOff.Explain(fault, $"{length} of its {asset.Size} bytes were written", "begins anew") : fault;
        }
        catch (IOException cause) when (cause.HResult != StandardOutput.BrokenPipe)
        {
            throw FileFaults.OfWriting($"asset {asset.Id} cannot be written to standard output", null, cause, "file");
        }

        if (length != asset.Size)
        {
            throw Other(asset, $"has {length} bytes, not {asset.Size}");
        }

        var found = Convert.ToHexStringLower(digest.GetHashAndReset());
        if (found != asset.Sha256)
        {
            throw Other(asset, $"has the SHA-256 {found}, not {asset.Sha256}");
        }
    }

    /// <summary>The whole asset in one stream into a fresh file of its length, each chunk checked and put in its place; chunks of zeros stay holes.</summary>
    public async Task FillAsync(string id, AssetIndex index, SafeFileHandle file, Action<long> progress, CancellationToken cancel)
    {
        var request = new DownloadRequest { Tenant = tenant, Asset = id, Frames = true };
        using var call = daemon.Invoker.AsyncServerStreamingCall(FrameBatch.Download, null, new CallOptions(cancellationToken: cancel), request);
        var next = 0;
        var writing = new Queue<Task>();
        try
        {
            await foreach (var batch in call.ResponseStream.ReadAllAsync(cancel))
            {
                // Some batches are inflated and written while the next one comes.
                if (writing.Count == Environment.ProcessorCount)
                {
                    await writing.Dequeue();
                }

                var first = next;
                next += batch.Count;
                if (next > index.Count)
                {
                    throw Wrong(id, first);
                }

                writing.Enqueue(WriteAsync(id, index, first, batch, file, progress));
            }

            await Task.WhenAll(writing);
        }
        catch (RpcException error)
        {
            throw daemon.Explain($"get asset {id}", error, cancel);
        }
        finally
        {
            // Whatever failed, the file is left alone from here on.
            await Task.WhenAll(writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (next != index.Count)
        {
            throw Wrong(id, next);
        }
    }

    /// <summary>A chunk's frame by its id, into the target; -1 when the daemon has it not. While the daemon has no place for one more download it is asked again.</summary>
    private async Task<int> FrameAsync(ChunkId id, Memory<byte> target, CancellationToken cancel)
    {
        for (var left = Limits.AssetFetchTriesMax; ; left--)
        {
            try
            {
                return await FrameOnceAsync(id, target, cancel);
            }
            catch (Fault fault) when (fault is { Kind: FaultKind.Exhausted, RetryAfter: not null } && left > 1)
            {
                await Task.Delay(fault.RetryAfter.Value, time, cancel);
            }
        }
    }

    private async Task<int> FrameOnceAsync(ChunkId id, Memory<byte> target, CancellationToken cancel)
    {
        using var call = client.FetchChunks(new FetchChunksRequest { Tenant = tenant, Ids = { UnsafeByteOperations.UnsafeWrap(id.ToByteArray()) } }, cancellationToken: cancel);
        try
        {
            await foreach (var message in call.ResponseStream.ReadAllAsync(cancel))
            {
                var frame = message.Chunks.Chunks[0].Frame;
                if (frame.Length > target.Length)
                {
                    throw new Fault(FaultKind.Corrupt, $"chunk {id} that the daemon gave is longer than it can be", hint: "auraed assets scrub") { Reason = "CHUNK_DAMAGED" };
                }

                frame.Memory.CopyTo(target);
                return frame.Length;
            }

            return -1;
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.NotFound)
        {
            return -1;
        }
        catch (RpcException error)
        {
            throw daemon.Explain($"fetch chunk {id}", error, cancel);
        }
    }

    /// <summary>The same for a chunk of an asset, checked: what is damaged goes nowhere else.</summary>
    public async Task<int> FileAsync(string asset, AssetChunk chunk, Memory<byte> target, CancellationToken cancel)
    {
        var length = await FrameAsync(chunk.Id, target, cancel);
        var content = System.Buffers.ArrayPool<byte>.Shared.Rent(chunk.Length);
        var codec = ClientCodecs.Rent();
        try
        {
            return length < 0 || codec.Read(target.Span[..length], chunk.Id, ChunkDigest.Sha256, content.AsSpan(0, chunk.Length), Place(asset)) == chunk.Length
                ? length
                : throw new Fault(FaultKind.Corrupt, $"chunk {chunk.Id} of {Place(asset)} is shorter than its index says", hint: "auraed verify") { Reason = "CHUNK_DAMAGED" };
        }
        finally
        {
            ClientCodecs.Return(codec);
            System.Buffers.ArrayPool<byte>.Shared.Return(content);
        }
    }

    /// <summary>For an extraction: the chunk's bytes, checked.</summary>
    public FetchChunk Fetcher(int chunkBytesMax) => async (id, target, cancel) =>
    {
        var frame = System.Buffers.ArrayPool<byte>.Shared.Rent(ChunkFile.BytesMax(chunkBytesMax));
        var codec = ClientCodecs.Rent();
        try
        {
            var length = await FrameAsync(id, frame, cancel);
            return length < 0 ? throw Fault.NotFound($"the daemon does not have chunk {id} any more") : codec.Read(frame.AsSpan(0, length), id, ChunkDigest.Sha256, target.Span, "the daemon");
        }
        finally
        {
            ClientCodecs.Return(codec);
            System.Buffers.ArrayPool<byte>.Shared.Return(frame);
        }
    };

    private static async Task WriteAsync(string id, AssetIndex index, int first, FrameBatch batch, SafeFileHandle file, Action<long> progress)
    {
        await Task.Yield();
        using var frames = batch;
        if (frames.Count == 0)
        {
            return;
        }

        using var run = new ChunkRun(index, first, file, Place(id), progress);
        for (var place = 0; place < frames.Count; place++)
        {
            if (!run.TryAdd(frames[place]))
            {
                throw Wrong(id, first + place);
            }
        }

        run.Write();
    }

    /// <summary>Where a chunk came from, for faults.</summary>
    private static string Place(string asset) => $"asset {asset} from the daemon";

    private static Fault Other(Asset asset, string how) =>
        new(FaultKind.Corrupt, $"what was written of asset {asset.Id} is not the asset: it {how}", hint: $"throw it away; auraed verify, or by chunks: auraed assets get {asset.Id} FILE") { Reason = "ASSET_DAMAGED" };

    private static Fault Wrong(string id, int chunk) =>
        new(FaultKind.Corrupt, $"asset {id} from the daemon does not follow its index at chunk {chunk}", hint: "auraed verify") { Reason = "CHUNK_DAMAGED" };
}
