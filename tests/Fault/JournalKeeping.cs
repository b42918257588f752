using System.Diagnostics;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Journal;
using Auraed.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Tests.Faults;

/// <summary>What the journal's segments are kept for: until the file itself, synced, holds what is in them.</summary>
public sealed class JournalKeeping : IDisposable
{
    private readonly StoreFixture _fixture = new(Durability.Journal);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_log_that_begins_again_with_as_many_frames_is_not_taken_for_moved()
    {
        await using (_fixture.Open())
        {
        }

        using var server = ServerKey.Load(_fixture.KeyPath);
        using var key = new StoreKey(server);
        using var connection = Connection.Open(_fixture.DatabasePath, ConnectionMode.Write, key, new TableVersions(), null);
        connection.Execute("PRAGMA journal_mode = WAL");
        using var readers = new ReaderPool(() => throw new InvalidOperationException(), 1);
        using var mover = new LogMover(() => throw new InvalidOperationException(), () => { });
        var checkpointer = new Checkpointer(connection, readers, mover, StoreFixture.LogFramesBusy);
        var frames = new List<int>();
        for (var round = 0; round < 4; round++)
        {
            connection.Execute($"INSERT INTO meta (key, value) VALUES ('round', '{round}') ON CONFLICT (key) DO UPDATE SET value = excluded.value");
            checkpointer.AfterCommit(hadBulk: false);
            frames.Add(connection.WalFrames);
            Assert.False(checkpointer.HasMovedAll);
            checkpointer.WhenIdle();
            Assert.True(checkpointer.HasMovedAll);
        }

        // Otherwise this has tested nothing.
        Assert.Equal(frames[^2], frames[^1]);
    }

