using Aurae.Pki;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit;

public sealed class PkiCheckTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_fresh_set_has_nothing_but_good_findings()
    {
        var layout = PkiFixture.Make(_directory["pki"]);

        var findings = Run(layout);

        Assert.NotEmpty(findings);
        Assert.All(findings, finding => Assert.Equal(PkiSeverity.Good, finding.Severity));
    }

    [Fact]
    public void A_missing_directory_is_one_error_with_the_command_that_makes_it()
    {
        var finding = Assert.Single(Run(new PkiLayout(_directory["none"])));
        Assert.Equal(PkiSeverity.Error, finding.Severity);
        Assert.Equal($"auraed pki init --dir {_directory["none"]}", finding.Hint);
    }

    [Fact]
    public void A_key_that_others_may_read_is_an_error()
    {
        var layout = PkiFixture.Make(_directory["pki"]);
        File.SetUnixFileMode(layout.ServerKey, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        var finding = Assert.Single(Bad(layout));
        Assert.Equal(layout.ServerKey, finding.Path);
        Assert.Equal($"chmod 600 {layout.ServerKey}", finding.Hint);
    }

    [Fact]
    public void An_expiry_is_a_warning_a_month_ahead_and_an_error_after()
    {
        var time = new FixedTime(TimeProvider.System.GetUtcNow());
        var store = new PkiStore(_directory["pki"], PkiFixture.Fast with { Validity = TimeSpan.FromDays(90), Time = time });
        store.Init();

        time.Move(TimeSpan.FromDays(61));
        Assert.All(Bad(store.Layout, time), finding => Assert.Equal(PkiSeverity.Warning, finding.Severity));
        Assert.Equal(2, Bad(store.Layout, time).Count);

        time.Move(TimeSpan.FromDays(30));
        Assert.All(Bad(store.Layout, time), finding => Assert.Equal(PkiSeverity.Error, finding.Severity));
        Assert.All(Bad(store.Layout, time), finding => Assert.Contains("expired on", finding.What, StringComparison.Ordinal));
    }

    [Fact]
    public void A_clock_before_the_certificates_is_told_apart_from_an_expiry()
    {
        var layout = PkiFixture.Make(_directory["pki"]);
        var time = new FixedTime(new DateTimeOffset(1970, 1, 2, 0, 0, 0, TimeSpan.Zero));

        Assert.All(Bad(layout, time), finding => Assert.Contains("is the clock right?", finding.What, StringComparison.Ordinal));
        Assert.All(Bad(layout, time), finding => Assert.Equal("timedatectl", finding.Hint));
    }

    [Fact]
    public void A_key_of_another_certificate_is_an_error()
    {
        var layout = PkiFixture.Make(_directory["pki"]);
        File.WriteAllText(layout.ServerKey, File.ReadAllText(layout.ClientKey(ClientName.Default)));

        var finding = Assert.Single(Bad(layout));
        Assert.Contains("is not of the key", finding.What, StringComparison.Ordinal);
        Assert.Equal($"mv {layout.ServerCertificate} {layout.ServerCertificate}.old && auraed pki init --dir {layout.Directory}", finding.Hint);
    }

    [Fact]
    public void A_server_certificate_without_the_name_that_clients_verify_is_an_error()
    {
        var layout = PkiFixture.Make(_directory["pki"]);
        File.WriteAllText(layout.ServerKey, File.ReadAllText(layout.ClientKey(ClientName.Default)));
        File.WriteAllText(layout.ServerCertificate, File.ReadAllText(layout.ClientCertificate(ClientName.Default)));

        var finding = Assert.Single(Bad(layout));
        Assert.Contains("does not name server.unsafe.aurae.io", finding.What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("server.key")]
    [InlineData("_signed.server.crt")]
    [InlineData("ca.crt")]
    public void A_file_that_is_no_pem_is_a_finding_and_not_a_crash(string name)
    {
        var layout = PkiFixture.Make(_directory["pki"]);
        File.WriteAllText(Path.Combine(layout.Directory, name), "-----BEGIN NOTHING-----\n");

        Assert.Contains(Bad(layout), finding => finding.Path.EndsWith(name, StringComparison.Ordinal) && finding.What.StartsWith("is not ", StringComparison.Ordinal));
    }

    [Fact]
    public void What_openssl_makes_as_upstream_does_passes()
    {
        var layout = new PkiLayout(_directory["pki"]);
        Directory.CreateDirectory(layout.Directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        const string subject = "/C=IS/ST=aurae/L=aurae/O=Aurae/OU=Runtime/CN=";
        var extensions = _directory["ext"];
        File.WriteAllText(extensions, "subjectAltName=DNS:server.unsafe.aurae.io\n");
        Tool.Run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9999", "-keyout", layout.CaKey, "-out", layout.CaCertificate, "-subj", subject + "unsafe.aurae.io", "-addext", "subjectAltName=DNS:unsafe.aurae.io").Succeeded();
        Tool.Run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", layout.ServerKey, "-out", layout.ServerRequest, "-subj", subject + PkiLayout.ServerName).Succeeded();
        Tool.Run("openssl", "x509", "-req", "-in", layout.ServerRequest, "-CA", layout.CaCertificate, "-CAkey", layout.CaKey, "-CAcreateserial", "-days", "9999", "-extfile", extensions, "-out", layout.ServerCertificate).Succeeded();

        Assert.Empty(Bad(layout));
        new PkiStore(layout.Directory, PkiFixture.Fast).Init(ClientName.Default);
        Assert.Empty(Bad(layout));
        Tool.Run("openssl", "verify", "-CAfile", layout.CaCertificate, layout.ClientCertificate(ClientName.Default)).Succeeded();
    }

    [Fact]
    public void A_client_configuration_is_written_once_in_upstreams_format()
    {
        var layout = new PkiLayout("/etc/aurae/pki");
        var config = ClientConfig.For(layout, ClientName.Default, "/run/a\"b.sock");

        Assert.True(config.WriteIfMissing(_directory["config"], PkiFixture.Platform));
        Assert.False(config.WriteIfMissing(_directory["config"], PkiFixture.Platform));
        Assert.Equal("""
            # How clients reach the daemon and prove who they are.
            [auth]
            ca_crt = "/etc/aurae/pki/ca.crt"
            client_crt = "/etc/aurae/pki/_signed.client.nova.crt"
            client_key = "/etc/aurae/pki/client.nova.key"

            [system]
            socket = "/run/a\"b.sock"

            """, File.ReadAllText(_directory["config"]));
        Assert.Equal(["/root/.aurae/config", "/etc/aurae/config", "/var/lib/aurae/config"], ClientConfig.SearchPath("/root"));
    }

    private static IReadOnlyList<PkiFinding> Run(PkiLayout layout, TimeProvider? time = null) => new PkiCheck(layout, PkiFixture.Platform, time ?? TimeProvider.System).Run();

    private static List<PkiFinding> Bad(PkiLayout layout, TimeProvider? time = null) => [.. Run(layout, time).Where(finding => finding.Severity != PkiSeverity.Good)];
}
