using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Auraed.Native;

namespace Auraed.Store;

/// <summary>
/// The hash that chains events: hash = SHA-256(previous hash || canonical encoding), where the hash before the first is 32 zero bytes.
/// The canonical encoding, integers big-endian:
/// <code>
/// offset  bytes  content
///      0      1  version of this encoding: 1
///      1      8  sequence
///      9      8  commit revision: sequence of the first event of the same request
///     17      8  time, nanoseconds since 1970 UTC
///     25    4+n  tenant      length in bytes, then UTF-8
///      .    4+n  principal
///      .    4+n  request id  (length ffffffff and no bytes when there is none)
///      .    4+n  kind
///      .    4+n  subject
///      .    4+n  payload     length in bytes, then the bytes
/// </code>
/// </summary>
internal static class EventHash
{
    public const int HashBytes = 32;
    public const byte Version = 1;

    /// <summary>An encoding whose texts and payload are empty.</summary>
    public const int FixedBytes = 25 + (6 * 4);

    /// <summary>A row's columns in the order of the encoding, and its hash.</summary>
    public const string Columns = "sequence, commit_revision, time, tenant, principal, request_id, kind, subject, payload, hash";

    private const int StackBytesMax = 1024;

    /// <summary>The hash of one event behind <paramref name="previous"/>, written to <paramref name="hash"/>; both may be the same span.</summary>
    public static void Compute(ReadOnlySpan<byte> previous, in EventContent content, Span<byte> hash)
    {
        var bound = HashBytes + 25 + (6 * 4) + content.Payload.Length
            + Encoding.UTF8.GetMaxByteCount(content.Tenant.Length + content.Principal.Length + (content.RequestId?.Length ?? 0) + content.Kind.Length + content.Subject.Length);
        byte[]? rented = null;
        var buffer = bound <= StackBytesMax ? stackalloc byte[StackBytesMax] : rented = ArrayPool<byte>.Shared.Rent(bound);
        previous.CopyTo(buffer);
        var length = HashBytes + Encode(content, buffer[HashBytes..]);
        DirectSha256.Hash(buffer[..length], hash);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>The hash of an encoding that stands in the buffer after 32 bytes of room, which take the hash before it.</summary>
    internal static void Chain(ReadOnlySpan<byte> previous, Span<byte> buffer, Span<byte> hash)
    {
        previous.CopyTo(buffer);
        DirectSha256.Hash(buffer, hash);
    }

    /// <summary>Writes the canonical encoding; returns its length.</summary>
    public static int Encode(in EventContent content, Span<byte> buffer)
    {
        buffer[0] = Version;
        BinaryPrimitives.WriteInt64BigEndian(buffer[1..], content.Sequence);
        BinaryPrimitives.WriteInt64BigEndian(buffer[9..], content.CommitRevision);
        BinaryPrimitives.WriteInt64BigEndian(buffer[17..], content.Time);
        var offset = 25;
        offset += Text(content.Tenant, buffer[offset..]);
        offset += Text(content.Principal, buffer[offset..]);
        offset += Text(content.RequestId, buffer[offset..]);
        offset += Text(content.Kind, buffer[offset..]);
        offset += Text(content.Subject, buffer[offset..]);
        BinaryPrimitives.WriteInt32BigEndian(buffer[offset..], content.Payload.Length);
        content.Payload.CopyTo(buffer[(offset + 4)..]);
        return offset + 4 + content.Payload.Length;
    }

    /// <summary>
    /// Writes the canonical encoding of a row of <see cref="Columns"/> at an offset of a buffer, which grows as it must; returns its length. What the row
    /// holds goes in as it is, so that no byte of it escapes the hash.
    /// </summary>
    internal static int Encode(Statement row, ref byte[] buffer, int offset)
    {
        int payload = row.Blob(8).Length;
        int length = FixedBytes + row.Blob(3).Length + row.Blob(4).Length + row.Blob(5).Length + row.Blob(6).Length + row.Blob(7).Length + payload;
        if (buffer.Length < offset + length)
        {
            Array.Resize(ref buffer, Math.Max(2 * buffer.Length, offset + length));
        }

        Span<byte> rest = buffer.AsSpan(offset, length);
        rest[0] = Version;
        BinaryPrimitives.WriteInt64BigEndian(rest[1..], row.Integer(0));
        BinaryPrimitives.WriteInt64BigEndian(rest[9..], row.Integer(1));
        BinaryPrimitives.WriteInt64BigEndian(rest[17..], row.Integer(2));
        rest = rest[25..];
        for (int column = 3; column <= 8; column++)
        {
            if (column == 5 && row.IsNull(column))
            {
                BinaryPrimitives.WriteUInt32BigEndian(rest, uint.MaxValue);
                rest = rest[4..];
                continue;
            }

            ReadOnlySpan<byte> value = row.Blob(column);
            BinaryPrimitives.WriteInt32BigEndian(rest, value.Length);
            value.CopyTo(rest[4..]);
            rest = rest[(4 + value.Length)..];
        }

        return length;
    }

    private static int Text(string? text, Span<byte> buffer)
    {
        if (text is null)
        {
            BinaryPrimitives.WriteUInt32BigEndian(buffer, uint.MaxValue);
            return 4;
        }

        var length = Encoding.UTF8.GetBytes(text, buffer[4..]);
        BinaryPrimitives.WriteInt32BigEndian(buffer, length);
        return 4 + length;
    }
}

/// <summary>Everything in an event that its hash covers.</summary>
internal readonly ref struct EventContent
{
    public required long Sequence { get; init; }

    public required long CommitRevision { get; init; }

    public required long Time { get; init; }

    public required string Tenant { get; init; }

    public required string Principal { get; init; }

    public string? RequestId { get; init; }

    public required string Kind { get; init; }

    public required string Subject { get; init; }

    public required ReadOnlySpan<byte> Payload { get; init; }
}
