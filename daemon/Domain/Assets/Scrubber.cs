using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Assets;
using Google.Protobuf;

namespace Auraed.Domain.Assets;

/// <summary>
/// Reads every chunk and compares it with its id, beside all other work. Invariants: one scrub at a time; where it is, is kept in the file, so that the next one goes
/// on from there; a damaged chunk is noted and its assets are named in an event, once, in one unit; what a backend has takes the place of what is damaged, and nothing else is
/// changed. A chunk that the disk does not give back is damaged like one that is not what its id says.
/// </summary>
internal sealed class Scrubber(Database database, ArchiveBackends backends, TimeProvider time) : IDisposable
{
    public const string DamagedKind = "scrub.damaged";

    public const string MendedKind = "scrub.mended";

    private const string Principal = "auraed:scrub";

    private readonly SemaphoreSlim _one = new(1);

    /// <param name="bytesPerSecond">Of frames; 0 for no limit.</param>
    /// <param name="countMax">Chunks; 0 for all that are left.</param>
    /// <param name="damaged">Told of each, and waited for.</param>
    public async Task<ScrubResult> RunAsync(bool restart, long bytesPerSecond, long countMax, Action<AssetProgress>? progress, Func<DamagedChunk, Task>? damaged, CancellationToken cancel)
    {
        // The daemon's own scrub holds this for one step at a time.
        if (!await _one.WaitAsync(Limits.ScrubWaitMax, cancel).ConfigureAwait(false))
        {
            throw new Fault(FaultKind.Unavailable, "a scrub runs already", hint: "call again when it has ended") { Reason = "SCRUB_RUNS", RetryAfter = Limits.AssetRetryAfter };
        }

        ChunkFile file = ChunkFiles.Rent();
        try
        {
            var result = new ScrubResult();
            long place = restart ? 0 : await database.ReadAsync(ScrubRows.Place, cancel).ConfigureAwait(false);
            long total = progress is null ? 0 : (await database.ReadAsync(unit => ScrubRows.Left(unit, place), cancel).ConfigureAwait(false)).Count;
            long started = time.GetTimestamp();
            long read = 0;
            while (countMax == 0 || result.ChunkCount < countMax)
            {
                int count = (int)Math.Min(Limits.ScrubStepChunks, countMax == 0 ? long.MaxValue : countMax - result.ChunkCount);
                List<ScrubbedChunk> chunks = await NextAsync(place, count, cancel).ConfigureAwait(false);
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

    /// <summary>The next chunks with their frames; one by one when they cannot be read together.</summary>
    private async Task<List<ScrubbedChunk>> NextAsync(long place, int count, CancellationToken cancel)
    {
        try
        {
            return await database.ReadAsync(unit => ScrubRows.Next(unit, place, count, Limits.AssetReadBytes, frames: true), cancel).ConfigureAwait(false);
        }
        catch (Fault fault) when (EngineError.IsUnreadable(fault))
        {
            List<ScrubbedChunk> chunks = await database.ReadAsync(unit => ScrubRows.Next(unit, place, count, Limits.AssetReadBytes, frames: false), cancel).ConfigureAwait(false);
            for (int index = 0; index < chunks.Count; index++)
            {
                chunks[index] = chunks[index].Chunk.IsResident ? await ReadAsync(chunks[index], cancel).ConfigureAwait(false) : chunks[index];
            }

            return chunks;
        }
    }

    private async Task<ScrubbedChunk> ReadAsync(ScrubbedChunk chunk, CancellationToken cancel)
    {
        try
        {
            return chunk with { Frame = await database.ReadAsync(unit => new ChunkRows(unit).Frame(chunk.Number), cancel).ConfigureAwait(false) };
        }
        catch (Fault fault) when (EngineError.IsUnreadable(fault))
        {
            return chunk with { Unreadable = $"{ChunkDamage.Unreadable}: {fault.Message}" };
        }
    }

    private async Task<long> CheckAsync(ChunkFile file, List<ScrubbedChunk> chunks, ScrubResult result, Func<DamagedChunk, Task>? damaged, CancellationToken cancel)
    {
        var findings = new List<Finding>();
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(Limits.AssetChunkBytesMax);
        long read = 0;
        List<long> known = await database.ReadAsync(unit => ScrubRows.Damaged(unit, Limits.CollectionRowsMax), cancel).ConfigureAwait(false);
        foreach (ScrubbedChunk chunk in chunks)
        {
            result.ChunkCount++;
            if (!chunk.Chunk.IsResident)
            {
                result.ArchivedChunkCount++;
                continue;
            }

            result.Size += chunk.Size;
            read += chunk.Frame?.Length ?? 0;
            if (WrongWith(file, chunk, buffer) is { } wrong)
            {
                findings.Add(await MendAsync(chunk, await NameAsync(chunk, wrong, cancel).ConfigureAwait(false), cancel).ConfigureAwait(false));
            }
            else if (known.Contains(chunk.Number))
            {
                findings.Add(new Finding(chunk, null, null));
            }
        }

        System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        await KeepAsync(chunks[^1].Number, findings, cancel).ConfigureAwait(false);
        CrashPoint.Reach("scrub.step");
        foreach (DamagedChunk message in findings.Select(finding => finding.Message).OfType<DamagedChunk>())
        {
            result.DamagedChunkCount++;
            result.MendedChunkCount += message.MendedFrom.Length > 0 ? 1 : 0;
            await (damaged?.Invoke(message) ?? Task.CompletedTask).ConfigureAwait(false);
        }

        return read;
    }

    /// <summary>What is wrong with the chunk; null when it is what its id says.</summary>
    private static string? WrongWith(ChunkFile file, ScrubbedChunk chunk, byte[] buffer)
    {
        if (chunk.Frame is null)
        {
            return chunk.Unreadable ?? "has lost its bytes";
        }

        if (!file.TryRead(chunk.Frame, new ChunkId(chunk.Id), ChunkDigest.Sha256, buffer, out int length, out string wrong))
        {
            return wrong;
        }

        return length == chunk.Size ? null : $"has {length} bytes, not {chunk.Size}";
    }

    /// <summary>Looks for the chunk in every backend, those first that it was archived to.</summary>
    private async Task<Finding> MendAsync(ScrubbedChunk chunk, DamagedChunk message, CancellationToken cancel)
    {
        try
        {
            List<string> names = await database.ReadAsync(unit => new CopyRows(unit).Backends(chunk.Number), cancel).ConfigureAwait(false);
            (ReadOnlyMemory<byte> frame, message.MendedFrom) = await backends.FetchAsync(new ChunkId(chunk.Id), chunk.Size, names, alsoOthers: true, cancel).ConfigureAwait(false);
            return new Finding(chunk, message, frame);
        }
        catch (Fault)
        {
            // Nobody has it now: it stays damaged, and the next scrub asks again.
            return new Finding(chunk, message, null);
        }
    }

    private Task<bool> KeepAsync(long place, List<Finding> findings, CancellationToken cancel) => database.WriteAsync(
        unit =>
        {
            ScrubRows.SetPlace(unit, place);
            if (place == 0)
            {
                ScrubRows.SetEnd(unit, unit.Now);
            }

            findings.ForEach(finding => Keep(unit, finding));
            return true;
        },
        cancel,
        WritePriority.Bulk);

    private static void Keep(WriteUnit unit, Finding finding)
    {
        if (finding.Message is null)
        {
            ScrubRows.Clear(unit, finding.Chunk.Number);
            return;
        }

        var rows = new ChunkRows(unit);
        if (rows.Find(finding.Chunk.Number) is not { IsResident: true } now)
        {
            return;
        }

        bool isNew = ScrubRows.Note(unit, now.Number, finding.Message.Reason);
        bool isMended = TryFill(rows, now, finding);
        if (!isMended && !isNew)
        {
            return;
        }

        byte[] payload = finding.Message.ToByteArray();
        string kind = isMended ? MendedKind : DamagedKind;
        foreach (DamagedAsset asset in finding.Message.Assets)
        {
            _ = unit.Events.Append(asset.Tenant, Principal, null, kind, asset.Id, payload);
        }

        if (finding.Message.Assets.Count == 0)
        {
            _ = unit.Events.Append(RecordNames.DefaultTenant, Principal, null, kind, Convert.ToHexStringLower(finding.Chunk.Id), payload);
        }
    }

    /// <summary>False when there is nothing to put in its place, or no way to: then the message names no backend.</summary>
    private static bool TryFill(ChunkRows rows, StoredChunk chunk, Finding finding)
    {
        try
        {
            _ = finding.Frame is { } frame ? rows.Fill(chunk, frame.Span) : default;
            return finding.Frame is not null;
        }
        catch (Fault fault) when (fault.Reason == ChunkRows.Unmendable)
        {
            finding.Message!.MendedFrom = "";
            return false;
        }
    }

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

    /// <param name="Message">Null when it is sound, and was damaged.</param>
    /// <param name="Frame">What a backend gave, checked; null when none has it.</param>
    private sealed record Finding(ScrubbedChunk Chunk, DamagedChunk? Message, ReadOnlyMemory<byte>? Frame);
}
