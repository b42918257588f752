using Grpc.Core;
using Grpc.Net.Compression;
using Microsoft.Extensions.Logging;

namespace Grpc.Net.Client;

/// <summary>How a channel reaches its server.</summary>
public sealed class GrpcChannelOptions
{
    public ChannelCredentials? Credentials { get; set; }

    /// <summary>Null for no limit.</summary>
    public int? MaxSendMessageSize { get; set; }

    /// <summary>Bytes of one message, before and after it is inflated; null for no limit.</summary>
    public int? MaxReceiveMessageSize { get; set; } = 4 * 1024 * 1024;

    public IList<ICompressionProvider>? CompressionProviders { get; set; }
    public ILoggerFactory? LoggerFactory { get; set; }
    public HttpClient? HttpClient { get; set; }

    /// <summary>A SocketsHttpHandler with a ConnectCallback reaches a Unix socket.</summary>
    public HttpMessageHandler? HttpHandler { get; set; }

    public bool DisposeHttpClient { get; set; }

    /// <summary>A cancelled or late call throws OperationCanceledException instead of RpcException.</summary>
    public bool ThrowOperationCanceledOnCancellation { get; set; }

    /// <summary>Sends call credentials over a connection without TLS too.</summary>
    public bool UnsafeUseInsecureChannelCallCredentials { get; set; }

    public Version? HttpVersion { get; set; }
    public HttpVersionPolicy? HttpVersionPolicy { get; set; }
}
