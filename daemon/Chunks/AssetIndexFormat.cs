using System.Buffers.Binary;
using Auraed.Base;

namespace Auraed.Chunks;

/// <summary>
/// casync's index file. All integers are 64 bits, little-endian:
///
///      0  48                    bytes of this header
///      8  0x96824d9c7b129ff9    an index
///     16  feature flags
///     24  chunk size min        32  average        40  max
///     48  0xffffffffffffffff    bytes of the table: not known when it was begun
///     56  0xe75b9e112f17417d    a table
///     64  n entries of 40 bytes: where the chunk ends (exclusive, from the start of the asset), its id (32 bytes)
///         tail of 40 bytes:      0, 0, 48, 16 + 40 n + 40, 0x4b4f050e5549ecd1
///
/// so that the file has 104 + 40 n bytes.
/// </summary>
internal static class AssetIndexFormat
{
    public const ulong ArchiveFlags = 0x1_FFFF_FFFF;

    private const int HeaderBytes = 48;
    private const int EntriesOffset = 64;
    public const int EntryBytes = sizeof(ulong) + ChunkId.Bytes;
    private const int TailBytes = 40;
    private const ulong IndexType = 0x96824d9c7b129ff9;
    private const ulong TableType = 0xe75b9e112f17417d;
    private const ulong TailMarker = 0x4b4f050e5549ecd1;

    private const ulong ExcludeNoDump = 1UL << 63;
    private const ulong ExcludeSubmounts = 1UL << 62;
    private const ulong Sha512Over256Ids = 1UL << 61;
    private const ulong ExcludeFile = 1UL << 60;
    private const ulong KnownFlags = ExcludeNoDump | ExcludeSubmounts | Sha512Over256Ids | ExcludeFile | ArchiveFlags;

    /// <summary>What casync says of a blob.</summary>
    public static ulong BlobFlags(ChunkDigest digest) => ExcludeNoDump | ExcludeFile | (digest == ChunkDigest.Sha256 ? 0 : Sha512Over256Ids);

    public static ChunkDigest DigestOf(ulong flags) => (flags & Sha512Over256Ids) == 0 ? ChunkDigest.Sha256 : ChunkDigest.Sha512Over256;

    public static long BytesOf(long count) => EntriesOffset + (count * EntryBytes) + TailBytes;

    /// <summary>Bytes before the first entry.</summary>
    public static byte[] Head(ulong flags, ChunkSizes sizes)
    {
        var bytes = new byte[EntriesOffset];
        Write(bytes, 0, HeaderBytes, IndexType, flags, (ulong)sizes.Min, (ulong)sizes.Average, (ulong)sizes.Max, ulong.MaxValue, TableType);
        return bytes;
    }

    /// <summary>One entry, to the start of the target.</summary>
    public static void WriteEntry(Span<byte> target, long end, ChunkId id)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, (ulong)end);
        id.CopyTo(target[sizeof(ulong)..]);
    }

    /// <summary>Bytes after the last of so many entries.</summary>
    public static byte[] Tail(long count)
    {
        var bytes = new byte[TailBytes];
        Write(bytes, 0, 0, 0, HeaderBytes, TableBytes(count), TailMarker);
        return bytes;
    }

    public static byte[] Write(AssetIndex index)
    {
        var bytes = new byte[BytesOf(index.Count)];
        Head(index.Flags, index.Sizes).CopyTo(bytes, 0);
        var offset = EntriesOffset;
        for (var chunk = 0; chunk < index.Count; chunk++, offset += EntryBytes)
        {
            WriteEntry(bytes.AsSpan(offset), index[chunk].End, index[chunk].Id);
        }

        Tail(index.Count).CopyTo(bytes, offset);
        return bytes;
    }

    public static bool TryParse(ReadOnlySpan<byte> bytes, out AssetIndex index, out string wrong)
    {
        index = Empty;
        wrong = "";
        if (bytes.Length > Limits.AssetIndexBytesMax)
        {
            wrong = $"has {bytes.Length} bytes, more than {Limits.AssetIndexBytesMax}";
            return false;
        }

        if (bytes.Length < BytesOf(0) || Field(bytes, 0) != HeaderBytes || Field(bytes, 8) != IndexType || Field(bytes, 48) != ulong.MaxValue || Field(bytes, 56) != TableType)
        {
            wrong = "does not begin as an index does";
            return false;
        }

        var flags = Field(bytes, 16);
        if ((flags & ~KnownFlags) != 0)
        {
            wrong = $"has feature flags that are not known: 0x{flags & ~KnownFlags:x16}";
            return false;
        }

        if (!ChunkSizes.TryCreate(Field(bytes, 24), Field(bytes, 32), Field(bytes, 40), out var sizes))
        {
            wrong = $"declares chunk sizes {Field(bytes, 24)}:{Field(bytes, 32)}:{Field(bytes, 40)}, not 1 <= min <= average <= max <= {Limits.ChunkBytesMax}";
            return false;
        }

        if ((bytes.Length - BytesOf(0)) % EntryBytes != 0)
        {
            wrong = $"is cut, or has bytes after its end: {bytes.Length} bytes are no whole number of entries";
            return false;
        }

        var count = (int)((bytes.Length - BytesOf(0)) / EntryBytes);
        return IsTail(bytes[^TailBytes..], count, out wrong) && TryParseEntries(bytes[EntriesOffset..^TailBytes], flags, sizes, count, ref index, ref wrong);
    }

    private static AssetIndex Empty => new(0, ChunkSizes.Default, [], []);

    private static bool IsTail(ReadOnlySpan<byte> tail, int count, out string wrong)
    {
        var isRight = Field(tail, 0) == 0 && Field(tail, 8) == 0 && Field(tail, 16) == HeaderBytes && Field(tail, 24) == TableBytes(count) && Field(tail, 32) == TailMarker;
        wrong = isRight ? "" : "is cut, or has bytes after its end: it does not end as an index does";
        return isRight;
    }

    private static bool TryParseEntries(ReadOnlySpan<byte> entries, ulong flags, ChunkSizes sizes, int count, ref AssetIndex index, ref string wrong)
    {
        var ends = new long[count];
        var ids = new ChunkId[count];
        var start = 0UL;
        for (var chunk = 0; chunk < count; chunk++)
        {
            var entry = entries.Slice(chunk * EntryBytes, EntryBytes);
            var end = Field(entry, 0);
            if (end <= start)
            {
                wrong = $"has chunk {chunk} end at {end}, not after {start}, where it begins";
                return false;
            }

            if (end > long.MaxValue || end - start > (ulong)sizes.Max)
            {
                wrong = $"has chunk {chunk} of {end - start} bytes, more than its own maximum of {sizes.Max}";
                return false;
            }

            ends[chunk] = (long)end;
            ids[chunk] = new ChunkId(entry[sizeof(ulong)..]);
            start = end;
        }

        index = new AssetIndex(flags, sizes, ends, ids);
        return true;
    }

    private static ulong TableBytes(long count) => (ulong)(16 + (count * EntryBytes) + TailBytes);

    private static ulong Field(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);

    private static void Write(byte[] bytes, int offset, params ReadOnlySpan<ulong> fields)
    {
        foreach (var field in fields)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(offset), field);
            offset += sizeof(ulong);
        }
    }
}
