using System.Security.Cryptography.X509Certificates;

namespace Aurae.Pki;

/// <summary>Looks at a certificate set and says what is wrong with it and which command mends it. Reads only.</summary>
public sealed class PkiCheck(PkiLayout layout, PkiPlatform platform, TimeProvider time)
{
    /// <summary>From here on an expiry is a warning: time enough to renew by hand.</summary>
    public static readonly TimeSpan ExpiryWarning = TimeSpan.FromDays(30);

    private const UnixFileMode OthersMayWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const UnixFileMode OthersMayAnything = OthersMayWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly List<PkiFinding> _findings = [];

    /// <summary>Everything that was looked at, good or bad, in a stable order.</summary>
    public IReadOnlyList<PkiFinding> Run()
    {
        _findings.Clear();
        if (IsHidden(layout.Directory))
        {
            Error(layout.Directory, "cannot be looked at: permission denied", "run it as root, or as the owner");
            return [.. _findings];
        }

        if (!Directory.Exists(layout.Directory))
        {
            Error(layout.Directory, "does not exist", InitCommand);
            return [.. _findings];
        }

        Protected(layout.Directory, OthersMayWrite, "700");
        _findings.AddRange(Contradictions(layout));
        Authority();
        Leaf(layout.ServerKey, layout.ServerCertificate, InitCommand, required: true);
        ServerName();
        foreach (var client in layout.Clients())
        {
            Leaf(layout.ClientKey(client), layout.ClientCertificate(client), $"auraed pki client {client} --dir {layout.Directory}", required: false);
        }

        return [.. _findings.Distinct()];
    }

    /// <summary>True when this user may not see whether there is something at the path, or what a directory there holds.</summary>
    public static bool IsHidden(string path)
    {
        try
        {
            if (File.GetAttributes(path).HasFlag(FileAttributes.Directory))
            {
                using var entries = Directory.EnumerateFileSystemEntries(path).GetEnumerator();
                _ = entries.MoveNext();
            }

            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Files that cannot all be right: completing such a set would make it worse.</summary>
    public static IReadOnlyList<PkiFinding> Contradictions(PkiLayout layout)
    {
        var found = new List<PkiFinding>();
        using var authority = Load(layout.CaCertificate, found);
        if (authority is not null && File.Exists(layout.CaKey))
        {
            Match(layout.CaKey, layout.CaCertificate, authority, $"bring the key of {layout.CaCertificate} back", found);
        }

        Pair(layout.ServerKey, layout.ServerCertificate, $"auraed pki init --dir {layout.Directory}", authority, layout, found);
        foreach (var client in layout.Clients())
        {
            Pair(layout.ClientKey(client), layout.ClientCertificate(client), $"auraed pki client {client} --dir {layout.Directory}", authority, layout, found);
        }

        return found;
    }

    private string InitCommand => $"auraed pki init --dir {layout.Directory}";

    /// <summary>A set that has lost this key is not completed: what was encrypted with the key would be lost with it.</summary>
    private static string RestoreKey(PkiLayout layout) => $"put {layout.ServerKey} back from its backup: a new one does not open the database";

    private static void Pair(string keyPath, string certificatePath, string sign, X509Certificate2? authority, PkiLayout layout, List<PkiFinding> found)
    {
        using var certificate = Load(certificatePath, found);
        if (certificate is null)
        {
            return;
        }

        if (!File.Exists(keyPath))
        {
            found.Add(new PkiFinding(PkiSeverity.Error, certificatePath, $"has no key at {keyPath}", keyPath == layout.ServerKey
                ? RestoreKey(layout)
                : $"bring the key back, or: mv {certificatePath} {certificatePath}.old"));
        }
        else
        {
            Match(keyPath, certificatePath, certificate, $"mv {certificatePath} {certificatePath}.old && {sign}", found);
        }

        if (authority is null && !File.Exists(layout.CaCertificate) && !File.Exists(layout.CaKey))
        {
            found.Add(new PkiFinding(PkiSeverity.Error, certificatePath, $"was signed by an authority that is gone: neither {layout.CaCertificate} nor its key is there", $"bring {layout.CaCertificate} back"));
        }
        else if (authority is not null && !IsSignedBy(certificate, authority))
        {
            found.Add(new PkiFinding(PkiSeverity.Error, certificatePath, $"was not signed by {layout.CaCertificate}", $"mv {certificatePath} {certificatePath}.old, then sign again: {sign}"));
        }
    }

    private static void Match(string keyPath, string certificatePath, X509Certificate2 certificate, string mend, List<PkiFinding> found)
    {
        try
        {
            using var key = KeyPair.Load(keyPath);
            if (!key.Matches(certificate))
            {
                found.Add(new PkiFinding(PkiSeverity.Error, certificatePath, $"is not of the key {keyPath}", mend));
            }
        }
        catch (PkiException error)
        {
            found.Add(new PkiFinding(PkiSeverity.Error, keyPath, WithoutPath(error.Message, keyPath), error.Hint));
        }
    }

    /// <summary>The certificate, or null when it is not there or cannot be read; the latter is a finding.</summary>
    private static X509Certificate2? Load(string path, List<PkiFinding> found)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return PkiStore.LoadCertificate(path);
        }
        catch (PkiException error)
        {
            found.Add(new PkiFinding(PkiSeverity.Error, path, WithoutPath(error.Message, path), error.Hint));
            return null;
        }
    }

