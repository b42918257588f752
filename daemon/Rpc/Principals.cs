using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>Who calls, as events and logs name them.</summary>
internal static class Principals
{
    public static string Of(ServerCallContext context) => (context as Call)?.Connection.Principal?.ToString() ?? "unknown";
}
