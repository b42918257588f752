using System.Net;
using System.Net.Sockets;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Stores;
using Auraed.Domain.Assets;
using Auraed.Domain.Records;
using Auraed.Host;
using Auraed.Store.Assets;
using Auraed.Store.Events;
using Auraed.Tests.Support;
using Auraed.Tests.Unit.Chunks;
using Google.Protobuf;
using Grpc.Net.Client;

namespace Auraed.Tests.Contract.Assets;

/// <summary>The CDN origin over real sockets: what is published is there for casync and for caches, and nothing else is.</summary>
public sealed class AssetOrigins : IAsyncLifetime
{
    private readonly DaemonFixture _fixture = new();
    private readonly HttpClient _http = new();
    private readonly int _port = SshServer.FreePort();
    private DaemonHost _daemon = null!;
    private GrpcChannel _channel = null!;
    private AssetService.AssetServiceClient _assets = null!;

    private string Root => $"http://127.0.0.1:{_port}";

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(_fixture["caches"], "");
        await StartAsync();
    }

    private async Task RestartAsync()
    {
        _channel.Dispose();
        await _daemon.DisposeAsync();
        await StartAsync();
    }

    private async Task StartAsync()
    {
        _daemon = await _fixture.StartAsync(
            ("origin.tcp", $"127.0.0.1:{_port}"), ("origin.unix_socket", _fixture["run/origin.sock"]), ("origin.purge_file", _fixture["caches"]));
        _channel = _fixture.Open();
        _assets = new AssetService.AssetServiceClient(_channel);
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        _channel.Dispose();
        await _daemon.DisposeAsync();
        _fixture.Dispose();
    }

    [Fact]
    public async Task Casync_extracts_what_is_published_and_so_do_our_own_stores()
    {
        foreach (var name in new[] { "mixed-6m", "ver-b-4m", "rand-1" })
        {
            var content = CasyncInputs.Make(name);
            await PublishAsync(content, name);
            Tool.Run("casync", "extract", "--store=" + Root, $"{Root}/index/{name}.caibx", _fixture[name]).Succeeded();
            Assert.Equal(content, File.ReadAllBytes(_fixture[name]));
        }

        await using var router = new StoreRouter(
            [new RoutedStore(new HttpStore(StoreLocation.Parse(Root), new StoreOptions(), TimeProvider.System), StoreErrorPolicy.Stop)], null, TimeProvider.System);
        var asset = new TestAsset(CasyncInputs.Make("ver-b-4m"));
        var target = new byte[asset.Index.Sizes.Max];
        Assert.Equal(asset.ContentOf(7), target[..await router.FetchAsync(asset.Index[7].Id, ChunkDigest.Sha256, target, default)]);
        Assert.Equal((asset.Index[7].Id, 2L), (_daemon.Parts.Origin.Hottest(1)[0].Id, _daemon.Parts.Origin.Hottest(1)[0].Count));
    }

    [Fact]
    public async Task Only_what_is_published_is_there_and_only_as_long()
    {
        var (a, b) = (new TestAsset(CasyncInputs.Make("ver-a-4m")), new TestAsset(CasyncInputs.Make("ver-b-4m")));
        var own = a.Index.Ids.ToArray().Except(b.Index.Ids.ToArray()).First();
        var shared = a.Index.Ids.ToArray().Intersect(b.Index.Ids.ToArray()).First();
        await PutAsync(a.Content, "secret");
        await PutAsync(b.Content, "public", tenant: "other");
        await PutAsync(b.Content, "public.b", tenant: "other");
        await PutAsync(a.Content, "public.a");
        await AssertStatusesAsync(HttpStatusCode.NotFound, own, shared, "a", "b", "secret");

        await _assets.PublishAsync(new PublishAssetRequest { Name = "a", Asset = "secret" });
        await AssertStatusesAsync(HttpStatusCode.OK, own, shared, "a");
        await AssertStatusesAsync(HttpStatusCode.NotFound, b.Index.Ids.ToArray().Except(a.Index.Ids.ToArray()).First(), "b");

        await PublishAsync(b.Content, "b");
        await _assets.UnpublishAsync(new UnpublishAssetRequest { Name = "a" });
        await AssertStatusesAsync(HttpStatusCode.OK, shared, "b");
        await AssertStatusesAsync(HttpStatusCode.NotFound, own, "a");
    }

    [Fact]
    public async Task A_cache_is_told_all_that_it_asks_for()
    {
        var asset = new TestAsset(CasyncInputs.Make("rand-1m"));
        await PublishAsync(asset.Content, "r");
        var chunk = $"{Root}/{ChunkFile.PathOf(asset.Index[0].Id)}";
        using var got = await _http.GetAsync(chunk);
        var file = await got.Content.ReadAsByteArrayAsync();
        Assert.Equal(asset.ContentOf(0), Inflated(file, asset.Index[0]));
        Assert.Equal("public, immutable, max-age=31536000", string.Join(", ", got.Headers.CacheControl!.ToString().Split(", ").Order(StringComparer.Ordinal).OrderByDescending(part => part == "public")));
        Assert.Equal($"\"{AssetHost.Digest(file)}\"", got.Headers.ETag!.Tag);
        Assert.Equal((file.Length, "application/octet-stream", 0), (got.Content.Headers.ContentLength, got.Content.Headers.ContentType!.MediaType, got.Content.Headers.ContentEncoding.Count));

        using var head = await SendAsync(HttpMethod.Head, chunk);
        Assert.Equal((HttpStatusCode.OK, file.Length), (head.StatusCode, (int)head.Content.Headers.ContentLength!));
        using var known = await SendAsync(HttpMethod.Get, chunk, ("If-None-Match", $"\"x\", {got.Headers.ETag}"));
        Assert.Equal(HttpStatusCode.NotModified, known.StatusCode);
        using var part = await SendAsync(HttpMethod.Get, chunk, ("Range", "bytes=10-19"));
        Assert.Equal((HttpStatusCode.PartialContent, $"bytes 10-19/{file.Length}"), (part.StatusCode, part.Content.Headers.ContentRange!.ToString()));
        Assert.Equal(file[10..20], await part.Content.ReadAsByteArrayAsync());
        using var behind = await SendAsync(HttpMethod.Get, chunk, ("Range", $"bytes={file.Length}-"));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, behind.StatusCode);
        using var stale = await SendAsync(HttpMethod.Get, chunk, ("Range", "bytes=0-1"), ("If-Range", "\"old\""));
        Assert.Equal(HttpStatusCode.OK, stale.StatusCode);

        var index = asset.Index.ToByteArray();
        using var whole = await _http.GetAsync(Root + "/index/r.caibx");
        Assert.Equal(index, await whole.Content.ReadAsByteArrayAsync());
        Assert.Equal($"\"{asset.Index.FileDigest()}\"", whole.Headers.ETag!.Tag);
        foreach (var (range, expected) in new[] { ("bytes=-50", index[^50..]), ("bytes=40-70", index[40..71]), ("bytes=100-", index[100..]), ("bytes=1-2,5-6", index), ("lines=1-2", index) })
        {
            using var some = await SendAsync(HttpMethod.Get, Root + "/index/r.caibx", ("Range", range));
            Assert.Equal(expected, await some.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task Parts_of_two_files_of_one_chunk_are_never_put_together()
    {
        var asset = new TestAsset(AssetHost.Compressible(9, 400_000));
        await PublishAsync(asset.Content, "r");
        var chunk = $"{Root}/{ChunkFile.PathOf(asset.Index[0].Id)}";
        using var before = await _http.GetAsync(chunk);
        using var stronger = new ChunkFile(level: 19);
        var frame = new byte[ChunkFile.BytesMax(asset.Index[0].Length)];
        frame = frame[..stronger.Write(asset.ContentOf(0), frame)];
        Assert.NotEqual(frame, await before.Content.ReadAsByteArrayAsync());
        await FillAsync(asset.Index[0].Id, frame);
        using var after = await SendAsync(HttpMethod.Get, chunk, ("Range", "bytes=10-"), ("If-Range", before.Headers.ETag!.Tag));
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
        Assert.NotEqual(before.Headers.ETag, after.Headers.ETag);
        Assert.Equal(frame, await after.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_damaged_chunk_is_served_to_nobody_and_kept_by_no_cache()
    {
        var asset = new TestAsset(CasyncInputs.Make("rand-1m"));
        await PublishAsync(asset.Content, "r");
        await FillAsync(asset.Index[0].Id, asset.FileOf(1));
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Head })
        {
            using var damaged = await SendAsync(method, $"{Root}/{ChunkFile.PathOf(asset.Index[0].Id)}");
            Assert.Equal((HttpStatusCode.InternalServerError, true, 0L), (damaged.StatusCode, damaged.Headers.CacheControl!.NoStore, damaged.Content.Headers.ContentLength ?? 0));
        }

        await FillAsync(asset.Index[0].Id, asset.FileOf(0));
        await AssertStatusesAsync(HttpStatusCode.OK, asset.Index[0].Id);
    }

    [Fact]
    public async Task Every_other_path_and_method_is_refused()
    {
        var asset = new TestAsset(CasyncInputs.Make("rand-16k"));
        await PublishAsync(asset.Content, "r");
        var id = asset.Index[0].Id.ToString();
        string[] wrong =
        [
            "/", "/index/", "/index/r", "/index/.caibx", "/index/../index/r.caibx/", "/index/r.caidx", "/index/%2e%2e", "/r.caibx", $"/{id}.cacnk", $"/{id[..4]}/{id}", $"/{id[..4]}/{id}.cacnk/",
            $"/{id[..4].ToUpperInvariant()}/{id.ToUpperInvariant()}.cacnk", $"/0000/{id}.cacnk", $"//{id[..4]}/{id}.cacnk", $"/{id[..4]}/{id[..63]}g.cacnk", "/aurae.assets.v0.AssetService/Upload",
            "/index/r.caibx?", "/index/r.caibx?x=1", "/index/r%2Ecaibx", "/index/%72.caibx", "/index/r.caibx#a", $"/{id[..4]}/{id}%2Ecacnk", $"/{id[..4]}/{id}.cacnk?x=1", $"/{id[..4]}%2F{id}.cacnk",
            $"/./{id[..4]}/{id}.cacnk", $"/a/../{id[..4]}/{id}.cacnk", $"http://x/{id[..4]}/{id}.cacnk?x=1", $"http://x/index/r%2Ecaibx",
        ];
        foreach (var path in wrong)
        {
            Assert.True(await StatusOfRawAsync("GET", path) == 404, path);
        }

        foreach (var path in new[] { $"/{id[..4]}/{id}.cacnk", $"http://x/{id[..4]}/{id}.cacnk", "/index/r.caibx", "http://x/index/r.caibx" })
        {
            Assert.True(await StatusOfRawAsync("GET", path) == 200, path);
        }

        Assert.Equal(405, await StatusOfRawAsync("PUT", $"/{id[..4]}/{id}.cacnk"));
        Assert.Equal(405, await StatusOfRawAsync("DELETE", "/index/r.caibx"));
    }

    [Fact]
    public async Task Nothing_listens_unless_it_is_asked_for()
    {
        using var plain = new DaemonFixture();
        await using var daemon = await plain.StartAsync();
        Assert.Equal((null, null), (daemon.Settings.OriginEndpoint, daemon.Settings.OriginSocketPath));
        Assert.Equal(["aurae.sock"], Directory.GetFiles(Path.GetDirectoryName(plain.SocketPath)!, "*.sock").Select(Path.GetFileName));
    }

    [Fact]
    public async Task Caches_are_told_what_is_withdrawn_even_by_the_next_start()
    {
        var (a, b) = (new TestAsset(CasyncInputs.Make("ver-a-4m")), new TestAsset(CasyncInputs.Make("ver-b-4m")));
        var own = a.Index.Ids.ToArray().Except(b.Index.Ids.ToArray()).Select(id => $"PURGE /cdn/{ChunkFile.PathOf(id)}");
        var isUp = false;
        await using var cache = await HttpPeer.StartAsync(context =>
        {
            context.Response.StatusCode = !isUp ? 503 : context.Request.Headers.Authorization == "Bearer of-the-test" ? 200 : 401;
            return Task.CompletedTask;
        });
        await File.WriteAllTextAsync(_fixture["caches"], $"# those before us\n{cache.Location}/cdn/ Bearer of-the-test\n");
        await RestartAsync();
        await Eventually.HoldsAsync(async () => await FrontierAsync() > 0, "the cursor");
        var before = await FrontierAsync();
        await PublishAsync(a.Content, "a");
        await PublishAsync(b.Content, "b");
        await PutAsync(b.Content, "private");
        await _assets.UntagAsync(new UntagAssetRequest { Tag = "private" });
        await _assets.UnpublishAsync(new UnpublishAssetRequest { Name = "a" });
        await Eventually.HoldsAsync(() => !cache.Requests.IsEmpty, "the first request");
        await _daemon.DisposeAsync();
        _channel.Dispose();

        isUp = true;
        cache.Requests.Clear();
        await StartAsync();
        string[] expected = [.. own.Append("PURGE /cdn/index/a.caibx").Order(StringComparer.Ordinal)];
        await Eventually.HoldsAsync(() => cache.Requests.Count >= expected.Length, "all requests");
        Assert.Equal(expected, cache.Requests.Order(StringComparer.Ordinal));
        await Eventually.HoldsAsync(async () => await FrontierAsync() > before, "the cursor moves on");

        // Told once, it is not told again by a later start; a publication that moves takes its index and its chunks along.
        cache.Requests.Clear();
        await RestartAsync();
        await _assets.PublishAsync(new PublishAssetRequest { Name = "b", Asset = a.Index.FileDigest().ToString() });
        expected = [.. b.Index.Ids.ToArray().Except(a.Index.Ids.ToArray()).Select(id => $"PURGE /cdn/{ChunkFile.PathOf(id)}").Append("PURGE /cdn/index/b.caibx").Order(StringComparer.Ordinal)];
        await Eventually.HoldsAsync(() => cache.Requests.Count >= expected.Length, "the requests of the publication that moved");
        Assert.Equal(expected, cache.Requests.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_line_that_names_no_cache_is_refused_by_its_number_and_not_shown()
    {
        File.WriteAllText(_fixture["caches"], "https://cdn.example/a secret\n\n# c\nhttps://user:secret@cdn.example/\n");
        var fault = Assert.Throws<Fault>(() => PurgeTargets.Read(_fixture["caches"]));
        Assert.Contains("line 4 of", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", fault.Message, StringComparison.Ordinal);
        File.WriteAllText(_fixture["caches"], "https://cdn.example/a  Bearer x y\n");
        var target = Assert.Single(PurgeTargets.Read(_fixture["caches"]));
        Assert.Equal(("https://cdn.example/a", "Bearer x y"), (target.ToString(), target.Authorization));
    }

    /// <summary>Over the Unix socket, with the path as it is: a client's library would tidy it.</summary>
    private async Task<int> StatusOfRawAsync(string method, string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_fixture["run/origin.sock"]));
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream);
        var line = await reader.ReadLineAsync();
        Assert.StartsWith("HTTP/1.1 ", line, StringComparison.Ordinal);
        return int.Parse(line!.Split(' ')[1], null);
    }

    /// <summary>Puts a frame in the place of the chunk's.</summary>
    private Task FillAsync(ChunkId id, byte[] frame) => _daemon.Parts.Database.WriteAsync(
        unit =>
        {
            var rows = new ChunkRows(unit);
            return rows.Fill(rows.Find(id.ToByteArray())!.Value, frame);
        },
        CancellationToken.None);

    /// <summary>How far the caches were told; 0 before the daemon has begun to look.</summary>
    private Task<long> FrontierAsync() => _daemon.Parts.Database.ReadAsync(
        unit => new CursorRows(unit).Find(RecordNames.DefaultTenant, OriginPurge.Cursor)?.Frontier ?? 0, CancellationToken.None);

    private async Task AssertStatusesAsync(HttpStatusCode expected, params object[] things)
    {
        foreach (var thing in things)
        {
            using var response = await SendAsync(HttpMethod.Head, thing is ChunkId id ? $"{Root}/{ChunkFile.PathOf(id)}" : $"{Root}/index/{thing}.caibx");
            Assert.True(expected == response.StatusCode, $"{thing}: {response.StatusCode}");
        }
    }

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string url, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, url);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return _http.SendAsync(request);
    }

    private async Task PublishAsync(byte[] content, string name)
    {
        await PutAsync(content, "tag-" + name);
        await _assets.PublishAsync(new PublishAssetRequest { Name = name, Asset = "tag-" + name });
    }

    private async Task PutAsync(byte[] content, string tag, string tenant = "")
    {
        using var call = _assets.Upload();
        await AssetHost.SendAsync(call, [
            new UploadRequest { Header = new UploadHeader { Tenant = tenant, Tag = tag } },
            .. content.Chunk(AssetHost.MessageBytes).Select(part => new UploadRequest { Data = ByteString.CopyFrom(part) }),
            new UploadRequest { Commit = new UploadCommit { Size = content.Length, Sha256 = AssetHost.Digest(content) } },
        ]);
        await call.ResponseAsync;
    }

    private static byte[] Inflated(byte[] file, AssetChunk chunk)
    {
        using var files = new ChunkFile();
        var content = new byte[chunk.Length];
        return content[..files.Read(file, chunk.Id, ChunkDigest.Sha256, content, "the origin")];
    }
}
