using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Store.Records;

namespace Auraed.Domain.Records;

/// <summary>
/// Tokens that continue a list after its last row. A token is base64url of
/// <code>
/// version 1 byte = 1 | seal 16 bytes | keys: { kind 1 byte | kind 0: nothing; 1 and 2: 8 bytes big-endian; 3 and 4: length 4 bytes big-endian, bytes }
/// seal = the first 16 bytes of HMAC-SHA256(key, version | digest of the query 32 bytes | keys)
/// </code>
/// so one that was altered, or that belongs to another tenant or query, is refused. The sort keys inside are values that the caller may read anyway.
/// </summary>
public sealed class PageTokens(byte[] key)
{
    private const byte Version = 1;
    private const int SealBytes = 16;
    private const string Field = "page_token";

    /// <summary>What a token is bound to. Parts are length-prefixed, so that no two queries share a digest.</summary>
    public static byte[] Digest(params ReadOnlySpan<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[4];
        foreach (string part in parts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(part);
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        return hash.GetHashAndReset();
    }

    public string Write(byte[] digest, IReadOnlyList<SqlValue> keys)
    {
        var bytes = new List<byte>(64) { Version };
        bytes.AddRange(new byte[SealBytes]);
        Span<byte> number = stackalloc byte[8];
        foreach (SqlValue value in keys)
        {
            switch (value.Type)
            {
                case null:
                    bytes.Add(0);
                    break;
                case ColumnType.Integer or ColumnType.Real:
                    bytes.Add(value.Type == ColumnType.Integer ? (byte)1 : (byte)2);
                    BinaryPrimitives.WriteInt64BigEndian(number, value.AsInteger);
                    bytes.AddRange(number);
                    break;
                default:
                    byte[] content = value.Type == ColumnType.Text ? Encoding.UTF8.GetBytes(value.AsText) : value.AsBlob;
                    bytes.Add(value.Type == ColumnType.Text ? (byte)3 : (byte)4);
                    BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
                    bytes.AddRange(number[..4]);
                    bytes.AddRange(content);
                    break;
            }
        }

        byte[] token = [.. bytes];
        Seal(digest, token.AsSpan(1 + SealBytes)).CopyTo(token.AsSpan(1));
        string text = Base64Url.EncodeToString(token);
        return text.Length <= Limits.PageTokenCharactersMax
            ? text
            : throw Fault.Invalid("order_by", "order_by: the values of these fields are too long for a page token; order by another field");
    }

    /// <summary>The sort keys; null for an empty token.</summary>
    public IReadOnlyList<SqlValue>? Read(byte[] digest, string token)
    {
        if (token.Length == 0)
        {
            return null;
        }

        Fault wrong = Fault.Invalid(Field, $"{Field} is not one of this query's: it was altered, cut, or made for another tenant, type, filter, order or label");
        if (token.Length > Limits.PageTokenCharactersMax || !Base64Url.IsValid(token))
        {
            throw wrong;
        }

        byte[] bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length <= 1 + SealBytes || bytes[0] != Version)
        {
            throw wrong;
        }

        ReadOnlySpan<byte> keys = bytes.AsSpan(1 + SealBytes);
        return CryptographicOperations.FixedTimeEquals(Seal(digest, keys), bytes.AsSpan(1, SealBytes)) ? Keys(keys) : throw wrong;
    }

    // The seal has been checked: what is read here was written here.
    private static List<SqlValue> Keys(ReadOnlySpan<byte> rest)
    {
        var values = new List<SqlValue>();
        while (!rest.IsEmpty)
        {
            byte kind = rest[0];
            rest = rest[1..];
            if (kind == 0)
            {
                values.Add(SqlValue.Null);
            }
            else if (kind <= 2)
            {
                long number = BinaryPrimitives.ReadInt64BigEndian(rest);
                values.Add(kind == 1 ? SqlValue.Integer(number) : SqlValue.Real(BitConverter.Int64BitsToDouble(number)));
                rest = rest[8..];
            }
            else
            {
                int length = BinaryPrimitives.ReadInt32BigEndian(rest);
                ReadOnlySpan<byte> content = rest.Slice(4, length);
                values.Add(kind == 3 ? SqlValue.Text(Encoding.UTF8.GetString(content)) : SqlValue.Blob(content.ToArray()));
                rest = rest[(4 + length)..];
            }
        }

        return values;
    }

    private byte[] Seal(byte[] digest, ReadOnlySpan<byte> keys)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hmac.AppendData([Version]);
        hmac.AppendData(digest);
        hmac.AppendData(keys);
        return hmac.GetHashAndReset()[..SealBytes];
    }
}
