using Auraed.Base;
using Grpc.Core;
using Grpc.Health.V1;
using ServingStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Auraed.Rpc;

/// <summary>
/// grpc.health.v1 by its specification: Check of an unknown service is NOT_FOUND, Watch of one says SERVICE_UNKNOWN and goes on (upstream ends it with
/// NOT_FOUND). A watch ends with UNAVAILABLE after it has said NOT_SERVING, so that it does not hold up a daemon that stops.
/// </summary>
public sealed class HealthServer(HealthBoard board) : Health.HealthBase
{
    private int _watchers;

    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) =>
        board.StatusOf(request.Service) is { } status
            ? Task.FromResult(new HealthCheckResponse { Status = status })
            : throw Fault.NotFound("service not registered", "auraed discover lists the services");

    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        if (Interlocked.Increment(ref _watchers) > Limits.HealthWatcherCountMax)
        {
            Interlocked.Decrement(ref _watchers);
            throw new Fault(FaultKind.Exhausted, $"{Limits.HealthWatcherCountMax} health watches are open");
        }

        try
        {
            await WatchAsync(request.Service, responseStream, context.CancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _watchers);
        }
    }

    private async Task WatchAsync(string service, IServerStreamWriter<HealthCheckResponse> responses, CancellationToken cancel)
    {
        ServingStatus? said = null;
        while (true)
        {
            var change = board.NextChange();

            // Read before the status: a drain that begins between the two is said at the next round, not passed over.
            var isDraining = board.IsDraining;
            var status = board.StatusOf(service) ?? ServingStatus.ServiceUnknown;
            if (status != said)
            {
                await responses.WriteAsync(new HealthCheckResponse { Status = status }, cancel);
                said = status;
            }

            if (isDraining)
            {
                throw new Fault(FaultKind.Unavailable, "the daemon is stopping");
            }

            await change.WaitAsync(cancel);
        }
    }
}
