using Google.Protobuf;
using Grpc.Core;
using Grpc.Reflection.V1Alpha;

namespace Auraed.Rpc;

/// <summary>grpc.reflection.v1alpha for older tools: its messages are those of v1 byte for byte, and v1 answers.</summary>
public sealed class ReflectionAlphaServer(ReflectionServer current) : ServerReflection.ServerReflectionBase
{
    public override async Task ServerReflectionInfo(
        IAsyncStreamReader<ServerReflectionRequest> requestStream, IServerStreamWriter<ServerReflectionResponse> responseStream, ServerCallContext context)
    {
        while (await requestStream.MoveNext(context.CancellationToken))
        {
            var request = Grpc.Reflection.V1.ServerReflectionRequest.Parser.ParseFrom(requestStream.Current.ToByteString());
            var response = ServerReflectionResponse.Parser.ParseFrom(current.Answer(request).ToByteString());
            await responseStream.WriteAsync(response, context.CancellationToken);
        }
    }
}
