using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Domain.Events;
using Auraed.Domain.Records;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.events.v0.EventService: parse, call, answer.</summary>
public sealed class EventService(Events events, RecordStore records, DrainSignal drain) : Aurae.Events.V0.EventService.EventServiceBase
{
    public override async Task Read(ReadEventsRequest request, IServerStreamWriter<ReadEventsResponse> responseStream, ServerCallContext context)
    {
        await foreach (ReadEventsResponse message in events.ReadAsync(request, context.CancellationToken).ConfigureAwait(false))
        {
            await responseStream.WriteAsync(message, context.CancellationToken).ConfigureAwait(false);
        }
    }

    public override async Task Watch(WatchEventsRequest request, IServerStreamWriter<WatchEventsResponse> responseStream, ServerCallContext context)
    {
        // A watch has no end of its own: it ends when the daemon does.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Token);
        try
        {
            await foreach (WatchEventsResponse message in events.WatchAsync(request, end.Token).ConfigureAwait(false))
            {
                await responseStream.WriteAsync(message, end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (drain.Token.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            throw new Fault(FaultKind.Unavailable, "the daemon stops", hint: "watch again, after the last sequence seen") { Reason = "STOPPING" };
        }
    }

    public override Task<AppendEventsResponse> Append(AppendEventsRequest request, ServerCallContext context) => records.AppendAsync(
        RecordCalls.Of(context, request.Tenant, request.RequestId, request), ApplicationEventRequests.Parse(request), context.CancellationToken);
}
