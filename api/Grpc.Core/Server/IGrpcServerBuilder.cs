using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server;

/// <summary>The services that gRPC is being added to.</summary>
public interface IGrpcServerBuilder
{
    IServiceCollection Services { get; }
}
