using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Domain.Events;
using Auraed.Domain.Records;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.events.v0.CursorService: parse, call, answer.</summary>
public sealed class CursorService(Cursors cursors, DrainSignal drain) : Aurae.Events.V0.CursorService.CursorServiceBase
{
    public override Task<Cursor> Create(CreateCursorRequest request, ServerCallContext context) =>
        cursors.CreateAsync(Principals.Of(context), CursorRequests.Create(request), context.CancellationToken);

    public override Task<Cursor> Get(GetCursorRequest request, ServerCallContext context) =>
        cursors.GetAsync(CursorRequests.Name(request.Tenant, request.Name), context.CancellationToken);

    public override Task<ListCursorsResponse> List(ListCursorsRequest request, ServerCallContext context) =>
        cursors.ListAsync(RecordNames.Tenant(request.Tenant), context.CancellationToken);

    public override async Task<DeleteCursorResponse> Delete(DeleteCursorRequest request, ServerCallContext context)
    {
        await cursors.DeleteAsync(Principals.Of(context), CursorRequests.Name(request.Tenant, request.Name), request.AllowMissing, context.CancellationToken).ConfigureAwait(false);
        return new DeleteCursorResponse();
    }

    public override Task<Cursor> Seek(SeekCursorRequest request, ServerCallContext context) =>
        cursors.SeekAsync(Principals.Of(context), CursorRequests.Name(request.Tenant, request.Name), CursorRequests.Place(request.Start), context.CancellationToken);

    public override async Task<PullResponse> Pull(PullRequest request, ServerCallContext context)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Token);
        try
        {
            return await cursors.Pulls.PullAsync(CursorRequests.Pull(request, Principals.Of(context)), end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (drain.Token.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            throw Stopping();
        }
    }

    public override async Task Consume(PullRequest request, IServerStreamWriter<PullResponse> responseStream, ServerCallContext context)
    {
        CursorPull pull = CursorRequests.Pull(request, Principals.Of(context)) with { Wait = Limits.CursorWaitMax };
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Token);
        try
        {
            while (true)
            {
                PullResponse next = await cursors.Pulls.PullAsync(pull, end.Token).ConfigureAwait(false);
                if (next.Deliveries.Count > 0)
                {
                    await responseStream.WriteAsync(next, end.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (drain.Token.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            throw Stopping();
        }
    }

    public override async Task<AcknowledgeResponse> Acknowledge(AcknowledgeRequest request, ServerCallContext context) => new()
    {
        Acknowledged = await cursors.AcknowledgeAsync(RecordNames.Tenant(request.Tenant), CursorRequests.Leased(request.Events, "events"), context.CancellationToken).ConfigureAwait(false),
    };

    public override async Task<ExtendResponse> Extend(ExtendRequest request, ServerCallContext context)
    {
        long end = await cursors.ExtendAsync(
            RecordNames.Tenant(request.Tenant), CursorRequests.Leased(request.Events, "events"), CursorRequests.LeaseTime(request.LeaseTime, "lease_time"), context.CancellationToken).ConfigureAwait(false);
        return new ExtendResponse { LeaseEnd = RecordMessages.Time(end) };
    }

    public override Task<ReleaseResponse> Release(ReleaseRequest request, ServerCallContext context) => cursors.ReleaseAsync(
        RecordNames.Tenant(request.Tenant), CursorRequests.Leased(request.Events, "events"), CursorRequests.Delay(request.Delay), context.CancellationToken);

    public override Task<ListParkedResponse> ListParked(ListParkedRequest request, ServerCallContext context) => cursors.ListParkedAsync(
        CursorRequests.Name(request.Tenant, request.Name), EventRequests.Sequence(request.After, "after", 0), context.CancellationToken);

    public override async Task<UnparkResponse> Unpark(UnparkRequest request, ServerCallContext context) => new()
    {
        Unparked = await cursors.UnparkAsync(
            CursorRequests.Name(request.Tenant, request.Name), CursorRequests.Sequences(request.Sequences, "sequences"), request.Discard, context.CancellationToken).ConfigureAwait(false),
    };

    private static Fault Stopping() => new(FaultKind.Unavailable, "the daemon stops", hint: "pull again; what is out stays out until its lease ends") { Reason = "STOPPING" };
}
