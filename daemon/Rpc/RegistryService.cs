using Aurae.Registry.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Domain.Registry;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.registry.v0.RegistryService: parse, call, answer.</summary>
public sealed class RegistryService(ServiceRegistry registry, EntryWatch watch, DrainSignal drain) : Aurae.Registry.V0.RegistryService.RegistryServiceBase
{
    public override Task<EntryStatus> Register(RegisterRequest request, ServerCallContext context) =>
        registry.RegisterAsync(RecordNames.Tenant(request.Tenant), RegistryRequests.Entry(request.Entry), Principals.Of(context), context.CancellationToken);

    public override async Task<DeregisterResponse> Deregister(DeregisterRequest request, ServerCallContext context) => new()
    {
        Revision = await registry.DeregisterAsync(RecordNames.Tenant(request.Tenant), RecordNames.Name(request.Id, "id"), Principals.Of(context), context.CancellationToken).ConfigureAwait(false),
    };

    public override async Task<HeartbeatResponse> Heartbeat(HeartbeatRequest request, ServerCallContext context)
    {
        IReadOnlyList<string> missing = await registry.HeartbeatAsync(RegistryRequests.Heartbeat(request), Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return new HeartbeatResponse { Missing = { missing } };
    }

    public override Task<EntryStatus> Get(GetEntryRequest request, ServerCallContext context) =>
        registry.GetAsync(RecordNames.Tenant(request.Tenant), RecordNames.Name(request.Id, "id"), context.CancellationToken);

    public override Task<ListEntriesResponse> List(ListEntriesRequest request, ServerCallContext context) =>
        registry.ListAsync(RegistryRequests.List(request), context.CancellationToken);

    public override Task<ResolveResponse> Resolve(ResolveRequest request, ServerCallContext context) =>
        registry.ResolveAsync(RegistryRequests.Resolve(request), context.CancellationToken);

    public override async Task Watch(WatchEntriesRequest request, IServerStreamWriter<WatchEntriesResponse> responseStream, ServerCallContext context)
    {
        // A watch has no end of its own: it ends when the daemon does.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Token);
        try
        {
            await foreach (WatchEntriesResponse message in watch.WatchAsync(request, end.Token).ConfigureAwait(false))
            {
                await responseStream.WriteAsync(message, end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (drain.Token.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            throw new Fault(FaultKind.Unavailable, "the daemon stops", hint: "watch again, after the last sequence seen") { Reason = "STOPPING" };
        }
    }

    public override Task<ListDependentsResponse> ListDependents(ListDependentsRequest request, ServerCallContext context) =>
        registry.DependentsAsync(RecordNames.Tenant(request.Tenant), RegistryRequests.Service(request.Service), request.Direct, context.CancellationToken);
}
