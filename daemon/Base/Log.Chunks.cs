using Microsoft.Extensions.Logging;

namespace Auraed.Base;

public static partial class Log
{
    [LoggerMessage(6000, LogLevel.Information, "collected {Chunks} chunks, {Bytes} bytes; {Condemned} more are without use")]
    public static partial void Collected(ILogger logger, long chunks, long bytes, long condemned);

    [LoggerMessage(6001, LogLevel.Warning, "the collection of unused chunks failed and is tried again: {Reason}")]
    public static partial void CollectionFailed(ILogger logger, string reason);
}
