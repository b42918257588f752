using Aurae.Vms.V0;
using Auraed.Domain.Vms;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.vms.v0.VmService, with upstream's codes and texts.</summary>
public sealed class VmService(VirtualMachines machines) : Aurae.Vms.V0.VmService.VmServiceBase
{
    public override async Task<VmServiceAllocateResponse> Allocate(VmServiceAllocateRequest request, ServerCallContext context) =>
        new() { VmId = await machines.AllocateAsync(request.Machine, Principals.Of(context), context.CancellationToken).ConfigureAwait(false) };

    public override async Task<VmServiceFreeResponse> Free(VmServiceFreeRequest request, ServerCallContext context)
    {
        await machines.FreeAsync(request.VmId, Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return new VmServiceFreeResponse();
    }

    public override async Task<VmServiceStartResponse> Start(VmServiceStartRequest request, ServerCallContext context)
    {
        await machines.StartAsync(request.VmId, Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return new VmServiceStartResponse();
    }

    public override async Task<VmServiceStopResponse> Stop(VmServiceStopRequest request, ServerCallContext context)
    {
        await machines.StopAsync(request.VmId, Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return new VmServiceStopResponse();
    }

    public override async Task<VmServiceListResponse> List(VmServiceListRequest request, ServerCallContext context) =>
        new() { Machines = { await machines.ListAsync(context.CancellationToken).ConfigureAwait(false) } };
}
