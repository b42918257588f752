using System.Buffers;
using Aurae.Hosts.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Store.Records;

namespace Auraed.Domain.Assets;

/// <summary>
/// One call's part of an upload: chunks are gathered into units of work, and a few units wait for the writer while the next is made. Invariants: chunks become
/// durable in the order of the content; after a failure nothing more is written. Of one call, which disposes it.
/// </summary>
internal sealed class UploadSession(Database database, UploadPlan plan, long upload, long holder, StoredContent begun) : IAsyncDisposable
{
    private readonly Queue<Task<AppendResult>> _waiting = new();
    private readonly CancellationTokenSource _failed = new();
    private List<IncomingChunk> _chunks = [];
    private byte[] _frames = ArrayPool<byte>.Shared.Rent(FramesBytes(plan));
    private int _framesLength;
    private long _unitOffset = begun.Size;
    private StoredContent _durable = begun;
    private bool _isDisposed;

    public UploadPlan Plan => plan;

    public long Upload => upload;

    public long Holder => holder;

    /// <summary>The content as it is on the disk.</summary>
    public StoredContent Durable => _durable;

    /// <summary>Where the next chunk begins.</summary>
    public long Length { get; private set; } = begun.Size;

    /// <summary>What the tenant did not hold before.</summary>
    public HolderSums Added { get; private set; }

    /// <summary>Room for the next chunk's frame; to be filled before the next call.</summary>
    public Memory<byte> FrameRoom => _frames.AsMemory(_framesLength);

    /// <summary>Adds a chunk whose frame stands in <see cref="FrameRoom"/>.</summary>
    public ValueTask AddAsync(ChunkId id, int size, int frameLength)
    {
        _chunks.Add(new IncomingChunk(id.ToByteArray(), size, _frames.AsMemory(_framesLength, frameLength), 0));
        _framesLength += frameLength;
        Length += size;
        return IsFull ? SendAsync() : ValueTask.CompletedTask;
    }

    /// <summary>Adds a chunk that the tenant holds.</summary>
    public ValueTask AddAsync(StoredChunk chunk)
    {
        _chunks.Add(new IncomingChunk(default, chunk.Size, default, chunk.Number));
        Length += chunk.Size;
        return IsFull ? SendAsync() : ValueTask.CompletedTask;
    }

    /// <summary>Everything added so far is on the disk when this returns.</summary>
    public async Task FlushAsync()
    {
        await SendAsync().ConfigureAwait(false);
        while (_waiting.Count > 0)
        {
            await TakeAsync().ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        // Units that still wait are dropped; those that have begun use the buffers until they are answered.
        await _failed.CancelAsync().ConfigureAwait(false);
        foreach (Task<AppendResult> unit in _waiting)
        {
            await unit.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
        }

        _waiting.Clear();
        ArrayPool<byte>.Shared.Return(_frames);
        _failed.Dispose();
    }

    // A unit is closed when it is full, so the last chunk of one may go over.
    private static int FramesBytes(UploadPlan plan) => Limits.AssetUnitBytes + ChunkFile.BytesMax(plan.Sizes.Max);

    private bool IsFull => _framesLength >= Limits.AssetUnitBytes || _chunks.Count >= Limits.AssetUnitChunksMax;

    private async ValueTask SendAsync()
    {
        if (_chunks.Count == 0)
        {
            return;
        }

        while (_waiting.Count >= Limits.AssetUnitsWaitingMax)
        {
            await TakeAsync().ConfigureAwait(false);
        }

        _waiting.Enqueue(WriteAsync(_chunks, _frames, _unitOffset));
        _chunks = [];
        _frames = ArrayPool<byte>.Shared.Rent(FramesBytes(plan));
        _framesLength = 0;
        _unitOffset = Length;
    }

    private async Task<AppendResult> WriteAsync(List<IncomingChunk> chunks, byte[] frames, long offset)
    {
        try
        {
            return await database.WriteAsync(unit => Append(unit, chunks, offset), _failed.Token, WritePriority.Bulk).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frames);
        }
    }

    private AppendResult Append(WriteUnit unit, List<IncomingChunk> chunks, long offset)
    {
        CrashPoint.Reach("upload.unit");
        AppendResult result = ChunkAppend.Run(unit, upload, offset, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(chunks));
        if (result.Gone is [var gone, ..])
        {
            long place = offset + chunks.Take(gone).Sum(chunk => (long)chunk.Size);
            throw new Fault(
                FaultKind.Aborted, $"the chunk at byte {place} has been collected since it was asked for, or found damaged", hint: "go on with the upload from its durable size: what is missing is then sent")
            { Reason = "CHUNK_MISSING" };
        }

        AssetQuota.Check(unit, plan.Tenant, result);
        return result;
    }

    private async Task TakeAsync()
    {
        Task<AppendResult> unit = _waiting.Dequeue();
        AppendResult result = await unit.ConfigureAwait(false);
        _durable = result.Content;
        HolderSums added = Added;
        Added = new HolderSums(added.ChunkCount + result.Added.ChunkCount, added.Size + result.Added.Size, added.StoredSize + result.Added.StoredSize);
    }
}

/// <summary>What a tenant's record allows to its assets.</summary>
internal static class AssetQuota
{
    private static readonly RecordTable Tenants = Tables.ByTypeName[Tenant.Descriptor.FullName];

    public static Tenant? Of(RecordRows rows, string tenant) => rows.Find(Tenants, RecordNames.DefaultTenant, tenant)?.Body as Tenant;

    /// <summary>Fault(Exhausted) when the tenant holds more than it may; the unit is rolled back by that. What it holds already may stay.</summary>
    public static void Check(WriteUnit unit, string tenant, AppendResult result)
    {
        if (result.Added.StoredSize > 0 && Of(new RecordRows(unit), tenant) is { HasAssetBytesMax: true, AssetBytesMax: var max } && (ulong)result.Sums.StoredSize > max)
        {
            throw new Fault(
                FaultKind.Exhausted,
                $"tenant '{tenant}' may hold {max} bytes of chunks, and this upload would make it {result.Sums.StoredSize}",
                hint: $"delete assets and collect (auraed assets gc), or raise asset_bytes_max of tenant '{tenant}'")
            { Reason = "ASSET_QUOTA" };
        }
    }
}
