using System.Buffers.Binary;
using Aurae.Assets.V0;
using Auraed.Chunks;
using Auraed.Chunks.Stores;
using Auraed.Tests.Support;
using Auraed.Tests.Unit.Chunks;

namespace Auraed.Tests.Contract.Assets;

/// <summary>`auraed assets` with stores, indexes and a daemon whose bytes are wrong: the chunk and the asset are named, and nothing is there that was not.</summary>
public sealed class AssetRefusals : IAsyncLifetime
{
    private const int Entry = 64;
    private const int EntryBytes = 40;

    private readonly TemporaryDirectory _directory = new();
    private readonly TestAsset _asset = new(CasyncInputs.Make("rand-1m"));
    private AssetHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await AssetHost.StartAsync(("listen.plaintext_socket", _directory["plain.sock"]));
        await File.WriteAllTextAsync(_directory["client"], $"[system]\nsocket = \"{_directory["plain.sock"]}\"\n");
        await _asset.PushAsync(new DirectoryStore(_directory["store"]));
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(ChunkDigest.Sha256)]
    [InlineData(ChunkDigest.Sha512Over256)]
    public async Task A_store_whose_chunk_is_wrong_is_refused_with_chunk_store_and_index(ChunkDigest digest)
    {
        // By another digest, the bytes are cut anew, in a stream: another way with the same answers.
        var asset = new TestAsset(_asset.Content, digest: digest);
        await asset.PushAsync(new DirectoryStore(_directory["store"]));
        await File.WriteAllBytesAsync(_directory["a.caibx"], asset.Index.ToByteArray());
        var right = asset.FileOf(3);
        (string Why, byte[]? File)[] cases =
        [
            ("is in none of the stores", null),
            ("does not begin with a zstd frame", []),
            ("damaged or cut", right[..^5]),
            ("1 bytes after its zstd frame", [.. right, 0]),
            ("bytes where at most", [.. right, .. right]),
            ("bytes after its zstd frame", [.. TestAsset.ToFile([1]), .. TestAsset.ToFile([1])]),
            ("holds 5 bytes with the", TestAsset.ToFile([1, 2, 3, 4, 5])),
            ("holds", asset.FileOf(4)),
            ("bytes where at most", TestAsset.ToFile(new byte[4 << 20])),
            ("cannot be inflated to at most", AssetHost.UnsizedBomb(64)),
        ];
        foreach (var (why, file) in cases)
        {
            Place(asset.Index[3].Id, file);
            var refused = await RefusedAsync("import", _directory["a.caibx"], "--store", _directory["store"], "--tag", "a");
            Assert.Contains(why, refused, StringComparison.Ordinal);
            Assert.Contains($"chunk {asset.Index[3].Id}", refused, StringComparison.Ordinal);
            Assert.Contains(_directory["store"], refused, StringComparison.Ordinal);
            Assert.Contains(_directory["a.caibx"], refused, StringComparison.Ordinal);
        }

        Place(asset.Index[3].Id, right);
        (await RunAsync("import", _directory["a.caibx"], "--store", _directory["store"], "--tag", "a")).Succeeded();
        Assert.Equal(asset.Content, await _host.GetAsync("a"));
    }

    [Fact]
    public async Task An_index_that_overlaps_descends_or_overflows_is_refused_with_its_chunk()
    {
        var right = _asset.Index.ToByteArray();
        (string Why, int Chunk, ulong End)[] cases =
        [
            ("chunk 2 end at", 2, (ulong)_asset.Index[1].End),
            ("chunk 2 end at", 2, (ulong)_asset.Index[1].Offset),
            ("chunk 2 of", 2, (ulong)_asset.Index[1].End + 262_145),
            ("chunk 0 end at", 0, 0),
            ("chunk 7 of", 7, ulong.MaxValue),
        ];
        foreach (var (why, chunk, end) in cases)
        {
            var wrong = right.ToArray();
            BinaryPrimitives.WriteUInt64LittleEndian(wrong.AsSpan(Entry + (EntryBytes * chunk)), end);
            await File.WriteAllBytesAsync(_directory["b.caibx"], wrong);
            var refused = await RefusedAsync("import", _directory["b.caibx"], "--store", _directory["store"]);
            Assert.Contains($"index {_directory["b.caibx"]} has {why}", refused, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task An_index_that_lies_about_lengths_is_refused_with_chunk_and_index(int longer)
    {
        var lie = Enumerable.Range(1, _asset.Index.Count).First(chunk => _asset.Index[chunk].Length < _asset.Index.Sizes.Max);
        var builder = new AssetIndex.Builder(_asset.Index.Sizes);
        for (var chunk = 0; chunk < _asset.Index.Count; chunk++)
        {
            builder.Add(_asset.Index[chunk].Length + (chunk == lie ? longer : 0), _asset.Index[chunk].Id);
        }

        await File.WriteAllBytesAsync(_directory["c.caibx"], builder.Build().ToByteArray());
        var refused = await RefusedAsync("import", _directory["c.caibx"], "--store", _directory["store"]);
        Assert.Contains($"chunk {_asset.Index[lie].Id}", refused, StringComparison.Ordinal);
        Assert.Contains(_directory["c.caibx"], refused, StringComparison.Ordinal);
        Assert.DoesNotContain("changed while it was read", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chunk_that_is_damaged_in_the_daemon_goes_into_no_file_and_no_store()
    {
        var asset = (await _host.PutAsync(_asset.Content)).Asset.Id;
        var id = _asset.Index[3].Id;
        await _host.Database.WriteAsync(
            unit =>
            {
                var update = unit.Prepare("UPDATE chunk_body SET frame = ? WHERE number = (SELECT number FROM chunk WHERE id = ?)");
                update.Blob(0, _asset.FileOf(4));
                update.Blob(1, id.ToByteArray());
                return update.Execute();
            },
            CancellationToken.None);
        await File.WriteAllTextAsync(_directory["old.img"], "old");
        string[][] ways =
        [
            ["get", asset, _directory["new.img"]],
            ["get", asset, _directory["new.img"]],
            ["get", asset, _directory["old.img"]],
            ["export", asset, "--store", _directory["out"], "--index", _directory["out.caibx"]],
        ];
        foreach (var way in ways)
        {
            var run = await RunAsync(way);
            Assert.NotEqual(0, run.Code);
            Assert.Contains($"chunk {id}", run.Error, StringComparison.Ordinal);
            Assert.Contains($"asset {asset}", run.Error, StringComparison.Ordinal);
        }

        Assert.False(File.Exists(_directory["new.img"]));
        Assert.Equal("old", await File.ReadAllTextAsync(_directory["old.img"]));
        Assert.False(File.Exists(_directory["out.caibx"]));
        Assert.False(File.Exists(Path.Combine(_directory["out"], ChunkFile.PathOf(id))));

        // Once that is known, the same file mends it.
        Assert.Contains(id.ToString(), (await RunAsync("scrub", "--restart")).Output, StringComparison.Ordinal);
        await File.WriteAllBytesAsync(_directory["right.img"], _asset.Content);
        (await RunAsync("put", _directory["right.img"])).Succeeded();
        (await RunAsync("get", asset, _directory["new.img"])).Succeeded();
        Assert.Equal(_asset.Content, await File.ReadAllBytesAsync(_directory["new.img"]));
    }

    [Theory]
    [InlineData("../b.caibx")]
    [InlineData("..")]
    [InlineData("a/../../b.caibx")]
    [InlineData("a\u0000.caibx")]
    [InlineData(".caibx")]
    [InlineData("%2e%2e%2fb.caibx")]
    public async Task A_name_that_is_a_path_names_nothing_in_a_store(string name) =>
        await RefusedAsync("import", name, "--store", _directory["store"]);

    private void Place(ChunkId id, byte[]? file)
    {
        var path = Path.Combine(_directory["store"], ChunkFile.PathOf(id));
        File.Delete(path);
        if (file is not null)
        {
            File.WriteAllBytes(path, file);
        }
    }

    /// <summary>What it says; and there is no asset and no tag.</summary>
    private async Task<string> RefusedAsync(params string[] arguments)
    {
        var run = await RunAsync(arguments);
        Assert.NotEqual(0, run.Code);
        Assert.Empty((await _host.Assets.ListAsync(new ListAssetsRequest())).Assets);
        return run.Error;
    }

    private Task<Support.Cli> RunAsync(params string[] arguments) => Support.Cli.RunAsync(["assets", .. arguments, "--client-config", _directory["client"]]);
}
