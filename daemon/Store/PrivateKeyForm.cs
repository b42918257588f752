using System.Formats.Asn1;
using System.Security.Cryptography;
using Auraed.Base;

namespace Auraed.Store;

/// <summary>
/// A private key file as one canonical PKCS#8 DER, whatever it came as:
/// <code>
/// SEQUENCE {
///   INTEGER 0
///   SEQUENCE { OID algorithm, parameters }      RSA: NULL.  EC: OID of the curve.  Ed25519, Ed448: none.
///   OCTET STRING { key }                        RSA: SEQUENCE { 0, n, e, d, p, q, dP, dQ, qInv }
/// }                                             EC: SEQUENCE { 1, OCTET STRING scalar, as long as the curve's order }
///                                               Ed25519, Ed448: OCTET STRING seed
/// </code>
/// Attributes and public keys are left out, integers are shortest, lengths are DER; so PKCS#1, SEC1 and PKCS#8 files of one key give the same bytes.
/// </summary>
internal static class PrivateKeyForm
{
    private const string Rsa = "1.2.840.113549.1.1.1";
    private const string Ec = "1.2.840.10045.2.1";
    private const string Ed25519 = "1.3.101.112";
    private const string Ed448 = "1.3.101.113";

    /// <summary>Larger than any key file, so that the writer's buffer never moves and leaves no copy.</summary>
    private const int WriterBytes = 64 * 1024;

    private static readonly Dictionary<string, int> CurveBytes = new()
    {
        ["1.2.840.10045.3.1.7"] = 32,
        ["1.3.132.0.34"] = 48,
        ["1.3.132.0.35"] = 66,
        ["1.3.132.0.10"] = 32,
    };

    /// <summary>The caller wipes the answer.</summary>
    public static byte[] Canonical(ReadOnlySpan<byte> pem, string name)
    {
        var text = GC.AllocateArray<char>(pem.Length, pinned: true);
        byte[]? der = null;
        try
        {
            for (var index = 0; index < pem.Length; index++)
            {
                text[index] = (char)pem[index];
            }

            der = Decode(text, name, out var label);
            return label switch
            {
                "PRIVATE KEY" => FromPkcs8(der, name),
                "RSA PRIVATE KEY" => Wrap(Rsa, null, FromRsa(der)),
                _ => FromSec1(der, null, name),
            };
        }
        catch (AsnContentException broken)
        {
            throw Unreadable(name, "its key is not well-formed", broken);
        }
        finally
        {
            text.AsSpan().Clear();
            CryptographicOperations.ZeroMemory(der);
        }
    }

    private static byte[] Decode(ReadOnlySpan<char> text, string name, out string label)
    {
        while (PemEncoding.TryFind(text, out var fields))
        {
            label = text[fields.Label].ToString();
            if (label is "ENCRYPTED PRIVATE KEY")
            {
                throw Unreadable(name, "it is protected by a passphrase, which a daemon cannot be asked for", null);
            }

            if (label is "PRIVATE KEY" or "RSA PRIVATE KEY" or "EC PRIVATE KEY")
            {
                var der = GC.AllocateArray<byte>(fields.DecodedDataLength, pinned: true);
                if (!Convert.TryFromBase64Chars(text[fields.Base64Data], der, out _))
                {
                    break;
                }

                return der;
            }

            text = text[fields.Location.End..];
        }

        throw Unreadable(name, "it holds no private key in PEM form (PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY)", null);
    }

