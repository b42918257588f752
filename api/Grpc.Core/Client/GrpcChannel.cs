using System.Collections.Concurrent;
using Grpc.Core;
using Grpc.Core.Internal;
using Grpc.Net.Client.Internal;
using Grpc.Net.Compression;

namespace Grpc.Net.Client;

/// <summary>A server, and the HTTP/2 connections to it. Calls of all threads share it.</summary>
public sealed class GrpcChannel : ChannelBase, IDisposable
{
    private readonly ConcurrentDictionary<string, Uri> _addresses = new(StringComparer.Ordinal);
    private readonly HttpMessageInvoker _http;
    private readonly bool _ownsHttp;
    private int _disposed;

    private GrpcChannel(Uri address, GrpcChannelOptions options) : base(address.Authority)
    {
        if (options is { HttpClient: not null, HttpHandler: not null })
            throw new ArgumentException("HttpClient and HttpHandler have been configured. Only one HTTP caller can be specified.");
        Address = address;
        Options = options;
        Credentials = new CredentialSteps(options.Credentials);
        Encodings = GrpcProtocol.Encodings(options.CompressionProviders);
        AcceptEncoding = GrpcProtocol.AcceptEncoding(Encodings);
        _ownsHttp = options.DisposeHttpClient || options is { HttpClient: null, HttpHandler: null };
        _http = options.HttpClient ?? new HttpMessageInvoker(
            options.HttpHandler ?? new SocketsHttpHandler { EnableMultipleHttp2Connections = true }, disposeHandler: _ownsHttp);
    }

    internal Uri Address { get; }
    internal GrpcChannelOptions Options { get; }
    internal CredentialSteps Credentials { get; }
    internal Dictionary<string, ICompressionProvider> Encodings { get; }
    internal string AcceptEncoding { get; }
    internal bool MaySendCallCredentials => Address.Scheme == Uri.UriSchemeHttps || Options.UnsafeUseInsecureChannelCallCredentials;

    public static GrpcChannel ForAddress(string address) => ForAddress(new Uri(address), new GrpcChannelOptions());
    public static GrpcChannel ForAddress(Uri address) => ForAddress(address, new GrpcChannelOptions());
    public static GrpcChannel ForAddress(string address, GrpcChannelOptions channelOptions) => ForAddress(new Uri(address), channelOptions);

    public static GrpcChannel ForAddress(Uri address, GrpcChannelOptions channelOptions)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(channelOptions);
        return new GrpcChannel(address, channelOptions);
    }

    public override CallInvoker CreateCallInvoker()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return new HttpCallInvoker(this);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0 && _ownsHttp)
            _http.Dispose();
    }

    protected override Task ShutdownAsyncCore()
    {
        Dispose();
        return Task.CompletedTask;
    }

    internal Uri AddressOf(IMethod method) => _addresses.GetOrAdd(method.FullName, static (path, root) => new Uri(root, path), Address);

    /// <summary>Completes when the response's headers are there.</summary>
    internal Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _http is HttpClient client ? client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel) : _http.SendAsync(request, cancel);
    }
}
