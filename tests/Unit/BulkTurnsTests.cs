using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit;

/// <summary>When parts of an ingest are written beside requests.</summary>
public sealed class BulkTurnsTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    private readonly ManualTime _time = new(DateTimeOffset.UnixEpoch);
    private readonly BulkTurns _turns;

    public BulkTurnsTests() => _turns = new BulkTurns(_time);

    [Fact]
    public void Alone_they_come_several_at_a_time_and_are_an_ingest()
    {
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal(TimeSpan.Zero, _turns.Hold(isSealing: false));
            Assert.Equal(Limits.StoreGroupBulkMax, Group(WritePriority.Bulk, WritePriority.Bulk));
            Assert.True(_turns.IsIngest);
        }
    }

    [Fact]
    public void While_requests_leave_no_gap_one_joins_after_each_pause_and_is_no_ingest()
    {
        _ = Group(WritePriority.Small);
        Assert.Equal(1, Group(WritePriority.Small, WritePriority.Bulk));
        Assert.True(_turns.HasBulk);
        Assert.False(_turns.IsIngest);
        for (var round = 0; round < 3; round++)
        {
            for (var waited = Moment; waited < Limits.StoreBulkPause; waited += Moment)
            {
                _time.Move(Moment);
                Assert.NotEqual(TimeSpan.Zero, _turns.Hold(isSealing: false));
                Assert.Equal(0, Group(WritePriority.Small));
            }

            _time.Move(Moment);
            Assert.Equal(TimeSpan.Zero, _turns.Hold(isSealing: false));
            Assert.Equal(1, Group(WritePriority.Bulk));
            Assert.False(_turns.IsIngest);
        }
    }

    [Fact]
    public void A_gap_lets_them_through_and_long_quiet_several_at_a_time()
    {
        _ = Group(WritePriority.Small, WritePriority.Bulk);
        Assert.Equal(Limits.StoreBulkGap, _turns.Hold(isSealing: false));
        _time.Move(Limits.StoreBulkGap);
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal(TimeSpan.Zero, _turns.Hold(isSealing: false));
            Assert.Equal(1, Group(WritePriority.Bulk));
            Assert.True(_turns.IsIngest);
        }

        _time.Move(Limits.StoreQuietMin);
        Assert.Equal(Limits.StoreGroupBulkMax, Group(WritePriority.Bulk));
    }

    [Fact]
    public void A_wait_is_of_whole_milliseconds()
    {
        _ = Group(WritePriority.Small, WritePriority.Bulk);
        _time.Move(Limits.StoreBulkGap - TimeSpan.FromMicroseconds(1));
        Assert.Equal(Moment, _turns.Hold(isSealing: false));
        _time.Move(TimeSpan.FromMicroseconds(1));
        Assert.Equal(TimeSpan.Zero, _turns.Hold(isSealing: false));
    }

    [Fact]
    public void It_is_no_gap_that_nobody_asks_while_nobody_is_answered()
    {
        _ = Group(WritePriority.Small, WritePriority.Bulk);
        _time.Move(Limits.StoreBulkGap);
        Assert.Equal(Limits.StoreBulkGap, _turns.Hold(isSealing: true));
        _time.Move(Limits.StoreBulkGap);
        Assert.Equal(TimeSpan.Zero, _turns.Hold(isSealing: false));
        _ = Group(WritePriority.Bulk);
        Assert.Equal(TimeSpan.Zero, _turns.Hold(isSealing: true));
    }

    [Fact]
    public void Upkeep_is_no_ingest_and_is_held_back_only_beside_one()
    {
        Assert.Equal(1, Group(WritePriority.Small, WritePriority.Upkeep));
        Assert.False(_turns.HasBulk);
        Assert.Equal(TimeSpan.Zero, _turns.Hold(isSealing: false));
        _ = Group(WritePriority.Small, WritePriority.Bulk);
        Assert.Equal(0, Group(WritePriority.Small));
        Assert.Equal(Limits.StoreBulkGap, _turns.Hold(isSealing: false));
    }

    /// <summary>A group of these; how many that wait for small ones might have joined it.</summary>
    private int Group(params WritePriority[] units)
    {
        _turns.Begin(units[0]);
        var count = _turns.Count;
        foreach (var unit in units)
        {
            _turns.Add(unit);
        }

        _turns.End();
        return count;
    }
}
