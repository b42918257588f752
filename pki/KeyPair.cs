using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Aurae.Pki;

/// <summary>A private key, RSA or ECDSA: read, made, written as PKCS#8 PEM, compared with a certificate, used to sign.</summary>
public sealed class KeyPair : IDisposable
{
    private const int RsaBits = 4096;

    private readonly AsymmetricAlgorithm _key;

    private KeyPair(AsymmetricAlgorithm key) => _key = key;

    public static KeyPair Generate(KeyKind kind) => kind switch
    {
        KeyKind.Rsa => new KeyPair(RSA.Create(RsaBits)),
        KeyKind.Ec => new KeyPair(ECDsa.Create(ECCurve.NamedCurves.nistP256)),
    };

    /// <exception cref="PkiException">The file is missing, unreadable, or no unencrypted RSA or ECDSA key.</exception>
    public static KeyPair Load(string path)
    {
        var pem = SafeFile.Read(path);
        var key = TryImport(RSA.Create(), pem) ?? TryImport(ECDsa.Create(), pem);
        return key is null
            ? throw new PkiException(PkiFailure.Inconsistent, $"{path} is not an unencrypted PEM private key of RSA or ECDSA", $"openssl pkey -in {path} -noout -text")
            : new KeyPair(key);
    }

    public string ExportPem() => _key.ExportPkcs8PrivateKeyPem() + "\n";

    /// <summary>True when the certificate is of this key.</summary>
    public bool Matches(X509Certificate2 certificate) =>
        _key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(certificate.PublicKey.ExportSubjectPublicKeyInfo());

    internal X509SignatureGenerator Signer() => _key switch
    {
        RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1),
        ECDsa ec => X509SignatureGenerator.CreateForECDsa(ec),
        _ => throw new InvalidOperationException("a key is RSA or ECDSA"),
    };

    internal CertificateRequest Request(string subject) => _key switch
    {
        RSA rsa => new CertificateRequest(subject, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        ECDsa ec => new CertificateRequest(subject, ec, HashAlgorithmName.SHA256),
        _ => throw new InvalidOperationException("a key is RSA or ECDSA"),
    };

    public void Dispose() => _key.Dispose();

    private static AsymmetricAlgorithm? TryImport(AsymmetricAlgorithm key, string pem)
    {
        try
        {
            key.ImportFromPem(pem);
            return key;
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            key.Dispose();
            return null;
        }
    }
}
