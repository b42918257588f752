using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Auraed.Base;
using Auraed.Config;
using Auraed.Native;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Auraed.Host;

/// <summary>
/// The server's certificate and the authority of its clients, as read at one time. A client must show a certificate that this authority alone has signed;
/// the system's roots are never asked. Immutable: a reload makes a new one, which new connections use.
/// </summary>
internal sealed class TlsIdentity
{
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");
    private readonly X509Certificate2Collection _authorities;
    private readonly SslStreamCertificateContext _server;
    private readonly ILogger _logger;

    private TlsIdentity(SslStreamCertificateContext server, X509Certificate2Collection authorities, ILogger logger)
    {
        _server = server;
        _authorities = authorities;
        _logger = logger;
    }

    /// <summary>Fault(Precondition) that names the file when one is missing, unreadable, or does not belong to the others.</summary>
    public static TlsIdentity Load(Settings settings, ILogger logger)
    {
        var authorities = new X509Certificate2Collection();
        Read("ca_crt", settings.AuthorityPath, path => authorities.ImportFromPemFile(path));
        if (authorities.Count == 0)
        {
            throw Bad("ca_crt", settings.AuthorityPath, "it holds no certificate", null);
        }

        var certificates = new X509Certificate2Collection();
        Read("server_crt", settings.ServerCertificatePath, path => certificates.ImportFromPemFile(path));
        if (certificates.Count == 0)
        {
            throw Bad("server_crt", settings.ServerCertificatePath, "it holds no certificate", null);
        }

        X509Certificate2? identity = null;
        Read("server_key", settings.ServerKeyPath, path => identity = X509Certificate2.CreateFromPemFile(settings.ServerCertificatePath, path));
        certificates.RemoveAt(0);
        var trust = SslCertificateTrust.CreateForX509Collection(authorities, sendTrustInHandshake: false);
        return new TlsIdentity(SystemRoots.Without(() => SslStreamCertificateContext.Create(identity!, certificates, offline: true, trust)), authorities, logger);
    }

    /// <summary>The terms of one handshake.</summary>
    public SslServerAuthenticationOptions OptionsFor(ConnectionContext connection)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(_authorities);
        policy.ApplicationPolicy.Add(ClientAuthentication);
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _server,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = policy,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            AllowRenegotiation = false,
            // A session of before a reload would skip the new authority.
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) => Accept(connection, certificate as X509Certificate2, chain, errors),
        };
    }

    public static Principal PrincipalOf(X509Certificate2 certificate) => Principal.OfCertificate(
        certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false), certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant());

    /// <summary>Says each reason in its own words; the first that applies, in order of what an operator must mend first.</summary>
    private bool Accept(ConnectionContext connection, X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        var peer = Peer.NameOf(connection);
        if (certificate is null || chain is null)
        {
            Log.CertificateMissing(_logger, connection.ConnectionId, peer);
            return false;
        }

        // The name in a client's certificate is its own, not a host's: a mismatch means nothing here.
        var flags = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, status) => all | status.Status);
        if (flags == X509ChainStatusFlags.NoError && (errors & SslPolicyErrors.RemoteCertificateChainErrors) == 0)
        {
            return true;
        }

        var subject = certificate.Subject;
        if ((flags & (X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.NotSignatureValid)) != 0)
        {
            Log.CertificateOfOtherAuthority(_logger, connection.ConnectionId, peer, subject, certificate.Issuer);
        }
        else if ((flags & X509ChainStatusFlags.NotTimeValid) != 0 && certificate.NotBefore > connection.Features.Get<ConnectionStart>()?.Time)
        {
            Log.CertificateNotYetValid(_logger, connection.ConnectionId, peer, subject, certificate.NotBefore.ToUniversalTime());
        }
        else if ((flags & X509ChainStatusFlags.NotTimeValid) != 0)
        {
            Log.CertificateExpired(_logger, connection.ConnectionId, peer, subject, certificate.NotAfter.ToUniversalTime());
        }
        else if ((flags & X509ChainStatusFlags.NotValidForUsage) != 0)
        {
            Log.CertificateOfWrongUsage(_logger, connection.ConnectionId, peer, subject);
        }
        else
        {
            Log.CertificateRefused(_logger, connection.ConnectionId, peer, subject, flags.ToString());
        }

        return false;
    }

    private static void Read(string field, string path, Action<string> read)
    {
        try
        {
            read(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Bad(field, path, "it does not exist", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw Bad(field, path, error.Message, error);
        }
    }

    private static Fault Bad(string field, string path, string why, Exception? cause) => new(
        FaultKind.Precondition, $"{field} {path} cannot be used: {why}", field, "auraed pki init makes a set, auraed pki check explains one", cause)
    { Reason = "PKI" };
}
