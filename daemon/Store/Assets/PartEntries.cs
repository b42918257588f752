using Auraed.Base;

namespace Auraed.Store.Assets;

/// <summary>A chunk at its place in a content.</summary>
/// <param name="Number">Of the chunk's row.</param>
/// <param name="Size">Its bytes.</param>
public readonly record struct PartEntry(long Number, int Size);

/// <summary>
/// The chunks of a part, in the order of the content. <c>content_part.entries</c> is
/// <code>
/// version 1 byte = 1 | { step varint | size varint } for each chunk
/// step = the chunk's number less that of the chunk before (0 before the first), zigzag: 0, -1, 1, -2 ... are 0, 1, 2, 3 ...
/// varint = 7 bits a byte, the lowest first, the highest bit set on all but the last; at most 10 bytes
/// </code>
/// Chunks that came with one upload have numbers in a row, so most take four bytes.
/// </summary>
public static class PartEntries
{
    private const byte Version = 1;
    private const int VarintBytesMax = 10;

    public static byte[] Encode(ReadOnlySpan<PartEntry> entries)
    {
        byte[] buffer = new byte[1 + (entries.Length * 2 * VarintBytesMax)];
        buffer[0] = Version;
        int length = 1;
        long before = 0;
        foreach (PartEntry entry in entries)
        {
            long step = entry.Number - before;
            length += Write(buffer.AsSpan(length), (ulong)((step << 1) ^ (step >> 63)));
            length += Write(buffer.AsSpan(length), (ulong)entry.Size);
            before = entry.Number;
        }

        return buffer[..length];
    }

    /// <summary>Adds the entries to a list. Fault(Corrupt) when the bytes are not what <see cref="Encode"/> writes.</summary>
    public static void Decode(ReadOnlySpan<byte> bytes, List<PartEntry> entries)
    {
        if (bytes.IsEmpty || bytes[0] != Version)
        {
            throw Damaged();
        }

        long number = 0;
        for (bytes = bytes[1..]; !bytes.IsEmpty;)
        {
            ulong step = Read(ref bytes);
            ulong size = Read(ref bytes);
            number += (long)(step >> 1) ^ -(long)(step & 1);
            if (number <= 0 || size is 0 or > int.MaxValue)
            {
                throw Damaged();
            }

            entries.Add(new PartEntry(number, (int)size));
        }
    }

    private static int Write(Span<byte> target, ulong value)
    {
        int length = 0;
        for (; value >= 0x80; value >>= 7)
        {
            target[length++] = (byte)(value | 0x80);
        }

        target[length++] = (byte)value;
        return length;
    }

    private static ulong Read(ref ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (int index = 0; index < bytes.Length && index < VarintBytesMax; index++)
        {
            value |= (ulong)(bytes[index] & 0x7f) << (7 * index);
            if (bytes[index] < 0x80)
            {
                bytes = bytes[(index + 1)..];
                return value;
            }
        }

        throw Damaged();
    }

    private static Fault Damaged() => new(FaultKind.Corrupt, "a part of an asset's index is not what was written", hint: "auraed verify") { Reason = "PART_DAMAGED" };
}
