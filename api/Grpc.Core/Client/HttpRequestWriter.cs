using Grpc.Core;
using Grpc.Core.Internal;

namespace Grpc.Net.Client.Internal;

/// <summary>The stream of requests. A write completes when the transport has taken it, so the server's pace is the writer's.</summary>
internal sealed class HttpRequestWriter<TRequest, TResponse>(HttpCall<TRequest, TResponse> call, StreamContent content) : IClientStreamWriter<TRequest>
    where TRequest : class where TResponse : class
{
    private int _writing;

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(TRequest message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (Interlocked.Exchange(ref _writing, 1) == 1)
            throw new InvalidOperationException("Can't write the message because the previous write is in progress.");
        using var registration = cancellationToken.UnsafeRegister(static state => ((HttpCall<TRequest, TResponse>)state!).Cancel(), call);
        using var frame = new PooledBuffer();
        try
        {
            var body = await content.Body.WaitAsync(call.CancelToken).ConfigureAwait(false);
            if (content.IsEnded)
                throw new InvalidOperationException("Can't write the message because the request stream is complete.");
            call.Frame(frame, message, WriteOptions);
            await body.WriteAsync(frame.WrittenMemory, call.CancelToken).ConfigureAwait(false);
            if (WriteOptions is not { } options || (options.Flags & WriteFlags.BufferHint) == 0)
                await body.FlushAsync(call.CancelToken).ConfigureAwait(false);
        }
        // The transport's stream is disposed under a write when the call ends first: that is the call's end, not the caller's mistake.
        catch (Exception exception) when (exception is not InvalidOperationException or ObjectDisposedException)
        {
            throw await call.SettleWriteAsync(exception).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    public Task CompleteAsync()
    {
        content.End();
        return Task.CompletedTask;
    }
}
