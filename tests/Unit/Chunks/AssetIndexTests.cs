using System.Buffers.Binary;
using System.Text;
using Auraed.Base;
using Auraed.Chunks;

namespace Auraed.Tests.Unit.Chunks;

/// <summary>The index' codec, the ids, and the digest that the platform lacks.</summary>
public class AssetIndexTests
{
    private const ulong BlobFlags = 0x9000_0000_0000_0000;

    public static TheoryData<string, int, ulong> WrongFields => new()
    {
        { "size of the header", 0, 40 },
        { "type", 8, 1 },
        { "a flag that is not known", 16, BlobFlags | 0x0200_0000_0000_0000 },
        { "min 0", 24, 0 },
        { "average below min", 32, 1 },
        { "max below average", 40, 65535 },
        { "max over 128 MiB", 40, (128 * 1024 * 1024) + 1 },
        { "size of the table", 48, 0 },
        { "type of the table", 56, 0 },
        { "an empty chunk", 64, 0 },
        { "a chunk over max", 64, 262145 },
        { "a chunk that ends before it begins", 104, 1 },
        { "an end past 2^63", 384 - 40, ulong.MaxValue },
        { "tail: first word", 384, 1 },
        { "tail: second word", 392, 1 },
        { "tail: offset of the index", 400, 0 },
        { "tail: size of the table", 408, 0 },
        { "tail: marker", 416, 0 },
    };

    private static byte[] Vector => File.ReadAllBytes(CasyncInputs.VectorPath("def-sha256.rand-1m.caibx"));

    [Fact]
    public void An_index_tells_its_chunks()
    {
        var index = AssetIndex.Parse(Vector, "v");
        Assert.Equal((8, 1048576L, ChunkDigest.Sha256, false, BlobFlags, ChunkSizes.Default), (index.Count, index.Length, index.Digest, index.IsArchive, index.Flags, index.Sizes));
        Assert.Equal(Vector.Length, index.FileBytes);
        var offset = 0L;
        for (var chunk = 0; chunk < index.Count; chunk++)
        {
            Assert.Equal(offset, index[chunk].Offset);
            Assert.Equal(chunk, index.Find(offset));
            Assert.Equal(chunk, index.Find(index[chunk].End - 1));
            offset = index[chunk].End;
        }

        Assert.Equal(index.Count, index.Find(offset));
    }

    [Theory]
    [MemberData(nameof(WrongFields))]
    public void What_casync_refuses_is_refused_and_named(string what, int offset, ulong value)
    {
        var bytes = Vector;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(offset), value);
        var fault = Assert.Throws<Fault>(() => AssetIndex.Parse(bytes, "store/x.caibx"));
        Assert.True(fault.Kind == FaultKind.Corrupt && fault.Message.StartsWith("index store/x.caibx ", StringComparison.Ordinal), what);
    }

    [Fact]
    public void Neither_one_byte_less_nor_one_more_is_an_index()
    {
        for (var length = 0; length < Vector.Length; length++)
        {
            Assert.False(AssetIndex.TryParse(Vector.AsSpan(0, length), out _, out _));
        }

        Assert.False(AssetIndex.TryParse([.. Vector, 0], out _, out _));
        Assert.False(AssetIndex.TryParse([.. Vector, .. new byte[40]], out _, out _));
    }

    [Theory]
    [InlineData(0UL, ChunkDigest.Sha256, false)]
    [InlineData(0x8000_0000_0000_0000UL, ChunkDigest.Sha256, false)]
    [InlineData(0xB000_0000_0000_0000UL, ChunkDigest.Sha512Over256, false)]
    [InlineData(0xB000_0000_0000_0102UL, ChunkDigest.Sha512Over256, true)]
    public void Flags_of_others_are_understood_and_kept(ulong flags, ChunkDigest digest, bool isArchive)
    {
        var bytes = Vector;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), flags);
        var index = AssetIndex.Parse(bytes, "v");
        Assert.Equal((flags, digest, isArchive), (index.Flags, index.Digest, index.IsArchive));
        Assert.Equal(bytes, index.ToByteArray());
    }

    [Theory]
    [InlineData("", "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a")]
    [InlineData("abc", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23")]
    [InlineData(
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "3928e184fb8690f840da3988121d31be65cb9d3ef83ee6146feac861e19b563a")]
    public void Sha512_256_has_the_digests_of_its_standard(string text, string digest) =>
        Assert.Equal(digest, ChunkDigest.Sha512Over256.Compute(Encoding.ASCII.GetBytes(text)).ToString());

    [Fact]
    public void Ids_are_read_from_lowercase_digits_alone_and_sort_as_their_bytes()
    {
        var id = ChunkDigest.Sha256.Compute([1]);
        Assert.True(ChunkId.TryParse(id.ToString(), out var again));
        Assert.Equal(id, again);
        Assert.Equal(id, new ChunkId(id.ToByteArray()));
        foreach (var wrong in new[] { "", id.ToString()[1..], id.ToString() + "0", id.ToString().ToUpperInvariant(), new string('g', 64), "../" + id.ToString()[3..] })
        {
            Assert.False(ChunkId.TryParse(wrong, out _), wrong);
        }

        var random = new Random(7);
        for (var round = 0; round < 200; round++)
        {
            var left = ChunkDigest.Sha256.Compute([(byte)random.Next(4)]);
            var right = ChunkDigest.Sha256.Compute([(byte)random.Next(4)]);
            Assert.Equal(string.CompareOrdinal(left.ToString(), right.ToString()), left.CompareTo(right), (x, y) => Math.Sign(x) == Math.Sign(y));
        }
    }
}
