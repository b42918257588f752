using Aurae.Assets.V0;
using Aurae.Hosts.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Tests.Support;
using Google.Protobuf;
using Grpc.Core;
using static Auraed.Tests.Support.RecordServer;

namespace Auraed.Tests.Contract.Assets;

/// <summary>Uploads over a real socket into a real file.</summary>
public sealed class AssetUploads : IAsyncLifetime
{
    private AssetHost _host = null!;

    public async Task InitializeAsync() => _host = await AssetHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    public static TheoryData<int> Lengths => [0, 1, 47, 16_384, 16_385, 262_144, 1_000_000, 5_000_003];

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task What_was_put_comes_back_whole_and_in_parts(int length)
    {
        byte[] bytes = [.. AssetHost.Random(length, length / 2), .. AssetHost.Compressible(length, length - (length / 2))];
        var put = await _host.PutAsync(bytes, new UploadHeader { Title = "blob", MediaType = "text/x-test", Labels = { ["tier"] = "web" } });
        Assert.False(put.Existed);
        Assert.Equal(AssetHost.Caid(bytes), put.Asset.Id);
        Assert.Equal(AssetHost.Digest(bytes), put.Asset.Sha256);
        Assert.Equal((length, "blob", "text/x-test"), (put.Asset.Size, put.Asset.Title, put.Asset.MediaType));
        Assert.Equal(bytes, await _host.GetAsync(put.Asset.Id));
        Assert.Equal(bytes, await _host.GetAsync(put.Asset.Id, frames: true));
        var random = new Random(length);
        for (var round = 0; round < 5 && length > 0; round++)
        {
            var from = random.Next(length);
            var count = 1 + random.Next(length - from);
            Assert.Equal(bytes[from..(from + count)], await _host.GetAsync(put.Asset.Id, offset: from, length: count));
        }

        var stat = await _host.Assets.StatAsync(new StatAssetRequest { Asset = put.Asset.Id });
        Assert.Equal(put.Asset, stat.Asset);
        Assert.Equal("web", stat.Labels["tier"]);
    }

    [Fact]
    public async Task The_index_is_the_one_that_casync_writes_and_its_digest_is_the_id()
    {
        var bytes = AssetHost.Random(1, 3_000_000);
        var put = await _host.PutAsync(bytes);
        using var call = _host.Assets.GetIndex(new GetIndexRequest { Asset = put.Asset.Id });
        var index = new MemoryStream();
        await foreach (var piece in call.ResponseStream.ReadAllAsync())
        {
            index.Write(piece.Data.Span);
        }

        Assert.Equal(AssetHost.Index(bytes).ToByteArray(), index.ToArray());
        Assert.Equal(put.Asset.Id, AssetHost.Digest(index.ToArray()));
    }

    [Fact]
    public async Task The_same_bytes_are_kept_once_however_they_come()
    {
        var bytes = AssetHost.Random(2, 2_000_000);
        var first = await _host.PutAsync(bytes);
        var again = await _host.PutAsync(bytes);
        var (cut, sent) = await _host.PutChunksAsync(bytes);
        Assert.Equal((false, true, true), (first.Existed, again.Existed, cut.Existed));
        Assert.Equal((0, 0, 0), (again.NewChunkCount, cut.NewChunkCount, sent));
        var edited = bytes.ToArray();
        edited[1_000_000] ^= 1;
        var (other, few) = await _host.PutChunksAsync(edited);
        Assert.Equal(AssetHost.Caid(edited), other.Asset.Id);
        Assert.InRange(few, 1, 3);
        Assert.Equal(edited, await _host.GetAsync(other.Asset.Id));
        Assert.Equal(bytes, await _host.GetAsync(first.Asset.Id));
        var stats = await _host.Assets.StatsAsync(new AssetStatsRequest());
        Assert.Equal(2, stats.Total.AssetCount);
        Assert.InRange(stats.Total.Deduplication, 1.7, 2);
        Assert.Equal(stats.Total.StoredSize, stats.Tenants.Single().Sums.StoredSize);
    }

