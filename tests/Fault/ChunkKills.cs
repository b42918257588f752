using Auraed.Chunks;
using Auraed.Chunks.Stores;
using Auraed.Tests.Support;
using Auraed.Tests.Unit.Chunks;

namespace Auraed.Tests.Faults;

/// <summary>Killed at any step, an extraction leaves the old file or the new one, a transfer leaves no index without its chunks, and the same command again ends well.</summary>
public sealed class ChunkKills : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("extract.chunk", 1)]
    [InlineData("extract.chunk", 40)]
    [InlineData("extract.filled", 1)]
    [InlineData("extract.published", 1)]
    public async Task An_extraction_that_is_killed_leaves_the_old_file_or_the_new_one(string point, int times)
    {
        var (a, b) = (CasyncInputs.Make("ver-a-4m"), new TestAsset(CasyncInputs.Make("ver-b-4m")));
        await b.PushAsync(new DirectoryStore(_directory["store"]), "b.caibx");
        Directory.CreateDirectory(_directory["out"]);
        await File.WriteAllBytesAsync(_directory["out/file"], a);
        Assert.Equal(137, await RunAsync("extract", point, times));
        Assert.Equal(point == "extract.published" ? b.Content : a, await File.ReadAllBytesAsync(_directory["out/file"]));
        Assert.Equal(0, await RunAsync("extract", "none", 1));
        Assert.Equal(b.Content, await File.ReadAllBytesAsync(_directory["out/file"]));
        Assert.Equal([_directory["out/file"]], Directory.GetFiles(_directory["out"]));
    }

    [Theory]
    [InlineData("chunkstore.synced", 1)]
    [InlineData("chunkstore.published", 4)]
    [InlineData("chunkstore.synced", 9)]
    [InlineData("chunkstore.published", 9)]
    public async Task A_transfer_that_is_killed_leaves_no_index_without_its_chunks(string point, int times)
    {
        var asset = new TestAsset(CasyncInputs.Make("rand-1m"));
        Assert.Equal(8, asset.DistinctCount);
        Assert.Equal(137, await RunAsync("push", point, times));
        Assert.Equal((point, times) == ("chunkstore.published", 9), File.Exists(_directory["pushed/r.caibx"]));
        AssertChunksWhole(asset);
        Assert.Equal(0, await RunAsync("push", "none", 1));
        AssertChunksWhole(asset);
        Assert.Equal(asset.Index.ToByteArray(), await File.ReadAllBytesAsync(_directory["pushed/r.caibx"]));
        Assert.All(asset.Index.Ids.ToArray(), id => Assert.True(File.Exists(Path.Combine(_directory["pushed"], ChunkFile.PathOf(id)))));
    }

    private void AssertChunksWhole(TestAsset asset)
    {
        using var files = new ChunkFile();
        var content = new byte[asset.Index.Sizes.Max];
        foreach (var path in Directory.GetFiles(_directory["pushed"], "*.cacnk", SearchOption.AllDirectories))
        {
            Assert.True(ChunkId.TryParse(Path.GetFileNameWithoutExtension(path), out var id));
            files.Read(File.ReadAllBytes(path), id, ChunkDigest.Sha256, content, path);
        }
    }

    private async Task<int> RunAsync(string job, string point, int times)
    {
        await using var child = ChildProcess.Start(_directory.Path, "dotnet", Support.Program.Assembly, "chunks", job, _directory.Path, point, times.ToString("0", null));
        return await child.WaitForExitAsync();
    }
}
