namespace Auraed.EventLog;

/// <summary>The next piece of the log for one watcher.</summary>
/// <param name="Events">Those that it wants.</param>
/// <param name="Sequence">The last event looked at.</param>
/// <param name="Revision">That event's.</param>
/// <param name="EndsCommit">True when that event is the last of its commit.</param>
public sealed record LogPage(IReadOnlyList<LogEvent> Events, long Sequence, long Revision, bool EndsCommit)
{
    /// <summary>Nothing is after this.</summary>
    public static LogPage Nothing(long after) => new([], after, after, true);
}
