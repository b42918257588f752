using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Receives a service's methods and makes of each: the service's delegate, the interceptors around it, the handler, the endpoint.</summary>
internal sealed class MethodBinder<[DynamicallyAccessedMembers(GrpcEndpointRouteBuilderExtensions.Needed)] TService>(
    IEndpointRouteBuilder routes, ServerMethodOptions options, Activation<TService> activation, InterceptorStep[] interceptors) : ServiceBinderBase
    where TService : class
{
    private delegate Task<TResponse> Unary<TRequest, TResponse>(TService service, TRequest request, ServerCallContext call);

    private delegate Task<TResponse> ClientStreaming<TRequest, TResponse>(TService service, IAsyncStreamReader<TRequest> requests, ServerCallContext call);

    private delegate Task ServerStreaming<TRequest, TResponse>(TService service, TRequest request, IServerStreamWriter<TResponse> responses, ServerCallContext call);

    private delegate Task DuplexStreaming<TRequest, TResponse>(
        TService service, IAsyncStreamReader<TRequest> requests, IServerStreamWriter<TResponse> responses, ServerCallContext call);

    public List<IEndpointConventionBuilder> Endpoints { get; } = [];
    public HashSet<string> ServiceNames { get; } = [];

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler)
    {
        var (info, invoke) = Find<Unary<TRequest, TResponse>>(method, [typeof(TRequest), typeof(ServerCallContext)]);
        UnaryServerMethod<TRequest, TResponse> pipeline = activation.IsShared
            ? (request, call) => invoke(activation.Shared, request, call)
            : (request, call) => activation.UseAsync(call.GetHttpContext(), service => invoke(service, request, call));
        foreach (var interceptor in interceptors.AsEnumerable().Reverse())
            pipeline = interceptor.Around(pipeline);
        Map(method, info, new UnaryHandler<TRequest, TResponse>(method, options, pipeline));
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var (info, invoke) = Find<ClientStreaming<TRequest, TResponse>>(method, [typeof(IAsyncStreamReader<TRequest>), typeof(ServerCallContext)]);
        ClientStreamingServerMethod<TRequest, TResponse> pipeline = activation.IsShared
            ? (requests, call) => invoke(activation.Shared, requests, call)
            : (requests, call) => activation.UseAsync(call.GetHttpContext(), service => invoke(service, requests, call));
        foreach (var interceptor in interceptors.AsEnumerable().Reverse())
            pipeline = interceptor.Around(pipeline);
        Map(method, info, new ClientStreamingHandler<TRequest, TResponse>(method, options, pipeline));
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var (info, invoke) = Find<ServerStreaming<TRequest, TResponse>>(method, [typeof(TRequest), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext)]);
        ServerStreamingServerMethod<TRequest, TResponse> pipeline = activation.IsShared
            ? (request, responses, call) => invoke(activation.Shared, request, responses, call)
            : (request, responses, call) => activation.UseAsync(call.GetHttpContext(), service => invoke(service, request, responses, call));
        foreach (var interceptor in interceptors.AsEnumerable().Reverse())
            pipeline = interceptor.Around(pipeline);
        Map(method, info, new ServerStreamingHandler<TRequest, TResponse>(method, options, pipeline));
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var (info, invoke) = Find<DuplexStreaming<TRequest, TResponse>>(
            method, [typeof(IAsyncStreamReader<TRequest>), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext)]);
        DuplexStreamingServerMethod<TRequest, TResponse> pipeline = activation.IsShared
            ? (requests, responses, call) => invoke(activation.Shared, requests, responses, call)
            : (requests, responses, call) => activation.UseAsync(call.GetHttpContext(), service => invoke(service, requests, responses, call));
        foreach (var interceptor in interceptors.AsEnumerable().Reverse())
            pipeline = interceptor.Around(pipeline);
        Map(method, info, new DuplexStreamingHandler<TRequest, TResponse>(method, options, pipeline));
    }

    private static (MethodInfo Info, TDelegate Invoke) Find<TDelegate>(IMethod method, Type[] parameters) where TDelegate : Delegate
    {
        var info = typeof(TService).GetMethod(method.Name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, parameters)
            ?? throw new InvalidOperationException($"Could not find '{method.Name}' on {typeof(TService)}.");
        return (info, info.CreateDelegate<TDelegate>());
    }

    private void Map(IMethod method, MethodInfo info, ServerCallHandler handler)
    {
        ServiceNames.Add(method.ServiceName);
        var endpoint = routes.Map(RoutePatternFactory.Parse(method.FullName), handler.HandleAsync);
        object[] metadata =
            [.. typeof(TService).GetCustomAttributes(inherit: true), .. info.GetCustomAttributes(inherit: true), new GrpcMethodMetadata(typeof(TService), method)];
        endpoint.WithDisplayName("gRPC - " + method.FullName).WithMetadata(metadata);
        Endpoints.Add(endpoint);
    }
}
