using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store.Assets;

namespace Auraed.Domain.Assets;

/// <summary>Assets outside the file: archived to backends, published to anybody.</summary>
public sealed partial class AssetLibrary
{
    public Task<ArchiveAssetResult> ArchiveAsync(string principal, ArchiveAssetRequest request, Action<AssetProgress>? progress, CancellationToken cancel)
    {
        AssetName name = AssetRequests.Name(request.Tenant, request.Asset);
        return _archiver.ArchiveAsync(new RecordCall(name.Tenant, principal), name, request.Backend, progress, cancel);
    }

    public Task<RestoreAssetResult> RestoreAsync(string principal, RestoreAssetRequest request, Action<AssetProgress>? progress, CancellationToken cancel)
    {
        AssetName name = AssetRequests.Name(request.Tenant, request.Asset);
        return _archiver.RestoreAsync(new RecordCall(name.Tenant, principal), name, progress, cancel);
    }

    /// <summary>Those of the settings, and those that the file knows beside them.</summary>
    public async Task<ListBackendsResponse> BackendsAsync(CancellationToken cancel)
    {
        List<CopySums> sums = await _database.ReadAsync(unit => new CopyRows(unit).Sums(), cancel).ConfigureAwait(false);
        var response = new ListBackendsResponse();
        foreach (string name in _backends.All.Select(backend => backend.Name).Union(sums.Select(sum => sum.Backend)))
        {
            ArchiveBackend? backend = _backends.All.FirstOrDefault(backend => backend.Name == name);
            CopySums sum = sums.FirstOrDefault(sum => sum.Backend == name);
            response.Backends.Add(new AssetBackend
            {
                Name = name,
                Location = backend?.Location.Text ?? "",
                ReadOnly = backend?.IsReadOnly ?? true,
                ChunkCount = sum.ChunkCount,
                ArchivedChunkCount = sum.ArchivedCount,
                ArchivedSize = sum.ArchivedSize,
            });
        }

        return response;
    }

    public Task<AssetPublication> PublishAsync(string principal, PublishAssetRequest request, CancellationToken cancel) => _catalog.PublishAsync(
        Call("", principal), AssetRequests.Publication(request.Name), AssetRequests.Name("", request.Asset), cancel);

    public Task UnpublishAsync(string principal, UnpublishAssetRequest request, CancellationToken cancel) =>
        _catalog.UnpublishAsync(Call("", principal), AssetRequests.Publication(request.Name), cancel);
}
