using Aurae.Assets.V0;
using Aurae.Records.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Store.Events;
using Auraed.Store.Records;

namespace Auraed.Domain.Assets;

/// <summary>
/// Assets as records, with what names and keeps them. Invariants: an asset with a tag, a pin, a lease in force or another record that refers to it is not
/// deleted; deleting leaves its chunks to the collector.
/// </summary>
internal sealed class AssetCatalog(Database database, RecordStore records)
{
    /// <summary>The asset, or Fault(NotFound).</summary>
    public static StoredRecord Find(RecordRows rows, AssetName name)
    {
        string? id = name.IsId ? name.Text : (rows.Find(AssetTables.Tags, name.Tenant, name.Text)?.Body as AssetTag)?.Asset;
        return (id is null ? null : rows.Find(AssetTables.Assets, name.Tenant, id))
            ?? throw new Fault(
                FaultKind.NotFound,
                name.IsId ? $"tenant '{name.Tenant}' has no asset {name.Text}" : $"tenant '{name.Tenant}' has no asset with the tag '{name.Text}'",
                hint: "auraed assets ls")
            { Reason = "ASSET_NOT_FOUND" };
    }

    /// <summary>The asset with the content that it is made of.</summary>
    public static (StoredRecord Asset, StoredContent Content) Open(ReadUnit unit, AssetName name)
    {
        StoredRecord asset = Find(new RecordRows(unit), name);
        return (asset, new ContentRows(unit).OfAsset(asset.RowId) ?? throw new Fault(FaultKind.Corrupt, $"asset {asset.Name} has no content", hint: "auraed verify") { Reason = "CONTENT_MISSING" });
    }

    public Task<StatAssetResponse> StatAsync(AssetName name, CancellationToken cancel) => database.ReadAsync(
        unit =>
        {
            (StoredRecord asset, StoredContent content) = Open(unit, name);
            StatAssetResponse stat = Stat(unit, asset);
            ContentSums sums = SumRows.OfContent(unit, content.Number);
            (stat.StoredSize, stat.DamagedChunkCount, stat.ArchivedChunkCount, stat.ArchivedSize) = (sums.StoredSize, sums.Damaged, sums.ArchivedCount, sums.ArchivedSize);
            return stat;
        },
        cancel);

    public async Task<ListAssetsResponse> ListAsync(ListAssetsRequest request, CancellationToken cancel)
    {
        var listing = new ListRecordsRequest
        {
            Tenant = request.Tenant,
            Type = AssetTables.Assets.Name,
            Filter = request.Filter,
            OrderBy = request.OrderBy,
            PageSize = request.PageSize,
            PageToken = request.PageToken,
        };
        listing.Labels.Add(request.Labels);
        ListRecordsResponse page = await records.ListAsync(RecordRequests.List(listing), cancel).ConfigureAwait(false);
        string tenant = RecordNames.Tenant(request.Tenant);
        return await database.ReadAsync(
            unit =>
            {
                var response = new ListAssetsResponse { NextPageToken = page.NextPageToken };
                foreach (Record record in page.Records)
                {
                    // What was deleted since the page was read is left out.
                    if (new RecordRows(unit).Find(AssetTables.Assets, tenant, record.Name) is { } asset)
                    {
                        response.Assets.Add(Stat(unit, asset));
                    }
                }

                return response;
            },
            cancel).ConfigureAwait(false);
    }

    public Task<long> DeleteAsync(RecordCall call, AssetName name, bool untag, CancellationToken cancel) => database.WriteAsync(
        unit =>
        {
            var writer = new RecordWriter(unit, call);
            var rows = new RecordRows(unit);
            StoredRecord asset = Find(rows, name);
            foreach (string lease in LeaseRows.Ended(unit, call.Tenant, asset.Name, unit.Now, Limits.CascadeRecordsCountMax))
            {
                _ = writer.Delete(new RecordDelete(AssetTables.Leases, lease, 0, false));
            }

            if (untag)
            {
                foreach (string tag in AssetTables.Holding(rows, AssetTables.Tags, call.Tenant, asset.Name, Limits.CascadeRecordsCountMax))
                {
                    _ = writer.Delete(new RecordDelete(AssetTables.Tags, tag, 0, false));
                }
            }

            _ = writer.Delete(new RecordDelete(AssetTables.Assets, asset.Name, 0, false));
            return writer.Revision;
        },
        cancel);

    /// <summary>Makes the tag name the asset, within a unit of work.</summary>
    public static AssetTag Tag(RecordWriter writer, string tag, string asset)
    {
        var body = new AssetTag { Name = tag, Asset = asset };
        if ((writer.Find(AssetTables.Tags, tag)?.Body as AssetTag)?.Asset != asset)
        {
            _ = writer.Update(new RecordUpdate(AssetTables.Draft(AssetTables.Tags, tag, body), null, AllowMissing: true));
        }

        return body;
    }

    public Task<AssetTag> TagAsync(RecordCall call, string tag, AssetName name, CancellationToken cancel) => database.WriteAsync(
        unit => Tag(new RecordWriter(unit, call), tag, Find(new RecordRows(unit), name).Name), cancel);

