using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>Who calls.</summary>
internal static class Principals
{
    public static string Of(ServerCallContext context) => context.AuthContext.PeerIdentity.FirstOrDefault()?.Value ?? "unknown";
}
