using Auraed.Base;
using Auraed.Store.Journal;

namespace Auraed.Tests.Unit;

public sealed class PendingGroupsTests
{
    private readonly PendingGroups _pending = new(() => { });

    public PendingGroupsTests() => _pending.Seal([], [], 1);

    [Fact]
    public async Task A_try_that_fails_answers_those_who_asked_before_it_began()
    {
        var before = WaitAsync();
        _pending.BeginCommit();
        var during = WaitAsync();
        _pending.Fail(DiskFull());
        Assert.Equal("DISK_FULL", (await Assert.ThrowsAsync<Fault>(() => before)).Reason);
        Assert.False(during.IsCompleted);
        Assert.True(_pending.IsWanted);

        _pending.BeginCommit();
        Assert.False(_pending.IsWanted);
        _pending.Commit(1);
        await during;
    }

    [Fact]
    public async Task A_commit_answers_those_who_asked_while_it_was_tried()
    {
        _pending.BeginCommit();
        var during = WaitAsync();
        _pending.Commit(1);
        await during;
        Assert.False(_pending.IsWanted);
    }

    [Fact]
    public async Task The_end_answers_all()
    {
        var before = WaitAsync();
        _pending.BeginCommit();
        var during = WaitAsync();
        _pending.Close(DiskFull());
        foreach (var asked in (Task[])[before, during, WaitAsync()])
        {
            _ = await Assert.ThrowsAsync<Fault>(() => asked);
        }
    }

    private static Fault DiskFull() => new(FaultKind.Exhausted, "the disk is full") { Reason = "DISK_FULL" };

    private Task WaitAsync() => _pending.WaitAsync(1, CancellationToken.None);
}
