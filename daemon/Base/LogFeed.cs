namespace Auraed.Base;

/// <summary>A line of the daemon's own log.</summary>
/// <param name="Sequence">From 1, dense.</param>
public readonly record struct FeedLine(long Sequence, DateTimeOffset Time, string Text);

/// <summary>
/// The newest lines of the daemon's log, for those who read them over the wire. Readers pull: one that is slow misses what has fallen out of the ring,
/// and holds up nobody.
/// </summary>
public sealed class LogFeed
{
    private readonly Lock _lock = new();
    private readonly FeedLine[] _ring = new FeedLine[Limits.DaemonLogLinesCountMax];
    private long _last;
    private TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Of the newest line; 0 before the first.</summary>
    public long Last => Interlocked.Read(ref _last);

    public void Publish(DateTimeOffset time, string text)
    {
        lock (_lock)
        {
            _last++;
            _ring[_last % _ring.Length] = new FeedLine(_last, time, text.Length <= Limits.LogLineBytesMax ? text : text[..Limits.LogLineBytesMax]);
            TaskCompletionSource grown = _grown;
            _grown = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _ = grown.TrySetResult();
        }
    }

    /// <summary>The lines behind that sequence that are still there, and a task that ends when there are more.</summary>
    public (List<FeedLine> Lines, Task Grown) After(long sequence)
    {
        lock (_lock)
        {
            var lines = new List<FeedLine>();
            for (long next = Math.Max(sequence + 1, _last - _ring.Length + 1); next <= _last; next++)
            {
                if (next > 0)
                {
                    lines.Add(_ring[next % _ring.Length]);
                }
            }

            return (lines, _grown.Task);
        }
    }
}
