using System.Buffers;
using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>Reads a chunk's file, as <see cref="IChunkStore.ReadAsync"/> does; the source has every chunk of the index.</summary>
public delegate Task<int> ReadChunkFile(AssetChunk chunk, Memory<byte> target, CancellationToken cancel);

/// <summary>What a transfer moved.</summary>
/// <param name="ChunksSent">That the store did not have.</param>
/// <param name="BytesSent">Theirs, compressed.</param>
/// <param name="ChunksThere">That it had already.</param>
public sealed record TransferSummary(long ChunksSent, long BytesSent, long ChunksThere);

/// <summary>
/// Writes an asset into a store: every chunk that it lacks, then, when all of them are durable, the index. Cut off at any point, the store has chunks more and no index
/// that names one it has not; the same call again goes on where it was.
/// </summary>
public static class AssetTransfer
{
    /// <param name="name">What the index is called there; null to write none.</param>
    /// <param name="progress">Told the content's bytes of each chunk that is there, from many threads; null for nobody.</param>
    public static async Task<TransferSummary> PushAsync(
        AssetIndex index, IndexName? name, ReadChunkFile source, IChunkStore target, int transfersMax, TimeProvider clock, Action<long>? progress, CancellationToken cancel)
    {
        var retry = new StoreRetry(clock);
        long sent = 0, bytesSent = 0, there = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = ConcurrencyFor(index.Sizes, transfersMax), CancellationToken = cancel };
        await Parallel.ForEachAsync(Distinct(index), parallel, async (chunk, token) =>
        {
            if (await retry.RunAsync(() => target.HasAsync(chunk.Id, token), token))
            {
                Interlocked.Increment(ref there);
            }
            else
            {
                var file = ArrayPool<byte>.Shared.Rent(ChunkFile.BytesMax(chunk.Length));
                try
                {
                    var count = await source(chunk, file, token);
                    if (count < 0)
                    {
                        throw new Fault(FaultKind.Corrupt, $"chunk {chunk.Id} at {chunk.Offset} is missing where the asset comes from");
                    }

                    await retry.RunAsync(() => target.WriteAsync(chunk.Id, file.AsMemory(0, count), replaces: false, token), token);
                    Interlocked.Increment(ref sent);
                    Interlocked.Add(ref bytesSent, count);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(file);
                }
            }

            progress?.Invoke(chunk.Length);
        });

        await retry.RunAsync(() => target.FlushAsync(cancel), cancel);
        if (name is { } indexName)
        {
            var bytes = index.ToByteArray();
            await retry.RunAsync(() => target.WriteIndexAsync(indexName, bytes, cancel), cancel);
        }

        return new TransferSummary(sent, bytesSent, there);
    }

    /// <summary>How many chunks of such sizes may be in memory at a time, at most <paramref name="wanted"/>.</summary>
    internal static int ConcurrencyFor(ChunkSizes sizes, int wanted) => (int)Math.Clamp(Limits.StoreFetchBytesMax / (2L * sizes.Max), 1, Math.Clamp(wanted, 1, Limits.StoreFetchesMax));

    private static IEnumerable<AssetChunk> Distinct(AssetIndex index)
    {
        var seen = new HashSet<ChunkId>();
        for (var chunk = 0; chunk < index.Count; chunk++)
        {
            if (seen.Add(index[chunk].Id))
            {
                yield return index[chunk];
            }
        }
    }
}
