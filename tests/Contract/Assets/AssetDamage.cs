using Aurae.Assets.V0;
using Auraed.Chunks;
using Auraed.Tests.Support;
using Google.Protobuf;
using Grpc.Core;
using static Auraed.Tests.Support.RecordServer;

namespace Auraed.Tests.Contract.Assets;

/// <summary>
/// Bytes of the file that the disk has changed, beneath the engine: pages whose seal does not hold. A chunk that stands in them is named, everything else goes on, and the chunk and the
/// file are mended by whoever has its bytes.
/// </summary>
public sealed class AssetDamage : IAsyncLifetime
{
    private const int PageBytes = 4096;

    // Pages of a chunk's chain.
    private const int First = 0;
    private const int Middle = 5;
    private const int Last = -1;

    private static readonly byte[] Bytes = AssetHost.Random(1, 1_000_000);
    private static readonly AssetIndex Index = AssetHost.Index(Bytes);

    /// <summary>The number of a chunk whose chain has enough pages, and that has one before it.</summary>
    private static readonly int Hurt = Enumerable.Range(1, Index.Count - 1).First(chunk => Index[chunk].Length > (Middle + 3) * PageBytes);

    private readonly TemporaryDirectory _directory = new();
    private AssetHost _host = null!;
    private Asset _asset = null!;

    private (string, string)[] Flags => [("assets.backends_file", _directory["backends"]), ("listen.plaintext_socket", _directory["plain.sock"])];

