using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>The same with a journal, and a process killed at every step of it: append, segment switch, lazy commit, drop, start, stop, and recovery itself.</summary>
public sealed class StoreCrashesJournal(ITestOutputHelper output) : StoreCrashes(Durability.Journal, output)
{
    [Theory]
    [InlineData("journal.starting", 1)]
    [InlineData("journal.started", 1)]
    [InlineData("journal.append", 60)]
    [InlineData("journal.written", 60)]
    [InlineData("journal.synced", 60)]
    [InlineData("journal.switch", 3)]
    [InlineData("journal.created", 1)]
    [InlineData("journal.header", 3)]
    [InlineData("journal.named", 3)]
    [InlineData("journal.switched", 3)]
    [InlineData("ahead.written", 10)]
    [InlineData("lazy.before", 1)]
    [InlineData("lazy.after", 1)]
    [InlineData("journal.drop", 1)]
    [InlineData("journal.dropped", 1)]
    [InlineData("journal.closing", 1)]
    [InlineData("journal.closed", 1)]
    [InlineData("journal.remove", 1)]
    [InlineData("journal.removed", 1)]
    public async Task A_kill_at_any_step_of_the_journal_keeps_what_was_acknowledged(string point, int timesMax)
    {
        var child = Run(point, 1 + Random.Next(timesMax), "write", "60");
        Assert.True(child.Killed, child.Said);
        await HoldsAsync(child.Acknowledged);
        Assert.Equal(["aurae.db", "aurae.lock"], Names());
    }

    [Theory]
    [InlineData("recovery.before", 1)]
    [InlineData("recovery.group", 20)]
    [InlineData("recovery.commit", 1)]
    [InlineData("recovery.committed", 1)]
    [InlineData("recovery.folded", 1)]
    [InlineData("recovery.removed", 1)]
    [InlineData("recovery.done", 1)]
    [InlineData("journal.created", 1)]
    [InlineData("journal.header", 1)]
    [InlineData("journal.started", 1)]
    public async Task A_recovery_that_is_killed_again_and_again_still_ends_with_everything(string point, int timesMax)
    {
        // Nothing of this is committed yet: all of it is in the journal alone.
        var child = Run("journal.synced", 60, "burst", "200");
        Assert.True(child.Killed, child.Said);
        Assert.NotEmpty(child.Acknowledged);
        for (var attempt = 0; attempt < 3; attempt++)
        {
            // Once a recovery has come to its end, the next has nothing to do and may pass the point by.
            Assert.True(Run(point, 1 + Random.Next(timesMax), "open").Killed || attempt > 0, point);
        }

        await HoldsAsync(child.Acknowledged);
    }

    [Theory]
    [InlineData("recovery.group", 55)]
    [InlineData("recovery.commit", 1)]
    [InlineData("recovery.committed", 1)]
    public async Task A_kill_while_what_a_full_disk_undid_is_done_again_loses_nothing(string point, int timesMax)
    {
        // Of the running daemon: the commit found no room, and its groups are done again out of the journal.
        var child = Run(point, 1 + Random.Next(timesMax), "full", "60");
        Assert.True(child.Killed, child.Said);
        Assert.Equal(60, child.Acknowledged.Count);

        // Of the starts after it: one is killed in the midst of it, one has no room, and one has room for some of it.
        var start = Run("recovery.group", 1 + Random.Next(55), "open on a full disk", "0");
        Assert.True(start.Killed || point == "recovery.committed", start.Said);
        Assert.Contains("DISK_FULL", Run("none", 1, "open on a full disk", $"{Random.Next(3)}").Said, StringComparison.Ordinal);
        _ = Run("recovery.folded", 1, "open on a full disk", $"{Random.Next(600)}");
        await HoldsAsync(child.Acknowledged);
        Assert.Equal(["aurae.db", "aurae.lock"], Names());
    }

    [Theory]
    [InlineData("journal.shorten", 3)]
    [InlineData("journal.shortened", 3)]
    [InlineData("journal.drop", 8)]
    public async Task A_kill_while_a_reader_keeps_the_journal_long_keeps_what_was_acknowledged(string point, int timesMax)
    {
        var child = Run(point, 1 + Random.Next(timesMax), "pinned", "400");
        Assert.True(child.Killed, child.Said);
        await HoldsAsync(child.Acknowledged);
    }

    [Theory]
    [InlineData("unit.done")]
    [InlineData("commit.before")]
    [InlineData("commit.after")]
    public async Task A_kill_around_what_no_record_can_tell_keeps_what_was_acknowledged(string point)
    {
        var child = Run(point, 4 + Random.Next(28), "mixed", "4");
        Assert.True(child.Killed, child.Said);
        await HoldsAsync(child.Acknowledged);
    }

