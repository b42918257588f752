using Auraed.Chunks;
using Auraed.Chunks.Stores;

namespace Auraed.Tests.Support;

/// <summary>An asset of a test: content, its index, and the way into a store.</summary>
internal sealed class TestAsset
{
    public TestAsset(byte[] content, ChunkSizes? sizes = null, ChunkDigest digest = ChunkDigest.Sha256)
    {
        Content = content;
        var builder = new AssetIndex.Builder(sizes ?? ChunkSizes.Default, digest);
        for (var start = 0; start < content.Length;)
        {
            var length = ChunkCut.Find(content.AsSpan(start), sizes ?? ChunkSizes.Default);
            builder.Add(length, digest.Compute(content.AsSpan(start, length)));
            start += length;
        }

        Index = builder.Build();
    }

    public byte[] Content { get; }

    public AssetIndex Index { get; }

    public int DistinctCount => Index.Ids.ToArray().Distinct().Count();

    public byte[] ContentOf(int chunk) => Content[(int)Index[chunk].Offset..(int)Index[chunk].End];

    public byte[] FileOf(int chunk) => ToFile(ContentOf(chunk));

    public static byte[] ToFile(byte[] content)
    {
        using var files = new ChunkFile();
        var file = new byte[ChunkFile.BytesMax(content.Length)];
        return file[..files.Write(content, file)];
    }

    public Task<TransferSummary> PushAsync(IChunkStore store, string? name = null) => AssetTransfer.PushAsync(
        Index, name is null ? null : IndexName.Parse(name, "index"), ReadFileAsync, store, 8, TimeProvider.System, null, CancellationToken.None);

    private Task<int> ReadFileAsync(AssetChunk chunk, Memory<byte> target, CancellationToken cancel)
    {
        var file = ToFile(Content[(int)chunk.Offset..(int)chunk.End]);
        file.CopyTo(target);
        return Task.FromResult(file.Length);
    }
}
