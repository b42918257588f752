using System.Net;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Stores;
using Auraed.Tests.Support;
using Auraed.Tests.Unit.Chunks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Auraed.Tests.Contract;

/// <summary>Chunks are found wherever they are, and never taken for another; servers that lie, stall, break off or flood are named and passed over or not, as told.</summary>
public sealed class StoreRouting : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestAsset _asset = new(CasyncInputs.Make("rand-1m"));

    public static TheoryData<string, string, FaultKind> Hostile => new()
    {
        { "other bytes", "does not begin with a zstd frame", FaultKind.Corrupt },
        { "another chunk", "with the sha256", FaultKind.Corrupt },
        { "cut file", "damaged or cut", FaultKind.Corrupt },
        { "file and more", "bytes after its zstd frame", FaultKind.Corrupt },
        { "declared too long", "more than", FaultKind.Corrupt },
        { "endless", "more than", FaultKind.Corrupt },
        { "broken off", "", FaultKind.Unavailable },
        { "redirects for ever", "302", FaultKind.Precondition },
        { "no service", "503", FaultKind.Unavailable },
        { "forbidden", "403", FaultKind.Denied },
        { "teapot", "418", FaultKind.Precondition },
    };

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task A_store_that_fails_or_lies_is_named_and_stops_the_fetch_or_not_as_told(string how, string why, FaultKind kind)
    {
        await using var server = await HttpPeer.StartAsync(context => AnswerAsync(how, context));
        var good = new DirectoryStore(_directory["good"]);
        await _asset.PushAsync(good);
        await using var stopping = new StoreRouter([Routed(server, StoreErrorPolicy.Stop), new RoutedStore(good, StoreErrorPolicy.Stop)], null, TimeProvider.System);
        var fault = await Assert.ThrowsAsync<Fault>(() => FetchAsync(stopping, 0));
        Assert.Equal(kind, fault.Kind);
        Assert.Contains(server.Location, fault.Message, StringComparison.Ordinal);
        Assert.Contains(_asset.Index[0].Id.ToString(), fault.Message, StringComparison.Ordinal);
        Assert.Contains(why, fault.Message, StringComparison.Ordinal);
        Assert.Equal(0, stopping.Stores[1].Chunks);

        await using var passing = new StoreRouter([Routed(server, StoreErrorPolicy.Next), new RoutedStore(new DirectoryStore(_directory["good"]), StoreErrorPolicy.Stop)], null, TimeProvider.System);
        Assert.Equal(_asset.ContentOf(0), await FetchAsync(passing, 0));
        Assert.Equal((0L, 1L, kind), (passing.Stores[0].Chunks, passing.Stores[0].Faults, passing.Stores[0].LastFault!.Kind));
        Assert.Contains(_asset.Index[0].Id.ToString(), passing.Stores[0].LastFault!.Message, StringComparison.Ordinal);
        Assert.Contains(why, passing.Stores[0].LastFault!.Message, StringComparison.Ordinal);
        Assert.Equal((1L, 0L), (passing.Stores[1].Chunks, passing.Stores[1].Faults));

        await using var alone = new StoreRouter([Routed(server, StoreErrorPolicy.Next)], null, TimeProvider.System);
        Assert.Equal(kind, (await Assert.ThrowsAsync<Fault>(() => FetchAsync(alone, 0))).Kind);
    }

    [Fact]
    public async Task A_server_that_stalls_costs_its_time_and_no_more()
    {
        var clock = new ManualTime(DateTimeOffset.UnixEpoch);
        await using var server = await HttpPeer.StartAsync(async context =>
        {
            context.Response.ContentLength = 1000;
            await context.Response.StartAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        await using var router = new StoreRouter([new RoutedStore(new HttpStore(StoreLocation.Parse(server.Location), new StoreOptions(), clock), StoreErrorPolicy.Stop)], null, clock);
        var fetch = FetchAsync(router, 0);
        await MoveUntilEndedAsync(clock, fetch);
        var fault = await Assert.ThrowsAsync<Fault>(() => fetch);
        Assert.Contains("did not answer within 60 s", fault.Message, StringComparison.Ordinal);
        Assert.Equal(Limits.StoreTriesMax, server.Requests.Count);
    }

    [Fact]
    public async Task What_may_pass_by_itself_is_tried_again_and_nothing_else()
    {
        var asked = 0;
        await using var server = await HttpPeer.StartAsync(async context =>
        {
            if (Interlocked.Increment(ref asked) < 3)
            {
                context.Response.StatusCode = 503;
                context.Response.Headers.RetryAfter = "0";
                return;
            }

            await context.Response.Body.WriteAsync(_asset.FileOf(0));
        });
        await using var router = new StoreRouter([Routed(server, StoreErrorPolicy.Stop)], null, TimeProvider.System);
        Assert.Equal(_asset.ContentOf(0), await FetchAsync(router, 0));
        Assert.Equal(3, asked);
        Assert.Equal(0, router.Stores[0].Faults);
    }

    [Fact]
    public async Task A_store_that_did_not_answer_is_asked_after_the_others_for_a_while()
    {
        var clock = new ManualTime(DateTimeOffset.UnixEpoch);
        var isAway = true;
        await using var server = await HttpPeer.StartAsync(async context =>
        {
            context.Response.StatusCode = isAway ? 503 : 200;
            await context.Response.Body.WriteAsync(_asset.FileOf(2));
        });
        var good = new DirectoryStore(_directory["good"]);
        await good.WriteAsync(_asset.Index[0].Id, _asset.FileOf(0), replaces: false, default);
        await good.WriteAsync(_asset.Index[1].Id, _asset.FileOf(1), replaces: false, default);
        await using var router = new StoreRouter([Routed(server, StoreErrorPolicy.Next), new RoutedStore(good, StoreErrorPolicy.Stop)], null, clock);

        Assert.Equal(_asset.ContentOf(0), await TriedAsync(0));
        Assert.Equal(Limits.StoreTriesMax, server.Requests.Count);
        Assert.Equal(_asset.ContentOf(1), await TriedAsync(1));
        Assert.Equal((Limits.StoreTriesMax, 1L), (server.Requests.Count, router.Stores[0].Faults));

        // What only it may have, it is asked for all the same.
        Assert.Equal(FaultKind.Unavailable, (await Assert.ThrowsAsync<Fault>(() => TriedAsync(2))).Kind);
        Assert.Equal(2 * Limits.StoreTriesMax, server.Requests.Count);

        clock.Move(Limits.StoreAwaySpan);
        Assert.Equal(_asset.ContentOf(1), await TriedAsync(1));
        Assert.Equal(3 * Limits.StoreTriesMax, server.Requests.Count);

        // An answer makes it the first again.
        isAway = false;
        Assert.Equal(_asset.ContentOf(2), await FetchAsync(router, 2));
        Assert.Equal(_asset.ContentOf(2), await FetchAsync(router, 2));
        Assert.Equal((2L, 2L), (router.Stores[0].Chunks, router.Stores[1].Missing));

        async Task<byte[]> TriedAsync(int chunk)
        {
            var fetch = FetchAsync(router, chunk);
            await Eventually.HoldsAsync(
                () =>
                {
                    if (clock.Waits is { Count: > 0 } waits)
                    {
                        clock.Move(waits.Min());
                    }

                    return fetch.IsCompleted;
                }, "the fetch's end");
            return await fetch;
        }
    }

    [Fact]
    public async Task A_missing_chunk_is_looked_for_in_the_next_store_and_at_last_said_to_be_missing()
    {
        await using var empty = await HttpPeer.ServeAsync(_directory["empty"]);
        await using var router = new StoreRouter(
            [Routed(empty, StoreErrorPolicy.Stop), new RoutedStore(new DirectoryStore(_directory["half"]), StoreErrorPolicy.Stop)], null, TimeProvider.System);
        await router.Stores[1].Store.WriteAsync(_asset.Index[0].Id, _asset.FileOf(0), replaces: false, default);
        Assert.Equal(_asset.ContentOf(0), await FetchAsync(router, 0));
        Assert.Equal((1L, 1L), (router.Stores[0].Missing, router.Stores[1].Chunks));
        var fault = await Assert.ThrowsAsync<Fault>(() => FetchAsync(router, 1));
        Assert.Equal(FaultKind.NotFound, fault.Kind);
        Assert.Contains(_asset.Index[1].Id.ToString(), fault.Message, StringComparison.Ordinal);
        Assert.Equal(["GET"], empty.Requests.Select(line => line.Split(' ')[0]).Distinct());
    }

    [Fact]
    public async Task The_cache_keeps_what_remotes_gave_and_what_is_damaged_in_it_is_replaced()
    {
        var remote = new DirectoryStore(_directory["remote"]);
        await _asset.PushAsync(remote, "a.caibx");
        await using (var router = Router())
        {
            Assert.Equal(_asset.Index.ToByteArray(), (await router.FetchIndexAsync(IndexName.Parse("a.caibx", "index"), default)).ToByteArray());
            for (var chunk = 0; chunk < _asset.Index.Count; chunk++)
            {
                Assert.Equal(_asset.ContentOf(chunk), await FetchAsync(router, chunk));
            }
        }

        var damaged = Path.Combine(_directory["cache"], ChunkFile.PathOf(_asset.Index[3].Id));
        File.SetUnixFileMode(damaged, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllBytesAsync(damaged, _asset.FileOf(4));
        await using (var router = Router())
        {
            for (var chunk = 0; chunk < _asset.Index.Count; chunk++)
            {
                Assert.Equal(_asset.ContentOf(chunk), await FetchAsync(router, chunk));
            }

            Assert.Equal((1L, _asset.Index.Count - 1L, 1L), (router.Stores[0].Chunks, router.Cache!.Chunks, router.Cache.Faults));
        }

        Assert.Equal(_asset.FileOf(3), await File.ReadAllBytesAsync(damaged));

        StoreRouter Router()
        {
            return new StoreRouter([new RoutedStore(new DirectoryStore(_directory["remote"]), StoreErrorPolicy.Stop)], new DirectoryStore(_directory["cache"]), TimeProvider.System);
        }
    }

    [Fact]
    public async Task A_chunk_that_many_want_is_fetched_once_and_a_caller_that_goes_takes_nobody_along()
    {
        var gate = new TaskCompletionSource();
        await using var server = await HttpPeer.StartAsync(async context =>
        {
            await gate.Task;
            await context.Response.Body.WriteAsync(_asset.FileOf(0));
        });
        await using var router = new StoreRouter([Routed(server, StoreErrorPolicy.Stop)], null, TimeProvider.System);
        using var leaving = new CancellationTokenSource();
        var left = FetchAsync(router, 0, leaving.Token);
        var fetches = Enumerable.Range(0, 50).Select(_ => FetchAsync(router, 0)).ToArray();
        await Eventually.HoldsAsync(() => !server.Requests.IsEmpty, "the request");
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        gate.SetResult();
        Assert.All(await Task.WhenAll(fetches), content => Assert.Equal(_asset.ContentOf(0), content));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task No_more_fetches_run_at_a_time_than_may()
    {
        var (running, most) = (0, 0);
        var gate = new SemaphoreSlim(0);
        await using var server = await HttpPeer.StartAsync(async context =>
        {
            var now = Interlocked.Increment(ref running);
            InterlockedMax(ref most, now);
            await gate.WaitAsync();
            Interlocked.Decrement(ref running);
            context.Response.StatusCode = 404;
        });
        await using var router = new StoreRouter([Routed(server, StoreErrorPolicy.Stop)], null, TimeProvider.System, fetchesMax: 3);
        var fetches = Enumerable.Range(0, _asset.Index.Count).Select(chunk => FetchAsync(router, chunk)).ToArray();
        await Eventually.HoldsAsync(() => Volatile.Read(ref running) == 3, "three fetches");
        gate.Release(_asset.Index.Count);
        foreach (var fetch in fetches)
        {
            await Assert.ThrowsAsync<Fault>(() => fetch);
        }

        Assert.Equal(3, most);
    }

    [Fact]
    public async Task A_server_is_trusted_by_the_authority_that_is_named_and_the_header_of_the_file_is_sent()
    {
        using var certificate = TestCertificate.Create();
        await File.WriteAllTextAsync(_directory["authority.pem"], certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(_directory["token"], "Bearer of-the-test\n");
        await using var server = await HttpPeer.StartAsync(
            async context =>
            {
                context.Response.StatusCode = context.Request.Headers.Authorization == "Bearer of-the-test" ? 200 : 401;
                await context.Response.Body.WriteAsync(_asset.FileOf(0));
            }, listen => listen.UseHttps(certificate));
        var options = new StoreOptions { AuthorityFile = _directory["authority.pem"], AuthorizationFile = _directory["token"] };
        await using var router = new StoreRouter([Routed(server, StoreErrorPolicy.Stop, options)], null, TimeProvider.System);
        Assert.Equal(_asset.ContentOf(0), await FetchAsync(router, 0));

        await using var unnamed = new StoreRouter([Routed(server, StoreErrorPolicy.Stop, options with { AuthorizationFile = null })], null, TimeProvider.System);
        Assert.Equal(FaultKind.Denied, (await Assert.ThrowsAsync<Fault>(() => FetchAsync(unnamed, 0))).Kind);

        using var stranger = TestCertificate.Create();
        await File.WriteAllTextAsync(_directory["stranger.pem"], stranger.ExportCertificatePem());
        await using var distrusting = new StoreRouter([Routed(server, StoreErrorPolicy.Stop, options with { AuthorityFile = _directory["stranger.pem"] })], null, TimeProvider.System);
        Assert.Contains("not to be trusted", (await Assert.ThrowsAsync<Fault>(() => FetchAsync(distrusting, 0))).Message, StringComparison.Ordinal);

        await File.WriteAllTextAsync(_directory["none.pem"], "");
        Assert.Equal("authority_file", Assert.Throws<Fault>(() => { Routed(server, StoreErrorPolicy.Stop, options with { AuthorityFile = _directory["none.pem"] }); }).Field);
    }

    [Fact]
    public async Task A_redirect_is_followed_without_the_credentials()
    {
        await using var target = await HttpPeer.StartAsync(async context =>
        {
            context.Response.StatusCode = context.Request.Headers.Authorization.Count == 0 ? 200 : 500;
            await context.Response.Body.WriteAsync(_asset.FileOf(0));
        });
        await using var server = await HttpPeer.StartAsync(context =>
        {
            context.Response.Redirect(target.Location + context.Request.Path);
            return Task.CompletedTask;
        });
        await File.WriteAllTextAsync(_directory["token"], "Basic dGVzdDp0ZXN0");
        await using var router = new StoreRouter([Routed(server, StoreErrorPolicy.Stop, new StoreOptions { AuthorizationFile = _directory["token"] })], null, TimeProvider.System);
        Assert.Equal(_asset.ContentOf(0), await FetchAsync(router, 0));
    }

    private static RoutedStore Routed(HttpPeer server, StoreErrorPolicy onError, StoreOptions? options = null) =>
        new(new HttpStore(StoreLocation.Parse(server.Location), options ?? new StoreOptions(), TimeProvider.System), onError);

    private async Task<byte[]> FetchAsync(StoreRouter router, int chunk, CancellationToken cancel = default)
    {
        var target = new byte[_asset.Index.Sizes.Max];
        return target[..await router.FetchAsync(_asset.Index[chunk].Id, ChunkDigest.Sha256, target, cancel)];
    }

    private async Task AnswerAsync(string how, HttpContext context)
    {
        var response = context.Response;
        switch (how)
        {
            case "other bytes": await response.Body.WriteAsync(new byte[100]); break;
            case "another chunk": await response.Body.WriteAsync(_asset.FileOf(1)); break;
            case "cut file": await response.Body.WriteAsync(_asset.FileOf(0)[..^5]); break;
            case "file and more": await response.Body.WriteAsync((byte[])[.. _asset.FileOf(0), 1]); break;
            case "declared too long": response.ContentLength = 1L << 40; await response.StartAsync(); break;
            case "endless":
                for (var block = new byte[64 * 1024]; !context.RequestAborted.IsCancellationRequested;)
                {
                    await response.Body.WriteAsync(block);
                }

                break;
            case "broken off":
                response.ContentLength = 1000;
                await response.Body.WriteAsync(new byte[10]);
                await response.Body.FlushAsync();
                context.Abort();
                break;
            case "redirects for ever": response.Redirect(context.Request.Path + "x"); break;
            case "no service": response.StatusCode = (int)HttpStatusCode.ServiceUnavailable; break;
            case "forbidden": response.StatusCode = (int)HttpStatusCode.Forbidden; break;
            case "teapot": response.StatusCode = StatusCodes.Status418ImATeapot; break;
            default: throw new ArgumentOutOfRangeException(nameof(how), how, null);
        }
    }

    private static async Task MoveUntilEndedAsync(ManualTime clock, Task task) => await Eventually.HoldsAsync(
        () =>
        {
            clock.Move(TimeSpan.FromSeconds(5));
            return task.IsCompleted;
        }, "the fetch's end");

    private static void InterlockedMax(ref int most, int now)
    {
        for (var seen = Volatile.Read(ref most); now > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, now, seen);
        }
    }
}
