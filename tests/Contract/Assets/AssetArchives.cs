using Aurae.Assets.V0;
using Aurae.Records.V0;
using Auraed.Chunks;
using Auraed.Tests.Support;
using Google.Protobuf;
using Grpc.Core;

namespace Auraed.Tests.Contract.Assets;

/// <summary>Assets that go to a backend and come back, with a real server behind each kind of it.</summary>
public sealed class AssetArchives : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private AssetHost _host = null!;

    public async Task InitializeAsync()
    {
        Configure("[cold]", $"location = \"{_directory["cold.castr"]}\"", "[web]", "location = \"http://127.0.0.1:1/store\"");
        _host = await AssetHost.StartAsync(("assets.backends_file", _directory["backends"]));
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task An_archived_asset_is_read_from_its_backend_and_leaves_the_file_and_comes_back()
    {
        byte[] bytes = [.. AssetHost.Random(1, 2_000_000), .. AssetHost.Compressible(1, 2_000_000)];
        var asset = (await _host.PutAsync(bytes, new UploadHeader { Tag = "v1" })).Asset;
        var archived = await ArchiveAsync("v1");
        Assert.Equal((asset.Id, "cold", AssetHost.Index(bytes).Ids.ToArray().Distinct().Count()), (archived.Archive.Asset, archived.Archive.Backend, archived.CopiedChunkCount));
        Assert.Equal(archived.CopiedChunkCount, archived.FreedChunkCount);
        var stat = await _host.Assets.StatAsync(new StatAssetRequest { Asset = "v1" });
        Assert.Equal(("cold", 0, archived.FreedSize, archived.FreedChunkCount), (stat.Backend, stat.StoredSize, stat.ArchivedSize, stat.ArchivedChunkCount));
        var sums = (await _host.Assets.StatsAsync(new AssetStatsRequest())).Total;
        Assert.Equal((0, archived.FreedSize), (sums.StoredSize, sums.ArchivedSize));
        await IsSoundAsync();

        Assert.Equal(bytes, await _host.GetAsync("v1"));
        Assert.Equal(bytes[1_999_000..2_100_000], await _host.GetAsync("v1", offset: 1_999_000, length: 101_000, frames: false));
        Assert.Equal(bytes, await _host.GetAsync("v1", frames: true));
        Assert.Equal(bytes[..AssetHost.Index(bytes)[0].Length], await FetchAsync(AssetHost.Index(bytes).Ids[0]));
        // The backend is a store of casync's, the index included.
        Tool.Run("casync", "extract", $"--store={_directory["cold.castr"]}", $"{_directory["cold.castr"]}/{asset.Id}.caibx", _directory["theirs"]).Succeeded();
        Assert.Equal(bytes, await File.ReadAllBytesAsync(_directory["theirs"]));

        var backend = Assert.Single((await _host.Assets.ListBackendsAsync(new ListBackendsRequest())).Backends, backend => backend.Name == "cold");
        Assert.Equal((false, archived.FreedChunkCount, archived.FreedSize), (backend.ReadOnly, backend.ArchivedChunkCount, backend.ArchivedSize));
        Assert.Equal(0, (await ArchiveAsync("v1")).CopiedChunkCount);
        var restored = await RestoreAsync("v1");
        Assert.Equal((archived.FreedChunkCount, archived.FreedSize), (restored.RestoredChunkCount, restored.RestoredSize));
        Directory.Delete(_directory["cold.castr"], recursive: true);
        Assert.Equal(bytes, await _host.GetAsync("v1"));
        Assert.Equal(0, (await _host.CollectAsync()).FreedChunkCount);
        Assert.Equal(StatusCode.FailedPrecondition, await FailsAsync(() => RestoreAsync("v1")));
        await IsSoundAsync();
    }

    [Fact]
    public async Task A_read_only_tenant_is_refused_before_anything_is_copied()
    {
        await _host.PutAsync(AssetHost.Random(31, 500_000), new UploadHeader { Tag = "kept", Tenant = "acme" });
        await _host.Records.CreateAsync(new CreateRecordRequest { Record = RecordServer.Draft(new Aurae.Hosts.V0.Tenant { Name = "acme", ReadOnly = true }) });
        Assert.Equal(StatusCode.FailedPrecondition, await FailsAsync(async () =>
        {
            await foreach (var _ in _host.Assets.Archive(new ArchiveAssetRequest { Tenant = "acme", Asset = "kept", Backend = "cold" }).ResponseStream.ReadAllAsync())
            {
            }
        }));
        Assert.False(Directory.Exists(_directory["cold.castr"]) && Directory.EnumerateFiles(_directory["cold.castr"], "*.cacnk", SearchOption.AllDirectories).Any());
    }

    [Fact]
    public async Task Chunks_of_other_assets_stay_until_those_are_archived_or_gone()
    {
        var shared = AssetHost.Random(2, 1_000_000);
        byte[] first = [.. shared, .. AssetHost.Random(3, 500_000)];
        byte[] second = [.. shared, .. AssetHost.Random(4, 500_000)];
        await _host.PutAsync(first, new UploadHeader { Tag = "first" });
        await _host.PutAsync(second, new UploadHeader { Tag = "second" });
        var own = AssetHost.Index(first).Ids.ToArray().Except(AssetHost.Index(second).Ids.ToArray()).Count();
        var archived = await ArchiveAsync("first");
        Assert.Equal(own, archived.FreedChunkCount);
        Assert.Equal(second, await _host.GetAsync("second"));
        await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = "second", Untag = true });
        await _host.CollectAsync();
        Assert.Equal(0, (await _host.Assets.StatAsync(new StatAssetRequest { Asset = "first" })).StoredSize);
        Assert.Equal(first, await _host.GetAsync("first"));
        await IsSoundAsync();
        await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = "first", Untag = true });
        await _host.CollectAsync();
        await _host.CollectAsync();
        var sums = (await _host.Assets.StatsAsync(new AssetStatsRequest())).Total;
        Assert.Equal((0, 0, 0), (sums.ChunkCount, sums.StoredSize, sums.ArchivedSize));
    }

    [Fact]
    public async Task An_upload_of_archived_chunks_brings_them_into_the_file()
    {
        var bytes = AssetHost.Random(5, 1_000_000);
        await _host.PutAsync(bytes, new UploadHeader { Tag = "old" });
        await ArchiveAsync("old");
        byte[] longer = [.. bytes, .. AssetHost.Random(6, 300_000)];
        var (_, sent) = await _host.PutChunksAsync(longer);
        Assert.Equal(AssetHost.Index(longer).Ids.ToArray().Distinct().Count(), sent);
        Directory.Delete(_directory["cold.castr"], recursive: true);
        await _host.CollectAsync();
        Assert.Equal(longer, await _host.GetAsync(AssetHost.Caid(longer)));
        await IsSoundAsync();
        // What only the archived asset has is gone with its backend: it is named, and never short.
        var failure = await Assert.ThrowsAsync<RpcException>(() => _host.GetAsync("old"));
        Assert.Equal(StatusCode.DataLoss, failure.StatusCode);
        Assert.Contains("archived", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_backend_has_not_right_is_replaced_and_a_damaged_chunk_does_not_go_there()
    {
        var bytes = AssetHost.Random(7, 500_000);
        var asset = (await _host.PutAsync(bytes, new UploadHeader { Tag = "v" })).Asset;
        var path = Path.Combine(_directory["cold.castr"], ChunkFile.PathOf(AssetHost.Index(bytes).Ids[1]));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path, AssetHost.Frame("something else"u8));
        await ArchiveAsync("v");
        Assert.Equal(bytes, await _host.GetAsync(asset.Id));

        var other = AssetHost.Random(8, 500_000);
        await _host.PutAsync(other, new UploadHeader { Tag = "hurt" });
        await DamageAsync(AssetHost.Index(other).Ids[2]);
        var failure = await Assert.ThrowsAsync<RpcException>(() => ArchiveAsync("hurt"));
        Assert.Equal(StatusCode.DataLoss, failure.StatusCode);
        Assert.Contains(AssetHost.Index(other).Ids[2].ToString(), failure.Status.Detail, StringComparison.Ordinal);
        Assert.Equal("", (await _host.Assets.StatAsync(new StatAssetRequest { Asset = "hurt" })).Backend);
    }

    [Fact]
    public async Task A_backend_whose_chunk_is_wrong_is_refused_with_chunk_and_asset_and_the_asset_stays_archived()
    {
        var bytes = AssetHost.Random(12, 700_000);
        var asset = (await _host.PutAsync(bytes, new UploadHeader { Tag = "v" })).Asset.Id;
        var archived = await ArchiveAsync("v");
        var id = AssetHost.Index(bytes).Ids[1];
        var path = Path.Combine(_directory["cold.castr"], ChunkFile.PathOf(id));
        var right = await File.ReadAllBytesAsync(path);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        foreach (var wrong in new[] { [], right[..^1], [.. right, 0], [.. right, .. right], AssetHost.Frame("other"u8), AssetHost.Frame(new byte[5_000_000]), AssetHost.UnsizedBomb(64) })
        {
            await File.WriteAllBytesAsync(path, wrong);
            foreach (var call in new Func<Task>[] { () => _host.GetAsync("v"), () => _host.GetAsync("v", frames: true), () => RestoreAsync("v") })
            {
                var failure = await Assert.ThrowsAsync<RpcException>(call);
                Assert.Equal(StatusCode.DataLoss, failure.StatusCode);
                Assert.Contains($"chunk {id}", failure.Status.Detail, StringComparison.Ordinal);
                Assert.Contains($"asset {asset}", failure.Status.Detail, StringComparison.Ordinal);
                Assert.Contains("cold.castr", failure.Status.Detail, StringComparison.Ordinal);
            }

            Assert.Equal("cold", (await _host.Assets.StatAsync(new StatAssetRequest { Asset = "v" })).Backend);
        }

        await File.WriteAllBytesAsync(path, right);
        await RestoreAsync("v");
        Assert.Equal(archived.FreedSize, (await _host.Assets.StatAsync(new StatAssetRequest { Asset = "v" })).StoredSize);
        Assert.Equal(bytes, await _host.GetAsync("v"));
        await IsSoundAsync();
    }

    [Theory]
    [InlineData("something else")]
    [InlineData("nothing")]
    [InlineData("too much")]
    public async Task A_backend_that_takes_a_chunk_and_does_not_keep_it_is_found_out_before_anything_leaves_the_file(string kept)
    {
        await using var liar = await HttpPeer.StartAsync(async context =>
        {
            context.Response.StatusCode = context.Request.Method == "PUT" || (kept != "nothing" && context.Request.Method == "GET") ? 200 : 404;
            if (context.Request.Method == "GET" && kept != "nothing")
            {
                await context.Response.Body.WriteAsync(kept == "too much" ? new byte[600_000] : AssetHost.Frame("something else"u8));
            }
        });
        await File.WriteAllTextAsync(_directory["credentials"], "[default]\naws_access_key_id = A\naws_secret_access_key = B\n");
        Configure("[liar]", $"location = \"s3+{liar.Location}/bucket\"", $"credentials_file = \"{_directory["credentials"]}\"");
        _host = await _host.RestartAsync(("assets.backends_file", _directory["backends"]));
        var bytes = AssetHost.Random(13, 300_000);
        var asset = (await _host.PutAsync(bytes, new UploadHeader { Tag = "v" })).Asset.Id;
        var failure = await Assert.ThrowsAsync<RpcException>(() => ArchiveAsync("v"));
        Assert.Equal(StatusCode.DataLoss, failure.StatusCode);
        Assert.Contains($"asset {asset}", failure.Status.Detail, StringComparison.Ordinal);
        Assert.Contains(AssetHost.Index(bytes).Ids.ToArray(), id => failure.Status.Detail.Contains($"chunk {id}", StringComparison.Ordinal));
        var stat = await _host.Assets.StatAsync(new StatAssetRequest { Asset = "v" });
        Assert.Equal(("", 0), (stat.Backend, stat.ArchivedSize));
        Assert.Equal(bytes, await _host.GetAsync("v"));
    }

    [Fact]
    public async Task A_scrub_mends_from_a_backend_that_has_the_chunk()
    {
        var bytes = AssetHost.Random(9, 500_000);
        var asset = (await _host.PutAsync(bytes, new UploadHeader { Tag = "v" })).Asset;
        await ArchiveAsync("v");
        await RestoreAsync("v");
        await DamageAsync(AssetHost.Index(bytes).Ids[2]);
        DamagedChunk? damaged = null;
        ScrubResult? result = null;
        await foreach (var message in _host.Assets.Scrub(new ScrubRequest { Restart = true }).ResponseStream.ReadAllAsync())
        {
            (damaged, result) = (message.Damaged ?? damaged, message.Result ?? result);
        }

        Assert.Equal((1, 1, "cold", asset.Id), (result!.DamagedChunkCount, result.MendedChunkCount, damaged!.MendedFrom, damaged.Assets.Single().Id));
        Assert.Equal(bytes, await _host.GetAsync("v"));
        Assert.Equal(0, (await _host.Assets.StatAsync(new StatAssetRequest { Asset = "v" })).DamagedChunkCount);
        await IsSoundAsync();
        var told = await _host.TextsAsync("SELECT kind || ' ' || subject FROM event WHERE kind GLOB 'scrub.*'");
        Assert.Equal([$"scrub.mended {asset.Id}"], told);
    }

    [Fact]
    public async Task Backends_are_named_right_and_only_written_where_that_can_be()
    {
        await _host.PutAsync(AssetHost.Random(10, 100_000), new UploadHeader { Tag = "v" });
        Assert.Equal(StatusCode.FailedPrecondition, await FailsAsync(() => ArchiveAsync("v", "web")));
        Assert.Equal(StatusCode.FailedPrecondition, await FailsAsync(() => ArchiveAsync("v", "nowhere")));
        await ArchiveAsync("v");
        Configure("[other]", $"location = \"{_directory["other.castr"]}\"");
        _host = await _host.RestartAsync(("assets.backends_file", _directory["backends"]));
        var failure = await Assert.ThrowsAsync<RpcException>(() => _host.GetAsync("v"));
        Assert.Contains("'cold'", failure.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(StatusCode.FailedPrecondition, await FailsAsync(() => ArchiveAsync("v")));
        // What is archived is the service's own to say.
        var record = new DeleteRecordRequest { Type = "asset_archive", Name = AssetHost.Caid(AssetHost.Random(10, 100_000)) };
        Assert.Equal(StatusCode.FailedPrecondition, await FailsAsync(async () => await _host.Records.DeleteAsync(record)));
    }

    [Theory]
    [InlineData("sftp")]
    [InlineData("s3")]
    public async Task Backends_behind_other_servers_do_the_same(string kind)
    {
        await using var ssh = kind == "sftp" ? await SshServer.StartAsync() : null;
        await using var s3 = kind == "s3" ? await S3Server.StartAsync() : null;
        if (ssh is not null)
        {
            Directory.CreateDirectory(ssh["store"]);
        }

        Configure(ssh is not null
            ? Far(ssh)
            : ["[far]", $"location = \"{s3!.Location}/archive\"", $"credentials_file = \"{s3.CredentialsFile}\""]);
        _host = await _host.RestartAsync(("assets.backends_file", _directory["backends"]));
        var bytes = AssetHost.Random(11, 1_500_000);
        await _host.PutAsync(bytes, new UploadHeader { Tag = "v" });
        var archived = await ArchiveAsync("v", "far");
        Assert.Equal(archived.CopiedChunkCount, archived.FreedChunkCount);
        Assert.Equal(bytes, await _host.GetAsync("v"));
        Assert.Equal(archived.FreedChunkCount, (await RestoreAsync("v")).RestoredChunkCount);
        Assert.Equal(bytes, await _host.GetAsync("v"));
        await IsSoundAsync();
    }

    [Fact]
    public async Task An_asset_whose_index_nobody_would_read_is_not_archived()
    {
        var put = await _host.PutAsync(AssetHost.Random(90, 100_000));
        await _host.Database.WriteAsync(unit => unit.Prepare("UPDATE content SET chunk_count = 7000000").Execute(), CancellationToken.None);
        Assert.Equal(StatusCode.FailedPrecondition, await FailsAsync(() => ArchiveAsync(put.Asset.Id)));
    }

    [Fact]
    public async Task Nothing_leaves_the_file_for_a_backend_that_cannot_sync()
    {
        await using var ssh = await SshServer.StartAsync("internal-sftp -P fsync");
        Directory.CreateDirectory(ssh["store"]);
        Configure(Far(ssh));
        _host = await _host.RestartAsync(("assets.backends_file", _directory["backends"]));
        var bytes = AssetHost.Random(14, 300_000);
        await _host.PutAsync(bytes, new UploadHeader { Tag = "v" });
        var failure = await Assert.ThrowsAsync<RpcException>(() => ArchiveAsync("v", "far"));
        Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
        Assert.Contains("cannot sync", failure.Status.Detail, StringComparison.Ordinal);
        var stat = await _host.Assets.StatAsync(new StatAssetRequest { Asset = "v" });
        Assert.Equal(("", 0), (stat.Backend, stat.ArchivedSize));
        Assert.Empty(Directory.GetFileSystemEntries(ssh["store"]));
    }

    private static string[] Far(SshServer ssh) =>
    [
        "[far]", $"location = \"sftp://{Environment.UserName}@127.0.0.1:{ssh.Port}{ssh["store"]}\"", $"identity_file = \"{ssh.IdentityFile}\"", $"known_hosts_file = \"{ssh.KnownHostsFile}\"",
        $"configuration_file = \"{ssh.ConfigurationFile}\"",
    ];

    private void Configure(params string[] lines) => File.WriteAllLines(_directory["backends"], lines);

    private Task<int> DamageAsync(ChunkId id) => _host.Database.WriteAsync(
        unit =>
        {
            var update = unit.Prepare("UPDATE chunk_body SET frame = zeroblob(length(frame)) WHERE number = (SELECT number FROM chunk WHERE id = ?)");
            update.Blob(0, id.ToByteArray());
            return update.Execute();
        },
        CancellationToken.None);

    private async Task<ArchiveAssetResult> ArchiveAsync(string asset, string backend = "")
    {
        ArchiveAssetResult? result = null;
        await foreach (var message in _host.Assets.Archive(new ArchiveAssetRequest { Asset = asset, Backend = backend }).ResponseStream.ReadAllAsync())
        {
            result = message.Result ?? result;
        }

        return result!;
    }

    private async Task<RestoreAssetResult> RestoreAsync(string asset)
    {
        RestoreAssetResult? result = null;
        await foreach (var message in _host.Assets.Restore(new RestoreAssetRequest { Asset = asset }).ResponseStream.ReadAllAsync())
        {
            result = message.Result ?? result;
        }

        return result!;
    }

    private async Task<byte[]> FetchAsync(ChunkId id)
    {
        using var call = _host.Assets.FetchChunks(new FetchChunksRequest { Ids = { ByteString.CopyFrom(id.ToByteArray()) } });
        var chunk = (await call.ResponseStream.ReadAllAsync().SingleAsync()).Chunks.Chunks.Single();
        using var file = new ChunkFile();
        var content = new byte[chunk.Size];
        return content[..file.Read(chunk.Frame.Span, id, ChunkDigest.Sha256, content, "the daemon")];
    }

    private static async Task<StatusCode> FailsAsync(Func<Task> call) => (await Assert.ThrowsAsync<RpcException>(call)).StatusCode;

    private async Task IsSoundAsync() => Assert.Empty((await _host.Database.VerifyAsync(null, CancellationToken.None)).Findings);
}
