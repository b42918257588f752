using System.Buffers.Binary;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Native;

namespace Auraed.Tests.Unit.Chunks;

/// <summary>A chunk file is one zstd frame of the content that its name says, or it is refused before it costs anything.</summary>
public sealed class ChunkFileTests : IDisposable
{
    private readonly ChunkFile _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("rand-1")]
    [InlineData("rand-16k")]
    [InlineData("text-3m")]
    [InlineData("zero-5m")]
    public void A_chunk_comes_back(string input)
    {
        var content = CasyncInputs.Make(input);
        var file = Write(content);
        var target = new byte[content.Length];
        var length = _files.Read(file, ChunkDigest.Sha512Over256.Compute(content), ChunkDigest.Sha512Over256, target, "here");
        Assert.Equal(content, target[..length]);
    }

    [Fact]
    public void What_is_not_one_frame_of_that_content_is_refused_with_its_name_and_place()
    {
        var content = CasyncInputs.Make("text-3m")[..100_000];
        var file = Write(content);
        var flipped = file.ToArray();
        flipped[file.Length / 2] ^= 1;
        byte[] skippable = [0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
        AssertRefused(content, [], "does not begin");
        AssertRefused(content, content, "does not begin");
        AssertRefused(content, file[..^1], "damaged or cut");
        AssertRefused(content, file[..12], "damaged or cut");
        AssertRefused(content, [.. file, 0], "1 bytes after");
        AssertRefused(content, [.. file, .. file], "bytes after");
        AssertRefused(content, [.. file, .. skippable], "bytes after");
        AssertRefused(content, [.. skippable, .. file], "does not begin");
        AssertRefused(content, Write(content[1..]), "holds 99999 bytes with the sha256");
        AssertRefused(content, Write([]), "holds no byte");
        AssertRefused(content, flipped, "");
    }

    [Fact]
    public void A_bomb_is_refused_by_what_it_declares_and_by_what_it_holds()
    {
        var bomb = new byte[64 * 1024 * 1024];
        var file = Write(bomb);
        Assert.True(file.Length < 10_000);
        var before = NativeHeap.AllocatedBytes;
        AssertRefused(bomb, file, "declares 67108864 bytes where at most 262144 may be", room: 262144);
        AssertRefused(bomb, WithoutLength(file), "cannot be inflated to at most 262144 bytes", room: 262144);
        Assert.InRange(NativeHeap.AllocatedBytes - before, long.MinValue, 16 * 1024 * 1024);
    }

    [Fact]
    public void The_path_is_casyncs()
    {
        Assert.True(ChunkId.TryParse("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", out var id));
        Assert.Equal("e3b0/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.cacnk", ChunkFile.PathOf(id));
    }

    private byte[] Write(ReadOnlySpan<byte> content)
    {
        var file = new byte[ChunkFile.BytesMax(content.Length)];
        return file[.._files.Write(content, file)];
    }

    // Frame header, RFC 8878 section 3.1.1.1: descriptor, window, four bytes of length; without the length the descriptor is 0.
    private static byte[] WithoutLength(byte[] file)
    {
        Assert.Equal(0x80, file[4]);
        Assert.Equal(64u * 1024 * 1024, BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(6)));
        return [.. file[..4], 0x00, file[5], .. file[10..]];
    }

    private void AssertRefused(byte[] content, byte[] file, string why, int room = 262144)
    {
        var id = ChunkDigest.Sha256.Compute(content);
        var fault = Assert.Throws<Fault>(() => _files.Read(file, id, ChunkDigest.Sha256, new byte[room], "store a"));
        Assert.Equal(FaultKind.Corrupt, fault.Kind);
        Assert.StartsWith($"chunk {id} of store a ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(why, fault.Message, StringComparison.Ordinal);
    }
}