    [Fact]
    public async Task An_upload_that_broke_off_goes_on_where_it_is_durable()
    {
        var bytes = AssetHost.Random(3, 6_000_000);
        using (var call = _host.Assets.Upload())
        {
            await call.RequestStream.WriteAsync(new UploadRequest { Header = new UploadHeader { UploadId = "u-1" } });
            await call.RequestStream.WriteAsync(new UploadRequest { Data = ByteString.CopyFrom(bytes, 0, 1_000_000) });
            await call.RequestStream.WriteAsync(new UploadRequest { Data = ByteString.CopyFrom(bytes, 1_000_000, 1_000_000) });
            await call.RequestStream.WriteAsync(new UploadRequest { Data = ByteString.CopyFrom(bytes, 2_000_000, 1_000_000) });
            await Eventually.HoldsAsync(async () => (await _host.Assets.GetUploadAsync(new GetUploadRequest { UploadId = "u-1" })).DurableSize > 0, "a part is durable");
        }

        await FailsAsync(StatusCode.NotFound, null, async () => await _host.Assets.StatAsync(new StatAssetRequest { Asset = AssetHost.Caid(bytes) }));
        _host = await _host.RestartAsync();
        var state = await _host.Assets.GetUploadAsync(new GetUploadRequest { UploadId = "u-1" });
        Assert.InRange(state.DurableSize, 1, 3_000_000);
        await FailsAsync(StatusCode.FailedPrecondition, "header.offset", () => _host.PutAsync(bytes, new UploadHeader { UploadId = "u-1", Offset = state.DurableSize - 1 }));
        var put = await _host.PutAsync(bytes, new UploadHeader { UploadId = "u-1", Offset = state.DurableSize });
        Assert.Equal(AssetHost.Caid(bytes), put.Asset.Id);
        Assert.Equal(bytes, await _host.GetAsync(put.Asset.Id));
        await FailsAsync(StatusCode.NotFound, null, async () => await _host.Assets.GetUploadAsync(new GetUploadRequest { UploadId = "u-1" }));
    }

