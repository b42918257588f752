using Auraed.Base;

namespace Auraed.Store;

/// <summary>
/// When units that wait for small ones join a group. Small ones that come one after the other are mostly callers who each wait for an answer before they ask again: in the
/// moment between two of them a part of an ingest would always find the writer free, and every caller would find it in front of him. So while they come, one part joins after
/// a pause, and where they leave a gap the parts go on. Whoever has the writer's turn has this.
/// </summary>
internal sealed class BulkTurns(TimeProvider time)
{
    private long? _small;
    private long? _bulk;
    private bool _hasSmall;
    private bool _isRationed;

    /// <summary>How many may join the group that has begun.</summary>
    public int Count => Since(_small) >= Limits.StoreQuietMin ? Limits.StoreGroupBulkMax : Hold() == TimeSpan.Zero ? 1 : 0;

    /// <summary>A part of a large ingest was in the group.</summary>
    public bool HasBulk { get; private set; }

    /// <summary>So it was, and more may follow at once. Those that are let in after a pause write no more pages than requests do.</summary>
    public bool IsIngest => HasBulk && !_isRationed;

    /// <summary>A group begins with this unit.</summary>
    public void Begin(WritePriority first)
    {
        (_hasSmall, HasBulk) = (false, false);
        if (first == WritePriority.Small)
        {
            _small = time.GetTimestamp();
        }

        _isRationed = Since(_small) < Limits.StoreBulkGap;
    }

    /// <summary>A unit has joined the group.</summary>
    public void Add(WritePriority unit)
    {
        _hasSmall |= unit == WritePriority.Small;
        HasBulk |= unit == WritePriority.Bulk;
    }

    /// <summary>The group has been handed on.</summary>
    public void End()
    {
        var now = time.GetTimestamp();
        _small = _hasSmall ? now : _small;
        _bulk = HasBulk ? now : _bulk;
    }

    /// <summary>Between two groups: time until such a unit may be the first of the next; zero: it may now. After <see cref="Limits.StoreBulkPause"/> it may, however small ones come.</summary>
    /// <param name="isSealing">The last group is on its way to the disk: who is in it cannot have asked again, so it is no gap that nobody does.</param>
    public TimeSpan Hold(bool isSealing)
    {
        if (isSealing && _hasSmall)
        {
            _small = time.GetTimestamp();
        }

        return Hold();
    }

    private TimeSpan Hold()
    {
        var gap = Limits.StoreBulkGap - Since(_small);
        var pause = Limits.StoreBulkPause - Since(_bulk);
        var hold = gap < pause ? gap : pause;
        // Up to whole milliseconds, which is what waits are of: of less they would be none.
        return hold > TimeSpan.Zero ? TimeSpan.FromMilliseconds(Math.Ceiling(hold.TotalMilliseconds)) : TimeSpan.Zero;
    }

    private TimeSpan Since(long? moment) => moment is { } then ? time.GetElapsedTime(then) : TimeSpan.MaxValue;
}
