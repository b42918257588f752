using System.Security.Cryptography.X509Certificates;
using Aurae.Pki;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit;

public sealed class PkiStoreTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Init_makes_upstreams_files_with_keys_for_the_owner_alone()
    {
        var layout = PkiFixture.Make(_directory["pki"]);

        string[] expected = ["_signed.client.nova.crt", "_signed.server.crt", "ca.crt", "ca.key", "client.nova.csr", "client.nova.key", "server.csr", "server.key"];
        Assert.Equal(expected, Directory.EnumerateFileSystemEntries(layout.Directory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("700", Mode(layout.Directory));
        Assert.All(Directory.EnumerateFiles(layout.Directory, "*.key"), path => Assert.Equal("600", Mode(path)));
        Assert.All(Directory.EnumerateFiles(layout.Directory, "*.key"), path => Assert.StartsWith("-----BEGIN PRIVATE KEY-----", File.ReadAllText(path), StringComparison.Ordinal));
    }

    [Fact]
    public void Openssl_verifies_the_chain_the_names_and_the_purposes()
    {
        var layout = PkiFixture.Make(_directory["pki"]);
        var client = layout.ClientCertificate(ClientName.Default);

        Tool.Run("openssl", "verify", "-x509_strict", "-CAfile", layout.CaCertificate, "-purpose", "sslserver", "-verify_hostname", PkiLayout.ServerName, layout.ServerCertificate).Succeeded();
        Tool.Run("openssl", "verify", "-x509_strict", "-CAfile", layout.CaCertificate, "-purpose", "sslclient", client).Succeeded();
        Assert.NotEqual(0, Tool.Run("openssl", "verify", "-CAfile", layout.CaCertificate, "-purpose", "sslserver", client).Code);
        Assert.NotEqual(0, Tool.Run("openssl", "verify", "-CAfile", layout.CaCertificate, "-purpose", "sslclient", layout.ServerCertificate).Code);
        Tool.Run("openssl", "req", "-verify", "-noout", "-in", layout.ServerRequest).Succeeded();
        Assert.Equal(
            "subject=C = IS, ST = aurae, L = aurae, O = Aurae, OU = Runtime, CN = server.unsafe.aurae.io",
            Tool.Run("openssl", "x509", "-noout", "-subject", "-in", layout.ServerCertificate).Succeeded().Trim());
        Assert.Equal(
            "subject=C = IS, ST = aurae, L = aurae, O = Aurae, OU = Runtime, CN = nova.unsafe.aurae.io",
            Tool.Run("openssl", "x509", "-noout", "-subject", "-in", client).Succeeded().Trim());
        Assert.Contains("DNS:server.unsafe.aurae.io", Tool.Run("openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", layout.ServerCertificate).Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_are_rsa_of_4096_bits_unless_asked_otherwise()
    {
        var store = new PkiStore(_directory["pki"], new PkiOptions(PkiFixture.Platform));
        store.Init();

        Assert.Contains("4096 bit", Tool.Run("openssl", "pkey", "-noout", "-text", "-in", store.Layout.ServerKey).Succeeded(), StringComparison.Ordinal);
        Tool.Run("openssl", "verify", "-x509_strict", "-CAfile", store.Layout.CaCertificate, store.Layout.ServerCertificate).Succeeded();
    }

    [Fact]
    public void Init_a_second_time_changes_nothing()
    {
        var layout = PkiFixture.Make(_directory["pki"]);
        var before = Content(layout);

        var steps = new PkiStore(layout.Directory, PkiFixture.Fast).Init(ClientName.Default);

        Assert.All(steps, step => Assert.False(step.Created));
        Assert.Equal(before, Content(layout));
    }

    [Theory]
    [InlineData("ca.crt")]
    [InlineData("_signed.server.crt")]
    [InlineData("server.csr")]
    [InlineData("client.nova.csr", "_signed.client.nova.crt", "client.nova.key")]
    [InlineData("_signed.server.crt", "server.key")]
    [InlineData("ca.crt", "_signed.server.crt", "_signed.client.nova.crt")]
    public void Init_completes_what_an_interrupted_run_left(params string[] missing)
    {
        var layout = PkiFixture.Make(_directory["pki"]);
        var keys = Directory.EnumerateFiles(layout.Directory, "*.key").Where(path => !missing.Contains(Path.GetFileName(path))).ToDictionary(path => path, File.ReadAllText);
        foreach (var name in missing)
        {
            File.Delete(Path.Combine(layout.Directory, name));
        }

        new PkiStore(layout.Directory, PkiFixture.Fast).Init(ClientName.Default);

        Assert.All(keys, key => Assert.Equal(key.Value, File.ReadAllText(key.Key)));
        Assert.DoesNotContain(Check(layout), finding => finding.Severity == PkiSeverity.Error);
        Tool.Run("openssl", "verify", "-CAfile", layout.CaCertificate, layout.ServerCertificate).Succeeded();
    }

    [Fact]
    public void A_certificate_without_its_key_stops_init_before_it_writes()
    {
        var layout = PkiFixture.Make(_directory["pki"]);
        File.Delete(layout.ServerKey);
        File.Delete(layout.ClientCertificate(ClientName.Default));
        var before = Content(layout);

        var error = Assert.Throws<PkiException>(() => new PkiStore(layout.Directory, PkiFixture.Fast).Init(ClientName.Default));

        Assert.Equal(PkiFailure.Inconsistent, error.Failure);
        Assert.Contains(layout.ServerCertificate, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
        Assert.Equal(before, Content(layout));
    }

    [Fact]
    public void A_certificate_of_another_authority_stops_init()
    {
        var layout = PkiFixture.Make(_directory["pki"]);
        var other = PkiFixture.Make(_directory["other"]);
        File.Copy(other.ServerCertificate, layout.ServerCertificate, overwrite: true);
        File.Copy(other.ServerKey, layout.ServerKey, overwrite: true);

        var error = Assert.Throws<PkiException>(() => new PkiStore(layout.Directory, PkiFixture.Fast).Init());

        Assert.Contains("was not signed by", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_authoritys_key_may_be_kept_elsewhere_until_something_is_to_be_signed()
    {
        var layout = PkiFixture.Make(_directory["pki"]);
        File.Delete(layout.CaKey);
        var store = new PkiStore(layout.Directory, PkiFixture.Fast);

        Assert.All(store.Init(ClientName.Default), step => Assert.False(step.Created));

        var error = Assert.Throws<PkiException>(() => store.AddClient(ClientName.Parse("ops")));
        Assert.Equal(PkiFailure.Missing, error.Failure);
        Assert.Contains(layout.CaKey, error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(layout.ClientKey(ClientName.Parse("ops"))));
    }

    [Fact]
    public void A_client_is_added_to_a_set_and_named_in_its_subject()
    {
        var layout = PkiFixture.Make(_directory["pki"]);
        var name = ClientName.Parse("ci-runner-7");

        new PkiStore(layout.Directory, PkiFixture.Fast).AddClient(name);

        using var certificate = X509CertificateLoader.LoadCertificateFromFile(layout.ClientCertificate(name));
        Assert.Equal("ci-runner-7.unsafe.aurae.io", certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false));
        Assert.Equal(["ci-runner-7", "nova"], layout.Clients().Select(client => client.Value));
    }

    [Fact]
    public void A_signed_certificate_never_outlives_its_authority()
    {
        var time = new FixedTime(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var options = PkiFixture.Fast with { Time = time, Validity = TimeSpan.FromDays(100) };
        var store = new PkiStore(_directory["pki"], options);
        store.Init();
        time.Move(TimeSpan.FromDays(60));
        store.AddClient(ClientName.Default);

        using var authority = X509CertificateLoader.LoadCertificateFromFile(store.Layout.CaCertificate);
        using var client = X509CertificateLoader.LoadCertificateFromFile(store.Layout.ClientCertificate(ClientName.Default));
        Assert.Equal(authority.NotAfter, client.NotAfter);

        time.Move(TimeSpan.FromDays(60));
        var error = Assert.Throws<PkiException>(() => store.AddClient(ClientName.Parse("late")));
        Assert.Contains("expired", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("server")]
    [InlineData("ca")]
    [InlineData("../ca")]
    [InlineData("a/b")]
    [InlineData("a.b")]
    [InlineData("Nova")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("a b")]
    [InlineData("na\u00efve")]
    [InlineData("nova\n")]
    [InlineData("a234567890123456789012345678901234567890123456789")]
    public void A_client_name_that_is_no_label_or_means_something_else_is_refused(string text)
    {
        Assert.False(ClientName.TryParse(text, out _, out var why));
        Assert.NotEmpty(why);
    }

    private static IReadOnlyList<PkiFinding> Check(PkiLayout layout) => new PkiCheck(layout, PkiFixture.Platform, TimeProvider.System).Run();

    private static string Mode(string path) => Convert.ToString((int)File.GetUnixFileMode(path), 8);

    private static Dictionary<string, string> Content(PkiLayout layout) => Directory.EnumerateFiles(layout.Directory).ToDictionary(path => path, File.ReadAllText);
}
