using Microsoft.Extensions.Logging;

namespace Auraed.Base;

public static partial class Log
{
    [LoggerMessage(3100, LogLevel.Warning, "leases of the registry could not be kept: {Reason}; trying again")]
    public static partial void LeasesFailed(ILogger logger, string reason);

    [LoggerMessage(3101, LogLevel.Information, "the registry holds {Count} leases; {Graced} that were nearly up have {Seconds} s to be renewed")]
    public static partial void LeasesLoaded(ILogger logger, int count, int graced, int seconds);
}
