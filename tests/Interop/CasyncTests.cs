using System.Globalization;
using Auraed.Chunks;
using Auraed.Chunks.Extraction;
using Auraed.Chunks.Stores;
using Auraed.Tests.Support;
using Auraed.Tests.Unit.Chunks;

namespace Auraed.Tests.Interop;

/// <summary>The real casync reads what we write, and we read what it writes. SEED= repeats a run.</summary>
public sealed class CasyncTests : IDisposable
{
    private static readonly int Seed = int.TryParse(Environment.GetEnvironmentVariable("SEED"), CultureInfo.InvariantCulture, out var given) ? given : Environment.TickCount;

    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string, string> Makes => new()
    {
        { "sha256", "64K" }, { "sha512-256", "64K" }, { "sha256", "4K" }, { "sha256", "60000:65536:70000" }, { "sha256", "8192:8192:8192" }, { "sha512-256", "10:1000:5000" },
    };

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Makes))]
    public async Task What_casync_makes_we_index_alike_and_extract(string digest, string sizes)
    {
        var content = RandomContent();
        await File.WriteAllBytesAsync(_directory["in"], content);
        Casync("make", $"--digest={digest}", $"--chunk-size={sizes}", $"--store={_directory["store.castr"]}", _directory["a.caibx"], _directory["in"]);
        var bytes = await File.ReadAllBytesAsync(_directory["a.caibx"]);
        var index = AssetIndex.Parse(bytes, "a.caibx");
        var ours = new TestAsset(content, ChunkSizes.Parse(sizes), digest == "sha256" ? ChunkDigest.Sha256 : ChunkDigest.Sha512Over256);
        Assert.True(bytes.AsSpan().SequenceEqual(ours.Index.ToByteArray()), $"SEED={Seed}");

        await using var router = new StoreRouter([new RoutedStore(new DirectoryStore(_directory["store.castr"]), StoreErrorPolicy.Stop)], null, TimeProvider.System);
        await ExtractAsync(index, router);
        Assert.True(content.AsSpan().SequenceEqual(File.ReadAllBytes(_directory["out"])), $"SEED={Seed}");
    }

    [Fact]
    public async Task What_we_write_casync_extracts_from_a_directory_and_over_http()
    {
        foreach (var (name, asset) in new[] { "rand-1", "text-3m", "mixed-6m", "ver-b-4m" }.Select(name => (name, new TestAsset(CasyncInputs.Make(name))))
            .Append(("random", new TestAsset(RandomContent(), ChunkSizes.Parse("1K:4K:16K"), ChunkDigest.Sha512Over256))))
        {
            await using var store = new DirectoryStore(_directory["ours.castr"]);
            await asset.PushAsync(store, name + ".caibx");
            Casync("extract", $"--store={_directory["ours.castr"]}", Path.Combine(_directory["ours.castr"], name + ".caibx"), _directory[name]);
            Assert.True(asset.Content.AsSpan().SequenceEqual(File.ReadAllBytes(_directory[name])), $"SEED={Seed} {name}");
        }

        await using var server = await HttpPeer.ServeAsync(_directory["ours.castr"]);
        Casync("extract", $"--store={server.Location}", $"{server.Location}/text-3m.caibx", _directory["over-http"]);
        Assert.Equal(CasyncInputs.Make("text-3m"), File.ReadAllBytes(_directory["over-http"]));
    }

    [Fact]
    public async Task A_second_version_over_sftp_moves_only_what_is_missing()
    {
        await using var server = await SshServer.StartAsync();
        Directory.CreateDirectory(server["store"]);
        var options = new StoreOptions { IdentityFile = server.IdentityFile, KnownHostsFile = server.KnownHostsFile, ConfigurationFile = server.ConfigurationFile };
        var location = StoreLocation.Parse($"sftp://{Environment.UserName}@127.0.0.1:{server.Port}{server["store"]}");
        var (a, b) = (new TestAsset(CasyncInputs.Make("ver-a-4m")), new TestAsset(CasyncInputs.Make("ver-b-4m")));
        var lacking = b.Index.Ids.ToArray().Except(a.Index.Ids.ToArray()).Count();
        await using (var store = ChunkStores.Open(location, options, TimeProvider.System))
        {
            Assert.Equal(a.DistinctCount, (await a.PushAsync(store, "a.caibx")).ChunksSent);
            var second = await b.PushAsync(store, "b.caibx");
            Assert.Equal((lacking, b.DistinctCount - lacking), (second.ChunksSent, second.ChunksThere));
        }

        await using var router = new StoreRouter([new RoutedStore(ChunkStores.Open(location, options, TimeProvider.System), StoreErrorPolicy.Stop)], null, TimeProvider.System);
        await ExtractAsync(await router.FetchIndexAsync(IndexName.Parse("a.caibx", "index"), default), router);
        Assert.Equal(a.DistinctCount, router.Stores[0].Chunks);
        await ExtractAsync(await router.FetchIndexAsync(IndexName.Parse("b.caibx", "index"), default), router);
        Assert.Equal(a.DistinctCount + lacking, router.Stores[0].Chunks);
        Assert.Equal(b.Content, File.ReadAllBytes(_directory["out"]));
        Casync("extract", $"--store={server["store"]}", server["store/b.caibx"], _directory["by-casync"]);
        Assert.Equal(b.Content, File.ReadAllBytes(_directory["by-casync"]));
    }

    [Fact]
    public async Task An_asset_goes_to_s3_and_comes_back()
    {
        await using var server = await S3Server.StartAsync();
        var asset = new TestAsset(CasyncInputs.Make("mixed-6m"));
        var options = new StoreOptions { CredentialsFile = server.CredentialsFile };
        await using var router = new StoreRouter(
            [new RoutedStore(ChunkStores.Open(StoreLocation.Parse(server.Location + "/images"), options, TimeProvider.System), StoreErrorPolicy.Stop)], null, TimeProvider.System);
        await asset.PushAsync(router.Stores[0].Store, "m.caibx");
        await ExtractAsync(await router.FetchIndexAsync(IndexName.Parse("m.caibx", "index"), default), router);
        Assert.Equal(asset.Content, File.ReadAllBytes(_directory["out"]));
    }

    private async Task ExtractAsync(AssetIndex index, StoreRouter router) => await new AssetExtraction(
        index, "test", (id, target, cancel) => router.FetchAsync(id, index.Digest, target, cancel), new ExtractionOptions()).RunAsync(_directory["out"], null, default);

    private static void Casync(params string[] arguments) => Tool.Run("casync", arguments).Succeeded();

    /// <summary>Noise, zeros, text and repetitions, in pieces.</summary>
    private static byte[] RandomContent()
    {
        var random = new Random(Seed);
        var content = new List<byte>();
        while (content.Count < 3_000_000)
        {
            var piece = new byte[random.Next(1, 600_000)];
            switch (random.Next(4))
            {
                case 0: break;
                case 1: Array.Fill(piece, (byte)random.Next(256)); break;
                case 2: CasyncInputs.Make("text-3m").AsSpan(random.Next(100), piece.Length).CopyTo(piece); break;
                default: random.NextBytes(piece); break;
            }

            content.AddRange(piece);
        }

        return [.. content];
    }
}
