using Grpc.Core;

namespace Grpc.Net.Client.Internal;

/// <summary>Starts calls on a channel.</summary>
internal sealed class HttpCallInvoker(GrpcChannel channel) : CallInvoker
{
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        using var call = AsyncUnaryCall(method, host, options, request);
        return call.GetAwaiter().GetResult();
    }

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = new HttpCall<TRequest, TResponse>(channel, method, host, options);
        call.Start(request);
        return new AsyncUnaryCall<TResponse>(
            call.ReadSingleAsync(), Parts<TRequest, TResponse>.Headers, Parts<TRequest, TResponse>.Status, Parts<TRequest, TResponse>.Trailers,
            Parts<TRequest, TResponse>.Dispose, call);
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = new HttpCall<TRequest, TResponse>(channel, method, host, options);
        call.Start(request);
        return new AsyncServerStreamingCall<TResponse>(
            call, Parts<TRequest, TResponse>.Headers, Parts<TRequest, TResponse>.Status, Parts<TRequest, TResponse>.Trailers, Parts<TRequest, TResponse>.Dispose, call);
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = new HttpCall<TRequest, TResponse>(channel, method, host, options);
        var requests = call.StartStream();
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            requests, call.ReadSingleAsync(), Parts<TRequest, TResponse>.Headers, Parts<TRequest, TResponse>.Status, Parts<TRequest, TResponse>.Trailers,
            Parts<TRequest, TResponse>.Dispose, call);
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = new HttpCall<TRequest, TResponse>(channel, method, host, options);
        var requests = call.StartStream();
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(
            requests, call, Parts<TRequest, TResponse>.Headers, Parts<TRequest, TResponse>.Status, Parts<TRequest, TResponse>.Trailers,
            Parts<TRequest, TResponse>.Dispose, call);
    }

    private static class Parts<TRequest, TResponse> where TRequest : class where TResponse : class
    {
        public static readonly Func<object, Task<Metadata>> Headers = call => ((HttpCall<TRequest, TResponse>)call).ResponseHeadersAsync();
        public static readonly Func<object, Status> Status = call => ((HttpCall<TRequest, TResponse>)call).GetStatus();
        public static readonly Func<object, Metadata> Trailers = call => ((HttpCall<TRequest, TResponse>)call).GetTrailers();
        public static readonly Action<object> Dispose = call => ((HttpCall<TRequest, TResponse>)call).Dispose();
    }
}
