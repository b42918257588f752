using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Aurae.Pki;

/// <summary>
/// A directory of keys and certificates that is completed, never overwritten.
/// Invariants:
/// - an existing file is never replaced or removed;
/// - a certificate is written after its key is durable, so what an interrupted run leaves is completed by the next one;
/// - files that contradict each other stop the run before it writes.
/// </summary>
public sealed class PkiStore(string directory, PkiOptions options)
{
    private readonly SafeFile _files = new(options.Platform);
    private readonly List<PkiStep> _steps = [];

    public PkiLayout Layout { get; } = new(directory);

    /// <summary>Makes the authority, the server's pair and one pair per client, as far as they are missing. Idempotent.</summary>
    public IReadOnlyList<PkiStep> Init(params IReadOnlyList<ClientName> clients)
    {
        _steps.Clear();
        Refuse();
        _files.CreateDirectory(Layout.Directory);
        using var authority = EnsureAuthority();
        EnsureLeaf(authority, Layout.ServerKey, Layout.ServerRequest, Layout.ServerCertificate, CertificateMaker.Server);
        foreach (var client in clients)
        {
            EnsureClient(authority, client);
        }

        return [.. _steps];
    }

    /// <summary>Makes one client's pair, as far as it is missing. Idempotent; needs the authority's key.</summary>
    public IReadOnlyList<PkiStep> AddClient(ClientName client)
    {
        _steps.Clear();
        if (!File.Exists(Layout.CaCertificate))
        {
            throw new PkiException(PkiFailure.Missing, $"there is no authority at {Layout.CaCertificate} to sign client '{client}'", $"auraed pki init --dir {Layout.Directory}");
        }

        Refuse();
        using var authority = EnsureAuthority();
        EnsureClient(authority, client);
        return [.. _steps];
    }

    private void EnsureClient(Authority authority, ClientName client) =>
        EnsureLeaf(authority, Layout.ClientKey(client), Layout.ClientRequest(client), Layout.ClientCertificate(client), key => CertificateMaker.Client(key, client));

    private Authority EnsureAuthority()
    {
        if (File.Exists(Layout.CaCertificate))
        {
            _steps.Add(new PkiStep(Layout.CaCertificate, false));
            return new Authority(LoadCertificate(Layout.CaCertificate), Layout.CaKey, null);
        }

        var key = EnsureKey(Layout.CaKey);
        var certificate = CertificateMaker.SelfSign(CertificateMaker.Authority(key), key, options);
        Write(Layout.CaCertificate, certificate.ExportCertificatePem() + "\n", isPrivate: false);
        return new Authority(certificate, Layout.CaKey, key);
    }

    private void EnsureLeaf(Authority authority, string keyPath, string requestPath, string certificatePath, Func<KeyPair, CertificateRequest> profile)
    {
        if (File.Exists(certificatePath))
        {
            _steps.Add(new PkiStep(keyPath, false));
            _steps.Add(new PkiStep(certificatePath, false));
            return;
        }

        var authorityKey = authority.Key();
        using var key = EnsureKey(keyPath);
        if (!File.Exists(requestPath))
        {
            Write(requestPath, profile(key).CreateSigningRequestPem() + "\n", isPrivate: false);
        }

        using var certificate = Sign(profile(key), authority.Certificate, authorityKey);
        Write(certificatePath, certificate.ExportCertificatePem() + "\n", isPrivate: false);
    }

    private X509Certificate2 Sign(CertificateRequest request, X509Certificate2 authority, KeyPair authorityKey)
    {
        var now = options.Time.GetUtcNow();
        if (new DateTimeOffset(authority.NotAfter) <= now)
        {
            throw new PkiException(PkiFailure.Inconsistent, $"{Layout.CaCertificate} expired on {authority.NotAfter.ToUniversalTime():yyyy-MM-dd}; it can sign nothing more",
                $"mv {Layout.Directory} {Layout.Directory}.expired && auraed pki init --dir {Layout.Directory}");
        }

        return CertificateMaker.Sign(request, authority, authorityKey, options);
    }

    private KeyPair EnsureKey(string path)
    {
        if (File.Exists(path))
        {
            _steps.Add(new PkiStep(path, false));
            return KeyPair.Load(path);
        }

        options.Progress?.Invoke($"making {Path.GetFileName(path)}");
        var key = KeyPair.Generate(options.Kind);
        Write(path, key.ExportPem(), isPrivate: true);
        return key;
    }

    private void Write(string path, string text, bool isPrivate)
    {
        _files.Create(path, text, isPrivate);
        _steps.Add(new PkiStep(path, true));
    }

    /// <summary>Looks at everything that is there before anything is written.</summary>
    private void Refuse()
    {
        if (!Directory.Exists(Layout.Directory))
        {
            return;
        }

        foreach (var finding in PkiCheck.Contradictions(Layout))
        {
            throw new PkiException(PkiFailure.Inconsistent, $"{finding.Path}: {finding.What}; nothing was changed", finding.Hint);
        }
    }

    internal static X509Certificate2 LoadCertificate(string path)
    {
        var pem = SafeFile.Read(path);
        try
        {
            return X509Certificate2.CreateFromPem(pem);
        }
        catch (CryptographicException error)
        {
            throw new PkiException(PkiFailure.Inconsistent, $"{path} is not a PEM certificate", $"openssl x509 -in {path} -noout -text", error);
        }
    }

    /// <summary>The authority; its key is read only when something has to be signed, so a host may keep it elsewhere.</summary>
    private sealed class Authority(X509Certificate2 certificate, string keyPath, KeyPair? key) : IDisposable
    {
        private KeyPair? _key = key;

        public X509Certificate2 Certificate => certificate;

        public KeyPair Key()
        {
            if (_key is null && !File.Exists(keyPath))
            {
                throw new PkiException(PkiFailure.Missing, $"{keyPath} is not there, and without it nothing can be signed",
                    $"copy the authority's key to {keyPath} for the time of signing");
            }

            return _key ??= KeyPair.Load(keyPath);
        }

        public void Dispose()
        {
            certificate.Dispose();
            _key?.Dispose();
        }
    }
}
