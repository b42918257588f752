using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core.Internal;

namespace Grpc.Net.Client.Internal;

/// <summary>A request body of one message, framed beforehand: a connection that ends before the server saw it may send it once more.</summary>
internal sealed class SingleContent : HttpContent
{
    public static readonly MediaTypeHeaderValue GrpcMediaType = new(GrpcProtocol.ContentType);

    private readonly ReadOnlyMemory<byte> _frame;

    public SingleContent(ArrayBufferWriter<byte> frame)
    {
        _frame = frame.WrittenMemory;
        Headers.ContentType = GrpcMediaType;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        stream.WriteAsync(_frame, cancellationToken).AsTask();

    // Without a length: a length would promise the server what a cancelled call does not keep.
    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}

/// <summary>A request body that lasts until the stream of requests is completed.</summary>
internal sealed class StreamContent : HttpContent
{
    private readonly TaskCompletionSource<Stream> _body = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public StreamContent() => Headers.ContentType = SingleContent.GrpcMediaType;

    /// <summary>The transport's stream, once the request is on its way.</summary>
    public Task<Stream> Body => _body.Task;

    /// <summary>The caller has completed the stream; a call that broke has not.</summary>
    public bool IsEnded { get; private set; }

    public void End()
    {
        IsEnded = true;
        _end.TrySetResult();
    }

    /// <summary>No request will come: whoever waits for the stream gets this.</summary>
    public void Break(Exception exception)
    {
        _body.TrySetException(exception);
        _ = _body.Task.Exception;
        _end.TrySetResult();
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // The headers leave with the first flush; the server may answer before it is asked.
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        _body.TrySetResult(stream);
        await _end.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
