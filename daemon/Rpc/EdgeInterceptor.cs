using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Auraed.Rpc;

/// <summary>Brings every call past the <see cref="Edge"/>. A unary handler that has finished when it returns costs no further task.</summary>
public sealed class EdgeInterceptor(Edge edge) : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var call = edge.Begin(context, isUnary: true);
        Task<TResponse> response;
        try
        {
            response = continuation(request, call);
        }
        catch (Exception error)
        {
            throw edge.Fail(call, error);
        }

        if (!response.IsCompletedSuccessfully)
        {
            return AwaitAsync(call, response);
        }

        edge.Succeed(call);
        return response;
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var call = edge.Begin(context, isUnary: false);
        return await AwaitAsync(call, Start(call, () => continuation(new CallerStream<TRequest>(requestStream), call)));
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var call = edge.Begin(context, isUnary: false);
        await AwaitAsync(call, Start(call, () => continuation(request, responseStream, call)));
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var call = edge.Begin(context, isUnary: false);
        await AwaitAsync(call, Start(call, () => continuation(new CallerStream<TRequest>(requestStream), responseStream, call)));
    }

    private TTask Start<TTask>(Call call, Func<TTask> handler)
    {
        try
        {
            return handler();
        }
        catch (Exception error)
        {
            throw edge.Fail(call, error);
        }
    }

    private async Task<TResponse> AwaitAsync<TResponse>(Call call, Task<TResponse> response)
    {
        TResponse message;
        try
        {
            message = await response;
        }
        catch (Exception error)
        {
            throw edge.Fail(call, error);
        }

        edge.Succeed(call);
        return message;
    }

    private async Task AwaitAsync(Call call, Task finished)
    {
        try
        {
            await finished;
        }
        catch (Exception error)
        {
            throw edge.Fail(call, error);
        }

        edge.Succeed(call);
    }
}
