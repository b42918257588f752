using Grpc.Core;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>The requests of a stream.</summary>
internal sealed class HttpStreamReader<TRequest>(HttpServerCallContext call, Marshaller<TRequest> marshaller) : IAsyncStreamReader<TRequest> where TRequest : class
{
    private TRequest? _current;
    private bool _ended;

    public TRequest Current => _current ?? throw new InvalidOperationException("No current element is available.");

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (_ended)
            return false;
        cancellationToken.ThrowIfCancellationRequested();
        _current = cancellationToken.CanBeCanceled && call.ReadToken.CanBeCanceled
            ? await ReadLinkedAsync(cancellationToken).ConfigureAwait(false)
            : await call.ReadAsync(marshaller, cancellationToken.CanBeCanceled ? cancellationToken : call.ReadToken).ConfigureAwait(false);
        _ended = _current is null;
        return !_ended;
    }

    private async Task<TRequest?> ReadLinkedAsync(CancellationToken cancellationToken)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, call.ReadToken);
        return await call.ReadAsync(marshaller, linked.Token).ConfigureAwait(false);
    }
}

/// <summary>The responses of a stream. Each write waits until the transport has room again.</summary>
internal sealed class HttpStreamWriter<TResponse>(HttpServerCallContext call, Marshaller<TResponse> marshaller) : IServerStreamWriter<TResponse> where TResponse : class
{
    /// <summary>A write with BufferHint is flushed all the same when this much waits: what Kestrel holds per stream by default.</summary>
    private const int BufferedBytesMax = 64 * 1024;

    private int _writing;

    public WriteOptions? WriteOptions { get => call.WriteOptions; set => call.WriteOptions = value; }

    public Task WriteAsync(TResponse message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(TResponse message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        cancellationToken.ThrowIfCancellationRequested();
        if (Interlocked.Exchange(ref _writing, 1) == 1)
            throw new InvalidOperationException("Can't write the message because the previous write is in progress.");
        try
        {
            call.Write(message, marshaller);
            var hint = WriteOptions is { } options && (options.Flags & WriteFlags.BufferHint) != 0;
            if (hint && call.HttpContext.Response.BodyWriter is { CanGetUnflushedBytes: true, UnflushedBytes: < BufferedBytesMax })
                return;
            await call.FlushAsync(cancellationToken.CanBeCanceled ? cancellationToken : call.ReadToken).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }
}
