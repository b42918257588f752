using Auraed.Base;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Status = Google.Rpc.Status;

namespace Auraed.Rpc;

/// <summary>The one place where a fault becomes a status on the wire: code, message, and details for programs.</summary>
public static class FaultStatus
{
    /// <summary>google.rpc.ErrorInfo.domain of every error that the daemon itself makes.</summary>
    public const string Domain = "aurae.io";

    public static StatusCode CodeOf(FaultKind kind) => kind switch
    {
        FaultKind.NotFound => StatusCode.NotFound,
        FaultKind.AlreadyExists => StatusCode.AlreadyExists,
        FaultKind.Invalid => StatusCode.InvalidArgument,
        FaultKind.Precondition => StatusCode.FailedPrecondition,
        FaultKind.Aborted => StatusCode.Aborted,
        FaultKind.OutOfRange => StatusCode.OutOfRange,
        FaultKind.Unauthenticated => StatusCode.Unauthenticated,
        FaultKind.Denied => StatusCode.PermissionDenied,
        FaultKind.Exhausted => StatusCode.ResourceExhausted,
        FaultKind.Unavailable => StatusCode.Unavailable,
        FaultKind.DeadlineExceeded => StatusCode.DeadlineExceeded,
        FaultKind.Cancelled => StatusCode.Cancelled,
        FaultKind.Unimplemented => StatusCode.Unimplemented,
        FaultKind.Corrupt => StatusCode.DataLoss,
        FaultKind.Internal => StatusCode.Internal,
    };

    /// <summary>ErrorInfo with the reason and the hint, and as they apply BadRequest with the field, RetryInfo, and Help.</summary>
    public static RpcException ToException(Fault fault)
    {
        var code = CodeOf(fault.Kind);
        var status = new Status { Code = (int)code, Message = fault.Message };
        // This edition of the message calls field 1 by its old name; on the wire it is reason.
        var info = new ErrorInfo { Domain = Domain, Type = fault.Reason ?? ReasonOf(fault.Kind) };
        foreach (var (name, value) in fault.Facts ?? new Dictionary<string, string>())
        {
            info.Metadata[name] = value;
        }

        if (fault.Hint is { } next)
        {
            info.Metadata["hint"] = next;
        }

        // Packed last: packing copies.
        Add(status, info);
        if (fault.Field is { } field)
        {
            Add(status, new BadRequest { FieldViolations = { new BadRequest.Types.FieldViolation { Field = field, Description = fault.Message } } });
        }

        if (fault.RetryAfter is { } wait)
        {
            Add(status, new RetryInfo { RetryDelay = Duration.FromTimeSpan(wait) });
        }

        if (fault.Hint is { } hint)
        {
            Add(status, new Help { Links = { new Help.Types.Link { Description = hint } } });
        }

        return status.ToRpcException();
    }

    /// <summary>The kind in upper snake case, as NOT_FOUND.</summary>
    public static string ReasonOf(FaultKind kind) => kind switch
    {
        FaultKind.NotFound => "NOT_FOUND",
        FaultKind.AlreadyExists => "ALREADY_EXISTS",
        FaultKind.Invalid => "INVALID",
        FaultKind.Precondition => "PRECONDITION",
        FaultKind.Aborted => "ABORTED",
        FaultKind.OutOfRange => "OUT_OF_RANGE",
        FaultKind.Unauthenticated => "UNAUTHENTICATED",
        FaultKind.Denied => "DENIED",
        FaultKind.Exhausted => "EXHAUSTED",
        FaultKind.Unavailable => "UNAVAILABLE",
        FaultKind.DeadlineExceeded => "DEADLINE_EXCEEDED",
        FaultKind.Cancelled => "CANCELLED",
        FaultKind.Unimplemented => "UNIMPLEMENTED",
        FaultKind.Corrupt => "CORRUPT",
        FaultKind.Internal => "INTERNAL",
    };

    private static void Add(Status status, IMessage detail) => status.Details.Add(Any.Pack(detail));
}