    public async Task InitializeAsync()
    {
        File.WriteAllLines(_directory["backends"], ["[cold]", $"location = \"{_directory["cold.castr"]}\""]);
        File.WriteAllText(_directory["client"], $"[system]\nsocket = \"{_directory["plain.sock"]}\"\n");
        _host = await AssetHost.StartAsync(Flags);
        _asset = (await _host.PutAsync(Bytes, new UploadHeader { Tag = "hurt", Title = "hurt" })).Asset;
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_scrub_names_the_chunk_and_its_asset_and_comes_to_the_end()
    {
        await _host.PutAsync(AssetHost.Random(2, 500_000), new UploadHeader { Tag = "sound" });
        await DamageAsync(Hurt, Middle);
        var (result, damaged) = await ScrubAsync();
        Assert.Equal((true, 1, 0), (result.Complete, result.DamagedChunkCount, result.MendedChunkCount));
        var chunk = Assert.Single(damaged);
        Assert.Equal(IdOf(Hurt).ToByteArray(), chunk.Id.ToByteArray());
        Assert.Equal(_asset.Id, Assert.Single(chunk.Assets).Id);
        Assert.Contains("cannot be read", chunk.Reason, StringComparison.Ordinal);
        Assert.Equal([_asset.Id], await _host.TextsAsync("SELECT subject FROM event WHERE kind = 'scrub.damaged'"));
        Assert.Equal(1, (await _host.Assets.StatAsync(new StatAssetRequest { Asset = "hurt" })).DamagedChunkCount);
        Assert.True((await ScrubAsync()).Result.Complete);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_reads_the_chunk_is_told_which_it_is_and_what_to_do(bool frames)
    {
        await DamageAsync(Hurt, Middle);
        var failure = await FailsAsync(StatusCode.DataLoss, null, () => _host.GetAsync("hurt", frames: frames));
        Assert.Contains($"chunk {IdOf(Hurt)} of asset {_asset.Id}", failure.Status.Detail, StringComparison.Ordinal);
        failure = await FailsAsync(StatusCode.DataLoss, null, () => FetchAsync(IdOf(Hurt - 1), IdOf(Hurt)));
        Assert.Contains($"chunk {IdOf(Hurt)}", failure.Status.Detail, StringComparison.Ordinal);
        failure = await FailsAsync(StatusCode.DataLoss, null, ArchiveAsync);
        Assert.Contains($"chunk {IdOf(Hurt)} of asset {_asset.Id}", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("new.img")]
    [InlineData("-")]
    public async Task The_command_says_the_same(string file)
    {
        await DamageAsync(Hurt, Middle);
        var run = await Support.Cli.RunAsync(["assets", "get", "hurt", file == "-" ? file : _directory[file], "--client-config", _directory["client"]]);
        Assert.NotEqual(0, run.Code);
        Assert.Contains($"chunk {IdOf(Hurt)}", run.Error, StringComparison.Ordinal);
        Assert.Contains($"asset {_asset.Id}", run.Error, StringComparison.Ordinal);
        Assert.Contains("auraed assets scrub", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Middle)]
    [InlineData(Last)]
    public async Task A_connection_that_met_the_page_reads_nothing_else(int page)
    {
        await DamageAsync(Hurt, page);
        for (var round = 0; round < 20; round++)
        {
            await FailsAsync(StatusCode.DataLoss, null, () => _host.GetAsync("hurt", frames: true));
            Assert.Equal(_asset.Id, (await _host.Assets.StatAsync(new StatAssetRequest { Asset = "hurt" })).Asset.Id);
            Assert.Single(await _host.TextsAsync("SELECT count(*) FROM event"));
        }
    }

    [Theory]
    [InlineData(First, 2000, 1)]
    [InlineData(Middle, 2000, 1)]
    [InlineData(Last, 10, 1)]
    [InlineData(Middle, 1, 1)]
    [InlineData(Middle, 4050, 1)]
    [InlineData(Middle, 0, PageBytes)]
    [InlineData(Last, 0, PageBytes)]
    public async Task Putting_the_asset_again_mends_the_chunk_and_the_file(int page, int offset, int length)
    {
        await DamageAsync(Hurt, page, offset, length);
        Assert.Equal(1, (await ScrubAsync()).Result.DamagedChunkCount);
        var (response, sent) = await _host.PutChunksAsync(Bytes);
        Assert.Equal((true, 1), (response.Existed, sent));
        await IsMendedAsync();
        _host = await _host.RestartAsync(Flags);
        await IsMendedAsync();
    }

    [Fact]
    public async Task A_frame_of_otherBytes_takes_the_place_too()
    {
        await DamageAsync(Hurt, Middle);
        await ScrubAsync();
        await _host.PutChunksAsync(Bytes, change: chunk => chunk.Frame.IsEmpty ? chunk : new Chunk(chunk) { Frame = ByteString.CopyFrom(AssetHost.RawFrame(Content(Hurt))) });
        await IsMendedAsync();
    }

    [Fact]
    public async Task A_backend_mends_the_chunk_and_the_file()
    {
        await ArchiveAsync();
        using (var call = _host.Assets.Restore(new RestoreAssetRequest { Asset = "hurt" }))
        {
            await foreach (var _ in call.ResponseStream.ReadAllAsync())
            {
            }
        }

        await DamageAsync(Hurt, Middle, 0, PageBytes);
        var (result, damaged) = await ScrubAsync();
        Assert.Equal((true, 1, 1), (result.Complete, result.DamagedChunkCount, result.MendedChunkCount));
        Assert.Equal("cold", Assert.Single(damaged).MendedFrom);
        Assert.Equal([_asset.Id], await _host.TextsAsync("SELECT subject FROM event WHERE kind = 'scrub.mended'"));
        await IsMendedAsync();
    }

    [Fact]
    public async Task A_chunk_that_nobody_has_any_more_is_collected_all_the_same()
    {
        await DamageAsync(Hurt, Middle);
        await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = "hurt", Untag = true });
        Assert.Equal(_asset.ChunkCount, (await _host.CollectAsync()).RemovedChunkCount);
        await IsSoundAsync();
        await _host.PutAsync(Bytes, new UploadHeader { Tag = "hurt" });
        await IsMendedAsync();
    }

    [Fact]
    public async Task Where_the_page_that_leads_to_chunks_is_lost_they_are_left_alone_and_the_rest_goes_on()
    {
        var other = AssetHost.Random(3, 300_000);
        var page = long.Parse((await _host.TextsAsync("SELECT pageno FROM dbstat WHERE name = 'chunk_body' AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET 1")).Single(), null);
        _host = await _host.RestartAsync(file => Flip(file, page, 3000, 1), Flags);
        var (result, damaged) = await ScrubAsync();
        Assert.True(result.Complete);
        Assert.NotEmpty(damaged);
        Assert.True(damaged.Count < _asset.ChunkCount);
        var failure = await FailsAsync(StatusCode.DataLoss, null, async () => await _host.PutChunksAsync(Bytes));
        Assert.Contains("cannot be written again", failure.Status.Detail, StringComparison.Ordinal);
        await _host.PutAsync(other, new UploadHeader { Tag = "other" });
        await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = "hurt", Untag = true });
        Assert.InRange((await _host.CollectAsync()).RemovedChunkCount, 1, _asset.ChunkCount - damaged.Count);
        Assert.Equal(0, (await _host.CollectAsync()).RemovedChunkCount);
        Assert.Equal(other, await _host.GetAsync("other"));
    }

    private static ChunkId IdOf(int chunk) => Index.Ids[chunk];

    private static ReadOnlySpan<byte> Content(int chunk) => Bytes.AsSpan((int)Index[chunk].Offset, Index[chunk].Length);

    /// <summary>Changes bytes of an overflow page of the chunk, counted from the first page, or from the last.</summary>
    private async Task DamageAsync(int chunk, int page, int offset = 2000, int length = 1)
    {
        var pages = (await _host.TextsAsync("SELECT path || ' ' || pageno FROM dbstat WHERE name = 'chunk_body' AND pagetype = 'overflow' ORDER BY path"))
            .Select(text => text.Split('+', ' ')).GroupBy(parts => parts[0], parts => long.Parse(parts[2], null)).ElementAt(chunk).ToArray();
        Assert.True(pages.Length > Middle + 1);
        _host = await _host.RestartAsync(file => Flip(file, page < 0 ? pages[^-page] : pages[page], offset, length), Flags);
    }

    private static void Flip(FileStream file, long page, int offset, int length)
    {
        var bytes = new byte[length];
        file.Position = ((page - 1) * PageBytes) + offset;
        file.ReadExactly(bytes);
        file.Position -= length;
        file.Write([.. bytes.Select(value => (byte)~value)]);
    }

    private async Task<(ScrubResult Result, List<DamagedChunk> Damaged)> ScrubAsync()
    {
        ScrubResult? result = null;
        var damaged = new List<DamagedChunk>();
        await foreach (var message in _host.Assets.Scrub(new ScrubRequest { Restart = true }).ResponseStream.ReadAllAsync())
        {
            result = message.Result ?? result;
            damaged.AddRange(message.Damaged is { } chunk ? [chunk] : []);
        }

        return (result!, damaged);
    }

    private async Task FetchAsync(params ChunkId[] ids)
    {
        var request = new FetchChunksRequest();
        request.Ids.AddRange(ids.Select(id => ByteString.CopyFrom(id.ToByteArray())));
        await foreach (var _ in _host.Assets.FetchChunks(request).ResponseStream.ReadAllAsync())
        {
        }
    }

    private async Task ArchiveAsync()
    {
        await foreach (var _ in _host.Assets.Archive(new ArchiveAssetRequest { Asset = "hurt", Backend = "cold" }).ResponseStream.ReadAllAsync())
        {
        }
    }

    private async Task IsMendedAsync()
    {
        Assert.Equal(Bytes, await _host.GetAsync("hurt"));
        Assert.Equal(0, (await ScrubAsync()).Result.DamagedChunkCount);
        Assert.Equal(0, (await _host.Assets.StatAsync(new StatAssetRequest { Asset = "hurt" })).DamagedChunkCount);
        await IsSoundAsync();
        using var copy = new TemporaryDirectory();
        await _host.Database.BackupAsync(copy["copy.db"], null, CancellationToken.None);
    }

    private async Task IsSoundAsync() => Assert.Empty((await _host.Database.VerifyAsync(null, CancellationToken.None)).Findings);
}
