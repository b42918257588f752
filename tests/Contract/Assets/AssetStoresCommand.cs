using System.Text.Json;
using Auraed.Base;
using Auraed.Chunks.Stores;
using Auraed.Cli;
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

    [Fact]
    public async Task A_store_that_is_away_stops_an_import_or_is_passed_over_as_told()
    {
        const string away = "http://127.0.0.1:1/store";
        var bytes = AssetHost.Random(30, 2_000_000);
        await MakeAsync("a", bytes);
        var stopped = await TryAsync("import", _directory["a.caibx"], "--store", away, "--store", _directory["a.castr"], "--tag", "a");
        Assert.Equal(ExitCode.Of(FaultKind.Unavailable), stopped.Code);
        Assert.Contains("--store-error next asks the next store", stopped.Error, StringComparison.Ordinal);
        var alone = await TryAsync("import", _directory["a.caibx"], "--store", away);
        Assert.DoesNotContain("--store-error", alone.Error, StringComparison.Ordinal);

        // The name of an index is looked for in the next store, too.
        File.Copy(_directory["a.caibx"], Path.Combine(_directory["a.castr"], "a.caibx"));
        var passed = await TryAsync("import", "a.caibx", "--store", away, "--store", _directory["a.castr"], "--tag", "a", "--store-error", "next");
        passed.Succeeded();
        Assert.Contains($"warning: store {away} was passed over", passed.Error, StringComparison.Ordinal);
        Assert.Equal(bytes, await _host.GetAsync("a"));
        Assert.Contains("--store-error is stop or next, not 'maybe'", (await TryAsync("import", "a.caibx", "--store", away, "--store-error", "maybe")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cache_keeps_what_an_import_fetched_and_holds_up_none()
    {
        var bytes = AssetHost.Random(31, 1_000_000);
        await MakeAsync("served/a", bytes);
        await using (var server = await HttpPeer.ServeAsync(_directory["served"]))
        {
            await RunAsync("import", _directory["served/a.caibx"], "--store", server.Location + "/a.castr", "--cache", _directory["cache"], "--tag", "a");
            Assert.Equal(AssetHost.Index(bytes).Count, server.Requests.Count);
        }

        await RunAsync("rm", "a", "--untag");
        await RunAsync("gc", "--grace", "0");
        var kept = await JsonAsync("import", _directory["served/a.caibx"], "--store", "http://127.0.0.1:1/store", "--cache", _directory["cache"], "--tag", "a");
        Assert.Equal(AssetHost.Index(bytes).Count, kept.GetProperty("sent_chunks").GetInt64());
        Assert.Equal(bytes, await _host.GetAsync("a"));

        await RunAsync("rm", "a", "--untag");
        await RunAsync("gc", "--grace", "0");
        var warned = await TryAsync("import", _directory["served/a.caibx"], "--store", _directory["served/a.castr"], "--cache", Path.Combine(_directory["served/a.caibx"], "x"), "--tag", "a");
        warned.Succeeded();
        Assert.Contains("warning: cache ", warned.Error, StringComparison.Ordinal);
        Assert.Contains("is no directory", (await TryAsync("import", "a.caibx", "--store", _directory["served/a.castr"], "--cache", _directory["served/a.caibx"])).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_import_has_as_many_chunks_on_their_way_as_may_be_and_no_more()
    {
        var bytes = AssetHost.Random(32, 4_000_000);
        await MakeAsync("a", bytes);
        var (running, most) = (0, 0);
        var gate = new TaskCompletionSource();
        await using var server = await HttpPeer.StartAsync(async context =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref running));
            await gate.Task;
            Interlocked.Decrement(ref running);
            await context.Response.Body.WriteAsync(await File.ReadAllBytesAsync(_directory.Path + context.Request.Path));
        });
        var import = RunAsync("import", _directory["a.caibx"], "--store", server.Location + "/a.castr", "--tag", "a");
        try
        {
            await Eventually.HoldsAsync(() => Volatile.Read(ref running) == Limits.StoreFetchesDefault, "as many requests as may be");
        }
        finally
        {
            gate.SetResult();
        }

        await import;
        Assert.Equal(bytes, await _host.GetAsync("a"));
        Assert.Equal(Limits.StoreFetchesDefault, most);
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
        Assert.Equal("image-1", (await JsonAsync("unpublish", "image-1")).GetProperty("removed").GetString());
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

    /// <summary>NAME.caibx and NAME.castr, as casync would make them.</summary>
    private async Task MakeAsync(string name, byte[] bytes)
    {
        var asset = new TestAsset(bytes);
        await asset.PushAsync(new DirectoryStore(_directory[name + ".castr"]));
        await File.WriteAllBytesAsync(_directory[name + ".caibx"], asset.Index.ToByteArray());
    }

    private static void InterlockedMax(ref int most, int now)
    {
        for (var seen = Volatile.Read(ref most); now > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, now, seen);
        }
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
