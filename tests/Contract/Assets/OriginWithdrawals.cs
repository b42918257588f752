using System.Collections.Concurrent;
using Aurae.Assets.V0;
using Auraed.Chunks;
using Auraed.Domain.Assets;
using Auraed.Domain.Records;
using Auraed.Store.Events;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Assets;

/// <summary>Caches before the origin come to know what was withdrawn, whatever became of the asset and of the other caches meanwhile.</summary>
public sealed class OriginWithdrawals : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private AssetHost _host = null!;

    public async Task InitializeAsync()
    {
        Caches();
        _host = await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task What_was_deleted_and_collected_before_a_cache_answered_is_forgotten_all_the_same()
    {
        var isUp = false;
        var forgotten = new ConcurrentQueue<string>();
        await using var cache = await CacheAsync(() => isUp, forgotten);
        await RestartAsync(cache);
        byte[] bytes = AssetHost.Random(1, 900_000), moved = AssetHost.Random(2, 400_000), kept = AssetHost.Random(3, 300_000);
        await PublishAsync(bytes, "a");
        await PublishAsync(moved, "b");
        await PublishAsync(kept, "b");
        await WithdrawAsync("a");
        await DeleteAsync(bytes);
        await DeleteAsync(moved);
        await Eventually.HoldsAsync(() => !cache.Requests.IsEmpty, "the first request");
        await CollectAsync();
        // The same bytes come and go once more while the cache is away.
        await PublishAsync(bytes, "a");
        await WithdrawAsync("a");
        await DeleteAsync(bytes);
        await CollectAsync();
        Assert.Equal(Count(bytes) + Count(moved) + Count(kept), await ChunkCountAsync());

        var withdrawn = await LastAsync();
        isUp = true;
        await Eventually.HoldsAsync(async () => await FrontierAsync() >= withdrawn, "the cursor moves on");
        Assert.Equal(Lines([.. Chunks(bytes), .. Chunks(bytes), .. Chunks(moved), "index/a.caibx", "index/a.caibx", "index/b.caibx"]), forgotten.Order(StringComparer.Ordinal));
        await CollectAsync();
        Assert.Equal(Count(kept), await ChunkCountAsync());
    }

    [Fact]
    public async Task A_cache_that_is_away_holds_up_no_other_and_none_is_told_twice()
    {
        var isUp = false;
        await using var away = await CacheAsync(() => isUp);
        await using var there = await CacheAsync(() => true);
        await RestartAsync(away, there);
        byte[] first = AssetHost.Random(4, 500_000), second = AssetHost.Random(5, 400_000);
        await PublishAsync(first, "first");
        await PublishAsync(second, "second");
        var before = await FrontierAsync();
        await WithdrawAsync("first");
        await WithdrawAsync("second");
        var withdrawn = await LastAsync();
        var all = Lines([.. Chunks(first), .. Chunks(second), "index/first.caibx", "index/second.caibx"]);
        await Eventually.HoldsAsync(() => there.Requests.Count >= all.Length, "all requests to the cache that is there");
        await Eventually.HoldsAsync(() => away.Requests.Count > 1, "a request that is tried again");
        Assert.Equal(all, Lines(there));
        Assert.InRange((await FrontierAsync())!.Value, before!.Value, withdrawn - 2);

        // The file is read again when a cache has failed: one that is gone from it is waited for no more.
        Caches(there);
        await Eventually.HoldsAsync(async () => await FrontierAsync() >= withdrawn, "the cursor moves on");
        Assert.Equal(all, Lines(there));
    }

    [Fact]
    public async Task Without_caches_nothing_is_kept_for_them()
    {
        var bytes = AssetHost.Random(6, 500_000);
        await PublishAsync(bytes, "a");
        await WithdrawAsync("a");
        await DeleteAsync(bytes);
        await CollectAsync();
        Assert.Equal(0, await ChunkCountAsync());

        await using var away = await CacheAsync(() => false);
        await RestartAsync(away);
        await PublishAsync(bytes, "a");
        await WithdrawAsync("a");
        await DeleteAsync(bytes);
        await CollectAsync();
        Assert.Equal(Count(bytes), await ChunkCountAsync());
        Caches();
        _host = await _host.RestartAsync(("origin.purge_file", _directory["caches"]));
        await Eventually.HoldsAsync(async () => await FrontierAsync() is null, "the cursor is gone");
        await Eventually.HoldsAsync(
            async () =>
            {
                await CollectAsync();
                return await ChunkCountAsync() == 0;
            },
            "the chunks are gone");
    }

    /// <param name="forgotten">Lines of METHOD PATH of what it was asked while it was up.</param>
    private static Task<HttpPeer> CacheAsync(Func<bool> isUp, ConcurrentQueue<string>? forgotten = null) => HttpPeer.StartAsync(context =>
    {
        context.Response.StatusCode = isUp() ? 200 : 503;
        if (context.Response.StatusCode == 200)
        {
            forgotten?.Enqueue($"{context.Request.Method} {context.Request.Path}");
        }

        return Task.CompletedTask;
    });

    private Task<AssetHost> StartAsync() => AssetHost.StartAsync(("origin.purge_file", _directory["caches"]));

    private async Task RestartAsync(params HttpPeer[] caches)
    {
        Caches(caches);
        _host = await _host.RestartAsync(("origin.purge_file", _directory["caches"]));
        await Eventually.HoldsAsync(async () => await FrontierAsync() is not null, "the cursor");
    }

    private void Caches(params HttpPeer[] caches) => File.WriteAllLines(_directory["caches"], caches.Select(cache => cache.Location));

    private async Task PublishAsync(byte[] bytes, string name)
    {
        var asset = (await _host.PutAsync(bytes)).Asset.Id;
        await _host.Assets.PublishAsync(new PublishAssetRequest { Name = name, Asset = asset });
    }

    private async Task WithdrawAsync(string name) => await _host.Assets.UnpublishAsync(new UnpublishAssetRequest { Name = name });

    private async Task DeleteAsync(byte[] bytes) => await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = AssetHost.Caid(bytes) });

    /// <summary>Twice, with no grace: what nothing refers to is gone then.</summary>
    private async Task CollectAsync()
    {
        await _host.CollectAsync();
        await _host.CollectAsync();
    }

    private async Task<int> ChunkCountAsync() => (int)(await _host.Assets.StatsAsync(new AssetStatsRequest())).Total.ChunkCount;

    private Task<long?> FrontierAsync() => _host.Database.ReadAsync(
        unit => new CursorRows(unit).Find(RecordNames.DefaultTenant, OriginPurge.Cursor)?.Frontier, CancellationToken.None);

    /// <summary>The last event by which a publication ended.</summary>
    private async Task<long> LastAsync() =>
        long.Parse((await _host.TextsAsync("SELECT CAST(max(sequence) AS TEXT) FROM event WHERE kind = 'asset_publication.deleted'")).Single(), null);

    private static int Count(byte[] bytes) => AssetHost.Index(bytes).Ids.ToArray().Distinct().Count();

    private static IEnumerable<string> Chunks(byte[] bytes) => AssetHost.Index(bytes).Ids.ToArray().Select(ChunkFile.PathOf);

    private static string[] Lines(IEnumerable<string> paths) => [.. paths.Select(path => "PURGE /" + path).Order(StringComparer.Ordinal)];

    private static string[] Lines(HttpPeer cache) => [.. cache.Requests.Order(StringComparer.Ordinal)];
}
