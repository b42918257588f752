using System.Globalization;
using System.Text;
using Auraed.Base;

namespace Auraed.Store.Proof;

/// <summary>
/// A signed statement of what the log was. It is text in UTF-8, lines end with LF, in the shape of a signed note (C2SP signed-note, tlog-checkpoint):
/// <code>
/// auraed/0123456789abcdef0123456789abcdef          origin: the database's id
/// 1234                                             size: events 1 to this one
/// MbpvWN1a2aLJyYyr15ghAPDT/w4hlzmQjMDZNzAEbZ0=     root of the RFC 6962 tree over them, base64
/// time 1767323045000000000                         of signing, nanoseconds since 1970 UTC
/// head wUuG4YMlizHm5TrUv8xK7X0vlJp4uJ6XEyFITNd75sY=  hash of the last event; 32 zero bytes when there is none
///                                                  (empty line)
/// — auraed/0123456789abcdef0123456789abcdef BASE64 em dash, blank, origin, blank, then 4 bytes of key id and the signature
/// </code>
/// Signed are the bytes before the empty line, LF of the fifth line included, under SHA-256: with RSA by PKCS#1 v1.5, with ECDSA as DER. The key id is
/// the first 4 bytes of SHA-256(origin || 0a || ff || "auraed-checkpoint-v1" || SubjectPublicKeyInfo). So openssl verifies it:
/// <code>openssl x509 -in server.crt -noout -pubkey > server.pub; openssl dgst -sha256 -verify server.pub -signature signature.bin text</code>
/// </summary>
/// <param name="Origin">"auraed/" and the database's id.</param>
/// <param name="Size">Events that it covers: 1 to this one.</param>
/// <param name="Time">Nanoseconds since 1970 UTC.</param>
/// <param name="Head">The hash of event <paramref name="Size"/>.</param>
internal sealed record Checkpoint(string Origin, long Size, byte[] Root, long Time, byte[] Head, byte[] KeyId, byte[] Signature)
{
    public const int KeyIdBytes = 4;

    /// <summary>Larger than one with the largest key's signature.</summary>
    public const int NoteBytesMax = 4096;

    private const string Dash = "\u2014 ";

    public static string OriginOf(string databaseId) => "auraed/" + databaseId;

    /// <summary>What is signed.</summary>
    public byte[] Text => TextOf(Origin, Size, Root, Time, Head);

    /// <summary>The whole checkpoint as it is kept and handed out.</summary>
    public byte[] Note => [.. Text, .. Encoding.UTF8.GetBytes($"\n{Dash}{Origin} {Convert.ToBase64String([.. KeyId, .. Signature])}\n")];

    public static byte[] TextOf(string origin, long size, byte[] root, long time, byte[] head) => Encoding.UTF8.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"{origin}\n{size}\n{Convert.ToBase64String(root)}\ntime {time}\nhead {Convert.ToBase64String(head)}\n"));

    /// <summary>Fault(Corrupt) when the bytes are not exactly a checkpoint. Says nothing about its signature.</summary>
    public static Checkpoint Parse(ReadOnlySpan<byte> note)
    {
        if (note.Length <= NoteBytesMax && Read(Encoding.UTF8.GetString(note)) is { } checkpoint && note.SequenceEqual(checkpoint.Note))
        {
            return checkpoint;
        }

        throw new Fault(FaultKind.Corrupt, "the checkpoint is not well-formed") { Reason = "CHECKPOINT_MALFORMED" };
    }

    private static Checkpoint? Read(string text)
    {
        if (text.Split('\n') is not [var origin, var size, var root, ['t', 'i', 'm', 'e', ' ', .. var time], ['h', 'e', 'a', 'd', ' ', .. var head], "", var line, ""]
            || !line.StartsWith($"{Dash}{origin} ", StringComparison.Ordinal) || Bytes(line[(Dash.Length + origin.Length + 1)..]) is not { Length: > KeyIdBytes } signature
            || Bytes(root) is not { Length: MerkleHash.Bytes } rootHash || Bytes(head) is not { Length: EventHash.HashBytes } headHash
            || !long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long events)
            || !long.TryParse(time, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long nanoseconds))
        {
            return null;
        }

        return new Checkpoint(origin, events, rootHash, nanoseconds, headHash, signature[..KeyIdBytes], signature[KeyIdBytes..]);
    }

    private static byte[]? Bytes(string base64)
    {
        var bytes = new byte[(base64.Length / 4 * 3) + 3];
        return Convert.TryFromBase64String(base64, bytes, out int length) ? bytes[..length] : null;
    }
}
