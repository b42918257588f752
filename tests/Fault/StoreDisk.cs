using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>Disks that fail, fill up, tear and forget, under the real engine on the encrypted file.</summary>
public abstract class StoreDisk : IDisposable
{
    private protected const int Full = 13;

    /// <summary>A write that met EDQUOT, as the engine tells it.</summary>
    private protected const int OverQuota = WriteError | (122 << 16);
    private protected const int IndexFull = 4874;
    private const int ReadError = 266;
    private const int WriteError = 778;
    private const int SyncError = 1034;
    private const int TruncateError = 1546;

    private readonly StoreFixture _fixture;
    private readonly Random _random;

    protected StoreDisk(Durability durability, ITestOutputHelper output)
    {
        _fixture = new StoreFixture(durability);
        _random = Seeds.Random(output);
        FaultLayer.Install();
    }

    private protected StoreFixture Fixture => _fixture;

    public void Dispose()
    {
        FaultLayer.Clear();
        _fixture.Dispose();
    }

    [Theory]
    [InlineData(FaultLayer.Write, Full, false, false)]
    [InlineData(FaultLayer.Write, Full, true, true)]
    [InlineData(FaultLayer.Write, WriteError, false, false)]
    [InlineData(FaultLayer.Write, WriteError, true, true)]
    [InlineData(FaultLayer.Sync, SyncError, false, false)]
    [InlineData(FaultLayer.Sync, SyncError, true, false)]
    [InlineData(FaultLayer.Truncate, TruncateError, true, false)]
    [InlineData(FaultLayer.Read, ReadError, false, false)]
    [InlineData(FaultLayer.Read, ReadError, true, false)]
    public async Task Whichever_operation_fails_nothing_acknowledged_is_lost_and_nothing_is_half(int operation, int code, bool persistent, bool isShort)
    {
        await FillAsync(10);
        var start = await File.ReadAllBytesAsync(_fixture.DatabasePath);
        var hits = 1;
        for (var at = 1; hits > 0 && at <= 60; at += 1 + _random.Next(3))
        {
            await new CrashFiles(start, null, new Dictionary<string, byte[]>()).PlaceAsync(_fixture.DatabasePath);
            var acknowledged = new List<long>();
            FaultLayer.Plan(operation, at, persistent, code, isShort);
            try
            {
                await using var database = Database.Open(FaultLayer.Under(_fixture.Options));
                await WorkAsync(database, acknowledged);
                hits = FaultLayer.Hits;
                FaultLayer.Clear();
                if (operation == FaultLayer.Sync && hits > 0)
                {
                    Assert.Equal("STORE_FAILED", await FailureAsync(database));
                }
                else if (code == Full)
                {
                    // The space is back, and so is the store.
                    acknowledged.Add(await StoreChild.AppendAsync(database, "after", 100));
                }
            }
            catch (Auraed.Base.Fault)
            {
                // The open itself met the fault.
                hits = FaultLayer.Hits;
            }

            FaultLayer.Clear();
            _ = await StoreOracle.HoldsAsync(_fixture.Options, acknowledged);
        }
    }

    [Fact]
    public async Task A_full_disk_refuses_writes_serves_reads_and_mends_itself()
    {
        await FillAsync(10);
        await using var database = Database.Open(FaultLayer.Under(_fixture.Options));
        FaultLayer.Plan(FaultLayer.Write, 1, true, Full, true);
        for (var attempt = 0; attempt < 5; attempt++)
        {
            var fault = await Assert.ThrowsAsync<Auraed.Base.Fault>(() => StoreChild.AppendAsync(database, "no", 100));
            Assert.Equal((Auraed.Base.FaultKind.Exhausted, "DISK_FULL", true), (fault.Kind, fault.Reason, fault.IsTransient));
            Assert.Equal(20, await database.ReadAsync(unit => unit.Prepare("SELECT count(*) FROM event") is var rows && rows.Step() ? rows.Integer(0) : -1, CancellationToken.None));
        }

        FaultLayer.Clear();
        Assert.Equal(21, await StoreChild.AppendAsync(database, "yes", 100));
        Assert.Null(database.Failure);
    }

