using System.Net.Http;
using System.Net.Sockets;
using Grpc.Core;

namespace Grpc.Net.Client.Internal;

/// <summary>What a fault of HTTP/2 or of the connection means to the caller.</summary>
internal static class TransportFaults
{
    public static Status StatusOf(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
            if (cause is HttpProtocolException protocol)
                return new Status(CodeOf(protocol.ErrorCode), $"HTTP/2 error 0x{protocol.ErrorCode:x}: {protocol.Message}", exception);
        // The transport cancels what is being sent when the connection ends or the server resets the call, and what takes too long to connect; it keeps the cause to itself.
        if (exception is OperationCanceledException)
            return new Status(StatusCode.Unavailable, exception.InnerException is TimeoutException late ? late.Message : "The connection was lost before the server answered.", exception);
        var code = IsConnectionLost(exception) ? StatusCode.Unavailable : StatusCode.Internal;
        var root = exception.GetBaseException();
        var detail = ReferenceEquals(root, exception) ? exception.Message : $"{exception.Message} {root.Message}";
        return new Status(code, detail, exception);
    }

    private static bool IsConnectionLost(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException!)
            if (cause is SocketException or IOException ||
                cause is HttpRequestException
                {
                    HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError
                        or HttpRequestError.ResponseEnded
                })
                return true;
        return false;
    }

    private static StatusCode CodeOf(long http2Error) => http2Error switch
    {
        0x7 => StatusCode.Unavailable, // REFUSED_STREAM: the server has not looked at it.
        0x8 => StatusCode.Cancelled,
        0xb => StatusCode.ResourceExhausted, // ENHANCE_YOUR_CALM
        0xc => StatusCode.PermissionDenied, // INADEQUATE_SECURITY
        _ => StatusCode.Internal,
    };
}
