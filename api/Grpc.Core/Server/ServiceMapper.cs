using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
namespace Grpc.AspNetCore.Server.Internal;
internal static class ServiceMapper<TService> where TService : class
{
    public static List<IEndpointConventionBuilder> Map(IEndpointRouteBuilder builder) => [];
}
