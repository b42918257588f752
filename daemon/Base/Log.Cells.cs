using Microsoft.Extensions.Logging;

namespace Auraed.Base;

public static partial class Log
{
    [LoggerMessage(3200, LogLevel.Information, "{Cells} cells are there: {Adopted} processes go on, {Ended} ended while auraed was away, {Restarted} run again after the reboot, {Cleaned} leftovers are gone")]
    public static partial void CellsRecovered(ILogger logger, int cells, int adopted, int ended, int restarted, int cleaned);

    [LoggerMessage(3201, LogLevel.Warning, "{What} could not be brought back and stays on record: {Reason}")]
    public static partial void CellNotRecovered(ILogger logger, string what, string reason);

    [LoggerMessage(3202, LogLevel.Warning, "the end of {Executable} could not be kept: {Reason}")]
    public static partial void ExecutableEndNotKept(ILogger logger, string executable, string reason);

    [LoggerMessage(3203, LogLevel.Information, "cells and services run without cgroups, and limits are refused: {Reason}")]
    public static partial void CgroupsMissing(ILogger logger, string reason);

    [LoggerMessage(3204, LogLevel.Warning, "{Executable} {Exit}: its cell was out of memory, and the kernel has ended {Count} of its processes")]
    public static partial void ExecutableOutOfMemory(ILogger logger, string executable, string exit, long count);
}
