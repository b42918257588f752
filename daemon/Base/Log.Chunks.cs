using Microsoft.Extensions.Logging;

namespace Auraed.Base;

public static partial class Log
{
    [LoggerMessage(6000, LogLevel.Information, "collected {Chunks} chunks, {Bytes} bytes; {Condemned} more are without use")]
    public static partial void Collected(ILogger logger, long chunks, long bytes, long condemned);

    [LoggerMessage(6001, LogLevel.Warning, "the collection of unused chunks failed and is tried again: {Reason}")]
    public static partial void CollectionFailed(ILogger logger, string reason);

    [LoggerMessage(6002, LogLevel.Error, "chunk {Chunk} is damaged: {Reason}; it belongs to {Assets}; mended from: {Backend}")]
    public static partial void ChunkDamaged(ILogger logger, string chunk, string reason, string assets, string backend);

    [LoggerMessage(6003, LogLevel.Warning, "the scrub of the chunks failed and is tried again: {Reason}")]
    public static partial void ScrubFailed(ILogger logger, string reason);
}
