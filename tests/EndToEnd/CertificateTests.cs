using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Aurae.Discovery.V0;
using Aurae.Pki;
using Auraed.Tests.Support;
using Grpc.Core;

namespace Auraed.Tests.EndToEnd;

/// <summary>Which client certificates are refused, and that the log says why.</summary>
public sealed class CertificateTests : IDisposable
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private readonly DaemonFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public Task No_certificate_is_refused() => IsRefusedAsync(null, "no client certificate was shown");

    [Fact]
    public Task A_certificate_of_another_authority_is_refused()
    {
        var other = PkiFixture.Make(_fixture["other"]);
        return IsRefusedAsync(
            DaemonFixture.FromPem(other.ClientCertificate(ClientName.Default), other.ClientKey(ClientName.Default)), "is signed by another authority than ca_crt");
    }

    [Fact]
    public Task An_expired_certificate_is_refused() => IsRefusedAsync(Issue(-20, -10, null), "has expired on");

    [Fact]
    public Task A_certificate_of_the_future_is_refused() => IsRefusedAsync(Issue(10, 20, null), "is not valid before");

    [Fact]
    public Task A_certificate_for_servers_alone_is_refused() => IsRefusedAsync(Issue(-1, 10, ServerAuthentication), "its extended key usage lacks clientAuth");

    [Theory]
    [InlineData(null)]
    [InlineData(ClientAuthentication)]
    public async Task A_certificate_without_usage_or_for_clients_is_let_in(string? usage)
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open(Issue(-1, 10, usage));
        Assert.True((await new DiscoveryService.DiscoveryServiceClient(channel).DiscoverAsync(new DiscoverRequest())).Healthy);
    }

    private async Task IsRefusedAsync(X509Certificate2? certificate, string reason)
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open(certificate);
        await Assert.ThrowsAsync<RpcException>(async () => await new DiscoveryService.DiscoveryServiceClient(channel).DiscoverAsync(new DiscoverRequest()));
        await Eventually.HoldsAsync(() => _fixture.Log.Text.Contains(reason, StringComparison.Ordinal), $"the line '{reason}'");
    }

    /// <summary>A certificate of the fixture's authority, valid between two days from now.</summary>
    private X509Certificate2 Issue(int from, int to, string? usage)
    {
        using var authority = X509Certificate2.CreateFromPemFile(_fixture.Pki.CaCertificate, _fixture.Pki.CaKey);
        using var signer = authority.GetECDsaPrivateKey()!;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test.unsafe.aurae.io", key, HashAlgorithmName.SHA256);
        if (usage is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        }

        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.Create(
            authority.SubjectName, X509SignatureGenerator.CreateForECDsa(signer), now.AddDays(from), now.AddDays(to), RandomNumberGenerator.GetBytes(8));
        using var whole = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }
}

