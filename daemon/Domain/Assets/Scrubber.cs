using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Store;
using Auraed.Store.Assets;
using Google.Protobuf;

namespace Auraed.Domain.Assets;

/// <summary>
/// Reads every chunk and compares it with its id, beside all other work. Invariants: one scrub at a time; where it is, is kept in the file, so that the next one goes
/// on from there; a damaged chunk is noted and named, and nothing is taken away.
/// </summary>
internal sealed class Scrubber(Database database, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);

    /// <param name="bytesPerSecond">Of frames; 0 for no limit.</param>
    /// <param name="countMax">Chunks; 0 for all that are left.</param>
    public async Task<ScrubResult> RunAsync(bool restart, long bytesPerSecond, long countMax, Action<AssetProgress>? progress, Action<DamagedChunk>? damaged, CancellationToken cancel)
    {
        if (!await _one.WaitAsync(TimeSpan.Zero, cancel).ConfigureAwait(false))
        {
            throw new Fault(FaultKind.Unavailable, "a scrub runs already", hint: "call again when it has ended") { Reason = "SCRUB_RUNS", RetryAfter = Limits.AssetRetryAfter };
        }

        ChunkFile file = ChunkFiles.Rent();
        try
        {
            var result = new ScrubResult();
            long place = restart ? 0 : await database.ReadAsync(ScrubRows.Place, cancel).ConfigureAwait(false);
            (long total, _) = await database.ReadAsync(unit => ScrubRows.Left(unit, place), cancel).ConfigureAwait(false);
            long started = time.GetTimestamp();
            long read = 0;
            while (countMax == 0 || result.ChunkCount < countMax)
            {
                int count = (int)Math.Min(Limits.ScrubStepChunks, countMax == 0 ? long.MaxValue : countMax - result.ChunkCount);
                List<ScrubbedChunk> chunks = await database.ReadAsync(unit => ScrubRows.Next(unit, place, count, Limits.AssetReadBytes), cancel).ConfigureAwait(false);
                if (chunks.Count == 0)
                {
                    result.Complete = true;
                    await KeepAsync(0, [], cancel).ConfigureAwait(false);
                    break;
                }

                read += await CheckAsync(file, chunks, result, damaged, cancel).ConfigureAwait(false);
                place = chunks[^1].Number;
                progress?.Invoke(new AssetProgress { Step = "checking chunks", Done = result.ChunkCount, Total = total });
                await RestAsync(started, read, bytesPerSecond, cancel).ConfigureAwait(false);
            }

            return result;
        }
        finally
        {
            ChunkFiles.Return(file);
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task<long> CheckAsync(ChunkFile file, List<ScrubbedChunk> chunks, ScrubResult result, Action<DamagedChunk>? damaged, CancellationToken cancel)
    {
        var found = new List<(long Number, string? Reason)>();
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(Limits.AssetChunkBytesMax);
        long read = 0;
        List<long> known = await database.ReadAsync(unit => ScrubRows.Damaged(unit, Limits.CollectionRowsMax), cancel).ConfigureAwait(false);
        foreach (ScrubbedChunk chunk in chunks)
        {
            string? wrong = WrongWith(file, chunk, buffer);
            result.ChunkCount++;
            result.Size += chunk.Size;
            read += chunk.Frame?.Length ?? 0;
            if (wrong is not null)
            {
                result.DamagedChunkCount++;
                found.Add((chunk.Number, wrong));
                damaged?.Invoke(await NameAsync(chunk, wrong, cancel).ConfigureAwait(false));
            }
            else if (known.Contains(chunk.Number))
            {
                found.Add((chunk.Number, null));
            }
        }

        System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        await KeepAsync(chunks[^1].Number, found, cancel).ConfigureAwait(false);
        CrashPoint.Reach("scrub.step");
        return read;
    }

    /// <summary>What is wrong with the chunk; null when it is what its id says.</summary>
    internal static string? WrongWith(ChunkFile file, ScrubbedChunk chunk, byte[] buffer)
    {
        if (chunk.Frame is null)
        {
            return "has lost its bytes";
        }

        if (!file.TryRead(chunk.Frame, new ChunkId(chunk.Id), ChunkDigest.Sha256, buffer, out int length, out string wrong))
        {
            return wrong;
        }

        return length == chunk.Size ? null : $"has {length} bytes, not {chunk.Size}";
    }

    private Task<bool> KeepAsync(long place, List<(long Number, string? Reason)> found, CancellationToken cancel) => database.WriteAsync(
        unit =>
        {
            ScrubRows.SetPlace(unit, place);
            found.ForEach(chunk => ScrubRows.Note(unit, chunk.Number, chunk.Reason));
            return true;
        },
        cancel,
        WritePriority.Bulk);

    private Task<DamagedChunk> NameAsync(ScrubbedChunk chunk, string wrong, CancellationToken cancel) => database.ReadAsync(
        unit =>
        {
            var message = new DamagedChunk { Id = ByteString.CopyFrom(chunk.Id), Reason = wrong.Length <= Limits.ScrubReasonCharactersMax ? wrong : wrong[..Limits.ScrubReasonCharactersMax] };
            message.Assets.AddRange(ScrubRows.AssetsWith(unit, chunk.Number, Limits.ScrubAssetsNamedMax)
                .Select(asset => new DamagedAsset { Tenant = asset.Tenant, Id = asset.Id, Title = asset.Title }));
            return message;
        },
        cancel);

    private async Task RestAsync(long started, long read, long bytesPerSecond, CancellationToken cancel)
    {
        if (bytesPerSecond <= 0)
        {
            return;
        }

        TimeSpan due = TimeSpan.FromSeconds((double)read / bytesPerSecond) - time.GetElapsedTime(started);
        if (due > TimeSpan.Zero)
        {
            await Task.Delay(due, time, cancel).ConfigureAwait(false);
        }
    }
}
