using System.Collections.Concurrent;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Stores;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Store.Records;

namespace Auraed.Domain.Assets;

/// <summary>
/// Assets to a backend and back. In this order, each step safe to be cut off behind it and done again: copy the chunks, have them durable, read them back and compare
/// them with their ids, note the copies; write the index beside them; record that the asset is archived; take bytes that nothing else keeps from the file. And back: bytes into the
/// file, then the record of the archive goes. Invariants: bytes leave the file after their copy was noted; while an archive's record is there, what it needs is in the file or in a
/// backend.
/// </summary>
internal sealed class Archiver(Database database, ArchiveBackends backends, AssetIndexes indexes, Evictor evictor, TimeProvider time)
{
    private readonly StoreRetry _retry = new(time);

    public async Task<ArchiveAssetResult> ArchiveAsync(RecordCall call, AssetName name, string backend, Action<AssetProgress>? progress, CancellationToken cancel)
    {
        (string target, IChunkStore store) = backends.Target(backend);
        using IDisposable turn = Enter();
        (StoredRecord asset, StoredContent content) = await OpenAsync(name, cancel).ConfigureAwait(false);
        if (AssetIndexFormat.BytesOf(content.ChunkCount) > Limits.AssetIndexBytesMax)
        {
            throw new Fault(
                FaultKind.Precondition, $"asset {asset.Name} has {content.ChunkCount} chunks, and no index of more than {Limits.AssetIndexBytesMax} bytes is read", "asset",
                $"put it anew with larger chunks: auraed assets get {asset.Name} - | auraed assets put - --chunk-size 256K")
            { Reason = ChunkAppend.TooManyChunks };
        }

        if (!await _retry.RunAsync(() => store.CanSyncAsync(cancel), cancel).ConfigureAwait(false))
        {
            throw new Fault(
                FaultKind.Precondition, $"asset {asset.Name} is not archived: {store.Name} cannot sync what it is given, and would lose it with its host's power", "backend",
                "serve it by OpenSSH's sftp-server, whose fsync@openssh.com is allowed; auraed assets backends names the others")
            { Reason = "BACKEND_NOT_DURABLE" };
        }

        AssetArchive? before = await FindAsync(call.Tenant, asset.Name, cancel).ConfigureAwait(false);
        if (before is not null && before.Backend != target)
        {
            throw new Fault(FaultKind.Precondition, $"asset {asset.Name} is archived to backend '{before.Backend}'", "backend", $"auraed assets restore {asset.Name}") { Reason = "ASSET_ARCHIVED" };
        }

        var result = new ArchiveAssetResult { Archive = new AssetArchive { Asset = asset.Name, Backend = target } };
        long number = await database.WriteAsync(unit => Begin(unit, before is null ? call : null, target), cancel).ConfigureAwait(false);
        for (long offset = 0; offset < content.Size;)
        {
            List<CopiedChunk> chunks = await NextAsync(asset, content, offset, number, resident: true, cancel).ConfigureAwait(false);
            await CopyAsync([.. chunks.Where(chunk => !chunk.HasCopy).DistinctBy(chunk => chunk.Chunk.Number)], number, store, asset.Name, result, cancel).ConfigureAwait(false);
            offset = chunks[^1].End;
            progress?.Invoke(new AssetProgress { Step = "copying chunks", Done = offset, Total = content.Size });
        }

        await WriteIndexAsync(asset, content, store, cancel).ConfigureAwait(false);
        CrashPoint.Reach("archive.copied");
        if (before is null)
        {
            _ = await database.WriteAsync(unit => Record(unit, call, asset, result.Archive), cancel).ConfigureAwait(false);
        }

        CrashPoint.Reach("archive.recorded");
        (result.FreedChunkCount, result.FreedSize) = await evictor.RunAsync(progress, cancel).ConfigureAwait(false);
        return result;
    }