    [Fact]
    public async Task What_is_not_what_was_expected_never_becomes_visible()
    {
        var bytes = AssetHost.Random(4, 500_000);
        var wrong = new string('0', 64);
        var named = new UploadHeader { UploadId = "meant" };
        var refused = await FailsAsync(StatusCode.FailedPrecondition, "commit.sha256", () => _host.PutAsync(bytes, named, new UploadCommit { Size = bytes.Length, Sha256 = wrong }));
        Assert.Contains($"upload 'meant' is asset {AssetHost.Caid(bytes)}, whose bytes have the SHA-256 {AssetHost.Digest(bytes)}", refused.Status.Detail, StringComparison.Ordinal);
        refused = await FailsAsync(StatusCode.FailedPrecondition, "commit.id", () => _host.PutAsync(bytes, commit: new UploadCommit { Size = bytes.Length, Id = wrong }));
        Assert.Contains($"is asset {AssetHost.Caid(bytes)}, not {wrong}", refused.Status.Detail, StringComparison.Ordinal);
        refused = await FailsAsync(StatusCode.FailedPrecondition, "commit.size", () => _host.PutAsync(bytes, named, new UploadCommit { Size = bytes.Length + 1 }));
        Assert.Contains("upload 'meant' has 500000 bytes, not 500001", refused.Status.Detail, StringComparison.Ordinal);
        await FailsAsync(StatusCode.FailedPrecondition, "commit.sha256", () => _host.PutChunksAsync(bytes, commit: new UploadCommit { Size = bytes.Length, Sha256 = wrong }));
        await FailsAsync(StatusCode.InvalidArgument, "commit.sha256", () => _host.PutAsync(bytes, commit: new UploadCommit { Size = bytes.Length, Sha256 = "no digest" }));
        Assert.Empty((await _host.Assets.ListAsync(new ListAssetsRequest())).Assets);
        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task A_stream_without_a_commit_is_refused_and_kept_when_it_has_a_name()
    {
        var bytes = AssetHost.Random(5, 1_000_000);
        using var call = _host.Assets.Upload();
        await call.RequestStream.WriteAsync(new UploadRequest { Header = new UploadHeader { UploadId = "cut" } });
        await call.RequestStream.WriteAsync(new UploadRequest { Data = ByteString.CopyFrom(bytes) });
        await call.RequestStream.CompleteAsync();
        await FailsAsync(StatusCode.InvalidArgument, "commit", async () => await call.ResponseAsync);
        Assert.Equal(1, (await _host.Assets.StatsAsync(new AssetStatsRequest())).Total.UploadCount);
        await _host.Assets.CancelUploadAsync(new CancelUploadRequest { UploadId = "cut" });
        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task Bad_chunks_are_refused_by_name()
    {
        var bytes = AssetHost.Random(6, 200_000);
        var bomb = AssetHost.Frame(new byte[2_000_000]);
        (string Field, Func<Chunk, Chunk> Change)[] cases =
        [
            ("chunks[0].frame", chunk => new Chunk(chunk) { Frame = ByteString.CopyFrom([.. chunk.Frame.Span, 0]) }),
            ("chunks[0].frame", chunk => new Chunk(chunk) { Frame = ByteString.CopyFrom([.. chunk.Frame.Span, .. chunk.Frame.Span]) }),
            ("chunks[0].frame", chunk => new Chunk(chunk) { Frame = ByteString.CopyFrom(chunk.Frame.Span[..^1]) }),
            ("chunks[0].frame", chunk => new Chunk(chunk) { Frame = ByteString.CopyFrom(bomb) }),
            ("chunks[0].frame", chunk => new Chunk(chunk) { Frame = ByteString.CopyFrom(AssetHost.UnsizedBomb(64)) }),
            ("chunks[0].frame", chunk => new Chunk(chunk) { Frame = ByteString.CopyFrom(new byte[ChunkFile.BytesMax(262_144) + 1]) }),
            ("chunks[0].frame", chunk => new Chunk(chunk) { Frame = ByteString.CopyFrom(AssetHost.RawFrame(bytes.AsSpan(0, (int)chunk.Size), emptyBlocks: 1000)) }),
            ("chunks[0].frame", chunk => new Chunk(chunk) { Frame = ByteString.CopyFrom([0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0, .. chunk.Frame.Span]) }),
            ("chunks[0].frame", chunk => new Chunk(chunk) { Frame = ByteString.CopyFrom(AssetHost.Frame("other"u8)) }),
            ("chunks[0].frame", chunk => new Chunk(chunk) { Size = chunk.Size + 1 }),
            ("chunks[0].frame", chunk => new Chunk(chunk) { Frame = ByteString.Empty }),
            ("chunks[0].size", chunk => new Chunk(chunk) { Size = 0 }),
            ("chunks[0].size", chunk => new Chunk(chunk) { Size = 262_145 }),
            ("chunks[0].id", chunk => new Chunk(chunk) { Id = ByteString.CopyFrom(1, 2, 3) }),
        ];
        var first = AssetHost.Index(bytes).Ids[0].ToString();
        foreach (var (field, change) in cases)
        {
            var failure = await Assert.ThrowsAsync<RpcException>(() => _host.PutChunksAsync(bytes, change: change));
            Assert.True(failure.StatusCode is StatusCode.InvalidArgument or StatusCode.FailedPrecondition, failure.Status.Detail);
            await FailsAsync(failure.StatusCode, field, () => Task.FromException(failure));
            Assert.True(field != "chunks[0].frame" || failure.Status.Detail.Contains($"chunk {first} ", StringComparison.Ordinal), failure.Status.Detail);
        }

        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task More_chunks_than_an_asset_may_have_are_refused_and_nothing_is_left()
    {
        var bytes = AssetHost.Random(40, 600_000);
        var index = AssetHost.Index(bytes);
        await FailsAsync(StatusCode.InvalidArgument, "commit", () => SendAsync(0));
        await _host.Database.WriteAsync(unit => unit.Prepare($"UPDATE content SET chunk_count = {Limits.AssetChunksCountMax - 1}").Execute(), default);
        await FailsAsync(StatusCode.InvalidArgument, "commit", () => SendAsync(1));
        Assert.Equal(index[1].End, (await _host.Assets.GetUploadAsync(new GetUploadRequest { UploadId = "many" })).DurableSize);
        var refused = await FailsAsync(StatusCode.InvalidArgument, "header.chunk_sizes", () => SendAsync(2));
        Assert.Contains("at most 6500000 chunks", refused.Status.Detail, StringComparison.Ordinal);
        await FailsAsync(StatusCode.NotFound, null, async () => await _host.Assets.GetUploadAsync(new GetUploadRequest { UploadId = "many" }));
        await AssertNothingIsLeftAsync();

        async Task SendAsync(int chunk)
        {
            using var call = _host.Assets.Upload();
            await AssetHost.SendAsync(call, [
                new UploadRequest { Header = new UploadHeader { UploadId = "many", Offset = index[chunk].Offset } },
                new UploadRequest { Chunks = new ChunkBatch { Chunks = { AssetHost.ToChunk(bytes, index[chunk], withFrame: true) } } },
            ]);
            await call.ResponseAsync;
        }
    }

    [Fact]
    public async Task Tiny_pieces_of_plain_bytes_are_not_gathered_by_the_million()
    {
        var tiny = new Aurae.Assets.V0.ChunkSizes { Min = 1, Avg = 1, Max = 1 };
        using var call = _host.Assets.Upload();
        await call.RequestStream.WriteAsync(new UploadRequest { Header = new UploadHeader { UploadId = "tiny", ChunkSizes = tiny } });
        await call.RequestStream.WriteAsync(new UploadRequest { Data = ByteString.CopyFrom(AssetHost.Random(41, 2 * Limits.AssetPlainPiecesMax)) });
        // What was written may not have been read yet: the upload is there when it was.
        await Eventually.HoldsAsync(
            async () => await _host.TextsAsync("SELECT id FROM asset_upload WHERE id = 'tiny'") is ["tiny"]
                && (await _host.Assets.GetUploadAsync(new GetUploadRequest { UploadId = "tiny" })).DurableSize >= Limits.AssetPlainPiecesMax,
            "the first pieces are durable");
    }

    [Fact]
    public async Task Headers_are_checked()
    {
        (string Field, UploadHeader Header)[] cases =
        [
            ("header.tenant", new UploadHeader { Tenant = "No Tenant" }),
            ("header.upload_id", new UploadHeader { UploadId = new string('u', 129) }),
            ("header.title", new UploadHeader { Title = "a\nb" }),
            ("header.media_type", new UploadHeader { MediaType = "a b" }),
            ("header.labels", new UploadHeader { Labels = { ["a b"] = "c" } }),
            ("header.offset", new UploadHeader { Offset = -1 }),
            ("header.offset", new UploadHeader { Offset = 5 }),
            ("header.tag", new UploadHeader { Tag = new string('a', 64) }),
            ("header.chunk_sizes", new UploadHeader { ChunkSizes = new Aurae.Assets.V0.ChunkSizes { Min = 1, Avg = 2, Max = 4 << 20 } }),
            ("header.chunk_sizes", new UploadHeader { ChunkSizes = new Aurae.Assets.V0.ChunkSizes { Min = 4, Avg = 2, Max = 8 } }),
        ];
        foreach (var (field, header) in cases)
        {
            var failure = await Assert.ThrowsAsync<RpcException>(() => _host.PutAsync([1, 2, 3], header));
            await FailsAsync(failure.StatusCode, field, () => Task.FromException(failure));
        }
    }

    [Fact]
    public async Task Tenants_share_chunks_and_learn_nothing_of_each_other()
    {
        var bytes = AssetHost.Random(7, 1_000_000);
        var (mine, sent) = await _host.PutChunksAsync(bytes, "acme");
        var (theirs, sentAgain) = await _host.PutChunksAsync(bytes, "rival");
        Assert.Equal((false, false), (mine.Existed, theirs.Existed));
        Assert.Equal(sent, sentAgain);
        Assert.Equal(mine.NewStoredSize, theirs.NewStoredSize);
        var stats = await _host.Assets.StatsAsync(new AssetStatsRequest());
        Assert.Equal(sent, stats.Total.ChunkCount);
        Assert.All(stats.Tenants, tenant => Assert.Equal(sent, tenant.Sums.ChunkCount));
        await _host.PutAsync([1], new UploadHeader { Tenant = "third" });
        var id = AssetHost.Index(bytes).Ids[0].ToByteArray();
        var request = new FetchChunksRequest { Tenant = "third", Ids = { ByteString.CopyFrom(id) } };
        await FailsAsync(StatusCode.NotFound, "ids[0]", async () => await _host.Assets.FetchChunks(request).ResponseStream.MoveNext(default));
        await FailsAsync(StatusCode.FailedPrecondition, "chunks[0].frame", () => _host.PutChunksAsync(bytes, "third", chunk => new Chunk(chunk) { Frame = ByteString.Empty }));
        await FailsAsync(StatusCode.NotFound, null, () => _host.GetAsync(mine.Asset.Id, "third"));
        await _host.Assets.DeleteAsync(new DeleteAssetRequest { Tenant = "acme", Asset = mine.Asset.Id });
        await _host.CollectAsync();
        await _host.CollectAsync();
        Assert.Equal(bytes, await _host.GetAsync(theirs.Asset.Id, "rival"));
        Assert.Equal(0, (await _host.Assets.StatsAsync(new AssetStatsRequest { Tenant = "acme" })).Tenants.Single().Sums.ChunkCount);
    }

    [Fact]
    public async Task A_tenant_holds_no_more_than_its_quota()
    {
        await _host.Records.CreateAsync(new Aurae.Records.V0.CreateRecordRequest { Record = Draft(new Tenant { Name = "small", AssetBytesMax = 1_000_000 }) });
        var put = await _host.PutAsync(AssetHost.Random(8, 900_000), new UploadHeader { Tenant = "small" });
        await FailsAsync(StatusCode.ResourceExhausted, null, () => _host.PutAsync(AssetHost.Random(9, 900_000), new UploadHeader { Tenant = "small" }));
        Assert.Equal(900_000, (await _host.GetAsync(put.Asset.Id, "small")).Length);
        await _host.Assets.DeleteAsync(new DeleteAssetRequest { Tenant = "small", Asset = put.Asset.Id });
        await _host.CollectAsync();
        Assert.NotEqual(0, (await _host.PutAsync(AssetHost.Random(9, 900_000), new UploadHeader { Tenant = "small" })).NewChunkCount);
        var sums = (await _host.Assets.StatsAsync(new AssetStatsRequest { Tenant = "small" })).Tenants.Single();
        Assert.InRange(sums.Sums.StoredSize, 900_000, 1_000_000);
        Assert.Equal(1_000_000u, sums.StoredSizeMax);
    }

    [Fact]
    public async Task Uploads_side_by_side_never_go_over_the_quota_together()
    {
        await _host.Records.CreateAsync(new Aurae.Records.V0.CreateRecordRequest { Record = Draft(new Tenant { Name = "small", AssetBytesMax = 1_000_000 }) });
        var put = await Task.WhenAll(Enumerable.Range(20, 6).Select(async seed =>
        {
            var bytes = AssetHost.Random(seed, 400_000);
            try
            {
                return (seed % 2 == 0 ? await _host.PutAsync(bytes, new UploadHeader { Tenant = "small" }) : (await _host.PutChunksAsync(bytes, "small")).Response).Asset;
            }
            catch (RpcException full) when (full.StatusCode == StatusCode.ResourceExhausted)
            {
                Assert.Contains("may hold 1000000 bytes", full.Status.Detail, StringComparison.Ordinal);
                return null;
            }
        }));
        Assert.InRange((await SumsAsync()).StoredSize, 0, 1_000_000);
        Assert.InRange(put.Count(asset => asset is not null), 0, 2);
        var listed = (await _host.Assets.ListAsync(new ListAssetsRequest { Tenant = "small" })).Assets.Select(asset => asset.Asset.Id);
        Assert.Equal(put.OfType<Asset>().Select(asset => asset.Id).Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));

        // What the refused ones had brought goes with the collections, and then there is room for what fits.
        await _host.CollectAsync();
        await _host.CollectAsync();
        Assert.InRange((await SumsAsync()).StoredSize, put.OfType<Asset>().Sum(asset => asset.Size), (put.OfType<Asset>().Count() * 400_000) + 10_000);
        // Another tenant's copy of the same chunks counts as if nobody had them.
        await _host.PutAsync(AssetHost.Random(30, 900_000), new UploadHeader { Tenant = "large" });
        if (put.OfType<Asset>().Any())
        {
            await FailsAsync(StatusCode.ResourceExhausted, null, () => _host.PutAsync(AssetHost.Random(30, 900_000), new UploadHeader { Tenant = "small" }));
        }

        async Task<AssetSums> SumsAsync() => (await _host.Assets.StatsAsync(new AssetStatsRequest { Tenant = "small" })).Tenants.Single().Sums;
    }

    private async Task AssertNothingIsLeftAsync()
    {
        await _host.CollectAsync();
        await _host.CollectAsync();
        var stats = await _host.Assets.StatsAsync(new AssetStatsRequest());
        Assert.Equal((0, 0, 0), (stats.Total.AssetCount, stats.Total.ChunkCount, stats.Total.UploadCount));
        Assert.All(stats.Tenants, tenant => Assert.Equal(0, tenant.Sums.StoredSize));
    }
}
