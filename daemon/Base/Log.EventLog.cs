using Microsoft.Extensions.Logging;

namespace Auraed.Base;

/// <summary>EventLog.</summary>
public static partial class Log
{
    [LoggerMessage(5000, LogLevel.Error, "the event log could not be signed: {Reason}")]
    public static partial void LogKeeperFailed(ILogger logger, string reason);

    [LoggerMessage(5001, LogLevel.Warning, "the event log could not be archived or pruned: {Reason}")]
    public static partial void RetentionFailed(ILogger logger, string reason);
}
