using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Core.Internal;
using Grpc.Net.Compression;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>
/// One call on one HTTP/2 stream. Nothing is made before it is asked for.
/// Invariants: the status is sent once, by whoever ends the call first, the handler or its deadline; after that nothing is written.
/// </summary>
internal sealed partial class HttpServerCallContext(HttpContext http, IMethod method, ServerMethodOptions options) : ServerCallContext
{
    private static readonly StringValues ContentType = GrpcProtocol.ContentType;

    private Metadata? _requestHeaders;
    private Metadata? _responseTrailers;
    private AuthContext? _auth;
    private MessageDecoder _decoder;
    private ICompressionProvider? _responseEncoding;
    private bool _headersSet;
    private Status _status = Status.DefaultSuccess;

    public HttpContext HttpContext { get; } = http;
    public ServerMethodOptions Options { get; } = options;
    public bool IsAborted => HttpContext.RequestAborted.IsCancellationRequested;

    protected override string MethodCore => method.FullName;
    protected override string HostCore => HttpContext.Request.Host.Value ?? "";
    protected override string PeerCore => PeerName.Of(HttpContext.Connection);
    protected override Metadata RequestHeadersCore => _requestHeaders ??= ReadRequestHeaders();
    protected override Metadata ResponseTrailersCore => _responseTrailers ??= [];
    protected override Status StatusCore { get => _status; set => _status = value; }
    protected override WriteOptions? WriteOptionsCore { get; set; }
    protected override AuthContext AuthContextCore => _auth ??= PeerName.AuthContextOf(HttpContext.Connection.ClientCertificate);
    protected override IDictionary<object, object> UserStateCore => HttpContext.Items!;
    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
        new ServerCallPropagation(Deadline, CancellationToken, options ?? ContextPropagationOptions.Default);

    /// <summary>Reads what governs the call from its headers; throws the status that refuses it.</summary>
    public void Begin()
    {
        var headers = HttpContext.Request.Headers;
        ICompressionProvider? encoding = null;
        if (headers.GrpcEncoding is { Count: > 0 } name && name != GrpcProtocol.IdentityEncoding && !Options.Encodings.TryGetValue(name.ToString(), out encoding))
        {
            HttpContext.Response.Headers.GrpcAcceptEncoding = Options.AcceptEncoding;
            throw new RpcException(new Status(StatusCode.Unimplemented, $"Unsupported grpc-encoding value '{name}'. Supported encodings: {Options.AcceptEncoding}"));
        }

        _decoder = new MessageDecoder(Options.ReceiveBytesMax, encoding);
        if (headers.GrpcTimeout is { Count: > 0 } timeout)
            StartDeadline(timeout.ToString());
    }

    /// <summary>The only message of a body.</summary>
    public async ValueTask<T> ReadSingleAsync<T>(Marshaller<T> marshaller) where T : class
    {
        var reader = HttpContext.Request.BodyReader;
        var cancel = ReadToken;
        T? message = null;
        while (true)
        {
            if (!reader.TryRead(out var result))
                result = await reader.ReadAsync(cancel).ConfigureAwait(false);
            if (message is null)
            {
                _decoder.TryTake(reader, result, marshaller, out message, out var isLast);
                if (isLast)
                    return message!;
                if (message is not null)
                    continue;
            }
            else
            {
                if (!result.Buffer.IsEmpty)
                    throw new RpcException(new Status(StatusCode.Internal, "Additional data after the message received."));
                reader.AdvanceTo(result.Buffer.End);
            }

            if (result.IsCompleted)
                return message ?? throw new RpcException(new Status(StatusCode.Internal, "Incomplete message."));
        }
    }

    public ValueTask<T?> ReadAsync<T>(Marshaller<T> marshaller, CancellationToken cancel) where T : class =>
        _decoder.ReadAsync(HttpContext.Request.BodyReader, marshaller, cancel);

    /// <summary>Puts a message into the response's buffer; it leaves with the next flush or with the end of the call.</summary>
    public void Write<T>(T message, Marshaller<T> marshaller)
    {
        EnterWrite();
        try
        {
            SetHeaders(null);
            var compress = _responseEncoding is not null && (WriteOptions is not { } options || (options.Flags & WriteFlags.NoCompress) == 0);
            MessageEncoder.Write(
                HttpContext.Response.BodyWriter, message, marshaller, Options.SendBytesMax, compress ? _responseEncoding : null, Options.ResponseLevel);
            _messageWritten = true;
        }
        finally
        {
            ExitWrite();
        }
    }

    /// <summary>Completes when the client takes more: a slow reader holds its handler back, not memory.</summary>
    public async ValueTask FlushAsync(CancellationToken cancel)
    {
        var result = await HttpContext.Response.BodyWriter.FlushAsync(cancel).ConfigureAwait(false);
        if (result.IsCanceled || result.IsCompleted || IsAborted)
            throw new OperationCanceledException("The call has ended.", CancellationToken);
    }

    protected override async Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        ArgumentNullException.ThrowIfNull(responseHeaders);
        EnterWrite();
        try
        {
            if (_headersSet || HttpContext.Response.HasStarted)
                throw new InvalidOperationException("Response headers can only be sent once per call.");
            SetHeaders(responseHeaders);
        }
        finally
        {
            ExitWrite();
        }

        await FlushAsync(CancellationToken).ConfigureAwait(false);
    }

    private void SetHeaders(Metadata? metadata)
    {
        if (_headersSet)
            return;
        _headersSet = true;
        var headers = HttpContext.Response.Headers;
        headers.ContentType = ContentType;
        var encoding = Options.ResponseEncoding;
        foreach (var entry in metadata ?? Metadata.Empty)
            if (entry.Key == Metadata.EncodingRequestKey)
                encoding = entry.Value;
            else
                headers.Append(entry.Key, entry.FieldValue);
        if (encoding is null || !Options.Encodings.TryGetValue(encoding, out var provider) || !CallerAccepts(encoding))
            return;
        _responseEncoding = provider;
        headers.GrpcEncoding = encoding;
    }

    private bool CallerAccepts(string encoding)
    {
        foreach (var line in HttpContext.Request.Headers.GrpcAcceptEncoding)
            foreach (var range in line.AsSpan().Split(','))
                if (line.AsSpan()[range].Trim().SequenceEqual(encoding))
                    return true;
        return false;
    }

    private Metadata ReadRequestHeaders()
    {
        var metadata = new Metadata();
        foreach (var (name, values) in HttpContext.Request.Headers)
        {
            if (name.StartsWith(':') || IsProtocolField(name))
                continue;
            foreach (var value in values)
                if (!GrpcProtocol.TryAddField(metadata, name, value ?? ""))
                    throw new RpcException(new Status(StatusCode.InvalidArgument, $"The binary header '{name.ToLowerInvariant()}' is not base64."));
        }

        return metadata;
    }

    private static bool IsProtocolField(string name) => name.ToLowerInvariant()
        is "grpc-encoding" or "grpc-accept-encoding" or "grpc-timeout" or "content-type" or "te" or "host" or "accept-encoding";
}
