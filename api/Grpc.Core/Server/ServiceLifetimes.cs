using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Tells, once per mapped type, whether the container holds it for the whole process: such a service costs a call no lookup.</summary>
internal sealed class ServiceLifetimes(IServiceCollection services)
{
    /// <summary>Null when the type is not registered.</summary>
    public ServiceLifetime? Of(Type type) => services.LastOrDefault(descriptor => descriptor.ServiceType == type && !descriptor.IsKeyedService)?.Lifetime;
}
