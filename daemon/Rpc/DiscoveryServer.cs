using Aurae.Discovery.V0;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.discovery.v0: whether the daemon is well, and its own version.</summary>
public sealed class DiscoveryServer(HealthBoard board, string version) : DiscoveryService.DiscoveryServiceBase
{
    public override Task<DiscoverResponse> Discover(DiscoverRequest request, ServerCallContext context) =>
        Task.FromResult(new DiscoverResponse { Healthy = board.IsServing, Version = version });
}
