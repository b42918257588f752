using System.Runtime.CompilerServices;
using Auraed.Supervise;

namespace Auraed.Domain.Cells;

/// <param name="Text">Without its newline.</param>
/// <param name="Time">When it was written, to the second.</param>
public readonly record struct OutputLine(string Text, DateTimeOffset Time);

/// <summary>One output of an executable, as it was when it was asked for.</summary>
public sealed class ExecutableOutput
{
    private readonly ProcessLogs _logs;
    private readonly ProcessLog _log;
    private readonly Task _ended;
    private readonly long _end;

    internal ExecutableOutput(string executable, ProcessLogs logs, ProcessLog log, Task ended)
    {
        (Executable, _logs, _log, _ended) = (executable, logs, log, ended);
        _end = log.End;
    }

    public string Executable { get; }

    /// <summary>What is written from now on, until the process ends.</summary>
    public IAsyncEnumerable<OutputLine> FollowAsync(CancellationToken cancel) => LinesAsync(_end, isFollowing: true, cancel);

    /// <summary>What is kept.</summary>
    /// <param name="since">Only what was written since then, to the second; null for all.</param>
    /// <param name="tail">Only the last so many lines; null for all.</param>
    /// <param name="isFollowing">Goes on until the process ends.</param>
    public IAsyncEnumerable<OutputLine> ReadAsync(DateTimeOffset? since, int? tail, bool isFollowing, CancellationToken cancel)
    {
        long from = since is { } time ? _log.OffsetAt(time) : 0;
        return LinesAsync(tail is { } count ? Math.Max(from, ProcessLogs.OffsetOfLast(_log, count)) : from, isFollowing, cancel);
    }

    private async IAsyncEnumerable<OutputLine> LinesAsync(long offset, bool isFollowing, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (LogLine line in _logs.ReadAsync(_log, offset, isFollowing, _ended, cancel).ConfigureAwait(false))
        {
            yield return new OutputLine(line.Text, line.Time);
        }
    }
}
