using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Aurae.Pki;

/// <summary>
/// The three certificate profiles. Subjects and subject alternative names are upstream's; beyond upstream, each leaf states what it is for
/// (extended key usage), so that a client's certificate cannot serve and the server's cannot call. Certificates made by upstream's own script,
/// which state nothing, stay valid.
/// </summary>
internal static class CertificateMaker
{
    private const int SerialBytes = 16;

    /// <summary>A host whose clock runs a little behind may use the certificate at once.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromHours(1);

    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    public static CertificateRequest Authority(KeyPair key)
    {
        var request = Named(key, PkiLayout.Domain);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        return request;
    }

    public static CertificateRequest Server(KeyPair key) => Leaf(Named(key, PkiLayout.ServerName), ServerAuthentication);

    public static CertificateRequest Client(KeyPair key, ClientName name) => Leaf(Named(key, PkiLayout.ClientSubject(name)), ClientAuthentication);

    public static X509Certificate2 SelfSign(CertificateRequest request, KeyPair key, PkiOptions options)
    {
        var (from, until) = Period(options);
        return request.Create(request.SubjectName, key.Signer(), from, until, Serial());
    }

    /// <summary>The authority must be valid now; what it signs never outlives it.</summary>
    public static X509Certificate2 Sign(CertificateRequest request, X509Certificate2 authority, KeyPair authorityKey, PkiOptions options)
    {
        var (from, until) = Period(options);
        var authorityUntil = new DateTimeOffset(authority.NotAfter);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        return request.Create(authority.SubjectName, authorityKey.Signer(), from, until < authorityUntil ? until : authorityUntil, Serial());
    }

    private static CertificateRequest Named(KeyPair key, string commonName)
    {
        var request = key.Request($"CN={commonName}, OU=Runtime, O=Aurae, L=aurae, S=aurae, C=IS");
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(commonName);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }

    private static CertificateRequest Leaf(CertificateRequest request, Oid purpose)
    {
        const X509KeyUsageFlags usage = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation
            | X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.DataEncipherment;
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(usage, critical: false));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([purpose], critical: false));
        return request;
    }

    private static (DateTimeOffset From, DateTimeOffset Until) Period(PkiOptions options)
    {
        var now = options.Time.GetUtcNow();
        return (now - ClockSkew, now + options.Validity);
    }

    /// <summary>Random, positive, never zero (RFC 5280, 4.1.2.2).</summary>
    private static byte[] Serial()
    {
        var serial = RandomNumberGenerator.GetBytes(SerialBytes);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        return serial;
    }
}
