using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Host;
using Auraed.Tests.Support;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Auraed.Tests.Contract.Assets;

/// <summary>Callers that send or take nothing keep their places until somebody needs them, and no tenant has them all.</summary>
public sealed class AssetPlaces : IAsyncLifetime
{
    private readonly DaemonFixture _fixture = new();
    private readonly AheadTime _time = new();
    private DaemonHost _daemon = null!;
    private GrpcChannel _channel = null!;
    private AssetService.AssetServiceClient _assets = null!;

    public async Task InitializeAsync()
    {
        _daemon = await _fixture.StartAsync(_time);
        _channel = _fixture.Open();
        _assets = new AssetService.AssetServiceClient(_channel);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _daemon.DisposeAsync();
        _fixture.Dispose();
    }

    [Fact]
    public async Task An_upload_that_sends_nothing_gives_way_to_the_next_and_is_gone_on_with()
    {
        // Each its own: what the daemon has already is not sent to the disk piece by piece.
        var blobs = Enumerable.Range(10, Limits.AssetUploadsOfTenantMax).Select(seed => AssetHost.Random(seed, 3_000_000)).ToArray();
        var idle = new List<AsyncClientStreamingCall<UploadRequest, UploadResponse>>();
        for (var number = 0; number < blobs.Length; number++)
        {
            idle.Add(await BeginAsync($"u-{number}", blobs[number].AsMemory(0, 2_000_000)));
        }

        Assert.Equal(StatusCode.ResourceExhausted, await FailsAsync(() => PutAsync(AssetHost.Random(2, 1000))));
        // Another tenant finds a place all the same.
        await PutAsync(AssetHost.Random(2, 1000), tenant: "other");

        _time.Ahead = Limits.TransferIdleMax;
        await PutAsync(AssetHost.Random(2, 1000));
        var ended = await EndedAsync(idle.Select(call => call.ResponseAsync));
        Assert.Equal(StatusCode.Aborted, ended.StatusCode);
        Assert.Contains("another upload needed its place", ended.Status.Detail, StringComparison.Ordinal);
        var place = idle.FindIndex(call => call.ResponseAsync.IsFaulted);
        var durable = (await _assets.GetUploadAsync(new GetUploadRequest { UploadId = $"u-{place}" })).DurableSize;
        Assert.InRange(durable, 1, 2_000_000);
        Assert.Equal(AssetHost.Caid(blobs[place]), (await PutAsync(blobs[place], id: $"u-{place}", offset: durable)).Asset.Id);

        // Others still have theirs.
        var other = idle.FindIndex(call => !call.ResponseAsync.IsCompleted);
        await idle[other].RequestStream.WriteAsync(new UploadRequest { Data = ByteString.CopyFrom(blobs[other], 2_000_000, 1_000_000) });
        await idle[other].RequestStream.WriteAsync(new UploadRequest { Commit = new UploadCommit { Size = 3_000_000 } });
        Assert.Equal(AssetHost.Caid(blobs[other]), (await idle[other].ResponseAsync).Asset.Id);
        idle.ForEach(call => call.Dispose());
    }

    [Fact]
    public async Task A_download_that_takes_nothing_gives_way_to_the_next_and_says_so_to_who_reads_on()
    {
        // More than a connection takes unread.
        var bytes = AssetHost.Random(3, 8_000_000);
        var asset = (await PutAsync(bytes)).Asset.Id;
        var idle = Enumerable.Range(0, Limits.AssetDownloadsOfTenantMax).Select(_ => _assets.Download(new DownloadRequest { Asset = asset })).ToList();
        foreach (var call in idle)
        {
            // The first message comes before the place is taken, the second one after.
            Assert.True(await call.ResponseStream.MoveNext(default) && await call.ResponseStream.MoveNext(default));
        }

        Assert.Equal(StatusCode.ResourceExhausted, await FailsAsync(() => ReadAsync(_assets.Download(new DownloadRequest { Asset = asset }))));
        Assert.Equal(StatusCode.ResourceExhausted, await FailsAsync(async () => await FetchAsync(bytes)));
        _time.Ahead = Limits.TransferIdleMax;
        await FetchAsync(bytes);
        using (var other = _fixture.Open())
        {
            var got = await ReadAsync(new AssetService.AssetServiceClient(other).Download(new DownloadRequest { Asset = asset }));
            Assert.Equal(bytes.Length, got);
        }

        var ended = await EndedAsync(idle.Select(call => ReadAsync(call)));
        Assert.Equal(StatusCode.Aborted, ended.StatusCode);
        Assert.Contains("another needed its place", ended.Status.Detail, StringComparison.Ordinal);
        idle.ForEach(call => call.Dispose());
    }

