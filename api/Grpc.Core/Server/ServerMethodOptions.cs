using System.IO.Compression;
using Grpc.Core.Internal;
using Grpc.Net.Compression;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>The options of one service, settled when it is mapped: the service's own where set, else the general ones.</summary>
internal sealed class ServerMethodOptions
{
    public ServerMethodOptions(GrpcServiceOptions general, GrpcServiceOptions own, TimeProvider time, ILogger log)
    {
        Time = time;
        Log = log;
        var receive = own.MaxReceiveMessageSizeSet ? own : general;
        ReceiveBytesMax = receive.MaxReceiveMessageSizeSet ? receive.MaxReceiveMessageSize : GrpcServiceOptions.DefaultReceiveMaxMessageSize;
        SendBytesMax = own.MaxSendMessageSizeSet ? own.MaxSendMessageSize : general.MaxSendMessageSize;
        DetailedErrors = own.EnableDetailedErrors ?? general.EnableDetailedErrors ?? false;
        ResponseEncoding = own.ResponseCompressionAlgorithm ?? general.ResponseCompressionAlgorithm;
        ResponseLevel = own.ResponseCompressionLevel ?? general.ResponseCompressionLevel;
        Encodings = GrpcProtocol.Encodings([.. general.CompressionProviders, .. own.CompressionProviders]);
        AcceptEncoding = GrpcProtocol.AcceptEncoding(Encodings);
        if (ResponseEncoding is not null && ResponseEncoding != GrpcProtocol.IdentityEncoding && !Encodings.ContainsKey(ResponseEncoding))
            throw new InvalidOperationException($"The configured response compression algorithm '{ResponseEncoding}' does not have a matching compression provider.");
    }

    public TimeProvider Time { get; }
    public ILogger Log { get; }
    public int? ReceiveBytesMax { get; }
    public int? SendBytesMax { get; }
    public bool DetailedErrors { get; }
    public string? ResponseEncoding { get; }
    public CompressionLevel? ResponseLevel { get; }
    public Dictionary<string, ICompressionProvider> Encodings { get; }
    public string AcceptEncoding { get; }
}
