using System.Text.Json;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Assets;

/// <summary>`auraed assets` with stores behind servers, and with what of casync's the daemon keeps otherwise.</summary>
public sealed class AssetStoresCommand : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private AssetHost _host = null!;

    public async Task InitializeAsync()
    {
        File.WriteAllText(_directory["backends"], $"[cold]\nlocation = \"{_directory["cold.castr"]}\"\n");
        _host = await AssetHost.StartAsync(("listen.plaintext_socket", _directory["plain.sock"]), ("assets.backends_file", _directory["backends"]));
        File.WriteAllText(_directory["client"], $"[system]\nsocket = \"{_directory["plain.sock"]}\"\n");
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Export_and_import_over_http()
    {
        await using var server = await HttpPeer.ServeAsync(_directory["served"]);
        await RoundTripAsync(server.Location + "/store");
    }

    [Fact]
    public async Task Export_and_import_over_sftp_move_only_what_is_missing()
    {
        await using var server = await SshServer.StartAsync();
        Directory.CreateDirectory(server["store"]);
        await RoundTripAsync(
            $"sftp://{Environment.UserName}@127.0.0.1:{server.Port}{server["store"]}",
            "--ssh-identity", server.IdentityFile, "--ssh-known-hosts", server.KnownHostsFile, "--ssh-config", server.ConfigurationFile);
        var refused = await TryAsync("export", "two", "--store", $"sftp://127.0.0.1:{server.Port}{server["store"]}", "--index", "x.caibx", "--ssh-known-hosts", "/dev/null", "--ssh-config", server.ConfigurationFile);
        Assert.Contains("Host key verification failed", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_and_import_over_s3()
    {
        await using var server = await S3Server.StartAsync();
        await RoundTripAsync(server.Location + "/deep", "--credentials", server.CredentialsFile);
        var refused = await TryAsync("export", "two", "--store", server.Location + "/deep", "--index", "x.caibx", "--credentials", server.CredentialsFile, "--profile", "other");
        Assert.NotEqual(0, refused.Code);
        Assert.DoesNotContain("S3RVER", refused.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--digest=sha512-256")]
    [InlineData("--digest=sha256", "--chunk-size=2097152")]
    [InlineData("--digest=sha512-256", "--chunk-size=4194304")]
    public async Task What_casync_cuts_or_names_otherwise_is_cut_anew(params string[] options)
    {
        byte[] bytes = [.. AssetHost.Random(20, 9_000_000), .. AssetHost.Compressible(20, 6_000_000)];
        Tool.Run("casync", ["make", .. options, $"--store={_directory["made.castr"]}", _directory["made.caibx"], Write("made.img", bytes)]).Succeeded();
        var imported = await JsonAsync("import", _directory["made.caibx"], "--store", _directory["made.castr"], "--tag", "made");
        Assert.Equal(AssetHost.Digest(bytes), imported.GetProperty("sha256").GetString());
        Assert.Equal(bytes, await _host.GetAsync("made"));
    }

    [Fact]
    public async Task Archiving_and_publishing_are_verbs()
    {
        var bytes = AssetHost.Random(21, 500_000);
        await JsonAsync("put", Write("a.img", bytes), "--tag", "a");
        Assert.Equal("cold", (await JsonAsync("archive", "a")).GetProperty("backend").GetString());
        Assert.Contains("cold.castr", await RunAsync("backends"), StringComparison.Ordinal);
        Assert.Equal("cold", (await JsonAsync("stat", "a")).GetProperty("backend").GetString());
        await RunAsync("get", "a", _directory["b.img"]);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(_directory["b.img"]));
        Assert.NotEqual(0, (await JsonAsync("restore", "a")).GetProperty("restored_chunks").GetInt64());
        Assert.Equal("/index/image-1.caibx", (await JsonAsync("publish", "image-1", "a")).GetProperty("path").GetString());
        Assert.Equal("image-1", Assert.Single((await JsonAsync("stat", "a")).GetProperty("published_as").EnumerateArray()).GetString());
        Assert.NotEqual(0, (await TryAsync("rm", "a", "--untag")).Code);
        Assert.NotEqual(0, (await TryAsync("publish", "../image", "a")).Code);
        await RunAsync("unpublish", "image-1");
        await RunAsync("rm", "a", "--untag");
    }

    /// <summary>Two versions there, and the second back into a daemon that has the first.</summary>
    private async Task RoundTripAsync(string store, params string[] options)
    {
        byte[] first = [.. AssetHost.Random(22, 2_000_000), .. AssetHost.Compressible(22, 1_000_000)];
        var second = first.ToArray();
        second[1_000_000] ^= 1;
        await JsonAsync("put", Write("one.img", first), "--tag", "one");
        await JsonAsync("put", Write("two.img", second), "--tag", "two");
        await JsonAsync(["export", "one", "--store", store, "--index", "one.caibx", .. options]);
        var exported = await JsonAsync(["export", "two", "--store", store, "--index", "two.caibx", .. options]);
        Assert.InRange(exported.GetProperty("chunks_written").GetInt64(), 1, 3);
        await RunAsync("rm", "two", "--untag");
        await RunAsync("gc", "--grace", "0");
        var imported = await JsonAsync(["import", "two.caibx", "--store", store, "--tag", "two", .. options]);
        Assert.Equal(exported.GetProperty("chunks_written").GetInt64(), imported.GetProperty("sent_chunks").GetInt64());
        Assert.Equal(second, await _host.GetAsync("two"));
    }

    private string Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(_directory[name], bytes);
        return _directory[name];
    }

    private async Task<string> RunAsync(params string[] arguments) => (await TryAsync(arguments)).Succeeded();

    private async Task<JsonElement> JsonAsync(params string[] arguments) => JsonDocument.Parse(await RunAsync([.. arguments, "--output", "json"])).RootElement;

    private Task<Support.Cli> TryAsync(params string[] arguments) => Support.Cli.RunAsync(["assets", .. arguments, "--client-config", _directory["client"]]);
}
