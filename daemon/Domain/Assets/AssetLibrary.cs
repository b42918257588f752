using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Store.Records;
using Google.Protobuf;

namespace Auraed.Domain.Assets;

/// <summary>
/// Assets as the service offers them: every request is parsed here, and handed to the part that knows it. Disposed before the database.
/// </summary>
public sealed partial class AssetLibrary : IAsyncDisposable
{
    private readonly Database _database;
    private readonly AssetCatalog _catalog;
    private readonly Uploads _uploads;
    private readonly Downloads _downloads;
    private readonly Deltas _deltas;
    private readonly Collector _collector;
    private readonly Scrubber _scrubber;
    private readonly Archiver _archiver;
    private readonly Evictor _evictor;
    private readonly ArchiveBackends _backends;

    /// <param name="backends">Where assets can be archived to; null for nowhere.</param>
    public AssetLibrary(Database database, RecordStore records, TimeProvider time, IReadOnlyList<ArchiveBackend>? backends = null)
    {
        _backends = new ArchiveBackends(backends ?? [], time);
        var reader = new ContentReader(database, _backends);
        Contents = reader;
        var indexes = new AssetIndexes(reader);
        _database = database;
        _catalog = new AssetCatalog(database, records);
        _uploads = new Uploads(database, records, reader, indexes, time);
        _downloads = new Downloads(database, reader, indexes, time);
        _deltas = new Deltas(database);
        _evictor = new Evictor(database);
        _archiver = new Archiver(database, _backends, indexes, _evictor, time);
        _collector = new Collector(database, _evictor);
        _scrubber = new Scrubber(database, _backends, time);
        Origin = new AssetOrigin(database, reader);
    }

    /// <summary>The bytes of assets, of archived ones too.</summary>
    internal ContentReader Contents { get; }

    /// <summary>What anybody may read.</summary>
    public AssetOrigin Origin { get; }

    /// <param name="principal">Who calls; becomes the asset's creator.</param>
    /// <param name="steps">The messages of the call.</param>
    public Task<UploadResponse> UploadAsync(string principal, IAsyncEnumerator<UploadRequest> steps, CancellationToken cancel) => _uploads.RunAsync(principal, steps, companion: null, cancel);

    /// <summary>An upload of the daemon's own.</summary>
    internal Task<UploadResponse> UploadAsync(string principal, IAsyncEnumerator<UploadRequest> steps, UploadCompanion companion, CancellationToken cancel) =>
        _uploads.RunAsync(principal, steps, companion, cancel);

    public Task<GetUploadResponse> GetUploadAsync(GetUploadRequest request, CancellationToken cancel) =>
        _uploads.GetAsync(RecordNames.Tenant(request.Tenant), AssetRequests.UploadId(request.UploadId), cancel);

    public Task CancelUploadAsync(CancelUploadRequest request, CancellationToken cancel) =>
        _uploads.CancelAsync(RecordNames.Tenant(request.Tenant), AssetRequests.UploadId(request.UploadId), cancel);

    public async Task<MissingChunksResponse> MissingChunksAsync(MissingChunksRequest request, CancellationToken cancel)
    {
        List<uint> missing = await _uploads.MissingAsync(RecordNames.Tenant(request.Tenant), AssetRequests.Ids(request.Ids), cancel).ConfigureAwait(false);
        return new MissingChunksResponse { Missing = { missing } };
    }

    /// <param name="send">Completes when the caller has taken the message; its bytes are good until then.</param>
    public Task DownloadAsync(DownloadRequest request, Func<DownloadResponse, Task> send, CancellationToken cancel) => _downloads.SendAsync(request, send, cancel);

    public IAsyncEnumerable<GetIndexResponse> IndexAsync(GetIndexRequest request, CancellationToken cancel) => _downloads.IndexAsync(request, cancel);

    /// <param name="send">Completes when the caller has taken the message.</param>
    public Task FetchAsync(FetchChunksRequest request, Func<FetchChunksResponse, Task> send, CancellationToken cancel) =>
        _downloads.FetchAsync(RecordNames.Tenant(request.Tenant), AssetRequests.Ids(request.Ids), send, cancel);

    public IAsyncEnumerable<DeltaResponse> DeltaAsync(DeltaRequest request, CancellationToken cancel) => _deltas.ReadAsync(request, cancel);

    public Task<StatAssetResponse> StatAsync(StatAssetRequest request, CancellationToken cancel) => _catalog.StatAsync(AssetRequests.Name(request.Tenant, request.Asset), cancel);

    public Task<ListAssetsResponse> ListAsync(ListAssetsRequest request, CancellationToken cancel) => _catalog.ListAsync(request, cancel);

    public async Task<DeleteAssetResponse> DeleteAsync(string principal, DeleteAssetRequest request, CancellationToken cancel)
    {
        AssetName name = AssetRequests.Name(request.Tenant, request.Asset);
        return new DeleteAssetResponse { Revision = await _catalog.DeleteAsync(new RecordCall(name.Tenant, principal), name, request.Untag, cancel).ConfigureAwait(false) };
    }

