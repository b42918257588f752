using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

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
    private const byte Version = 1;
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
        SHA256.HashData(buffer[..length], hash);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
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