    public async Task<RestoreAssetResult> RestoreAsync(RecordCall call, AssetName name, Action<AssetProgress>? progress, CancellationToken cancel)
    {
        using IDisposable turn = Enter();
        (StoredRecord asset, StoredContent content) = await OpenAsync(name, cancel).ConfigureAwait(false);
        _ = await FindAsync(call.Tenant, asset.Name, cancel).ConfigureAwait(false)
            ?? throw new Fault(FaultKind.Precondition, $"asset {asset.Name} is not archived", "asset", $"auraed assets stat {asset.Name}") { Reason = "ASSET_NOT_ARCHIVED" };
        _ = await database.WriteAsync(unit => RequireWritable(unit, call), cancel).ConfigureAwait(false);
        var result = new RestoreAssetResult();
        for (long offset = 0; offset < content.Size;)
        {
            List<CopiedChunk> chunks = await NextAsync(asset, content, offset, null, resident: false, cancel).ConfigureAwait(false);
            await ReturnAsync([.. chunks.Where(chunk => !chunk.Chunk.IsResident).DistinctBy(chunk => chunk.Chunk.Number)], asset.Name, result, cancel).ConfigureAwait(false);
            offset = chunks[^1].End;
            progress?.Invoke(new AssetProgress { Step = "fetching chunks", Done = offset, Total = content.Size });
        }

        _ = await database.WriteAsync(unit => new RecordWriter(unit, call).Delete(new RecordDelete(AssetTables.Archives, asset.Name, 0, true)), cancel).ConfigureAwait(false);
        CrashPoint.Reach("restore.recorded");
        return result;
    }

    private IDisposable Enter() => evictor.TryEnter()
        ?? throw new Fault(FaultKind.Unavailable, "another asset is being archived or restored", hint: "call again when it has ended") { Reason = "ARCHIVER_BUSY", RetryAfter = Limits.AssetRetryAfter };

    private Task<(StoredRecord Asset, StoredContent Content)> OpenAsync(AssetName name, CancellationToken cancel) =>
        database.ReadAsync(unit => AssetCatalog.Open(unit, name), cancel);

    private async Task<AssetArchive?> FindAsync(string tenant, string asset, CancellationToken cancel) =>
        (await database.FindAsync(AssetTables.Archives, tenant, asset, cancel).ConfigureAwait(false))?.Body as AssetArchive;

    /// <param name="call">That will make a record; null when it is there.</param>
    private static long Begin(WriteUnit unit, RecordCall? call, string backend)
    {
        _ = call is null || RequireWritable(unit, call);
        return new CopyRows(unit).FindOrAdd(backend);
    }

    /// <summary>Before all that is done ahead of the record.</summary>
    private static bool RequireWritable(WriteUnit unit, RecordCall call)
    {
        new RecordWriter(unit, call).RequireWritable();
        return true;
    }

    private static bool Record(WriteUnit unit, RecordCall call, StoredRecord asset, AssetArchive archive)
    {
        var writer = new RecordWriter(unit, call);
        if (writer.Find(AssetTables.Assets, asset.Name) is not { } now || now.RowId != asset.RowId)
        {
            throw Gone(asset.Name);
        }

        _ = writer.Create(AssetTables.Draft(AssetTables.Archives, asset.Name, archive));
        return true;
    }

    private async Task<List<CopiedChunk>> NextAsync(StoredRecord asset, StoredContent content, long offset, long? backend, bool resident, CancellationToken cancel)
    {
        List<CopiedChunk> chunks;
        try
        {
            chunks = await database.ReadAsync(unit => new CopyRows(unit).Next(content.Number, offset, backend, resident, Limits.ArchiveBatchBytes), cancel).ConfigureAwait(false);
        }
        catch (Fault fault) when (resident && EngineError.IsUnreadable(fault))
        {
            chunks = await NextAsync(asset, content, offset, backend, resident: false, cancel).ConfigureAwait(false);
            long[] read = [.. chunks.Where(chunk => chunk.Chunk.IsResident && !chunk.HasCopy).Select(chunk => chunk.Chunk.Number)];
            throw await ChunkDamage.NameAsync(database, fault, read, "asset " + asset.Name, cancel).ConfigureAwait(false);
        }

        return chunks.Count > 0 ? chunks : throw Gone(asset.Name);
    }

