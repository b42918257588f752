using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Core.Internal;
using Grpc.Net.Compression;

namespace Grpc.Net.Client.Internal;

/// <summary>
/// One call on one HTTP/2 stream, and the stream of its responses.
/// Invariants: the status is settled once; a call that is disposed before that is cancelled, which resets the stream.
/// </summary>
internal sealed partial class HttpCall<TRequest, TResponse> : IAsyncStreamReader<TResponse>, IDisposable where TRequest : class where TResponse : class
{
    /// <summary>Several frames of the transport at a time.</summary>
    private static readonly StreamPipeReaderOptions BodyOptions = new(bufferSize: 64 * 1024);

    private readonly GrpcChannel _channel;
    private readonly Method<TRequest, TResponse> _method;
    private readonly string? _host;
    private readonly CallOptions _options;
    private readonly CancellationTokenSource _cancel = new();
    private readonly DateTime _deadline;
    private readonly ICompressionProvider? _requestEncoding;
    private CancellationTokenRegistration _callerCancel;
    private CancellationTokenRegistration _parentCancel;
    private ITimer? _timer;
    private Task<HttpResponseMessage> _response = null!;
    private StreamContent? _requests;
    private PipeReader? _body;
    private MessageDecoder _decoder;
    private TResponse? _current;
    private Task? _single;

    public HttpCall(GrpcChannel channel, Method<TRequest, TResponse> method, string? host, in CallOptions options)
    {
        _channel = channel;
        _method = method;
        _host = host;
        _options = options;
        var parent = options.PropagationToken as ServerCallPropagation;
        _deadline = options.Deadline ?? DateTime.MaxValue;
        if (_deadline.Kind != DateTimeKind.Utc && _deadline != DateTime.MaxValue && _deadline != DateTime.MinValue)
            throw new InvalidOperationException("Deadline must have a kind DateTimeKind.Utc or be equal to DateTime.MaxValue or DateTime.MinValue.");
        if (parent is not null && parent.Deadline < _deadline)
            _deadline = parent.Deadline;
        if (options.Headers?.GetValue(Metadata.EncodingRequestKey) is { } encoding && encoding != GrpcProtocol.IdentityEncoding)
            _requestEncoding = channel.Encodings.TryGetValue(encoding, out var provider)
                ? provider
                : throw new InvalidOperationException($"Could not find compression provider for '{encoding}'.");
        _callerCancel = options.CancellationToken.UnsafeRegister(static call => ((HttpCall<TRequest, TResponse>)call!).Cancel(), this);
        if (parent is not null)
            _parentCancel = parent.CancellationToken.UnsafeRegister(static call => ((HttpCall<TRequest, TResponse>)call!).Cancel(), this);
    }

    public TResponse Current => _current ?? throw new InvalidOperationException("No current element is available.");

    /// <summary>Sends one request.</summary>
    public void Start(TRequest request)
    {
        var frame = new ArrayBufferWriter<byte>();
        try
        {
            Frame(frame, request, _options.WriteOptions);
        }
        catch (RpcException exception)
        {
            _response = Task.FromException<HttpResponseMessage>(exception);
            return;
        }

        _response = SendAsync(new SingleContent(frame));
    }

    /// <summary>Opens a stream of requests.</summary>
    public IClientStreamWriter<TRequest> StartStream()
    {
        _requests = new StreamContent();
        _response = SendAsync(_requests);
        return new HttpRequestWriter<TRequest, TResponse>(this, _requests) { WriteOptions = _options.WriteOptions };
    }

    public void Frame(IBufferWriter<byte> output, TRequest request, WriteOptions? options)
    {
        var compress = options is null || (options.Flags & WriteFlags.NoCompress) == 0;
        MessageEncoder.Write(output, request, _method.RequestMarshaller, _channel.Options.MaxSendMessageSize, compress ? _requestEncoding : null, null);
    }

    public async Task<Metadata> ResponseHeadersAsync()
    {
        try
        {
            var response = await _response.ConfigureAwait(false);
            return HttpFields.MetadataOf(response.Headers);
        }
        catch (Exception exception)
        {
            throw Settle(exception);
        }
    }

    /// <summary>The one response, and then the status; asked for once.</summary>
    public Task<TResponse> ReadSingleAsync()
    {
        var single = ReadOneAsync();
        _single = single;
        return single;
    }