    [Fact]
    public async Task A_reader_that_stays_long_does_not_make_the_journal_long()
    {
        const int units = 100;
        CrashFiles files;
        await using (var database = Database.Open(LiveDirectory.Uncommitting(_fixture) with { JournalBytesMax = StoreFixture.JournalBytesMax }))
        {
            await database.CheckpointAsync(CancellationToken.None);
            using (await ReaderBlock.HoldAsync(database))
            {
                for (var number = 0; number < units; number++)
                {
                    _ = await StoreChild.AppendAsync(database, "journal", 2500);
                    Assert.InRange(JournalFiles.List(_fixture.Library).Count, 1, (StoreFixture.JournalBytesMax / StoreFixture.JournalSegmentBytes) + 2);
                }

                using (await WriterBlock.HoldAsync(database))
                {
                    files = await LiveDirectory.ReadAllAsync(_fixture);
                }
            }
        }

        await files.PlaceAsync(_fixture.DatabasePath);
        Assert.Equal(units * StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, []));
        // Until the reader goes, the engine's log stands for the file.
        await (files with { Log = null }).PlaceAsync(_fixture.DatabasePath);
        Assert.Equal("JOURNAL_GAP", Assert.Throws<Fault>(() => _fixture.Open()).Reason);
    }

    [Fact]
    public void What_was_renamed_before_a_refusal_is_made_durable_all_the_same()
    {
        using var server = ServerKey.Load(_fixture.KeyPath);
        using var key = new StoreKey(server);
        var files = new RefusingFiles();
        using var appender = new JournalAppender(files, _fixture.Library, key, new byte[JournalFormat.IdBytes], 1, StoreFixture.JournalSegmentBytes);
        var last = Fill(appender, Limits.StoreJournalSparesMax + 2);
        files.Calls.Clear();
        Assert.Equal("DISK_FULL", Assert.Throws<Fault>(() => appender.Drop(last, Limits.StoreJournalSparesMax)).Reason);
        Assert.Equal([.. Enumerable.Repeat("rename", Limits.StoreJournalSparesMax), "delete", "sync"], files.Calls);
        Assert.Equal(2, appender.SegmentCount);
        files.Calls.Clear();
        _ = Assert.Throws<Fault>(() => appender.Drop(last, Limits.StoreJournalSparesMax));
        Assert.Equal(["delete"], files.Calls);
    }

    [Fact]
    public void Emptied_segments_are_filled_again_and_all_but_one_are_given_up_when_there_is_little_to_do()
    {
        using var server = ServerKey.Load(_fixture.KeyPath);
        using var key = new StoreKey(server);
        var files = new CountingFiles();
        using var appender = new JournalAppender(files, _fixture.Library, key, new byte[JournalFormat.IdBytes], 1, StoreFixture.JournalSegmentBytes);
        appender.Drop(Fill(appender, Limits.StoreJournalSparesMax + 2), Limits.StoreJournalSparesMax);
        Assert.Equal(Limits.StoreJournalSparesMax, Spares());
        Assert.Equal(Limits.StoreJournalSparesMax + 2, files.Created);
        var last = Fill(appender, Limits.StoreJournalSparesMax + 1);
        Assert.Equal(0, Spares());
        Assert.Equal(Limits.StoreJournalSparesMax + 2, files.Created);
        appender.Drop(last, Limits.StoreJournalSparesMax);
        Assert.Equal(Limits.StoreJournalSparesMax, Spares());
        appender.Drop(last, 1);
        Assert.Equal(1, Spares());
        _ = Fill(appender, 2);
        Assert.Equal(0, Spares());
        Assert.Equal(Limits.StoreJournalSparesMax + 2, files.Created);
        appender.Drop(long.MaxValue, 1);
        appender.Remove();
        Assert.Empty(Directory.EnumerateFiles(_fixture.Library, "aurae.journal-*"));
    }

    [Fact]
    public async Task A_start_removes_what_emptied_segments_a_kill_left()
    {
        await using (_fixture.Open())
        {
        }

        foreach (var spare in JournalFiles.SparePathsOf(_fixture.Library))
        {
            await File.WriteAllBytesAsync(spare, new byte[100]);
        }

        await using var database = _fixture.Open();
        Assert.Equal(0, Spares());
    }

    [Fact]
    public async Task A_writer_without_work_keeps_one_emptied_segment()
    {
        await using var database = Database.Open(_fixture.Options with { LazyCommitTimeMax = TimeSpan.FromMinutes(10) });
        for (var number = 0; number < 40; number++)
        {
            _ = await StoreChild.AppendAsync(database, "journal", 2500);
        }

        for (var waited = Stopwatch.StartNew(); JournalFiles.List(_fixture.Library).Count > 1 || Spares() != 1; await Task.Delay(5))
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), $"{Spares()} stay");
        }
    }

    private int Spares() => JournalFiles.SparePathsOf(_fixture.Library).Count(File.Exists);

    /// <summary>Appends until the journal has so many segments; returns the last number.</summary>
    private static long Fill(JournalAppender appender, int segments)
    {
        var record = new byte[StoreFixture.JournalSegmentBytes / 2];
        long number;
        do
        {
            number = appender.NextNumber();
            appender.Append(record, new RecordHeader(record.Length - JournalFormat.RecordHeaderBytes, number, number - 1, number, number));
        }
        while (appender.SegmentCount < segments);
        return number;
    }

    [Fact]
    public async Task Segments_stay_while_a_reader_keeps_their_groups_out_of_the_file()
    {
        await using var database = Database.Open(_fixture.Options with { LazyCommitIdle = TimeSpan.FromMinutes(10), LazyCommitTimeMax = TimeSpan.FromMinutes(10) });
        await database.CheckpointAsync(CancellationToken.None);
        using (await ReaderBlock.HoldAsync(database))
        {
            for (var number = 0; number < 40; number++)
            {
                _ = await StoreChild.AppendAsync(database, "journal", 2500);
            }

            var before = JournalFiles.List(_fixture.Library).Count;
            Assert.True(before > 2);
            await database.CheckpointAsync(CancellationToken.None);
            Assert.Equal(before, JournalFiles.List(_fixture.Library).Count);
        }

        await database.CheckpointAsync(CancellationToken.None);
        Assert.Single(JournalFiles.List(_fixture.Library));
    }

    private sealed class CountingFiles : JournalFiles
    {
        public int Created { get; private set; }

        public override SafeFileHandle Create(string path, long bytes)
        {
            Created++;
            return base.Create(path, bytes);
        }
    }

    /// <summary>Has no room to remove a name, as file systems that never write in place have none.</summary>
    private sealed class RefusingFiles : JournalFiles
    {
        public List<string> Calls { get; } = [];

        public override void Rename(string from, string to)
        {
            Calls.Add("rename");
            base.Rename(from, to);
        }

        public override void Delete(string path)
        {
            Calls.Add("delete");
            throw DiskFull(null);
        }

        public override void SyncDirectory(string directory)
        {
            Calls.Add("sync");
            base.SyncDirectory(directory);
        }
    }
}