    /// <summary>Copies, flushes, reads back, notes.</summary>
    private async Task CopyAsync(CopiedChunk[] chunks, long backend, IChunkStore store, string asset, ArchiveAssetResult result, CancellationToken cancel)
    {
        if (chunks.Length == 0)
        {
            return;
        }

        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Limits.StoreFetchesDefault, CancellationToken = cancel };
        var files = new ConcurrentDictionary<long, ReadOnlyMemory<byte>>();
        await Parallel.ForEachAsync(chunks, parallel, async (chunk, token) =>
        {
            ReadOnlyMemory<byte> file = await SourceAsync(chunk, asset, token).ConfigureAwait(false);
            files[chunk.Chunk.Number] = file;
            var id = new ChunkId(chunk.Id);
            bool isThere = await _retry.RunAsync(() => store.HasAsync(id, token), token).ConfigureAwait(false);
            if (!isThere)
            {
                await _retry.RunAsync(() => store.WriteAsync(id, file, replaces: false, token), token).ConfigureAwait(false);
            }

            lock (result)
            {
                result.CopiedChunkCount += isThere ? 0 : 1;
                result.CopiedSize += isThere ? 0 : file.Length;
            }
        }).ConfigureAwait(false);
        await _retry.RunAsync(() => store.FlushAsync(cancel), cancel).ConfigureAwait(false);
        CrashPoint.Reach("archive.flushed");
        await Parallel.ForEachAsync(chunks, parallel, async (chunk, token) => await ProveAsync(chunk, files[chunk.Chunk.Number], store, asset, token).ConfigureAwait(false)).ConfigureAwait(false);
        await _retry.RunAsync(() => store.FlushAsync(cancel), cancel).ConfigureAwait(false);
        _ = await database.WriteAsync(
            unit =>
            {
                var rows = new CopyRows(unit);
                Array.ForEach(chunks, chunk => rows.Note(chunk.Chunk.Number, backend));
                return true;
            },
            cancel,
            WritePriority.Bulk).ConfigureAwait(false);
        CrashPoint.Reach("archive.noted");
    }

    /// <summary>The chunk's file, checked: what is damaged here does not go there.</summary>
    private async Task<ReadOnlyMemory<byte>> SourceAsync(CopiedChunk chunk, string asset, CancellationToken cancel)
    {
        var id = new ChunkId(chunk.Id);
        if (chunk.Chunk.IsResident)
        {
            return IsRight(chunk, chunk.Frame, out string wrong)
                ? chunk.Frame
                : throw new Fault(FaultKind.Corrupt, $"chunk {id} of asset {asset} {wrong}", hint: ChunkDamage.Hint) { Reason = ChunkDamage.Reason };
        }

        List<string> names = await database.ReadAsync(unit => new CopyRows(unit).Backends(chunk.Chunk.Number), cancel).ConfigureAwait(false);
        return await backends.FetchArchivedAsync(id, chunk.Chunk.Size, names, "asset " + asset, cancel).ConfigureAwait(false);
    }

    /// <summary>What the backend answers is the chunk. What was there before and is not, is replaced, once.</summary>
    private async Task ProveAsync(CopiedChunk chunk, ReadOnlyMemory<byte> file, IChunkStore store, string asset, CancellationToken cancel)
    {
        var id = new ChunkId(chunk.Id);
        byte[] read = new byte[ChunkFile.BytesMax(chunk.Chunk.Size)];
        string wrong = "is not there";
        for (int attempt = 0; attempt < 2; attempt++)
        {
            if (attempt > 0)
            {
                await _retry.RunAsync(() => store.WriteAsync(id, file, replaces: true, cancel), cancel).ConfigureAwait(false);
            }

            try
            {
                int length = await _retry.RunAsync(() => store.ReadAsync(id, read, cancel), cancel).ConfigureAwait(false);
                if (length >= 0 && IsRight(chunk, read.AsMemory(0, length), out wrong))
                {
                    return;
                }
            }
            catch (Fault fault) when (fault.Kind == FaultKind.Corrupt)
            {
                wrong = $"is no file of it: {fault.Message}";
            }
        }

        throw new Fault(FaultKind.Corrupt, $"asset {asset} is not archived: {store.Name} was given chunk {id}, and what it answers {wrong}", hint: "nothing was taken from the file; look at the backend") { Reason = "BACKEND_LIES" };
    }

    private static bool IsRight(CopiedChunk chunk, ReadOnlyMemory<byte> file, out string wrong)
    {
        ChunkFile codec = ChunkFiles.Rent();
        byte[] content = System.Buffers.ArrayPool<byte>.Shared.Rent(chunk.Chunk.Size);
        try
        {
            bool isRight = codec.TryRead(file.Span, new ChunkId(chunk.Id), ChunkDigest.Sha256, content.AsSpan(0, chunk.Chunk.Size), out int length, out wrong);
            wrong = isRight && length != chunk.Chunk.Size ? $"has {length} bytes, not {chunk.Chunk.Size}" : wrong;
            return isRight && length == chunk.Chunk.Size;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(content);
            ChunkFiles.Return(codec);
        }
    }

    private async Task WriteIndexAsync(StoredRecord asset, StoredContent content, IChunkStore store, CancellationToken cancel)
    {
        var body = (Asset)asset.Body;
        bool isSound = Chunks.ChunkSizes.TryCreate(body.ChunkSizeMin, body.ChunkSizeAvg, body.ChunkSizeMax, out Chunks.ChunkSizes sizes);
        Invariant.Hold(isSound);
        using var index = new MemoryStream();
        await foreach (byte[] piece in indexes.ReadAsync(content, sizes, "asset " + asset.Name, cancel).ConfigureAwait(false))
        {
            index.Write(piece);
        }

        IndexName name = IndexName.Parse(asset.Name + IndexName.Extension, "asset");
        await _retry.RunAsync(() => store.WriteIndexAsync(name, index.GetBuffer().AsMemory(0, (int)index.Length), cancel), cancel).ConfigureAwait(false);
    }

    private async Task ReturnAsync(CopiedChunk[] chunks, string asset, RestoreAssetResult result, CancellationToken cancel)
    {
        if (chunks.Length == 0)
        {
            return;
        }

        var files = new ConcurrentDictionary<long, ReadOnlyMemory<byte>>();
        await Parallel.ForEachAsync(
            chunks,
            new ParallelOptions { MaxDegreeOfParallelism = Limits.StoreFetchesDefault, CancellationToken = cancel },
            async (chunk, token) => files[chunk.Chunk.Number] = await SourceAsync(chunk, asset, token).ConfigureAwait(false)).ConfigureAwait(false);
        // A unit is as long as an upload's: others wait for it as long.
        for (int first = 0; first < chunks.Length;)
        {
            int next = first;
            for (long bytes = 0; next < chunks.Length && bytes < Limits.AssetUnitBytes; next++)
            {
                bytes += files[chunks[next].Chunk.Number].Length;
            }

            CopiedChunk[] unitChunks = chunks[first..next];
            (int count, long size) = await database.WriteAsync(unit => Return(unit, unitChunks, files), cancel, WritePriority.Bulk).ConfigureAwait(false);
            result.RestoredChunkCount += count;
            result.RestoredSize += size;
            first = next;
            CrashPoint.Reach("restore.unit");
        }
    }

    private static (int Count, long Size) Return(WriteUnit unit, CopiedChunk[] chunks, ConcurrentDictionary<long, ReadOnlyMemory<byte>> files)
    {
        var rows = new ChunkRows(unit);
        var (count, size) = (0, 0L);
        foreach (CopiedChunk chunk in chunks)
        {
            if (rows.Find(chunk.Chunk.Number) is { IsResident: false } now)
            {
                size += rows.Fill(now, files[now.Number].Span).StoredSize;
                count++;
            }
        }

        return (count, size);
    }

    private static Fault Gone(string asset) => new(FaultKind.Aborted, $"asset {asset} was deleted meanwhile", hint: "auraed assets ls") { Reason = "ASSET_GONE" };
}
