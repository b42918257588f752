using Grpc.Core;
using Grpc.Core.Internal;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Serves the HTTP requests of one method: refuses what is not gRPC, runs the call, and turns its outcome into a status.</summary>
internal abstract class ServerCallHandler(IMethod method, ServerMethodOptions options)
{
    /// <summary>A call that never has to wait, as most unary ones, costs no state machine here.</summary>
    public Task HandleAsync(HttpContext http)
    {
        if (!HttpRefusal.IsServed(http))
            return Task.CompletedTask;
        var call = new HttpServerCallContext(http, method, options);
        try
        {
            call.Begin();
            var running = RunAsync(call);
            if (!running.IsCompletedSuccessfully)
                return EndAsync(call, running);
        }
        catch (Exception exception)
        {
            call.Fail(exception);
        }

        return call.EndAsync();
    }

    protected abstract Task RunAsync(HttpServerCallContext call);

    private static async Task EndAsync(HttpServerCallContext call, Task running)
    {
        try
        {
            await running.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            call.Fail(exception);
        }

        await call.EndAsync().ConfigureAwait(false);
    }
}

internal sealed class UnaryHandler<TRequest, TResponse>(
    Method<TRequest, TResponse> method, ServerMethodOptions options, UnaryServerMethod<TRequest, TResponse> handler) : ServerCallHandler(method, options)
    where TRequest : class where TResponse : class
{
    protected override Task RunAsync(HttpServerCallContext call)
    {
        var reading = call.ReadSingleAsync(method.RequestMarshaller);
        if (!reading.IsCompletedSuccessfully)
            return AnswerAsync(call, reading);
        var answering = handler(reading.Result, call);
        if (!answering.IsCompletedSuccessfully)
            return WriteAsync(call, answering);
        call.WriteSingle(answering.Result, method.ResponseMarshaller);
        return Task.CompletedTask;
    }

    private async Task AnswerAsync(HttpServerCallContext call, ValueTask<TRequest> reading) =>
        call.WriteSingle(await handler(await reading.ConfigureAwait(false), call).ConfigureAwait(false), method.ResponseMarshaller);

    private async Task WriteAsync(HttpServerCallContext call, Task<TResponse> answering) =>
        call.WriteSingle(await answering.ConfigureAwait(false), method.ResponseMarshaller);
}

internal sealed class ClientStreamingHandler<TRequest, TResponse>(
    Method<TRequest, TResponse> method, ServerMethodOptions options, ClientStreamingServerMethod<TRequest, TResponse> handler) : ServerCallHandler(method, options)
    where TRequest : class where TResponse : class
{
    protected override async Task RunAsync(HttpServerCallContext call)
    {
        call.LiftBodyLimits();
        var requests = new HttpStreamReader<TRequest>(call, method.RequestMarshaller);
        call.WriteSingle(await handler(requests, call).ConfigureAwait(false), method.ResponseMarshaller);
    }
}

internal sealed class ServerStreamingHandler<TRequest, TResponse>(
    Method<TRequest, TResponse> method, ServerMethodOptions options, ServerStreamingServerMethod<TRequest, TResponse> handler) : ServerCallHandler(method, options)
    where TRequest : class where TResponse : class
{
    protected override async Task RunAsync(HttpServerCallContext call)
    {
        var request = await call.ReadSingleAsync(method.RequestMarshaller).ConfigureAwait(false);
        await handler(request, new HttpStreamWriter<TResponse>(call, method.ResponseMarshaller), call).ConfigureAwait(false);
    }
}

internal sealed class DuplexStreamingHandler<TRequest, TResponse>(
    Method<TRequest, TResponse> method, ServerMethodOptions options, DuplexStreamingServerMethod<TRequest, TResponse> handler) : ServerCallHandler(method, options)
    where TRequest : class where TResponse : class
{
    protected override Task RunAsync(HttpServerCallContext call)
    {
        call.LiftBodyLimits();
        return handler(
            new HttpStreamReader<TRequest>(call, method.RequestMarshaller), new HttpStreamWriter<TResponse>(call, method.ResponseMarshaller), call);
    }
}

/// <summary>What is answered before there is a call.</summary>
internal static class HttpRefusal
{
    public static bool IsServed(HttpContext http)
    {
        var request = http.Request;
        if (!HttpProtocol.IsHttp2(request.Protocol) && !HttpProtocol.IsHttp3(request.Protocol))
            return Refuse(http, StatusCodes.Status426UpgradeRequired, StatusCode.Internal, $"Request protocol '{request.Protocol}' is not supported.");
        if (!HttpMethods.IsPost(request.Method))
            return Refuse(http, StatusCodes.Status405MethodNotAllowed, StatusCode.Internal, $"Request method '{request.Method}' is not supported.");
        if (!GrpcProtocol.IsGrpcContentType(request.Headers.ContentType))
            return Refuse(http, StatusCodes.Status415UnsupportedMediaType, StatusCode.Internal, $"Content-Type '{request.ContentType}' is not supported.");
        return true;
    }

    /// <summary>Trailers-only: the status stands in the headers.</summary>
    public static void Answer(HttpContext http, StatusCode code, string detail)
    {
        var headers = http.Response.Headers;
        headers.ContentType = GrpcProtocol.ContentType;
        headers.GrpcStatus = ((int)code).ToString(System.Globalization.CultureInfo.InvariantCulture);
        headers.GrpcMessage = GrpcProtocol.PercentEncode(detail);
    }

    private static bool Refuse(HttpContext http, int httpStatus, StatusCode code, string detail)
    {
        http.Response.StatusCode = httpStatus;
        Answer(http, code, detail);
        return false;
    }
}