    private async Task<TResponse> ReadOneAsync()
    {
        try
        {
            var message = await ReadAsync(_cancel.Token).ConfigureAwait(false);
            if (message is not null && await ReadAsync(_cancel.Token).ConfigureAwait(false) is not null)
                throw new RpcException(new Status(StatusCode.Internal, "More than one response message was received."));
            Settle(EndStatus());
            return message ?? throw new RpcException(new Status(StatusCode.Internal, "The call ended well but without a response message."), GetTrailers());
        }
        catch (Exception exception)
        {
            throw Settle(exception);
        }
    }

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (_status is { StatusCode: StatusCode.OK })
            return false;
        using var registration = cancellationToken.UnsafeRegister(static call => ((HttpCall<TRequest, TResponse>)call!).Cancel(), this);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            _current = await ReadAsync(_cancel.Token).ConfigureAwait(false);
            if (_current is not null)
                return true;
            Settle(EndStatus());
            return false;
        }
        catch (Exception exception)
        {
            throw Settle(exception);
        }
    }

    private async ValueTask<TResponse?> ReadAsync(CancellationToken cancel)
    {
        if (_body is null)
        {
            var response = await _response.ConfigureAwait(false);
            HttpFields.ThrowIfNotGrpc(response);
            ICompressionProvider? encoding = null;
            if (response.Headers.TryGetValues("grpc-encoding", out var names) && names.First() is var name && name != GrpcProtocol.IdentityEncoding &&
                !_channel.Encodings.TryGetValue(name, out encoding))
                throw new RpcException(new Status(StatusCode.Internal, $"Unsupported grpc-encoding value '{name}'. Supported encodings: {_channel.AcceptEncoding}"));
            _decoder = new MessageDecoder(_channel.Options.MaxReceiveMessageSize, encoding);
            _body = PipeReader.Create(await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false), BodyOptions);
        }

        return await _decoder.ReadAsync(_body, _method.ResponseMarshaller, cancel).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpContent content)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, _channel.AddressOf(_method))
        {
            Version = _channel.Options.HttpVersion ?? System.Net.HttpVersion.Version20,
            VersionPolicy = _channel.Options.HttpVersionPolicy ?? HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        await SetHeadersAsync(request).ConfigureAwait(false);
        return await _channel.SendAsync(request, _cancel.Token).ConfigureAwait(false);
    }

    private async Task SetHeadersAsync(HttpRequestMessage request)
    {
        var headers = request.Headers;
        headers.TryAddWithoutValidation("te", "trailers");
        headers.TryAddWithoutValidation("user-agent", "grpc-csharp");
        headers.TryAddWithoutValidation("grpc-accept-encoding", _channel.AcceptEncoding);
        if (_host is not null)
            headers.Host = _host;
        if (_requestEncoding is not null)
            headers.TryAddWithoutValidation("grpc-encoding", _requestEncoding.EncodingName);
        if (_options.Headers is not null)
            HttpFields.Add(headers, _options.Headers);
        await AddCredentialsAsync(headers).ConfigureAwait(false);
        if (_deadline == DateTime.MaxValue)
            return;
        var left = _deadline - TimeProvider.System.GetUtcNow().UtcDateTime;
        headers.TryAddWithoutValidation("grpc-timeout", GrpcProtocol.FormatTimeout(left));
        StartDeadline(left);
    }

    private async Task AddCredentialsAsync(System.Net.Http.Headers.HttpRequestHeaders headers)
    {
        if (_channel.Credentials.IsEmpty && _options.Credentials is null)
            return;
        if (!_channel.MaySendCallCredentials)
            throw new InvalidOperationException("Call credentials are not sent over a connection without TLS.");
        var metadata = new Metadata();
        var context = new AuthInterceptorContext(new Uri(_channel.Address, _method.ServiceName).ToString(), _method.Name, _cancel.Token);
        await _channel.Credentials.AddAsync(context, metadata).ConfigureAwait(false);
        if (_options.Credentials is not null)
            await new CredentialSteps(_options.Credentials).AddAsync(context, metadata).ConfigureAwait(false);
        HttpFields.Add(headers, metadata);
    }
}
