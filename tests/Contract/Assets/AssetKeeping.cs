using Aurae.Assets.V0;
using Aurae.Hosts.V0;
using Aurae.Records.V0;
using Auraed.Base;
using Auraed.Domain.Assets;
using Auraed.Domain.Records;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Auraed.Tests.Support.RecordServer;

namespace Auraed.Tests.Contract.Assets;

/// <summary>What names and keeps assets, what collects them, and what checks them.</summary>
public sealed class AssetKeeping : IAsyncLifetime
{
    private AssetHost _host = null!;

    public async Task InitializeAsync() => _host = await AssetHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_tag_names_an_asset_and_moves_on()
    {
        var (first, second) = (AssetHost.Random(1, 100_000), AssetHost.Random(2, 100_000));
        var one = (await _host.PutAsync(first, new UploadHeader { Tag = "stable" })).Asset;
        Assert.Equal(first, await _host.GetAsync("stable"));
        var two = (await _host.PutAsync(second, new UploadHeader { Tag = "stable" })).Asset;
        Assert.Equal(second, await _host.GetAsync("stable"));
        await _host.Assets.TagAsync(new TagAssetRequest { Tag = "old", Asset = one.Id });
        await _host.Assets.TagAsync(new TagAssetRequest { Tag = "copy", Asset = "stable" });
        Assert.Equal(["copy", "stable"], (await _host.Assets.StatAsync(new StatAssetRequest { Asset = two.Id })).Tags);
        await FailsAsync(StatusCode.FailedPrecondition, null, async () => await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = two.Id }));
        await _host.Assets.UntagAsync(new UntagAssetRequest { Tag = "copy" });
        await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = "stable", Untag = true });
        await FailsAsync(StatusCode.NotFound, null, () => _host.GetAsync("stable"));
        await FailsAsync(StatusCode.InvalidArgument, "tag", async () => await _host.Assets.TagAsync(new TagAssetRequest { Tag = one.Id, Asset = one.Id }));
        Assert.Equal([one.Id], (await _host.Assets.ListAsync(new ListAssetsRequest())).Assets.Select(asset => asset.Asset.Id));
    }

    [Fact]
    public async Task A_pin_a_lease_in_force_and_a_record_that_refers_to_it_keep_an_asset()
    {
        var id = (await _host.PutAsync(AssetHost.Random(3, 100_000))).Asset.Id;
        await _host.Assets.PinAsync(new PinAssetRequest { Pin = "boot", Asset = id, Reason = "booted from" });
        await KeptAsync("asset_pin 'boot'");
        await _host.Assets.UnpinAsync(new UnpinAssetRequest { Pin = "boot" });
        await _host.Assets.LeaseAsync(new LeaseAssetRequest { Lease = "copying", Asset = id, Duration = Duration.FromTimeSpan(TimeSpan.FromHours(1)) });
        await KeptAsync("asset_lease 'copying'");
        var renewed = await _host.Assets.LeaseAsync(new LeaseAssetRequest { Lease = "copying", Duration = Duration.FromTimeSpan(TimeSpan.FromHours(9)) });
        Assert.Equal(id, renewed.Asset);
        await _host.Assets.EndLeaseAsync(new EndLeaseRequest { Lease = "copying" });

        // Any record type with a reference to assets is kept by its foreign key; this one comes by the record service.
        await _host.Records.CreateAsync(new CreateRecordRequest { Record = Draft(new AssetPin { Name = "record", Asset = id }) });
        await KeptAsync("asset_pin 'record'");
        var direct = new DeleteRecordRequest { Type = "asset", Name = id };
        await FailsAsync(StatusCode.FailedPrecondition, null, async () => await _host.Records.DeleteAsync(direct));
        await _host.Records.DeleteAsync(new DeleteRecordRequest { Type = "asset_pin", Name = "record" });
        await _host.Records.DeleteAsync(direct);
        Assert.NotEqual(0, (await _host.CollectAsync()).RemovedChunkCount);

        async Task KeptAsync(string holder)
        {
            var failure = await FailsAsync(StatusCode.FailedPrecondition, null, async () => await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = id }));
            Assert.Contains(holder, failure.Status.Detail, StringComparison.Ordinal);
            Assert.Equal(0, (await _host.CollectAsync()).RemovedChunkCount);
        }
    }

    [Fact]
    public async Task A_lease_that_has_ended_keeps_nothing()
    {
        var id = (await _host.PutAsync(AssetHost.Random(4, 100_000))).Asset.Id;
        var ended = new AssetLease { Name = "gone", Asset = id, ExpireTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch) };
        await _host.Records.CreateAsync(new CreateRecordRequest { Record = Draft(ended) });
        Assert.Equal(1, (await _host.CollectAsync()).ExpiredLeaseCount);
        for (var number = 0; number < 100; number++)
        {
            await _host.Records.CreateAsync(new CreateRecordRequest { Record = Draft(new AssetLease(ended) { Name = $"gone-{number}" }) });
        }

        await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = id });
        Assert.Empty(await _host.TextsAsync("SELECT id FROM asset_lease"));
    }

    [Fact]
    public async Task A_read_only_tenant_holds_up_no_collection()
    {
        var id = (await _host.PutAsync(AssetHost.Random(12, 100_000), new UploadHeader { Tenant = "acme" })).Asset.Id;
        var ended = new AssetLease { Name = "gone", Asset = id, ExpireTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch) };
        await _host.Records.CreateAsync(new CreateRecordRequest { Tenant = "acme", Record = Draft(ended) });
        await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = (await _host.PutAsync(AssetHost.Random(13, 100_000))).Asset.Id });
        await _host.Records.CreateAsync(new CreateRecordRequest { Record = Draft(new Tenant { Name = "acme", ReadOnly = true }) });
        var result = await _host.CollectAsync();
        Assert.Equal((1, true), (result.ExpiredLeaseCount, result.RemovedChunkCount > 0));
        Assert.Equal(AssetHost.Index(AssetHost.Random(12, 100_000)).Count, (await _host.Assets.StatsAsync(new AssetStatsRequest())).Total.ChunkCount);
    }

    [Fact]
    public async Task A_read_only_tenant_is_refused_before_anything_is_stored()
    {
        await _host.PutAsync(AssetHost.Random(14, 100_000), new UploadHeader { Tenant = "acme", Tag = "v1" });
        await _host.Records.CreateAsync(new CreateRecordRequest { Record = Draft(new Tenant { Name = "acme", ReadOnly = true }) });
        var before = (await _host.Assets.StatsAsync(new AssetStatsRequest())).Total;
        await FailsAsync(StatusCode.FailedPrecondition, null, () => _host.PutAsync(AssetHost.Random(15, 900_000), new UploadHeader { Tenant = "acme", UploadId = "u" }));
        await FailsAsync(StatusCode.NotFound, null, async () => await _host.Assets.GetUploadAsync(new GetUploadRequest { Tenant = "acme", UploadId = "u" }));
        Assert.Equal(before, (await _host.Assets.StatsAsync(new AssetStatsRequest())).Total);
    }

    [Fact]
    public async Task A_chunk_that_is_known_to_be_damaged_is_sent_again_and_mended()
    {
        var bytes = AssetHost.Random(16, 600_000);
        var asset = (await _host.PutAsync(bytes)).Asset;
        var ways = new Func<Task>[]
        {
            async () => Assert.Equal(1, (await _host.PutChunksAsync(bytes)).Sent),
            async () => Assert.Equal(1, (await _host.PutChunksAsync([.. bytes, .. AssetHost.Random(17, 50_000)])).Sent - 1),
            () => _host.PutAsync(bytes, new UploadHeader { Tenant = "acme" }),
        };
        foreach (var way in ways)
        {
            await DamageAsync();
            var (result, _) = await ScrubAsync(new ScrubRequest { Restart = true });
            Assert.Equal(1, result.DamagedChunkCount);
            await way();
            Assert.Equal(bytes, await _host.GetAsync(asset.Id));
            Assert.Equal(0, (await _host.Assets.StatAsync(new StatAssetRequest { Asset = asset.Id })).DamagedChunkCount);
            await IsSoundAsync();
        }
    }

    [Fact]
    public async Task A_scrub_names_every_damaged_chunk_to_a_reader_who_is_slow()
    {
        // All of one step.
        var bytes = AssetHost.Compressible(18, 2_400_000);
        var asset = (await _host.PutAsync(bytes)).Asset;
        Assert.InRange(asset.ChunkCount, 24, Limits.ScrubStepChunks);
        Assert.InRange((await _host.Assets.StatAsync(new StatAssetRequest { Asset = asset.Id })).StoredSize, 1, Limits.AssetReadBytes);
        await _host.Database.WriteAsync(unit => unit.Prepare("UPDATE chunk_body SET frame = zeroblob(length(frame))").Execute(), CancellationToken.None);
        var records = await RecordStore.OpenAsync(_host.Database, TimeProvider.System, CancellationToken.None);
        await using var library = new AssetLibrary(_host.Database, records, TimeProvider.System);
        var reader = new SlowReader(() => Eventually.HoldsAsync(
            async () => (await _host.TextsAsync("SELECT 1 FROM event WHERE kind = 'scrub.damaged'")).Count == asset.ChunkCount, "every damaged chunk is noted"));
        await new Auraed.Rpc.AssetService(library).Scrub(new ScrubRequest { Restart = true }, reader, new StillCall());
        Assert.Equal(asset.ChunkCount, reader.Messages.Count(message => message.Damaged is not null));
        Assert.NotNull(reader.Messages[^1].Result);
    }

    [Fact]
    public async Task An_asset_is_not_made_as_a_record_and_its_facts_are_fixed()
    {
        var body = new Asset { Id = new string('a', 64), Size = 5 };
        await FailsAsync(StatusCode.FailedPrecondition, "record.type", async () => await _host.Records.CreateAsync(new CreateRecordRequest { Record = Draft(body) }));
        await FailsAsync(StatusCode.FailedPrecondition, "record.type", async () => await _host.Records.UpdateAsync(new UpdateRecordRequest { Record = Draft(body), AllowMissing = true }));
        var commit = new CommitRequest { Operations = { new Operation { Create = new CreateOperation { Record = Draft(body) } } } };
        await FailsAsync(StatusCode.FailedPrecondition, "operations[0].record.type", async () => await _host.Records.CommitAsync(commit));
        var asset = (await _host.PutAsync(AssetHost.Random(5, 1000))).Asset;
        await FailsAsync(StatusCode.InvalidArgument, "record.body.size", async () => await _host.Records.UpdateAsync(new UpdateRecordRequest { Record = Draft(new Asset(asset) { Size = 1 }) }));
        await _host.Records.UpdateAsync(new UpdateRecordRequest { Record = Draft(new Asset(asset) { Title = "renamed" }, ("tier", "web")) });
        var found = (await _host.Assets.ListAsync(new ListAssetsRequest { Filter = "title = \"renamed\"", Labels = { ["tier"] = "web" } })).Assets.Single();
        Assert.Equal(asset.Id, found.Asset.Id);
    }

    [Fact]
    public async Task Collections_take_what_nobody_has_and_nothing_else()
    {
        var shared = AssetHost.Random(6, 600_000);
        byte[] kept = [.. shared, .. AssetHost.Random(7, 300_000)];
        byte[] dropped = [.. shared, .. AssetHost.Random(8, 300_000)];
        var one = (await _host.PutAsync(kept)).Asset;
        var two = (await _host.PutAsync(dropped)).Asset;
        Assert.Equal(0, (await _host.CollectAsync(isDry: true)).RemovedChunkCount);
        await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = two.Id });
        var dry = await _host.CollectAsync(isDry: true);
        var waiting = await _host.CollectAsync(TimeSpan.FromHours(1));
        Assert.Equal((0, dry.RemovedChunkCount), (waiting.RemovedChunkCount, waiting.CondemnedChunkCount));
        Assert.Equal(dry, await _host.CollectAsync(isDry: true));
        Assert.Equal(dry.RemovedChunkCount, (await _host.Assets.StatsAsync(new AssetStatsRequest())).Total.CondemnedChunkCount);

        // What is condemned is there all the same for one who brings it again.
        var back = await _host.PutAsync(dropped);
        Assert.Equal(0, (await _host.Assets.StatsAsync(new AssetStatsRequest())).Total.CondemnedChunkCount);
        Assert.Equal(0, (await _host.CollectAsync()).RemovedChunkCount);
        Assert.Equal(dropped, await _host.GetAsync(back.Asset.Id));
        await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = two.Id });
        var removed = await _host.CollectAsync();
        Assert.Equal((dry.RemovedChunkCount, dry.RemovedStoredSize), (removed.RemovedChunkCount, removed.RemovedStoredSize));
        Assert.Equal(kept, await _host.GetAsync(one.Id));
        Assert.Equal(AssetHost.Index(kept).Count, (await _host.Assets.StatsAsync(new AssetStatsRequest())).Total.ChunkCount);
        await IsSoundAsync();
    }

    [Fact]
    public async Task Collections_beside_uploads_lose_nothing()
    {
        var bytes = AssetHost.Random(9, 1_500_000);
        using var end = new CancellationTokenSource();
        var collecting = CollectUntilAsync(end.Token);
        for (var round = 0; round < 12; round++)
        {
            var put = await AgainAsync(round % 2 == 0 ? () => _host.PutAsync(bytes) : async () => (await _host.PutChunksAsync(bytes)).Response);
            Assert.Equal(bytes, await _host.GetAsync(put.Asset.Id));
            await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = put.Asset.Id });
        }

        await end.CancelAsync();
        await collecting;
        await _host.CollectAsync();
        Assert.Equal(0, (await _host.Assets.StatsAsync(new AssetStatsRequest())).Total.ChunkCount);
        await IsSoundAsync();
    }

    [Fact]
    public async Task A_delta_is_what_the_holder_of_one_lacks_for_the_other()
    {
        var first = AssetHost.Random(10, 2_000_000);
        var second = first.ToArray();
        second[1_000_000] ^= 1;
        var (one, two) = ((await _host.PutAsync(first)).Asset.Id, (await _host.PutAsync(second)).Asset.Id);
        var expected = AssetHost.Index(second).Ids.ToArray().Except(AssetHost.Index(first).Ids.ToArray()).Select(id => id.ToString());
        var (ids, sum) = await DeltaAsync(one, two);
        Assert.Equal(expected.Order(), ids.Order());
        Assert.Equal((ids.Count, AssetHost.Index(second).Count), (sum.MissingChunkCount, sum.ChunkCount));
        Assert.Equal(AssetHost.Index(second).Count, (await DeltaAsync("", two)).Ids.Count);
        Assert.Empty((await DeltaAsync(two, two)).Ids);
    }

    [Fact]
    public async Task A_scrub_names_what_is_damaged_and_goes_on_where_it_stopped()
    {
        var bytes = AssetHost.Random(11, 1_000_000);
        var asset = (await _host.PutAsync(bytes, new UploadHeader { Title = "hurt" })).Asset;
        var (sound, _) = await ScrubAsync(new ScrubRequest());
        Assert.Equal((true, 0, asset.ChunkCount), (sound.Complete, sound.DamagedChunkCount, sound.ChunkCount));
        await DamageAsync();
        var (first, _) = await ScrubAsync(new ScrubRequest { ChunkCountMax = 1 });
        Assert.Equal((false, 1), (first.Complete, first.ChunkCount));
        var (rest, _) = await ScrubAsync(new ScrubRequest());
        Assert.Equal((true, asset.ChunkCount - 1), (rest.Complete, rest.ChunkCount));
        var (_, damaged) = await ScrubAsync(new ScrubRequest { Restart = true, BytesPerSecond = 1 << 30 });
        var chunk = Assert.Single(damaged);
        Assert.Equal(AssetHost.Index(bytes).Ids[0].ToByteArray(), chunk.Id.ToByteArray());
        Assert.Equal(("default", asset.Id, "hurt"), (chunk.Assets.Single().Tenant, chunk.Assets.Single().Id, chunk.Assets.Single().Title));
        Assert.Equal(1, (await _host.Assets.StatAsync(new StatAssetRequest { Asset = asset.Id })).DamagedChunkCount);
        // Once in the log, however often it is found.
        await ScrubAsync(new ScrubRequest { Restart = true });
        var told = await _host.TextsAsync("SELECT subject FROM event WHERE kind = 'scrub.damaged'");
        Assert.Equal([asset.Id], told);
        var report = await _host.Database.VerifyAsync(null, CancellationToken.None);
        Assert.Contains(AssetHost.Index(bytes).Ids[0].ToString(), Assert.Single(report.Findings), StringComparison.Ordinal);
        var failure = await FailsAsync(StatusCode.DataLoss, null, () => _host.GetAsync(asset.Id));
        Assert.Contains(asset.Id, failure.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task<UploadResponse> AgainAsync(Func<Task<UploadResponse>> put)
    {
        // What was there when it was asked for may be collected before it is referred to, as there is no grace here; the caller comes again.
        while (true)
        {
            try
            {
                return await put();
            }
            catch (RpcException failure) when (failure.StatusCode is StatusCode.FailedPrecondition or StatusCode.Aborted)
            {
                Assert.Contains("chunk", failure.Status.Detail, StringComparison.Ordinal);
            }
        }
    }

    private async Task CollectUntilAsync(CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            await _host.CollectAsync();
        }
    }

    private async Task<(List<string> Ids, DeltaSum Sum)> DeltaAsync(string from, string to)
    {
        var ids = new List<string>();
        DeltaSum? sum = null;
        await foreach (var message in _host.Assets.Delta(new DeltaRequest { From = from, To = to }).ResponseStream.ReadAllAsync())
        {
            ids.AddRange(message.Missing.Select(chunk => Convert.ToHexStringLower(chunk.Id.Span)));
            sum = message.Sum ?? sum;
        }

        return (ids, sum!);
    }

    private async Task<(ScrubResult Result, List<DamagedChunk> Damaged)> ScrubAsync(ScrubRequest request)
    {
        ScrubResult? result = null;
        var damaged = new List<DamagedChunk>();
        await foreach (var message in _host.Assets.Scrub(request).ResponseStream.ReadAllAsync())
        {
            result = message.Result ?? result;
            damaged.AddRange(message.Damaged is { } chunk ? [chunk] : []);
        }

        return (result!, damaged);
    }

    /// <summary>Behind the seals of the pages: what was written was wrong already.</summary>
    private Task DamageAsync() => _host.Database.WriteAsync(
        unit => unit.Prepare("UPDATE chunk_body SET frame = zeroblob(length(frame)) WHERE number = (SELECT min(number) FROM chunk)").Execute(), CancellationToken.None);

    /// <summary>Takes the first message only after something has happened.</summary>
    private sealed class SlowReader(Func<Task> first) : IServerStreamWriter<ScrubResponse>
    {
        public List<ScrubResponse> Messages { get; } = [];

        public WriteOptions? WriteOptions { get; set; }

        public async Task WriteAsync(ScrubResponse message)
        {
            await (Messages.Count == 0 ? first() : Task.CompletedTask);
            Messages.Add(message);
        }
    }

    private async Task IsSoundAsync() => Assert.Empty((await _host.Database.VerifyAsync(null, CancellationToken.None)).Findings);
}