    private static string WithoutPath(string message, string path) =>
        message.StartsWith(path + " ", StringComparison.Ordinal) ? message[(path.Length + 1)..] : message;

    /// <summary>The signature alone; time and usage are findings of their own.</summary>
    private static bool IsSignedBy(X509Certificate2 certificate, X509Certificate2 authority)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        return chain.Build(certificate);
    }

    private void Authority()
    {
        if (!File.Exists(layout.CaCertificate))
        {
            Error(layout.CaCertificate, "does not exist", InitCommand);
        }

        using var certificate = Load(layout.CaCertificate, _findings);
        if (certificate is null)
        {
            return;
        }

        var constraints = certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault();
        if (constraints is not { CertificateAuthority: true })
        {
            Error(layout.CaCertificate, "is not an authority's certificate (no CA:TRUE)", $"openssl x509 -in {layout.CaCertificate} -noout -ext basicConstraints");
        }

        Expiry(layout.CaCertificate, certificate, "make a new set: every certificate of this authority ends with it");
        if (File.Exists(layout.CaKey))
        {
            Protected(layout.CaKey, OthersMayAnything, "600");
        }
    }

    private void Leaf(string keyPath, string certificatePath, string sign, bool required)
    {
        if (File.Exists(keyPath))
        {
            Protected(keyPath, OthersMayAnything, "600");
        }
        else if (required)
        {
            Error(keyPath, "does not exist", File.Exists(certificatePath) ? RestoreKey(layout) : sign);
        }

        if (!File.Exists(certificatePath))
        {
            Report(required ? PkiSeverity.Error : PkiSeverity.Warning, certificatePath, "does not exist", sign);
        }

        using var certificate = Load(certificatePath, _findings);
        if (certificate is null)
        {
            return;
        }

        Protected(certificatePath, OthersMayWrite, "644");
        Expiry(certificatePath, certificate, $"mv {certificatePath} {certificatePath}.old && {sign}");
    }

    private void ServerName()
    {
        using var certificate = Load(layout.ServerCertificate, _findings);
        if (certificate is null)
        {
            return;
        }

        if (certificate.MatchesHostname(PkiLayout.ServerName, allowWildcards: false, allowCommonName: false))
        {
            Report(PkiSeverity.Good, layout.ServerCertificate, $"names {PkiLayout.ServerName}", null);
        }
        else
        {
            Error(layout.ServerCertificate, $"does not name {PkiLayout.ServerName}, which every client asks for", $"mv {layout.ServerCertificate} {layout.ServerCertificate}.old && {InitCommand}");
        }
    }

    private void Expiry(string path, X509Certificate2 certificate, string renew)
    {
        var now = time.GetUtcNow();
        var from = new DateTimeOffset(certificate.NotBefore);
        var until = new DateTimeOffset(certificate.NotAfter);
        var date = until.ToUniversalTime().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        var (severity, what) = true switch
        {
            _ when now < from => (PkiSeverity.Error, $"is not valid before {from.ToUniversalTime():yyyy-MM-dd HH:mm}Z: is the clock right?"),
            _ when now >= until => (PkiSeverity.Error, $"expired on {date}"),
            _ when until - now < ExpiryWarning => (PkiSeverity.Warning, $"expires on {date}"),
            _ => (PkiSeverity.Good, $"is valid until {date}"),
        };
        Report(severity, path, what, severity == PkiSeverity.Good ? null : now < from ? "timedatectl" : renew);
    }

    private void Protected(string path, UnixFileMode forbidden, string wanted)
    {
        var mode = File.GetUnixFileMode(path);
        if ((mode & forbidden) != 0)
        {
            var text = Convert.ToString((int)mode, 8);
            Error(path, $"has mode {text}; others may {((mode & OthersMayWrite & forbidden) != 0 ? "write" : "read")} it", $"chmod {wanted} {path}");
        }

        var owner = platform.OwnerOf(path);
        if (owner != 0 && owner != platform.UserId)
        {
            Report(PkiSeverity.Warning, path, $"belongs to user {owner}, neither root nor the user who asks ({platform.UserId})", $"chown {platform.UserId} {path}");
        }
    }

    private void Error(string path, string what, string hint) => Report(PkiSeverity.Error, path, what, hint);

    private void Report(PkiSeverity severity, string path, string what, string? hint) => _findings.Add(new PkiFinding(severity, path, what, hint));
}
