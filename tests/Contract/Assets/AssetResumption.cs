using System.Text.Json;
using Aurae.Assets.V0;
using Auraed.Tests.Support;
using Grpc.Core;

namespace Auraed.Tests.Contract.Assets;

/// <summary>Uploads and downloads whose connection is cut: the same command goes on, and what travels the second time is counted.</summary>
public sealed class AssetResumption : IAsyncLifetime
{
    private const int Size = 8_000_000;

    // Headers of calls and messages, ids that are asked for, the index.
    private const int Overhead = 200_000;

    private readonly TemporaryDirectory _directory = new();
    private AssetHost _host = null!;
    private CuttingProxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _host = await AssetHost.StartAsync(("listen.plaintext_socket", _directory["plain.sock"]));
        _proxy = new CuttingProxy(_directory["proxy.sock"], _directory["plain.sock"]);
        await File.WriteAllTextAsync(_directory["client"], $"[system]\nsocket = \"{_directory["proxy.sock"]}\"\n");
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _host.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task An_upload_that_was_cut_sends_nothing_again_that_is_durable()
    {
        var bytes = AssetHost.Random(1, Size);
        var index = AssetHost.Index(bytes);
        await File.WriteAllBytesAsync(_directory["a.img"], bytes);
        _proxy.Begin(sentMax: Size / 2);
        Assert.NotEqual(0, (await RunAsync("put", _directory["a.img"])).Code);
        var upload = new GetUploadRequest { UploadId = "index-" + index.FileDigest() };
        var durable = (await _host.Assets.GetUploadAsync(upload)).DurableSize;
        Assert.InRange(durable, 1_000_000, Size / 2);
        Assert.Empty((await _host.Assets.ListAsync(new ListAssetsRequest())).Assets);

        _proxy.Begin();
        var put = JsonDocument.Parse((await RunAsync("put", _directory["a.img"], "--output", "json")).Succeeded()).RootElement;
        // What was on its way when the line was cut may have become durable since it was asked.
        Assert.InRange(put.GetProperty("sent_chunks").GetInt64(), 1, index.Count - index.Find(durable));
        Assert.InRange(_proxy.Sent, 1, Size - durable + Overhead);
        Assert.Equal(bytes, await _host.GetAsync(put.GetProperty("id").GetString()!));
    }

    [Fact]
    public async Task A_download_that_was_cut_fetches_nothing_again_that_it_wrote_and_shows_nothing_before_it_is_whole()
    {
        var bytes = AssetHost.Random(2, Size);
        var asset = (await _host.PutAsync(bytes)).Asset.Id;
        _proxy.Begin(receivedMax: Size / 2);
        Assert.NotEqual(0, (await RunAsync("get", asset, _directory["b.img"])).Code);
        Assert.False(File.Exists(_directory["b.img"]));

        // A second cut, in the midst of what the first one left over.
        _proxy.Begin(receivedMax: Size / 4);
        Assert.NotEqual(0, (await RunAsync("get", asset, _directory["b.img"])).Code);
        Assert.False(File.Exists(_directory["b.img"]));

        _proxy.Begin();
        var got = JsonDocument.Parse((await RunAsync("get", asset, _directory["b.img"], "--output", "json")).Succeeded()).RootElement;
        var kept = got.GetProperty("kept").GetInt64();
        Assert.InRange(kept, (Size / 2) + 500_000, Size * 3 / 4);
        Assert.Equal(Size - kept, got.GetProperty("fetched").GetInt64());
        Assert.InRange(_proxy.Received, Size - kept, Size - kept + Overhead);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(_directory["b.img"]));
        Assert.Empty(Directory.GetFiles(_directory.Path, "*.partial"));
    }

    [Fact]
    public async Task A_download_waits_for_a_place_instead_of_giving_up_in_its_midst()
    {
        var bytes = AssetHost.Random(4, Size);
        var asset = (await _host.PutAsync(bytes)).Asset.Id;
        // More than a connection takes unread, so that these stay.
        var held = Enumerable.Range(0, Auraed.Base.Limits.AssetDownloadsOfTenantMax).Select(_ => _host.Assets.Download(new DownloadRequest { Asset = asset })).ToArray();
        foreach (var call in held)
        {
            // The first message comes before the place is taken, the second one after.
            Assert.True(await call.ResponseStream.MoveNext(default) && await call.ResponseStream.MoveNext(default));
        }

        await File.WriteAllBytesAsync(_directory["c.img"], bytes[..(Size / 2)]);
        _proxy.Begin();
        var get = RunAsync("get", asset, _directory["c.img"]);
        await Eventually.HoldsAsync(() => _host.Fixture.Log.Text.Contains("downloads run already", StringComparison.Ordinal), "the daemon has no place");
        Assert.False(get.IsCompleted);
        Array.ForEach(held, call => call.Dispose());
        (await get).Succeeded();
        Assert.Equal(bytes, await File.ReadAllBytesAsync(_directory["c.img"]));
    }

    [Fact]
    public async Task A_stream_of_bytes_goes_on_at_the_place_where_it_was_cut()
    {
        var bytes = AssetHost.Random(3, Size);
        var asset = (await _host.PutAsync(bytes)).Asset.Id;
        using var got = new MemoryStream();
        for (var call = 0; got.Length < Size; call++)
        {
            Assert.InRange(call, 0, 4);
            using var stream = _host.Assets.Download(new DownloadRequest { Asset = asset, Offset = got.Length });
            var until = got.Length + (Size / 3);
            await foreach (var message in stream.ResponseStream.ReadAllAsync())
            {
                got.Write(message.Data.Span);
                if (got.Length > until)
                {
                    break;
                }
            }
        }

        Assert.Equal(bytes, got.ToArray());
    }

    private Task<Support.Cli> RunAsync(params string[] arguments) => Support.Cli.RunAsync(["assets", .. arguments, "--client-config", _directory["client"]]);
}
