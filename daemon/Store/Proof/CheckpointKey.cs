using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Auraed.Base;

namespace Auraed.Store.Proof;

/// <summary>
/// The key that checkpoints are signed with (server.key) or checked against (server.crt): RSA or ECDSA. Thread-safe.
/// </summary>
internal sealed class CheckpointKey : IDisposable
{
    private readonly AsymmetricAlgorithm _key;
    private readonly byte[] _public;
    private readonly Lock _signing = new();

    private CheckpointKey(AsymmetricAlgorithm key)
    {
        _key = key;
        _public = key switch
        {
            RSA rsa => rsa.ExportSubjectPublicKeyInfo(),
            ECDsa ec => ec.ExportSubjectPublicKeyInfo(),
            _ => throw new ArgumentException($"a key of type {key.GetType()}", nameof(key)),
        };
    }

    /// <summary>From the canonical form of server.key; null for a kind of key that signs nothing here (Ed25519, Ed448), with which no TLS server starts either.</summary>
    public static CheckpointKey? FromPrivate(ReadOnlySpan<byte> pkcs8)
    {
        foreach (AsymmetricAlgorithm key in new AsymmetricAlgorithm[] { ECDsa.Create(), RSA.Create() })
        {
            try
            {
                key.ImportPkcs8PrivateKey(pkcs8, out _);
                return new CheckpointKey(key);
            }
            catch (CryptographicException)
            {
                key.Dispose();
            }
        }

        return null;
    }

    /// <summary>The public key of a certificate, all that a checker needs. Fault(Precondition) when the file holds none.</summary>
    public static CheckpointKey FromCertificate(string path)
    {
        try
        {
            using X509Certificate2 certificate = X509Certificate2.CreateFromPem(File.ReadAllText(path));
            AsymmetricAlgorithm? key = certificate.GetECDsaPublicKey() ?? (AsymmetricAlgorithm?)certificate.GetRSAPublicKey();
            return key is null
                ? throw new Fault(FaultKind.Precondition, $"the key of {path} is neither RSA nor ECDSA", "server_crt", "give the certificate of the daemon that signed") { Reason = "CERTIFICATE_UNREADABLE" }
                : new CheckpointKey(key);
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Precondition, $"{path} cannot be read as a certificate: {unreadable.Message}", "server_crt", "give the PEM file of the server's certificate", unreadable) { Reason = "CERTIFICATE_UNREADABLE" };
        }
    }

    /// <summary>Names this key within the notes of one origin.</summary>
    public byte[] IdFor(string origin) =>
        SHA256.HashData([.. Encoding.UTF8.GetBytes(origin), 0x0a, 0xff, .. "auraed-checkpoint-v1"u8, .. _public])[..Checkpoint.KeyIdBytes];

    public Checkpoint Sign(string origin, long size, byte[] root, long time, byte[] head)
    {
        byte[] text = Checkpoint.TextOf(origin, size, root, time, head);
        lock (_signing)
        {
            byte[] signature = _key switch
            {
                RSA rsa => rsa.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
                _ => ((ECDsa)_key).SignData(text, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence),
            };
            return new Checkpoint(origin, size, root, time, head, IdFor(origin), signature);
        }
    }

    public bool IsSignerOf(Checkpoint checkpoint) => checkpoint.KeyId.AsSpan().SequenceEqual(IdFor(checkpoint.Origin));

    /// <summary>True when this key made the signature.</summary>
    public bool Verifies(Checkpoint checkpoint)
    {
        lock (_signing)
        {
            return IsSignerOf(checkpoint) && _key switch
            {
                RSA rsa => rsa.VerifyData(checkpoint.Text, checkpoint.Signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
                _ => ((ECDsa)_key).VerifyData(checkpoint.Text, checkpoint.Signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence),
            };
        }
    }

    public void Dispose() => _key.Dispose();
}