    public Task<AssetTag> TagAsync(string principal, TagAssetRequest request, CancellationToken cancel) =>
        _catalog.TagAsync(Call(request.Tenant, principal), AssetRequests.Label(request.Tag, "tag"), AssetRequests.Name(request.Tenant, request.Asset), cancel);

    public Task UntagAsync(string principal, UntagAssetRequest request, CancellationToken cancel) =>
        _catalog.UntagAsync(Call(request.Tenant, principal), RecordNames.Name(request.Tag, "tag"), cancel);

    public Task<AssetPin> PinAsync(string principal, PinAssetRequest request, CancellationToken cancel) => _catalog.PinAsync(
        Call(request.Tenant, principal), AssetRequests.Label(request.Pin, "pin"), AssetRequests.Name(request.Tenant, request.Asset), request.Reason, cancel);

    public Task UnpinAsync(string principal, UnpinAssetRequest request, CancellationToken cancel) =>
        _catalog.UnpinAsync(Call(request.Tenant, principal), RecordNames.Name(request.Pin, "pin"), cancel);

    public Task<AssetLease> LeaseAsync(string principal, LeaseAssetRequest request, CancellationToken cancel)
    {
        if (request.Duration is null)
        {
            throw Fault.Invalid("duration", "duration is unset");
        }

        return _catalog.LeaseAsync(
            Call(request.Tenant, principal),
            AssetRequests.Label(request.Lease, "lease"),
            request.Asset.Length == 0 ? null : AssetRequests.Name(request.Tenant, request.Asset),
            AssetRequests.Span(request.Duration, default, Limits.AssetLeaseMin, Limits.AssetLeaseMax, "duration"),
            cancel);
    }

    public Task EndLeaseAsync(string principal, EndLeaseRequest request, CancellationToken cancel) =>
        _catalog.EndLeaseAsync(Call(request.Tenant, principal), RecordNames.Name(request.Lease, "lease"), cancel);

    public Task<GarbageCollectResult> CollectAsync(GarbageCollectRequest request, Action<AssetProgress>? progress, CancellationToken cancel) => _collector.RunAsync(
        AssetRequests.Span(request.Grace, Limits.AssetGrace, TimeSpan.Zero, Limits.AssetGraceMax, "grace"), request.DryRun, progress, cancel);

    public Task<ScrubResult> ScrubAsync(ScrubRequest request, Action<AssetProgress>? progress, Func<DamagedChunk, Task>? damaged, CancellationToken cancel)
    {
        if (request.BytesPerSecond < 0 || request.ChunkCountMax < 0)
        {
            throw Fault.Invalid(request.BytesPerSecond < 0 ? "bytes_per_second" : "chunk_count_max", "it is less than 0");
        }

        return _scrubber.RunAsync(request.Restart, request.BytesPerSecond, request.ChunkCountMax, progress, damaged, cancel);
    }

    public Task<AssetStatsResponse> StatsAsync(AssetStatsRequest request, CancellationToken cancel)
    {
        string? only = request.Tenant.Length == 0 ? null : RecordNames.Tenant(request.Tenant);
        return _database.ReadAsync(
            unit =>
            {
                var response = new AssetStatsResponse();
                if (only is null)
                {
                    response.Total = Sums(SumRows.Of(unit, null));
                    response.HotChunks.AddRange(Origin.Hottest(Limits.OriginHotChunksShown).Select(hot => new Aurae.Assets.V0.HotChunk { Id = ByteString.CopyFrom(hot.Id.ToByteArray()), Count = hot.Count }));
                }

                foreach ((_, string tenant, _) in new HolderRows(unit).All().Where(holder => only is null || holder.Tenant == only))
                {
                    ulong max = AssetQuota.Of(new RecordRows(unit), tenant) is { HasAssetBytesMax: true } limit ? limit.AssetBytesMax : 0;
                    response.Tenants.Add(new TenantAssets { Tenant = tenant, Sums = Sums(SumRows.Of(unit, tenant)), StoredSizeMax = max });
                }

                return response;
            },
            cancel);
    }

    public async ValueTask DisposeAsync()
    {
        _uploads.Dispose();
        _collector.Dispose();
        _scrubber.Dispose();
        _evictor.Dispose();
        await _backends.DisposeAsync().ConfigureAwait(false);
    }

    private static RecordCall Call(string tenant, string principal) => new(RecordNames.Tenant(tenant), principal);

    private static AssetSums Sums(AssetTotals totals) => new()
    {
        AssetCount = totals.AssetCount,
        AssetSize = totals.AssetSize,
        ChunkCount = totals.Chunks.ChunkCount,
        ChunkSize = totals.Chunks.Size,
        StoredSize = totals.Chunks.StoredSize,
        Deduplication = totals.Chunks.Size == 0 ? 1 : (double)totals.AssetSize / totals.Chunks.Size,
        UploadCount = totals.UploadCount,
        CondemnedChunkCount = totals.Condemned,
        DamagedChunkCount = totals.Damaged,
        ArchivedChunkCount = totals.Archived.ChunkCount,
        ArchivedSize = totals.Archived.StoredSize,
    };
}
