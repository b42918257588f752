using Aurae.Assets.V0;
using Auraed.Domain.Assets;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>Binds a service's methods as they come, except that messages of an upload are read into pooled buffers.</summary>
internal sealed class UploadBinder(ServiceBinderBase binder) : ServiceBinderBase
{
    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) => binder.AddMethod(method, handler);

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler) =>
        binder.AddMethod((object)method is Method<UploadRequest, TResponse> upload ? (Method<TRequest, TResponse>)(object)Pooled(upload) : method, handler);

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) => binder.AddMethod(method, handler);

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) => binder.AddMethod(method, handler);

    private static Method<UploadRequest, TResponse> Pooled<TResponse>(Method<UploadRequest, TResponse> upload) =>
        new(upload.Type, upload.ServiceName, upload.Name, Marshallers.Create(upload.RequestMarshaller.ContextualSerializer, Read), upload.ResponseMarshaller);

    private static UploadRequest Read(DeserializationContext context) =>
        PooledFrames.TryRead(context.PayloadAsReadOnlySequence(), out UploadRequest? request) ? request : UploadRequest.Parser.ParseFrom(context.PayloadAsReadOnlySequence());
}
