using Aurae.Logs.V0;
using Auraed.Base;
using Auraed.Domain.Cells;

namespace Auraed.Domain.Logs;

/// <summary>What is to be read of a log.</summary>
/// <param name="Executable">Null: the daemon's own log.</param>
/// <param name="Tail">Null for all.</param>
public sealed record ReadLog(string? Executable, CellName? Cell, LogChannel Channel, DateTimeOffset? Since, int? Tail, bool IsFollowing)
{
    public static ReadLog Parse(ReadLogRequest request)
    {
        if (request.SourceCase == ReadLogRequest.SourceOneofCase.None)
        {
            throw Fault.Invalid("source", "source is not given: executable or daemon");
        }

        if (!Enum.IsDefined(request.Stream))
        {
            throw Fault.Invalid("stream", $"stream: {(int)request.Stream} is none");
        }

        if (request.Tail > Limits.LogTailLinesCountMax)
        {
            throw Fault.Invalid("tail", $"tail is {request.Tail}, at most {Limits.LogTailLinesCountMax}");
        }

        ExecutableSource? source = request.Executable;
        if (source is { ExecutableName.Length: 0 })
        {
            throw Fault.Invalid("executable.executable_name", "executable.executable_name is empty");
        }

        return new ReadLog(
            source?.ExecutableName,
            source is { CellName.Length: > 0 } ? CellName.Parse(source.CellName, "executable.cell_name") : null,
            request.Stream == LogStream.Stderr ? LogChannel.Error : LogChannel.Output,
            Time(request),
            request.Tail == 0 ? null : (int)request.Tail,
            request.Follow);
    }

    private static DateTimeOffset? Time(ReadLogRequest request)
    {
        try
        {
            return request.Since?.ToDateTimeOffset();
        }
        catch (InvalidOperationException)
        {
            throw Fault.Invalid("since", "since is no time between the years 1 and 9999");
        }
    }
}
