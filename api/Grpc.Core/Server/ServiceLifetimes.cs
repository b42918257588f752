using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Tells, once per mapped type, whether the container holds it for the whole process: such a service costs a call no lookup.</summary>
internal sealed class ServiceLifetimes(IServiceCollection services)
{
    private int _unknownRouteTaken;

    /// <summary>Null when the type is not registered.</summary>
    public ServiceLifetime? Of(Type type) => services.LastOrDefault(descriptor => descriptor.ServiceType == type && !descriptor.IsKeyedService)?.Lifetime;

    /// <summary>True for the first service that is mapped: the answer for unknown services is mapped once.</summary>
    public bool TakeUnknownRoute() => Interlocked.Exchange(ref _unknownRouteTaken, 1) == 0;
}
