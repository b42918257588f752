using System.Threading.Channels;
using Aurae.Assets.V0;
using Auraed.Domain.Assets;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.assets.v0.AssetService: parse, call, answer. Long work streams how far it is; the last message has the result.</summary>
[BindServiceMethod(typeof(AssetService), nameof(BindService))]
public sealed class AssetService(AssetLibrary assets) : Aurae.Assets.V0.AssetService.AssetServiceBase
{
    private const int MessagesAheadMax = 16;

    /// <summary>As the generated one, but for what uploads are read by.</summary>
    public static void BindService(ServiceBinderBase binder, AssetService service) => Aurae.Assets.V0.AssetService.BindService(new UploadBinder(binder), service);

    public override Task<UploadResponse> Upload(IAsyncStreamReader<UploadRequest> requestStream, ServerCallContext context) =>
        assets.UploadAsync(Principals.Of(context), requestStream.ReadAllAsync(context.CancellationToken).GetAsyncEnumerator(context.CancellationToken), context.CancellationToken);

    public override Task<GetUploadResponse> GetUpload(GetUploadRequest request, ServerCallContext context) => assets.GetUploadAsync(request, context.CancellationToken);

    public override async Task<CancelUploadResponse> CancelUpload(CancelUploadRequest request, ServerCallContext context)
    {
        await assets.CancelUploadAsync(request, context.CancellationToken).ConfigureAwait(false);
        return new CancelUploadResponse();
    }

    public override Task<MissingChunksResponse> MissingChunks(MissingChunksRequest request, ServerCallContext context) => assets.MissingChunksAsync(request, context.CancellationToken);

    public override Task Download(DownloadRequest request, IServerStreamWriter<DownloadResponse> responseStream, ServerCallContext context) =>
        assets.DownloadAsync(request, message => responseStream.WriteAsync(message, context.CancellationToken), context.CancellationToken);

    public override Task GetIndex(GetIndexRequest request, IServerStreamWriter<GetIndexResponse> responseStream, ServerCallContext context) =>
        SendAsync(assets.IndexAsync(request, context.CancellationToken), responseStream, context);

    public override Task FetchChunks(FetchChunksRequest request, IServerStreamWriter<FetchChunksResponse> responseStream, ServerCallContext context) =>
        assets.FetchAsync(request, message => responseStream.WriteAsync(message, context.CancellationToken), context.CancellationToken);

    public override Task<StatAssetResponse> Stat(StatAssetRequest request, ServerCallContext context) => assets.StatAsync(request, context.CancellationToken);

    public override Task<ListAssetsResponse> List(ListAssetsRequest request, ServerCallContext context) => assets.ListAsync(request, context.CancellationToken);

    public override Task Delta(DeltaRequest request, IServerStreamWriter<DeltaResponse> responseStream, ServerCallContext context) =>
        SendAsync(assets.DeltaAsync(request, context.CancellationToken), responseStream, context);

    public override Task<DeleteAssetResponse> Delete(DeleteAssetRequest request, ServerCallContext context) =>
        assets.DeleteAsync(Principals.Of(context), request, context.CancellationToken);

    public override Task<AssetTag> Tag(TagAssetRequest request, ServerCallContext context) => assets.TagAsync(Principals.Of(context), request, context.CancellationToken);

    public override async Task<UntagAssetResponse> Untag(UntagAssetRequest request, ServerCallContext context)
    {
        await assets.UntagAsync(Principals.Of(context), request, context.CancellationToken).ConfigureAwait(false);
        return new UntagAssetResponse();
    }

    public override Task<AssetPin> Pin(PinAssetRequest request, ServerCallContext context) => assets.PinAsync(Principals.Of(context), request, context.CancellationToken);

    public override async Task<UnpinAssetResponse> Unpin(UnpinAssetRequest request, ServerCallContext context)
    {
        await assets.UnpinAsync(Principals.Of(context), request, context.CancellationToken).ConfigureAwait(false);
        return new UnpinAssetResponse();
    }

    public override Task<AssetLease> Lease(LeaseAssetRequest request, ServerCallContext context) => assets.LeaseAsync(Principals.Of(context), request, context.CancellationToken);