    /// <summary>An upload that has sent some bytes, of which the daemon has some, and waits.</summary>
    private async Task<AsyncClientStreamingCall<UploadRequest, UploadResponse>> BeginAsync(string id, ReadOnlyMemory<byte> bytes)
    {
        var call = _assets.Upload();
        await call.RequestStream.WriteAsync(new UploadRequest { Header = new UploadHeader { UploadId = id } });
        foreach (var part in bytes.ToArray().Chunk(AssetHost.MessageBytes))
        {
            await call.RequestStream.WriteAsync(new UploadRequest { Data = ByteString.CopyFrom(part) });
        }

        await Eventually.HoldsAsync(
            async () =>
            {
                try
                {
                    return (await _assets.GetUploadAsync(new GetUploadRequest { UploadId = id })).DurableSize > bytes.Length / 2;
                }
                catch (RpcException missing) when (missing.StatusCode == StatusCode.NotFound)
                {
                    return false;
                }
            },
            "most of it is durable");
        return call;
    }

    private async Task<UploadResponse> PutAsync(byte[] bytes, string tenant = "", string id = "", long offset = 0)
    {
        using var call = _assets.Upload();
        await AssetHost.SendAsync(call, [
            new UploadRequest { Header = new UploadHeader { Tenant = tenant, UploadId = id, Offset = offset } },
            .. bytes[(int)offset..].Chunk(AssetHost.MessageBytes).Select(part => new UploadRequest { Data = ByteString.CopyFrom(part) }),
            new UploadRequest { Commit = new UploadCommit { Size = bytes.Length, Sha256 = AssetHost.Digest(bytes) } },
        ]);
        return await call.ResponseAsync;
    }

    private async Task FetchAsync(byte[] bytes)
    {
        using var call = _assets.FetchChunks(new FetchChunksRequest { Ids = { ByteString.CopyFrom(AssetHost.Index(bytes).Ids[0].ToByteArray()) } });
        Assert.Single((await call.ResponseStream.ReadAllAsync().SingleAsync()).Chunks.Chunks);
    }

    private static async Task<long> ReadAsync(AsyncServerStreamingCall<DownloadResponse> call)
    {
        var length = 0L;
        await foreach (var message in call.ResponseStream.ReadAllAsync())
        {
            length += message.Data.Length;
        }

        return length;
    }

    /// <summary>How the first call failed that did.</summary>
    private static async Task<RpcException> EndedAsync(IEnumerable<Task> calls)
    {
        for (var left = calls.ToList(); left.Count > 0;)
        {
            var next = await Task.WhenAny(left);
            if (next.IsFaulted)
            {
                return Assert.IsType<RpcException>(next.Exception!.InnerException);
            }

            left.Remove(next);
        }

        throw new Xunit.Sdk.XunitException("no call was ended");
    }

    private static async Task<StatusCode> FailsAsync(Func<Task> call) => (await Assert.ThrowsAsync<RpcException>(call)).StatusCode;

    /// <summary>The system's clock, with more time passed than has.</summary>
    private sealed class AheadTime : TimeProvider
    {
        private long _ahead;

        public TimeSpan Ahead
        {
            set => Volatile.Write(ref _ahead, (long)(value.TotalSeconds * System.TimestampFrequency));
        }

        public override long GetTimestamp() => base.GetTimestamp() + Volatile.Read(ref _ahead);
    }
}
