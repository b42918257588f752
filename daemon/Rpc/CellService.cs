using Aurae.Cells.V0;
using Auraed.Domain.Cells;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.cells.v0.CellService, with upstream's codes and texts.</summary>
public sealed class CellService(CellHost cells) : Aurae.Cells.V0.CellService.CellServiceBase
{
    public override async Task<CellServiceAllocateResponse> Allocate(CellServiceAllocateRequest request, ServerCallContext context)
    {
        AllocateCell command = CellRequests.Parse(request);
        bool isInCgroup = await cells.AllocateAsync(command, Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return new CellServiceAllocateResponse { CellName = command.Name.Text, CgroupV2 = isInCgroup };
    }

    public override async Task<CellServiceFreeResponse> Free(CellServiceFreeRequest request, ServerCallContext context)
    {
        await cells.FreeAsync(CellRequests.Parse(request), Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return new CellServiceFreeResponse();
    }

    public override async Task<CellServiceStartResponse> Start(CellServiceStartRequest request, ServerCallContext context)
    {
        (int pid, uint user, uint group) = await cells.StartAsync(CellRequests.Parse(request), Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return new CellServiceStartResponse { Pid = pid, Uid = user, Gid = group };
    }

    public override async Task<CellServiceStopResponse> Stop(CellServiceStopRequest request, ServerCallContext context)
    {
        await cells.StopAsync(CellRequests.Parse(request), Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return new CellServiceStopResponse();
    }

    public override Task<CellServiceListResponse> List(CellServiceListRequest request, ServerCallContext context) =>
        Task.FromResult(new CellServiceListResponse { Cells = { cells.List() } });
}
