namespace Grpc.Core.Internal;

/// <summary>A server call's deadline and cancellation, for calls made on its behalf.</summary>
internal sealed class ServerCallPropagation(DateTime deadline, CancellationToken cancel, ContextPropagationOptions options) : ContextPropagationToken
{
    public DateTime Deadline => options.IsPropagateDeadline ? deadline : DateTime.MaxValue;
    public CancellationToken CancellationToken => options.IsPropagateCancellation ? cancel : default;
}
