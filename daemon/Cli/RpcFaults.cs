using Auraed.Base;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;

namespace Auraed.Cli;

/// <summary>A call's failure, as the same kind of fault that the daemon had.</summary>
internal static class RpcFaults
{
    /// <param name="what">What was being done, as the object of "cannot".</param>
    public static Fault From(string what, RpcException error)
    {
        var status = error.GetRpcStatus();
        var field = Detail<BadRequest>(status)?.FieldViolations.FirstOrDefault()?.Field;
        var info = Detail<ErrorInfo>(status);
        string? hint = null;
        info?.Metadata.TryGetValue("hint", out hint);
        var detail = error.Status.Detail.Length > 0 ? error.Status.Detail : error.StatusCode.ToString();
        return new Fault(KindOf(error.StatusCode), $"cannot {what}: {detail}", field, hint, error)
        {
            Reason = info?.Type,
            RetryAfter = Detail<RetryInfo>(status)?.RetryDelay?.ToTimeSpan(),
        };
    }

    private static T? Detail<T>(Google.Rpc.Status? status)
        where T : class, IMessage<T>, new() =>
        status?.Details.Select(any => any.TryUnpack<T>(out var detail) ? detail : null).FirstOrDefault(detail => detail is not null);

    private static FaultKind KindOf(StatusCode code) => code switch
    {
        StatusCode.NotFound => FaultKind.NotFound,
        StatusCode.AlreadyExists => FaultKind.AlreadyExists,
        StatusCode.InvalidArgument => FaultKind.Invalid,
        StatusCode.FailedPrecondition => FaultKind.Precondition,
        StatusCode.Aborted => FaultKind.Aborted,
        StatusCode.OutOfRange => FaultKind.OutOfRange,
        StatusCode.Unauthenticated => FaultKind.Unauthenticated,
        StatusCode.PermissionDenied => FaultKind.Denied,
        StatusCode.ResourceExhausted => FaultKind.Exhausted,
        StatusCode.Unavailable => FaultKind.Unavailable,
        StatusCode.DeadlineExceeded => FaultKind.DeadlineExceeded,
        StatusCode.Cancelled => FaultKind.Cancelled,
        StatusCode.Unimplemented => FaultKind.Unimplemented,
        StatusCode.DataLoss => FaultKind.Corrupt,
        _ => FaultKind.Internal,
    };
}
