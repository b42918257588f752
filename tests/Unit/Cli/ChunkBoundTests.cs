using Auraed.Base;
using Auraed.Chunks;
using Auraed.Cli.Assets;

namespace Auraed.Tests.Unit.Cli;

/// <summary>What has too many chunks is refused, and what is advised instead is enough.</summary>
public sealed class ChunkBoundTests
{
    [Fact]
    public void As_many_chunks_as_an_asset_may_have_pass_and_one_more_does_not()
    {
        ChunkBound.CheckCount("a", Limits.AssetChunksCountMax, 1L << 40);
        var fault = Assert.Throws<Fault>(() => ChunkBound.CheckCount("a.img", Limits.AssetChunksCountMax + 1, 420L << 30));
        Assert.Equal((FaultKind.Invalid, "chunk-size"), (fault.Kind, fault.Field));
        Assert.Contains("a.img is cut into 6500001 chunks", fault.Message, StringComparison.Ordinal);
        Assert.Contains("--chunk-size 128K", fault.Hint, StringComparison.Ordinal);
        ChunkBound.CheckLength("a", Limits.AssetChunksCountMax * ChunkSizes.Default.Max, ChunkSizes.Default);
        Assert.Throws<Fault>(() => ChunkBound.CheckLength("a", (Limits.AssetChunksCountMax + 1) * ChunkSizes.Default.Max, ChunkSizes.Default));
    }

    [Fact]
    public async Task No_index_is_asked_for_that_cannot_be_read()
    {
        var fetch = new AssetFetch(null!, null!, "", TimeProvider.System);
        var asset = new Aurae.Assets.V0.Asset { Id = "3f2a", ChunkCount = 7_000_000 };
        var fault = await Assert.ThrowsAsync<Fault>(() => fetch.IndexAsync(asset, CancellationToken.None));
        Assert.Equal(FaultKind.Precondition, fault.Kind);
        Assert.Contains("auraed assets get 3f2a - >FILE", fault.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1L << 30, "128K")]
    [InlineData(420L << 30, "128K")]
    [InlineData(1L << 40, "256K")]
    [InlineData(2L << 40, "512K")]
    [InlineData(8L << 40, "2M:2M:2M")]
    public void The_sizes_that_are_advised_are_taken_and_are_enough(long length, string advised)
    {
        Assert.Equal(advised, ChunkBound.SizesFor(length));
        var sizes = ChunkSizes.Parse(advised);
        Assert.InRange(sizes.Max, 1, Limits.AssetChunkBytesMax);
        Assert.InRange(length / sizes.Average, 1, Limits.AssetChunksCountMax);
        // The index of so many chunks is one that is read.
        Assert.InRange(104 + (40 * Limits.AssetChunksCountMax), 1, Limits.AssetIndexBytesMax);
    }

    [Fact]
    public void Nothing_is_advised_for_what_no_chunks_are_large_enough_for() => Assert.Null(ChunkBound.SizesFor(100L << 40));
}
