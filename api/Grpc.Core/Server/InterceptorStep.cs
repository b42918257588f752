using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>One interceptor of a service's pipeline, put around the rest of it when the service is mapped.</summary>
internal sealed class InterceptorStep(Activation<Interceptor> activation)
{
    public UnaryServerMethod<TRequest, TResponse> Around<TRequest, TResponse>(UnaryServerMethod<TRequest, TResponse> next)
        where TRequest : class where TResponse : class =>
        activation.IsShared
            ? (request, call) => activation.Shared.UnaryServerHandler(request, call, next)
            : (request, call) => activation.UseAsync(call.GetHttpContext(), step => step.UnaryServerHandler(request, call, next));

    public ClientStreamingServerMethod<TRequest, TResponse> Around<TRequest, TResponse>(ClientStreamingServerMethod<TRequest, TResponse> next)
        where TRequest : class where TResponse : class =>
        activation.IsShared
            ? (requests, call) => activation.Shared.ClientStreamingServerHandler(requests, call, next)
            : (requests, call) => activation.UseAsync(call.GetHttpContext(), step => step.ClientStreamingServerHandler(requests, call, next));

    public ServerStreamingServerMethod<TRequest, TResponse> Around<TRequest, TResponse>(ServerStreamingServerMethod<TRequest, TResponse> next)
        where TRequest : class where TResponse : class =>
        activation.IsShared
            ? (request, responses, call) => activation.Shared.ServerStreamingServerHandler(request, responses, call, next)
            : (request, responses, call) => activation.UseAsync(
                call.GetHttpContext(), step => step.ServerStreamingServerHandler(request, responses, call, next));

    public DuplexStreamingServerMethod<TRequest, TResponse> Around<TRequest, TResponse>(DuplexStreamingServerMethod<TRequest, TResponse> next)
        where TRequest : class where TResponse : class =>
        activation.IsShared
            ? (requests, responses, call) => activation.Shared.DuplexStreamingServerHandler(requests, responses, call, next)
            : (requests, responses, call) => activation.UseAsync(
                call.GetHttpContext(), step => step.DuplexStreamingServerHandler(requests, responses, call, next));
}
