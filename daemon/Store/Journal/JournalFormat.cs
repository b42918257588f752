using System.Buffers.Binary;

namespace Auraed.Store.Journal;

/// <summary>
/// The bytes of a journal. A journal is what was acknowledged in one epoch, the time from one start of a database in journal mode to the next; it lies
/// in segments beside the database, <c>aurae.journal-EPOCH-NUMBER</c>. Integers are little-endian, every length is in bytes.
/// <code>
/// segment
///      0      8  magic "AURAEJNL"
///      8      4  version of this format: 2; 1 is read, which says nothing of the file's bytes
///     12      4  number of the segment in its epoch, from 1
///     16     16  id of the database
///     32      8  epoch, from 1
///     40     16  salt of the epoch, random
///     56     16  tag of the last record of the segment before (of the first segment: zeros)
///     72      8  bytes of the segment's file, which it has before it has this header (version 1: zeros)
///     80     16  tag: AES-256-GCM of nothing, associated data bytes 0 to 79, nonce 01000000 and the segment's number in 8 bytes
///     96     32  zeros
///    128      .  records
///
/// record, at a multiple of 64
///      0      4  magic "AJR1"
///      4      4  length n of the sealed changes
///      8      8  number of the group, from 1; each greater than the one before
///     16      8  number of the group before it, be that in the journal or not
///     24      8  sequence of the last event before the group
///     32      8  sequence of the last event with it
///     40     16  tag of the record before it (of the first in a segment: of the segment's header)
///     56     16  tag: AES-256-GCM of the changes, associated data bytes 0 to 55, the segment's number (4) and the record's offset (8);
///                nonce 00000000 and the group's number in 8 bytes
///     72      n  the changes (<see cref="ChangeCapture"/>), sealed
///
/// nonce
///      0      4  1 for a segment's header, 0 for a record
///      4      8  number
/// </code>
/// The key is that of the epoch (KEY.md), and within an epoch no number is used twice, whatever fails. A record is written when the one before it is
/// durable: so one that does not open is a torn tail, unless a later one opens.
/// </summary>
internal static class JournalFormat
{
    public const int SegmentHeaderBytes = 128;
    public const int RecordHeaderBytes = 72;
    public const int RecordAlignment = 64;
    public const int TagBytes = 16;
    public const int SaltBytes = 16;
    public const int IdBytes = 16;
    public const uint Version = 2;
    public const uint VersionWithoutBytes = 1;
    public const int SegmentSealedBytes = 80;
    public const int RecordSealedBytes = 56;

    public static ReadOnlySpan<byte> SegmentMagic => "AURAEJNL"u8;

    public static ReadOnlySpan<byte> RecordMagic => "AJR1"u8;

    /// <summary>The first place for a record at or after an offset.</summary>
    public static long Align(long offset) => (offset + RecordAlignment - 1) / RecordAlignment * RecordAlignment;
}

/// <summary>What a segment's header says; 0 bytes when it is of a version that does not say.</summary>
internal sealed record SegmentHeader(uint Number, byte[] DatabaseId, long Epoch, byte[] Salt, byte[] TagBefore, long Bytes, byte[] Tag)
{
    public void Write(Span<byte> bytes)
    {
        bytes[..JournalFormat.SegmentHeaderBytes].Clear();
        JournalFormat.SegmentMagic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], JournalFormat.Version);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], Number);
        DatabaseId.CopyTo(bytes[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[32..], Epoch);
        Salt.CopyTo(bytes[40..]);
        TagBefore.CopyTo(bytes[56..]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[72..], Bytes);
        Tag.CopyTo(bytes[80..]);
    }

    /// <summary>Null when these are no header of a version that is known; nothing is proved before the tag is.</summary>
    public static SegmentHeader? Read(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= JournalFormat.SegmentHeaderBytes && bytes.StartsWith(JournalFormat.SegmentMagic)
            && (BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[72..])) is (JournalFormat.Version, > 0) or (JournalFormat.VersionWithoutBytes, 0)
            && !bytes[96..JournalFormat.SegmentHeaderBytes].ContainsAnyExcept((byte)0)
            ? new SegmentHeader(
                BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]), bytes[16..32].ToArray(), BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]),
                bytes[40..56].ToArray(), bytes[56..72].ToArray(), BinaryPrimitives.ReadInt64LittleEndian(bytes[72..]), bytes[80..96].ToArray())
            : null;
}

/// <summary>What a record's header says.</summary>
/// <param name="Length">Of the changes.</param>
/// <param name="Number">Of the group.</param>
/// <param name="NumberBefore">Of the group whose state this one builds on.</param>
/// <param name="SequenceBefore">The last event before.</param>
/// <param name="Sequence">The last event with it.</param>
internal readonly record struct RecordHeader(int Length, long Number, long NumberBefore, long SequenceBefore, long Sequence)
{
    /// <summary>Everything but the tags.</summary>
    public void Write(Span<byte> bytes)
    {
        JournalFormat.RecordMagic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], Number);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], NumberBefore);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], SequenceBefore);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[32..], Sequence);
    }

    /// <summary>False when these are no header of a record that fits; nothing is proved before the tag is.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out RecordHeader header)
    {
        header = default;
        if (bytes.Length < JournalFormat.RecordHeaderBytes || !bytes.StartsWith(JournalFormat.RecordMagic))
        {
            return false;
        }

        header = new RecordHeader(
            BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]));
        return header.Length >= 0 && header.Length <= bytes.Length - JournalFormat.RecordHeaderBytes;
    }
}
