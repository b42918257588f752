using System.Text.Json;
using Aurae.Assets.V0;
using Auraed.Chunks;
using Auraed.Tests.Support;
using Google.Protobuf;
using Grpc.Core;

namespace Auraed.Tests.Contract.Assets;

/// <summary>`auraed assets` against a daemon, and both against the real casync.</summary>
public sealed class AssetsCommand : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private AssetHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await AssetHost.StartAsync(("listen.plaintext_socket", _directory["plain.sock"]));
        System.IO.File.WriteAllText(_directory["client"], $"[system]\nsocket = \"{_directory["plain.sock"]}\"\n");
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Put_sends_what_is_new_and_get_writes_it()
    {
        var bytes = Blob(1, 4_000_000);
        var put = await JsonAsync("put", File("a.img", bytes), "--tag", "v1", "--label", "tier=web");
        Assert.Equal(AssetHost.Caid(bytes), put.GetProperty("id").GetString());
        Assert.Equal(AssetHost.Digest(bytes), put.GetProperty("sha256").GetString());
        Assert.Equal(AssetHost.Index(bytes).Count, put.GetProperty("sent_chunks").GetInt64());
        var again = await JsonAsync("put", _directory["a.img"]);
        Assert.Equal((0, true), (again.GetProperty("sent_chunks").GetInt64(), again.GetProperty("existed").GetBoolean()));
        bytes[2_000_000] ^= 1;
        var edited = await JsonAsync("put", File("b.img", bytes), "--tag", "v2");
        Assert.InRange(edited.GetProperty("sent_chunks").GetInt64(), 1, 3);
        await RunAsync("get", "v2", _directory["out.img"]);
        Assert.Equal(bytes, System.IO.File.ReadAllBytes(_directory["out.img"]));
        var delta = await JsonAsync("delta", "v1", "v2");
        Assert.Equal(edited.GetProperty("sent_chunks").GetInt64(), delta.GetProperty("missing_chunks").GetInt64());
        var stat = await JsonAsync("stat", "v1");
        Assert.Equal("a.img", stat.GetProperty("title").GetString());
    }

    [Fact]
    public async Task Get_uses_seeds_what_is_there_and_what_an_earlier_run_left()
    {
        var old = Blob(2, 3_000_000);
        var bytes = old.ToArray();
        bytes[1_500_000] ^= 1;
        await RunAsync("put", File("new.img", bytes), "--tag", "new");
        File("old.img", old);
        var seeded = await JsonAsync("get", "new", _directory["seeded.img"], "--seed", _directory["old.img"]);
        Assert.InRange(seeded.GetProperty("fetched").GetInt64(), 1, 600_000);
        Assert.Equal(bytes, System.IO.File.ReadAllBytes(_directory["seeded.img"]));
        var changed = await JsonAsync("get", "new", _directory["old.img"], "--in-place");
        Assert.InRange(changed.GetProperty("kept").GetInt64(), 2_000_000, 3_000_000);
        Assert.Equal(bytes, System.IO.File.ReadAllBytes(_directory["old.img"]));
        var partial = _directory[$".late.img.{AssetHost.Caid(bytes)[..16]}.partial"];
        System.IO.File.WriteAllBytes(partial, bytes[..2_000_000]);
        var late = await JsonAsync("get", "new", _directory["late.img"]);
        Assert.InRange(late.GetProperty("kept").GetInt64(), 1_500_000, 2_000_000);
        Assert.Equal(bytes, System.IO.File.ReadAllBytes(_directory["late.img"]));
        Assert.False(System.IO.File.Exists(partial));
    }

    [Fact]
    public async Task Zeros_take_no_blocks_in_a_new_file()
    {
        byte[] bytes = [.. AssetHost.Random(9, 300_000), .. new byte[4 * 1024 * 1024], .. AssetHost.Random(10, 300_000)];
        await RunAsync("put", File("sparse.img", bytes), "--tag", "sparse");
        await RunAsync("get", "sparse", _directory["out.img"]);
        Assert.Equal(bytes, System.IO.File.ReadAllBytes(_directory["out.img"]));
        Assert.InRange(long.Parse(Tool.Run("stat", "-c", "%b", _directory["out.img"]).Succeeded(), null) * 512, 600_000, 2 * 1024 * 1024);
    }

    [Fact]
    public async Task Put_goes_on_where_an_interrupted_one_was()
    {
        var bytes = Blob(3, 5_000_000);
        var index = AssetHost.Index(bytes);
        using (var call = _host.Assets.Upload())
        {
            await call.RequestStream.WriteAsync(new UploadRequest { Header = new UploadHeader { UploadId = "index-" + index.FileDigest() } });
            for (var chunk = 0; chunk < index.Count / 2; chunk++)
            {
                await call.RequestStream.WriteAsync(new UploadRequest { Chunks = new ChunkBatch { Chunks = { AssetHost.ToChunk(bytes, index[chunk], withFrame: true) } } });
            }

            await call.RequestStream.CompleteAsync();
            await Assert.ThrowsAsync<RpcException>(async () => await call.ResponseAsync);
        }

        var put = await JsonAsync("put", File("half.img", bytes));
        Assert.Equal(index.Count - (index.Count / 2), put.GetProperty("sent_chunks").GetInt64());
        Assert.Equal(bytes, await _host.GetAsync(put.GetProperty("id").GetString()!));
    }

    [Fact]
    public async Task Casync_extracts_what_was_exported_and_what_it_made_is_imported()
    {
        byte[] bytes = [.. AssetHost.Random(4, 1_500_000), .. new byte[1_000_000], .. AssetHost.Compressible(4, 1_500_000)];
        await RunAsync("put", File("ours.img", bytes), "--tag", "ours");
        await RunAsync("export", "ours", "--store", _directory["ours.castr"], "--index", _directory["ours.caibx"]);
        Assert.Equal(AssetHost.Caid(bytes), AssetHost.Digest(System.IO.File.ReadAllBytes(_directory["ours.caibx"])));
        Tool.Run("casync", "extract", $"--store={_directory["ours.castr"]}", _directory["ours.caibx"], _directory["theirs.out"]).Succeeded();
        Assert.Equal(bytes, System.IO.File.ReadAllBytes(_directory["theirs.out"]));
        var again = await JsonAsync("export", "ours", "--store", _directory["ours.castr"], "--index", _directory["ours.caibx"]);
        Assert.Equal(0, again.GetProperty("chunks_written").GetInt64());

        bytes[700_000] ^= 1;
        Tool.Run("casync", "make", "--digest=sha256", $"--store={_directory["made.castr"]}", _directory["made.caibx"], File("made.img", bytes)).Succeeded();
        var imported = await JsonAsync("import", _directory["made.caibx"], "--store", _directory["made.castr"], "--tag", "made");
        Assert.Equal(AssetHost.Digest(System.IO.File.ReadAllBytes(_directory["made.caibx"])), imported.GetProperty("id").GetString());
        Assert.InRange(imported.GetProperty("sent_chunks").GetInt64(), 1, 3);
        Assert.Equal(bytes, await _host.GetAsync("made"));
    }

    [Fact]
    public async Task A_store_that_lies_lacks_or_is_not_one_is_refused_by_name_and_nothing_becomes_visible()
    {
        var bytes = Blob(5, 600_000);
        Tool.Run("casync", "make", "--digest=sha256", $"--store={_directory["a.castr"]}", _directory["a.caibx"], File("a.img", bytes)).Succeeded();
        var id = AssetHost.Index(bytes).Ids[0];
        var place = Path.Combine(_directory["a.castr"], ChunkFile.PathOf(id));
        System.IO.File.SetUnixFileMode(place, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        System.IO.File.WriteAllBytes(place, AssetHost.Frame("something else"u8));
        await RefusedAsync(id.ToString(), "import", _directory["a.caibx"], "--store", _directory["a.castr"]);
        System.IO.File.WriteAllBytes(place, AssetHost.Frame(new byte[5_000_000]));
        await RefusedAsync(id.ToString(), "import", _directory["a.caibx"], "--store", _directory["a.castr"]);
        System.IO.File.Delete(place);
        await RefusedAsync(id.ToString(), "import", _directory["a.caibx"], "--store", _directory["a.castr"]);
        var index = System.IO.File.ReadAllBytes(_directory["a.caibx"]);
        foreach (var (what, broken) in new (string, byte[])[] { ("after its end", [.. index, 0]), ("cut", index[..^1]), ("not after", [.. index[..104], .. index[64..72], .. index[112..]]) })
        {
            await RefusedAsync(what, "import", File("broken.caibx", broken), "--store", _directory["a.castr"]);
        }

        await RefusedAsync("scheme", "import", _directory["a.caibx"], "--store", "gopher://x/y");
        await RefusedAsync("index", "import", "../../etc/passwd.caibx", "--store", _directory["a.castr"]);
        Assert.Empty((await _host.Assets.ListAsync(new ListAssetsRequest())).Assets);

        async Task RefusedAsync(string word, params string[] arguments)
        {
            var run = await TryAsync(arguments);
            Assert.NotEqual(0, run.Code);
            Assert.Contains(word, run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Names_keepers_and_collections_are_verbs()
    {
        await RunAsync("put", File("a.img", Blob(6, 100_000)), "--tag", "a");
        await RunAsync("tag", "b", "a");
        await RunAsync("pin", "p", "b", "--reason", "why not");
        await RunAsync("lease", "l", "b", "--for", "1h");
        Assert.Contains("a b", await RunAsync("ls"), StringComparison.Ordinal);
        Assert.NotEqual(0, (await TryAsync("rm", "a", "--untag")).Code);
        await RunAsync("lease", "l", "--for", "2h");
        Assert.Equal("l", (await JsonAsync("lease", "l", "--remove")).GetProperty("removed").GetString());
        Assert.Equal("p", (await JsonAsync("pin", "p", "--remove")).GetProperty("removed").GetString());
        Assert.Equal("b", (await JsonAsync("tag", "b", "--remove")).GetProperty("removed").GetString());
        Assert.Equal("a", (await JsonAsync("rm", "a", "--untag")).GetProperty("deleted").GetString());
        var collected = await JsonAsync("gc", "--grace", "0");
        Assert.NotEqual(0, collected.GetProperty("removed_chunks").GetInt64());
        Assert.Equal(0, (await JsonAsync("scrub", "--restart")).GetProperty("damaged_chunks").GetInt64());
        Assert.Contains("(all)", await RunAsync("stats"), StringComparison.Ordinal);
    }

    private static byte[] Blob(int seed, int length) => AssetHost.Random(seed, length);

    private string File(string name, byte[] bytes)
    {
        System.IO.File.WriteAllBytes(_directory[name], bytes);
        return _directory[name];
    }

    private async Task<string> RunAsync(params string[] arguments) => (await TryAsync(arguments)).Succeeded();

    private async Task<JsonElement> JsonAsync(params string[] arguments) => JsonDocument.Parse(await RunAsync([.. arguments, "--output", "json"])).RootElement;

    private Task<Support.Cli> TryAsync(params string[] arguments) => Support.Cli.RunAsync(["assets", .. arguments, "--client-config", _directory["client"]]);
}
