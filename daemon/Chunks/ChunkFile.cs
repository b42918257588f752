using Auraed.Base;
using Auraed.Native;

namespace Auraed.Chunks;

/// <summary>
/// A chunk as it lies in a store, under <c>4hex/64hex.cacnk</c>: its content in one zstd frame (RFC 8878, section 3.1), with nothing before or
/// behind it and no skippable frame. One thread at a time; contexts are kept from chunk to chunk.
/// </summary>
public sealed class ChunkFile : IDisposable
{
    public const string Extension = ".cacnk";

    private readonly ZstdCompressor _compressor;
    private readonly ZstdDecompressor _decompressor = new();

    public ChunkFile(int level = ZstdCompressor.LevelDefault) => _compressor = new ZstdCompressor(level);

    /// <summary>Where the chunk lies within a store: <c>4hex/64hex.cacnk</c>.</summary>
    public static string PathOf(ChunkId id)
    {
        var text = id.ToString();
        return string.Concat(text.AsSpan(0, 4), "/", text, Extension);
    }

    /// <summary>Bytes of a file of so much content at worst: what <see cref="Write"/> needs room for, and the longest file that is read.</summary>
    public static int BytesMax(int contentLength) => Zstd.FrameBytesMax(contentLength);

    /// <summary>Compresses; returns the file's bytes. The target holds <see cref="BytesMax"/>.</summary>
    public int Write(ReadOnlySpan<byte> content, Span<byte> file) => _compressor.Compress(content, file);

    /// <summary>
    /// Inflates a file into <paramref name="content"/>, which is as long as the chunk may be at most, and checks the result by its id. A file that declares or holds more
    /// is refused before it takes memory. False, with the reason, when it is damaged, or another chunk.
    /// </summary>
    public bool TryRead(ReadOnlySpan<byte> file, ChunkId id, ChunkDigest digest, Span<byte> content, out int length, out string wrong)
    {
        if (!TryInflate(file, content, out length, out wrong))
        {
            return false;
        }

        var found = digest.Compute(content[..length]);
        if (found != id)
        {
            wrong = Other(length, digest, found);
            return false;
        }

        return true;
    }

    /// <summary>The same without the check by the id, which is the caller's (<see cref="ChunkDigests"/>) before anyone else sees the content.</summary>
    public bool TryInflate(ReadOnlySpan<byte> file, Span<byte> content, out int length, out string wrong)
    {
        if (!_decompressor.TryDecompress(file, content, out length, out wrong))
        {
            return false;
        }

        if (length == 0)
        {
            wrong = "holds no byte, which no chunk does";
            return false;
        }

        return true;
    }

    /// <summary>What a chunk does that has another id than it was asked for by.</summary>
    public static string Other(int length, ChunkDigest digest, ChunkId found) => $"holds {length} bytes with the {digest.ToText()} {found}";

    /// <summary>The same; Fault(Corrupt) names the chunk and <paramref name="place"/>, where it came from.</summary>
    public int Read(ReadOnlySpan<byte> file, ChunkId id, ChunkDigest digest, Span<byte> content, string place) =>
        TryRead(file, id, digest, content, out var length, out var wrong) ? length : throw new Fault(FaultKind.Corrupt, $"chunk {id} of {place} {wrong}");

    public void Dispose()
    {
        _compressor.Dispose();
        _decompressor.Dispose();
    }
}
