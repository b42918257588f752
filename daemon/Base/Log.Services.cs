using Microsoft.Extensions.Logging;

namespace Auraed.Base;

public static partial class Log
{
    [LoggerMessage(3300, LogLevel.Information, "services are reconciled within {Milliseconds} ms: {Services} on record, {Adopted} found alive, {Ended} had ended, {Started} told to start, {Cleaned} groups cleaned")]
    public static partial void ServicesReconciled(ILogger logger, long milliseconds, int services, int adopted, int ended, int started, int cleaned);

    [LoggerMessage(3301, LogLevel.Error, "the state of {Count} services could not be kept: {Reason}; nothing is done until it is")]
    public static partial void ServicesNotKept(ILogger logger, int count, string reason);

    [LoggerMessage(3302, LogLevel.Information, "service {Service} is {Phase}: {Explanation}")]
    public static partial void ServiceChanged(ILogger logger, string service, string phase, string explanation);

    [LoggerMessage(3303, LogLevel.Warning, "what service {Service} left behind could not be cleaned: {Reason}")]
    public static partial void ServiceNotCleaned(ILogger logger, string service, string reason);

    [LoggerMessage(3304, LogLevel.Information, "all services are stopped for a shutdown of the host: {Count}")]
    public static partial void ServicesShutDown(ILogger logger, int count);

    [LoggerMessage(3306, LogLevel.Information, "program {Program} is written out of asset {Asset}: {Bytes} bytes")]
    public static partial void ProgramWritten(ILogger logger, string program, string asset, long bytes);

    [LoggerMessage(3307, LogLevel.Warning, "program {Asset}, which no service runs, cannot be removed: {Reason}")]
    public static partial void ProgramNotRemoved(ILogger logger, string asset, string reason);

    [LoggerMessage(3308, LogLevel.Warning, "service {Service} runs on, but its log is not kept within its bounds: {Reason}")]
    public static partial void ServiceLogNotKept(ILogger logger, string service, string reason);
}
