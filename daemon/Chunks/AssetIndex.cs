using System.Security.Cryptography;
using Auraed.Base;

namespace Auraed.Chunks;

/// <summary>
/// Which chunks make an asset, in order: casync's index (.caibx). Immutable; its entries follow each other without a gap, none is empty, and none is
/// longer than <see cref="ChunkSizes.Max"/>.
/// </summary>
public sealed class AssetIndex
{
    private readonly long[] _ends;
    private readonly ChunkId[] _ids;

    internal AssetIndex(ulong flags, ChunkSizes sizes, long[] ends, ChunkId[] ids)
    {
        Invariant.Hold(ends.Length == ids.Length);
        Flags = flags;
        Sizes = sizes;
        _ends = ends;
        _ids = ids;
    }

    /// <summary>The feature flags as they stand in the file.</summary>
    public ulong Flags { get; }

    public ChunkDigest Digest => AssetIndexFormat.DigestOf(Flags);

    /// <summary>What is indexed is a casync archive of a directory (.caidx), not a blob. Its bytes are an asset all the same.</summary>
    public bool IsArchive => (Flags & AssetIndexFormat.ArchiveFlags) != 0;

    public ChunkSizes Sizes { get; }

    /// <summary>Number of chunks; the same one may be there many times.</summary>
    public int Count => _ends.Length;

    /// <summary>Bytes of the asset.</summary>
    public long Length => _ends.Length == 0 ? 0 : _ends[^1];

    public ReadOnlySpan<ChunkId> Ids => _ids;

    public AssetChunk this[int chunk]
    {
        get
        {
            var offset = chunk == 0 ? 0 : _ends[chunk - 1];
            return new AssetChunk(offset, (int)(_ends[chunk] - offset), _ids[chunk]);
        }
    }

    /// <summary>The index of the chunk that holds the byte at <paramref name="offset"/>; <see cref="Count"/> past the end.</summary>
    public int Find(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var found = Array.BinarySearch(_ends, offset);
        return found >= 0 ? found + 1 : ~found;
    }

    /// <summary>Fault(Corrupt) says what is wrong with it, and names <paramref name="name"/>.</summary>
    public static AssetIndex Parse(ReadOnlySpan<byte> bytes, string name) =>
        TryParse(bytes, out var index, out var wrong) ? index : throw new Fault(FaultKind.Corrupt, $"index {name} {wrong}");

    /// <summary>Every check that casync makes of an index, and that nothing stands behind its end. <paramref name="wrong"/> goes on after the index' name.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out AssetIndex index, out string wrong) => AssetIndexFormat.TryParse(bytes, out index, out wrong);

    /// <summary>The file, byte for byte as casync writes it.</summary>
    public byte[] ToByteArray() => AssetIndexFormat.Write(this);

    /// <summary>SHA-256 of the file's bytes.</summary>
    public ChunkId FileDigest() => new(SHA256.HashData(ToByteArray()));

    /// <summary>The bytes of the file that <see cref="ToByteArray"/> makes.</summary>
    public long FileBytes => AssetIndexFormat.BytesOf(Count);

    /// <summary>Collects chunks in order.</summary>
    public sealed class Builder(ChunkSizes sizes, ChunkDigest digest = ChunkDigest.Sha256)
    {
        private readonly List<long> _ends = [];
        private readonly List<ChunkId> _ids = [];

        public long Length { get; private set; }

        public int Count => _ends.Count;

        public void Add(int length, ChunkId id)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
            Length += length;
            _ends.Add(Length);
            _ids.Add(id);
        }

        public AssetIndex Build() => new(AssetIndexFormat.BlobFlags(digest), sizes, [.. _ends], [.. _ids]);
    }
}

/// <summary>One entry of an index.</summary>
/// <param name="Offset">Of its first byte within the asset.</param>
/// <param name="Length">Bytes; never 0.</param>
public readonly record struct AssetChunk(long Offset, int Length, ChunkId Id)
{
    public long End => Offset + Length;
}