    private static byte[] FromPkcs8(byte[] der, string name)
    {
        var info = new AsnReader(der, AsnEncodingRules.BER).ReadSequence();
        _ = info.ReadInteger();
        var algorithm = info.ReadSequence();
        var identifier = algorithm.ReadObjectIdentifier();
        var key = info.ReadOctetString();
        try
        {
            return identifier switch
            {
                Rsa => Wrap(Rsa, null, FromRsa(key)),
                Ec => FromSec1(key, algorithm.ReadObjectIdentifier(), name),
                Ed25519 or Ed448 => Wrap(identifier, null, FromSeed(key)),
                _ => throw Unreadable(name, $"its algorithm {identifier} is not one of RSA, EC, Ed25519, Ed448", null),
            };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    private static AsnWriter FromRsa(byte[] der)
    {
        var key = new AsnReader(der, AsnEncodingRules.BER).ReadSequence();
        var writer = new AsnWriter(AsnEncodingRules.DER, WriterBytes);
        using (writer.PushSequence())
        {
            const int integerCount = 9;
            for (var index = 0; index < integerCount; index++)
            {
                writer.WriteInteger(Shortest(key.ReadIntegerBytes().Span));
            }
        }

        return writer;
    }

    private static byte[] FromSec1(byte[] der, string? curve, string name)
    {
        var key = new AsnReader(der, AsnEncodingRules.BER).ReadSequence();
        _ = key.ReadInteger();
        var scalar = key.ReadOctetString();
        var parameters = new Asn1Tag(TagClass.ContextSpecific, 0);
        if (curve is null && key.HasData && key.PeekTag().HasSameClassAndValue(parameters))
        {
            curve = key.ReadSequence(parameters).ReadObjectIdentifier();
        }

        if (curve is null || !CurveBytes.TryGetValue(curve, out var length))
        {
            throw Unreadable(name, "its curve is not one of P-256, P-384, P-521, secp256k1", null);
        }

        var padded = GC.AllocateArray<byte>(length, pinned: true);
        try
        {
            var digits = scalar.AsSpan().TrimStart((byte)0);
            if (digits.Length > length)
            {
                throw Unreadable(name, "its scalar is longer than its curve's order", null);
            }

            digits.CopyTo(padded.AsSpan(length - digits.Length));
            var writer = new AsnWriter(AsnEncodingRules.DER, WriterBytes);
            using (writer.PushSequence())
            {
                writer.WriteInteger(1);
                writer.WriteOctetString(padded);
            }

            return Wrap(Ec, curve, writer);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(padded);
            CryptographicOperations.ZeroMemory(scalar);
        }
    }

    private static AsnWriter FromSeed(byte[] der)
    {
        var seed = new AsnReader(der, AsnEncodingRules.BER).ReadOctetString();
        var writer = new AsnWriter(AsnEncodingRules.DER, WriterBytes);
        writer.WriteOctetString(seed);
        CryptographicOperations.ZeroMemory(seed);
        return writer;
    }

    private static byte[] Wrap(string algorithm, string? curve, AsnWriter key)
    {
        var inner = GC.AllocateArray<byte>(key.GetEncodedLength(), pinned: true);
        var writer = new AsnWriter(AsnEncodingRules.DER, WriterBytes);
        try
        {
            key.Encode(inner);
            using (writer.PushSequence())
            {
                writer.WriteInteger(0);
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(algorithm);
                    if (algorithm == Rsa)
                    {
                        writer.WriteNull();
                    }
                    else if (curve is not null)
                    {
                        writer.WriteObjectIdentifier(curve);
                    }
                }

                writer.WriteOctetString(inner);
            }

            var der = GC.AllocateArray<byte>(writer.GetEncodedLength(), pinned: true);
            writer.Encode(der);
            return der;
        }
        finally
        {
            // Reset wipes the writers' buffers.
            key.Reset();
            writer.Reset();
            CryptographicOperations.ZeroMemory(inner);
        }
    }

    /// <summary>Drops leading bytes that only repeat the sign, which BER tolerates and DER does not.</summary>
    private static ReadOnlySpan<byte> Shortest(ReadOnlySpan<byte> value)
    {
        while (value.Length > 1 && ((value[0] == 0 && value[1] < 0x80) || (value[0] == 0xff && value[1] >= 0x80)))
        {
            value = value[1..];
        }

        return value;
    }

    private static Fault Unreadable(string name, string why, Exception? cause) =>
        new(FaultKind.Precondition, $"{name} cannot be used as the server's key: {why}", hint: "auraed pki check", cause: cause) { Reason = "KEY_UNREADABLE" };
}