    [Fact]
    public async Task A_checkpoint_that_meets_the_end_of_a_quota_leaves_the_log_for_a_later_one()
    {
        await FillAsync(10);
        await using var database = Database.Open(FaultLayer.Under(_fixture.Options));
        using (await ReaderBlock.HoldAsync(database))
        {
            Assert.Equal(21, await StoreChild.AppendAsync(database, "in the log", 3000));
            await database.SettleAsync(CancellationToken.None);
            FaultLayer.Plan(FaultLayer.Write, 1, true, OverQuota, false);
        }

        await database.CheckpointAsync(CancellationToken.None);
        Assert.True(FaultLayer.Hits > 0);
        FaultLayer.Clear();
        Assert.Null(database.Failure);
        Assert.Equal(23, await StoreChild.AppendAsync(database, "after", 100));
        await database.CheckpointAsync(CancellationToken.None);
        Assert.Equal(0, database.LogBytes);
    }

    [Fact]
    public async Task A_failed_sync_ends_all_writing_and_is_never_tried_again()
    {
        await FillAsync(10);
        string? reason = null;
        // When nobody writes for a moment, a checkpoint's sync may be the one that fails; then it is done again until a write's is.
        for (var round = 0; round < 10 && reason != "OUTCOME_UNKNOWN"; round++)
        {
            var failed = new TaskCompletionSource<Auraed.Base.Fault>();
            await using var database = Database.Open(FaultLayer.Under(_fixture.Options) with { Failed = failed.SetResult });
            FaultLayer.Plan(FaultLayer.Sync, 2, false, SyncError, false);
            while (FaultLayer.Hits == 0 && reason is null)
            {
                reason = (await Record.ExceptionAsync(() => StoreChild.AppendAsync(database, "unknown", 100)) as Auraed.Base.Fault)?.Reason;
            }

            _ = await failed.Task.WaitAsync(TimeSpan.FromSeconds(10));
            Assert.Equal("STORE_FAILED", await FailureAsync(database));
            Assert.Equal(1, FaultLayer.Hits);
            Assert.Contains(reason, new[] { null, "OUTCOME_UNKNOWN", "STORE_FAILED" });
            FaultLayer.Clear();
            reason = reason == "OUTCOME_UNKNOWN" ? reason : null;
        }

        Assert.Equal("OUTCOME_UNKNOWN", reason);
    }

    [Fact]
    public async Task After_a_power_cut_at_any_moment_everything_acknowledged_is_there()
    {
        var (image, records) = await JournalAsync();
        using var held = new TemporaryDirectory();
        var options = _fixture.Options with { Directory = held["lib"] };
        Directory.CreateDirectory(options.Directory);
        var path = Path.Combine(options.Directory, "aurae.db");
        var syncs = Enumerable.Range(0, records.Count).Where(index => records[index].Kind == JournalKind.Sync).ToArray();
        for (var round = 0; round < 150; round++)
        {
            // Half of the cuts are at syncs, where the most is at stake.
            var cut = round % 2 == 0 ? syncs[_random.Next(syncs.Length)] + _random.Next(2) : _random.Next(records.Count + 1);
            await image.Build(records, cut, _random).PlaceAsync(path);
            _ = await StoreOracle.HoldsAsync(options, CrashImage.Marks(records, cut));
        }
    }

    [Fact]
    public async Task A_snapshot_of_the_volume_at_any_moment_holds_everything_acknowledged_before()
    {
        var (image, records) = await JournalAsync();
        using var held = new TemporaryDirectory();
        var options = _fixture.Options with { Directory = held["lib"] };
        Directory.CreateDirectory(options.Directory);
        for (var round = 0; round < 20; round++)
        {
            var cut = _random.Next(records.Count + 1);
            await image.Build(records, cut, _random, CrashDisk.Snapshot).PlaceAsync(Path.Combine(options.Directory, "aurae.db"));
            _ = await StoreOracle.HoldsAsync(options, CrashImage.Marks(records, cut));
        }
    }

    [Fact]
    public async Task A_disk_that_lies_about_syncs_is_found_out_by_the_same_oracle()
    {
        var (image, records) = await JournalAsync();
        var cut = records.FindLastIndex(record => record.Kind == JournalKind.Mark) + 1;
        await image.Build(records, cut, _random, CrashDisk.Lying).PlaceAsync(_fixture.DatabasePath);
        var found = await Record.ExceptionAsync(() => StoreOracle.HoldsAsync(_fixture.Options, CrashImage.Marks(records, cut)));
        Assert.True(found is Xunit.Sdk.XunitException or Auraed.Base.Fault { Kind: Auraed.Base.FaultKind.Corrupt }, $"{found}");
    }