    public override async Task<EndLeaseResponse> EndLease(EndLeaseRequest request, ServerCallContext context)
    {
        await assets.EndLeaseAsync(Principals.Of(context), request, context.CancellationToken).ConfigureAwait(false);
        return new EndLeaseResponse();
    }

    public override Task<AssetPublication> Publish(PublishAssetRequest request, ServerCallContext context) => assets.PublishAsync(Principals.Of(context), request, context.CancellationToken);

    public override async Task<UnpublishAssetResponse> Unpublish(UnpublishAssetRequest request, ServerCallContext context)
    {
        await assets.UnpublishAsync(Principals.Of(context), request, context.CancellationToken).ConfigureAwait(false);
        return new UnpublishAssetResponse();
    }

    public override Task Archive(ArchiveAssetRequest request, IServerStreamWriter<ArchiveAssetResponse> responseStream, ServerCallContext context) => TellAsync(
        async said => new ArchiveAssetResponse
        {
            Result = await assets.ArchiveAsync(
                Principals.Of(context), request, progress => _ = said.TryWrite(new ArchiveAssetResponse { Progress = progress }), context.CancellationToken).ConfigureAwait(false),
        },
        responseStream);

    public override Task Restore(RestoreAssetRequest request, IServerStreamWriter<RestoreAssetResponse> responseStream, ServerCallContext context) => TellAsync(
        async said => new RestoreAssetResponse
        {
            Result = await assets.RestoreAsync(
                Principals.Of(context), request, progress => _ = said.TryWrite(new RestoreAssetResponse { Progress = progress }), context.CancellationToken).ConfigureAwait(false),
        },
        responseStream);

    public override Task<ListBackendsResponse> ListBackends(ListBackendsRequest request, ServerCallContext context) => assets.BackendsAsync(context.CancellationToken);

    public override Task GarbageCollect(GarbageCollectRequest request, IServerStreamWriter<GarbageCollectResponse> responseStream, ServerCallContext context) => TellAsync(
        async said => new GarbageCollectResponse
        {
            Result = await assets.CollectAsync(request, progress => _ = said.TryWrite(new GarbageCollectResponse { Progress = progress }), context.CancellationToken).ConfigureAwait(false),
        },
        responseStream);

    public override Task Scrub(ScrubRequest request, IServerStreamWriter<ScrubResponse> responseStream, ServerCallContext context) => TellAsync(
        async said => new ScrubResponse
        {
            Result = await assets.ScrubAsync(
                request,
                progress => _ = said.TryWrite(new ScrubResponse { Progress = progress }),
                damaged => said.WriteAsync(new ScrubResponse { Damaged = damaged }, context.CancellationToken).AsTask(),
                context.CancellationToken).ConfigureAwait(false),
        },
        responseStream);

    public override Task<AssetStatsResponse> Stats(AssetStatsRequest request, ServerCallContext context) => assets.StatsAsync(request, context.CancellationToken);

    private static async Task SendAsync<T>(IAsyncEnumerable<T> messages, IServerStreamWriter<T> stream, ServerCallContext context)
    {
        await foreach (T message in messages.ConfigureAwait(false))
        {
            await stream.WriteAsync(message, context.CancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Runs the work beside the stream: while a slow reader has enough before him, what only says how far it is is dropped; what matters waits.</summary>
    private static async Task TellAsync<T>(Func<ChannelWriter<T>, Task<T>> work, IServerStreamWriter<T> stream)
    {
        var said = Channel.CreateBounded<T>(MessagesAheadMax);
        Task<T> result = RunAsync();
        try
        {
            await foreach (T message in said.Reader.ReadAllAsync().ConfigureAwait(false))
            {
                await stream.WriteAsync(message).ConfigureAwait(false);
            }
        }
        finally
        {
            // Nobody reads any more: who waits for room is let go.
            _ = said.Writer.TryComplete();
        }

        await stream.WriteAsync(await result.ConfigureAwait(false)).ConfigureAwait(false);

        async Task<T> RunAsync()
        {
            try
            {
                return await work(said.Writer).ConfigureAwait(false);
            }
            finally
            {
                _ = said.Writer.TryComplete();
            }
        }
    }
}