    public Task UntagAsync(RecordCall call, string tag, CancellationToken cancel) =>
        records.DeleteAsync(call, new RecordDelete(AssetTables.Tags, tag, 0, false), cancel);

    public Task<AssetPublication> PublishAsync(RecordCall call, string publication, AssetName name, CancellationToken cancel) => database.WriteAsync(
        unit =>
        {
            var writer = new RecordWriter(unit, call);
            var body = new AssetPublication { Name = publication, Asset = Find(new RecordRows(unit), name).Name };
            var before = writer.Find(AssetTables.Publications, publication)?.Body as AssetPublication;
            if (before is null && PublicationRows.Count(unit, call.Tenant) >= Limits.OriginPublicationsMax)
            {
                throw new Fault(FaultKind.Exhausted, $"{Limits.OriginPublicationsMax} assets are published already", hint: "auraed assets unpublish NAME") { Reason = "TOO_MANY_PUBLICATIONS" };
            }

            if (before?.Asset != body.Asset)
            {
                _ = writer.Update(new RecordUpdate(AssetTables.Draft(AssetTables.Publications, publication, body), null, AllowMissing: true));
                Withdraw(unit, before?.Asset);
            }

            return body;
        },
        cancel);

    public Task UnpublishAsync(RecordCall call, string publication, CancellationToken cancel) => database.WriteAsync(
        unit =>
        {
            var writer = new RecordWriter(unit, call);
            string? asset = (writer.Find(AssetTables.Publications, publication)?.Body as AssetPublication)?.Asset;
            _ = writer.Delete(new RecordDelete(AssetTables.Publications, publication, 0, false));
            Withdraw(unit, asset);
            return true;
        },
        cancel);

    public Task<AssetPin> PinAsync(RecordCall call, string pin, AssetName name, string reason, CancellationToken cancel) => database.WriteAsync(
        unit =>
        {
            var body = new AssetPin { Name = pin, Asset = Find(new RecordRows(unit), name).Name, Reason = reason };
            _ = new RecordWriter(unit, call).Create(AssetTables.Draft(AssetTables.Pins, pin, body));
            return body;
        },
        cancel);

    public Task UnpinAsync(RecordCall call, string pin, CancellationToken cancel) =>
        records.DeleteAsync(call, new RecordDelete(AssetTables.Pins, pin, 0, false), cancel);

    /// <param name="name">Null renews the lease for the asset that it has.</param>
    public Task<AssetLease> LeaseAsync(RecordCall call, string lease, AssetName? name, TimeSpan duration, CancellationToken cancel) => database.WriteAsync(
        unit =>
        {
            var writer = new RecordWriter(unit, call);
            var current = writer.Find(AssetTables.Leases, lease)?.Body as AssetLease;
            string asset = name is { } given ? Find(new RecordRows(unit), given).Name : current?.Asset ?? throw writer.NotFound(AssetTables.Leases, lease);
            var body = new AssetLease { Name = lease, Asset = asset, Holder = call.Principal, ExpireTime = RecordMessages.Time(unit.Now + (duration.Ticks * 100)) };
            _ = writer.Update(new RecordUpdate(AssetTables.Draft(AssetTables.Leases, lease, body), null, AllowMissing: true));
            return body;
        },
        cancel);

    public Task EndLeaseAsync(RecordCall call, string lease, CancellationToken cancel) =>
        records.DeleteAsync(call, new RecordDelete(AssetTables.Leases, lease, 0, false), cancel);

    /// <summary>Keeps what the caches are to be told of an asset that the event appended last took from the origin; it may be deleted before they were.</summary>
    private static void Withdraw(WriteUnit unit, string? asset)
    {
        if (asset is not null
            && new CursorRows(unit).Find(RecordNames.DefaultTenant, OriginPurge.Cursor) is not null
            && new RecordRows(unit).Find(AssetTables.Assets, RecordNames.DefaultTenant, asset) is { } record
            && new ContentRows(unit).OfAsset(record.RowId) is { } content)
        {
            WithdrawalRows.Note(unit, content.Number);
        }
    }

    private static StatAssetResponse Stat(ReadUnit unit, StoredRecord asset)
    {
        var rows = new RecordRows(unit);
        var stat = new StatAssetResponse { Asset = (Asset)asset.Body, CreateTime = RecordMessages.Time(asset.CreateTime) };
        stat.Labels.Add(new Dictionary<string, string>(asset.Labels));
        stat.Tags.AddRange(AssetTables.Holding(rows, AssetTables.Tags, asset.Tenant, asset.Name, Limits.AssetNamesShownMax));
        stat.Pins.AddRange(AssetTables.Holding(rows, AssetTables.Pins, asset.Tenant, asset.Name, Limits.AssetNamesShownMax));
        stat.Leases.AddRange(AssetTables.Holding(rows, AssetTables.Leases, asset.Tenant, asset.Name, Limits.AssetNamesShownMax));
        stat.Publications.AddRange(AssetTables.Holding(rows, AssetTables.Publications, asset.Tenant, asset.Name, Limits.AssetNamesShownMax));
        stat.Backend = (rows.Find(AssetTables.Archives, asset.Tenant, asset.Name)?.Body as AssetArchive)?.Backend ?? "";
        return stat;
    }
}