    [Theory]
    [InlineData("restore.copied", false)]
    [InlineData("swap.marked", true)]
    [InlineData("swap.log_moved", true)]
    [InlineData("swap.old_moved", true)]
    [InlineData("swap.placed", true)]
    public async Task A_restore_beside_a_journal_that_is_killed_leaves_one_database_with_its_journal_or_the_other(string point, bool isNew)
    {
        var copy = Path.Combine(Fixture.Root, "copy.db");
        await using (var database = Fixture.Open())
        {
            _ = await StoreChild.AppendAsync(database, "old", 100);
            _ = await database.BackupAsync(copy, null, CancellationToken.None);
        }

        var acknowledged = Run("journal.synced", 60, "burst", "200").Acknowledged;
        Assert.True(Run(point, 1, "restore", copy).Killed);
        if (!isNew)
        {
            await HoldsAsync(acknowledged);
            return;
        }

        Assert.Equal(StoreChild.EventsPerUnit, await HoldsAsync([]));
        var aside = Assert.Single(Directory.GetDirectories(Fixture.Library, "before-restore-*"));
        Assert.True(Maintenance.VerifyLibrary(Fixture.Options with { Directory = aside }, null, CancellationToken.None).IsSound);
        _ = await StoreOracle.HoldsAsync(Fixture.Options with { Directory = aside }, acknowledged);
    }

    [Theory]
    [InlineData(Durability.Wal, Durability.Journal)]
    [InlineData(Durability.Journal, Durability.Wal)]
    public async Task The_mode_may_change_after_a_kill(Durability first, Durability second)
    {
        var acknowledged = new List<long>();
        foreach (var mode in new[] { first, second, first })
        {
            var child = Run("group.answered", 30, mode, "write", "60");
            Assert.True(child.Killed, child.Said);
            acknowledged.AddRange(child.Acknowledged);
        }

        await HoldsAsync(acknowledged);
    }

    [Fact]
    public async Task A_directory_copied_at_any_moment_holds_everything_acknowledged_before()
    {
        using var copies = new TemporaryDirectory();
        var acknowledged = new List<long>();
        await using var database = Fixture.Open();
        for (var round = 0; round < 12; round++)
        {
            var writes = Enumerable.Range(0, 8 + Random.Next(60)).Select(number => StoreChild.AppendAsync(database, $"{number}", 200 + Random.Next(3000)));
            acknowledged.AddRange(await Task.WhenAll(writes));
            if (round % 3 == 1)
            {
                await database.SettleAsync(CancellationToken.None);
            }

            // While the writer stands still the files are those of one moment.
            var copy = copies[$"{round}"];
            using (await WriterBlock.HoldAsync(database))
            {
                Directory.CreateDirectory(copy);
                foreach (var path in Directory.EnumerateFiles(Fixture.Library, "aurae.*").Where(path => !path.EndsWith("-shm", StringComparison.Ordinal) && !path.EndsWith("lock", StringComparison.Ordinal)))
                {
                    await using var source = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                    await using var target = File.Create(Path.Combine(copy, Path.GetFileName(path)));
                    await source.CopyToAsync(target);
                }
            }

            _ = await StoreOracle.HoldsAsync(Fixture.Options with { Directory = copy, Durability = round % 2 == 0 ? Durability.Journal : Durability.Wal }, acknowledged);
        }
    }

    [Fact]
    public async Task Work_on_the_directory_of_a_killed_daemon_takes_its_journal_along()
    {
        var copy = Path.Combine(Fixture.Root, "copy.db");
        await using (var database = Fixture.Open())
        {
            _ = await StoreChild.AppendAsync(database, "old", 100);
            _ = await database.BackupAsync(copy, null, CancellationToken.None);
        }

        Assert.True(Maintenance.Verify(copy, Fixture.KeyPath, null, CancellationToken.None).IsSound);
        var acknowledged = Run("journal.synced", 60, "burst", "200").Acknowledged;
        var beside = Assert.Throws<Auraed.Base.Fault>(() => Maintenance.Verify(Fixture.DatabasePath, Fixture.KeyPath, null, CancellationToken.None));
        Assert.Equal("LOG_BESIDE", beside.Reason);
        var newKey = Path.Combine(Fixture.Root, "new.key");
        Tool.Run("openssl", "genpkey", "-algorithm", "ED25519", "-out", newKey).Succeeded();
        _ = Maintenance.Rekey(Fixture.Options, newKey, null, CancellationToken.None);
        await HoldsAsync(acknowledged, newKey);
        _ = Maintenance.Rekey(Fixture.Options with { KeyPath = newKey }, Fixture.KeyPath, null, CancellationToken.None);

        acknowledged.AddRange(Run("journal.synced", 60, "burst", "200").Acknowledged);
        _ = Maintenance.Migrate(Fixture.Options with { Migrations = StoreChild.Extended }, null);
        _ = Maintenance.Migrate(Fixture.Options with { Migrations = StoreChild.Extended }, Migration.Embedded.Count);
        await HoldsAsync(acknowledged);

        acknowledged.AddRange(Run("journal.synced", 60, "burst", "200").Acknowledged);
        var swap = Maintenance.Restore(Fixture.Options, copy, null, CancellationToken.None);
        Assert.Equal(2, await HoldsAsync([]));
        _ = await StoreOracle.HoldsAsync(Fixture.Options with { Directory = swap.KeptAside! }, acknowledged);
    }

    private IEnumerable<string?> Names() => Directory.EnumerateFiles(Fixture.Library).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