    private static async Task<string?> FailureAsync(Database database) =>
        (await Assert.ThrowsAsync<Auraed.Base.Fault>(() => StoreChild.AppendAsync(database, "late", 100))).Reason;

    private async Task WorkAsync(Database database, List<long> acknowledged)
    {
        for (var number = 0; number < 6; number++)
        {
            try
            {
                acknowledged.Add(await StoreChild.AppendAsync(database, "work", 1500));
                if (number % 2 == 1)
                {
                    await database.CheckpointAsync(CancellationToken.None);
                }
            }
            catch (Auraed.Base.Fault)
            {
                // Told of the fault, and so nothing is promised.
            }
        }
    }

    private async Task FillAsync(int units)
    {
        await using var database = _fixture.Open();
        for (var number = 0; number < units; number++)
        {
            await StoreChild.AppendAsync(database, "fill", 1500);
        }
    }

    /// <summary>Work of several streams with checkpoints between, and all that the disk saw of it.</summary>
    private async Task<(CrashImage Image, List<JournalRecord> Records)> JournalAsync()
    {
        await FillAsync(10);
        var image = new CrashImage(await File.ReadAllBytesAsync(_fixture.DatabasePath), []);
        var journal = Path.Combine(_fixture.Root, "journal");
        FaultLayer.Journal(journal);
        await using (var database = Database.Open(FaultLayer.Under(_fixture.Options)))
        {
            for (var round = 0; round < 5; round++)
            {
                await Task.WhenAll(Enumerable.Range(0, 4).Select(async stream =>
                {
                    for (var number = 0; number < 6; number++)
                    {
                        FaultLayer.Mark(await StoreChild.AppendAsync(database, $"{stream}", 200 + (700 * stream)));
                    }
                }));
                using var reader = round % 2 == 0 ? null : await ReaderBlock.HoldAsync(database);
                FaultLayer.Mark(await StoreChild.AppendAsync(database, "after the snapshot", 900));
                // No record of a journal can tell this: it is committed at once, and what waits before it as well.
                FaultLayer.Mark(await StoreChild.AppendAsync(database, "a change of the schema", 900, $"CREATE TABLE more_{round} (a INTEGER) STRICT"));
                FaultLayer.Mark(await StoreChild.AppendAsync(database, "after it", 900));
                await database.CheckpointAsync(CancellationToken.None);
                FaultLayer.Mark(await StoreChild.AppendAsync(database, "after the checkpoint", 900));
            }
        }

        FaultLayer.Journal(null);
        return (image, JournalRecord.ReadAll(journal));
    }
}

[Collection(FaultLayer.Collection)]
public sealed class StoreDiskWal(ITestOutputHelper output) : StoreDisk(Durability.Wal, output);

[Collection(FaultLayer.Collection)]
public sealed class StoreDiskJournal(ITestOutputHelper output) : StoreDisk(Durability.Journal, output)
{
    private const int PiecesBytes = 500_000;

    [Theory]
    [InlineData(Full)]
    [InlineData(OverQuota)]
    [InlineData(IndexFull)]
    public async Task Want_of_room_leaves_a_commit_for_later_where_the_journal_has_what_is_in_it(int code)
    {
        var acknowledged = new List<long>();
        var options = FaultLayer.Under(LiveDirectory.Uncommitting(Fixture));
        await using (var database = Database.Open(options))
        {
            acknowledged.Add(await StoreChild.AppendAsync(database, "journal", PiecesBytes));
            // First it is the commit, then its groups are done again; it is written in pieces of many pages, of which another one fails each time.
            for (var attempt = 1; attempt <= 3; attempt++)
            {
                FaultLayer.Plan(FaultLayer.Write, attempt, true, code, false);
                Assert.Equal("DISK_FULL", (await Assert.ThrowsAsync<Auraed.Base.Fault>(() => database.SettleAsync(CancellationToken.None))).Reason);
                Assert.True(FaultLayer.Hits > 0);
            }

            FaultLayer.Clear();
            Assert.Null(database.Failure);
            acknowledged.Add(await StoreChild.AppendAsync(database, "after", 100));
        }

        Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(Fixture.Options, acknowledged));
    }
}
