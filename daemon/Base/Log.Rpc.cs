using Microsoft.Extensions.Logging;

namespace Auraed.Base;

public static partial class Log
{
    [LoggerMessage(2000, LogLevel.Debug, "{Method} OK in {Milliseconds:0.00} ms for {Principal}, request {RequestId}")]
    public static partial void CallFinished(ILogger logger, string method, double milliseconds, string principal, string requestId);

    [LoggerMessage(EventId = 2001, Message = "{Method} {Code} in {Milliseconds:0.00} ms for {Principal}, request {RequestId}: {Detail}")]
    public static partial void CallFailed(ILogger logger, LogLevel level, string method, string code, double milliseconds, string principal, string requestId, string detail);

    [LoggerMessage(2002, LogLevel.Information, "{Method} OK but slow, {Milliseconds:0.00} ms for {Principal}, request {RequestId}")]
    public static partial void CallSlow(ILogger logger, string method, double milliseconds, string principal, string requestId);

    [LoggerMessage(2003, LogLevel.Error, "{Method} for {Principal}, request {RequestId} met an unexpected error, told to the caller as {ErrorId}")]
    public static partial void CallBroke(ILogger logger, Exception error, string method, string principal, string requestId, string errorId);

    [LoggerMessage(2004, LogLevel.Warning, "{Method} for {Principal}, request {RequestId} is cut: it runs longer than {Seconds} s")]
    public static partial void CallCut(ILogger logger, string method, string principal, string requestId, double seconds);
}
