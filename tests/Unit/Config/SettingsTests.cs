using Auraed.Base;
using Auraed.Config;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit.Config;

public sealed class SettingsTests : IDisposable
{
    private static readonly Dictionary<string, string> None = [];
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Without_anything_the_defaults_are_upstreams()
    {
        var settings = SettingsLoader.Load(None, None, Write(""), null);
        Assert.Equal("/etc/aurae/pki/_signed.server.crt", settings.ServerCertificatePath);
        Assert.Equal("/etc/aurae/pki/server.key", settings.ServerKeyPath);
        Assert.Equal("/etc/aurae/pki/ca.crt", settings.AuthorityPath);
        Assert.Equal("/var/run/aurae/aurae.sock", settings.Socket.ToString());
        Assert.Equal("/var/lib/aurae", settings.LibraryDirectory);
        Assert.Null(settings.TcpListener);
        Assert.Null(settings.PlaintextSocketPath);
    }

    [Fact]
    public void A_root_moves_every_path()
    {
        var settings = SettingsLoader.Load(None, new Dictionary<string, string> { ["AURAE_ROOT"] = _directory.Path }, null, null);
        Assert.All(
            [settings.ServerCertificatePath, settings.ServerKeyPath, settings.AuthorityPath, settings.Socket.Path!, settings.RuntimeDirectory, settings.LibraryDirectory],
            path => Assert.StartsWith(_directory.Path, path, StringComparison.Ordinal));
    }

    [Fact]
    public void A_flag_wins_over_the_file_and_the_file_over_the_environment()
    {
        var path = Write("[limits]\ncalls = 20\nconnections = 20");
        var environment = new Dictionary<string, string> { ["AURAE_LIMITS_CALLS"] = "10", ["AURAE_LIMITS_CONNECTIONS"] = "10", ["AURAE_LIMITS_STREAMS_PER_CONNECTION"] = "10" };
        var settings = SettingsLoader.Load(new Dictionary<string, string> { ["limits.calls"] = "30" }, environment, path, null);
        Assert.Equal((30, 20, 10), (settings.CallCountMax, settings.ConnectionCountMax, settings.StreamPerConnectionCountMax));
        Assert.Equal(SettingOrigin.Flag, settings.OriginOf("limits.calls"));
        Assert.Equal(SettingOrigin.File, settings.OriginOf("limits.connections"));
        Assert.Equal(SettingOrigin.Environment, settings.OriginOf("limits.streams_per_connection"));
        Assert.Equal(SettingOrigin.Default, settings.OriginOf("socket"));
    }

    [Theory]
    [InlineData("sokcet = 'a'", "auraed.toml:1:10: unknown setting sokcet; did you mean socket?")]
    [InlineData("[limits]\ncall = 1", "unknown setting limits.call; did you mean limits.calls?")]
    [InlineData("socket = 5", "socket is a path or ADDRESS:PORT, not an integer")]
    [InlineData("[limits]\ncalls = '5'", "limits.calls is a whole number, not a string")]
    [InlineData("[limits]\ncalls = 0", "limits.calls is between 1 and 1000000, not '0'")]
    [InlineData("[limits]\ndrain_timeout = 25", "limits.drain_timeout is a time with its unit")]
    [InlineData("[limits]\ndrain_timeout = '2h'", "limits.drain_timeout is between 0 and 1h")]
    [InlineData("[log]\nlevel = 'loud'", "log.level is one of trace, debug, info, warn, error, not 'loud'")]
    [InlineData("[listen]\ntcp = 'localhost:80'", "listen.tcp is ADDRESS:PORT")]
    public void A_wrong_file_is_refused_with_the_place_and_the_nearest_name(string text, string message)
    {
        var path = Write(text);
        var fault = Assert.Throws<Fault>(() => SettingsLoader.Load(None, None, path, null));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_variable_is_refused_with_the_nearest_name()
    {
        var fault = Assert.Throws<Fault>(() => SettingsLoader.Load(None, new Dictionary<string, string> { ["AURAE_SOKET"] = "x" }, Write(""), null));
        Assert.Contains("did you mean AURAE_SOCKET?", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_credential_of_the_service_manager_is_taken_before_the_path_and_after_a_flag()
    {
        File.WriteAllText(_directory["server.key"], "");
        var environment = new Dictionary<string, string> { ["CREDENTIALS_DIRECTORY"] = _directory.Path };
        var path = Write("server_key = '/elsewhere/server.key'");
        Assert.Equal(_directory["server.key"], SettingsLoader.Load(None, environment, path, null).ServerKeyPath);
        Assert.Equal("/flag", SettingsLoader.Load(new Dictionary<string, string> { ["server_key"] = "/flag" }, environment, path, null).ServerKeyPath);
    }

    [Theory]
    [InlineData("127.0.0.1:8080", true)]
    [InlineData("[::1]:8080", true)]
    [InlineData("[fe80::1%2]:8080", true)]
    [InlineData("/run/aurae.sock", false)]
    [InlineData("localhost:8080", false)]
    [InlineData("1:8080", false)]
    [InlineData("::1:8080", false)]
    public void A_socket_is_an_endpoint_or_a_path_as_upstream_reads_it(string text, bool isTcp) =>
        Assert.Equal(isTcp, ListenAddress.Parse(text, "/base").Tcp is not null);

    [Fact]
    public void Every_default_shown_is_the_default_in_force()
    {
        var settings = SettingsLoader.Load(None, None, Write(""), null);
        Assert.All(SettingsCatalog.All, setting => Assert.Equal(setting.Default.Replace("<runtime_dir>", settings.RuntimeDirectory, StringComparison.Ordinal), setting.Show(settings)));
    }

    [Fact]
    public void No_two_settings_share_a_flag_or_a_variable()
    {
        Assert.Distinct(SettingsCatalog.All.SelectMany(setting => setting.Flags));
        Assert.Distinct(SettingsCatalog.All.Select(setting => setting.Environment));
        Assert.DoesNotContain(SettingsCatalog.All, setting => SettingsCatalog.OtherVariables.Contains(setting.Environment));
    }

    private string Write(string text)
    {
        File.WriteAllText(_directory["auraed.toml"], text);
        return _directory["auraed.toml"];
    }
}
