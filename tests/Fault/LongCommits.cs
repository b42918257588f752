using System.Diagnostics;
using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Faults;

/// <summary>What keeps commits behind the journal long, and the log from growing meanwhile.</summary>
public sealed class LongCommits : IDisposable
{
    private const int LargeBytes = 2 * 1024 * 1024;
    private readonly StoreFixture _fixture = new(Durability.Journal);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_commit_that_came_early_does_not_make_those_after_it_small()
    {
        await using var database = Database.Open(LiveDirectory.Uncommitting(_fixture) with { LogFramesBusy = int.MaxValue });
        await FillAsync(2 * Limits.StoreLazyCommitBytesFirst);
        await database.SettleAsync(CancellationToken.None);
        _ = await StoreChild.AppendAsync(database, "early", 10);
        await database.SettleAsync(CancellationToken.None);
        var commits = database.Writes.Commits;
        // Far more than a commit would gather that goes by the early one, a page for a few bytes.
        await FillAsync(4 * Limits.StoreLazyCommitBytesFirst);
        Assert.Equal(commits, database.Writes.Commits);

        async Task FillAsync(long bytes)
        {
            for (var end = database.Writes.JournalBytes + bytes; database.Writes.JournalBytes < end;)
            {
                _ = await StoreChild.AppendAsync(database, "long", 20_000);
            }
        }
    }

    [Fact]
    public async Task A_log_that_is_all_in_the_file_is_not_long()
    {
        await using var parts = await PartsAsync();
        var (connection, checkpointer) = (parts.Connection, parts.Checkpointer);
        Fill(connection, LargeBytes);
        Assert.True(checkpointer.IsLogLong);
        checkpointer.WhenIdle();
        Assert.True(checkpointer.HasMovedAll);
        Assert.True(connection.WalFrames > Limits.StoreWalPassesMax * StoreFixture.LogFramesBusy);
        Assert.False(checkpointer.IsLogLong);
        Fill(connection, 1);
        Assert.InRange(connection.WalFrames, 1, 16);
    }

    [Fact]
    public async Task A_long_log_begins_again_as_soon_as_the_reader_in_its_way_has_gone()
    {
        await using var parts = await PartsAsync();
        var (connection, checkpointer) = (parts.Connection, parts.Checkpointer);
        Fill(connection, LargeBytes);
        using (var reader = parts.Open(ConnectionMode.Read))
        {
            reader.Execute("BEGIN");
            _ = reader.QueryTexts("SELECT key FROM meta");
            Fill(connection, 1);
            checkpointer.AfterCommit(hadBulk: false);
            await PassAsync(parts.Mover);
            Fill(connection, 1);
            checkpointer.AfterCommit(hadBulk: false);
            await PassAsync(parts.Mover);
            Assert.False(checkpointer.HasMovedAll);
            Assert.False(checkpointer.IsCommitWanted);
        }

        for (var waited = Stopwatch.StartNew(); !checkpointer.IsCommitWanted; await Task.Delay(5))
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), "nothing tries again");
            checkpointer.BetweenCommits(hadBulk: false);
        }

        Fill(connection, 1);
        Assert.InRange(connection.WalFrames, 1, 16);
    }

    [Fact]
    public async Task An_ingest_makes_the_writers_cache_small_and_upkeep_does_not()
    {
        await using var database = _fixture.Open();
        Assert.Equal(-Limits.StoreWriteCacheKibibytes, await CacheAsync(database, WritePriority.Small));
        _ = await CacheAsync(database, WritePriority.Upkeep);
        Assert.Equal(-Limits.StoreWriteCacheKibibytes, await CacheAsync(database, WritePriority.Small));
        _ = await CacheAsync(database, WritePriority.Bulk);
        Assert.Equal(-Limits.StoreWriteCacheBulkKibibytes, await CacheAsync(database, WritePriority.Small));
        await Task.Delay(Limits.StoreIngestRest * 1.2);
        _ = await CacheAsync(database, WritePriority.Small);
        Assert.Equal(-Limits.StoreWriteCacheKibibytes, await CacheAsync(database, WritePriority.Small));
    }

    [Fact]
    public async Task Large_commits_make_the_writers_cache_large_and_an_ingest_makes_it_small_all_the_same()
    {
        await using var database = Database.Open(_fixture.Options with { WidePagesMin = 64 });
        _ = await StoreChild.AppendAsync(database, "small", 10);
        await database.SettleAsync(CancellationToken.None);
        _ = await CacheAsync(database, WritePriority.Small);
        Assert.Equal(-Limits.StoreWriteCacheKibibytes, await CacheAsync(database, WritePriority.Small));
        _ = await StoreChild.AppendAsync(database, "large", 200 * 4096);
        await database.SettleAsync(CancellationToken.None);
        _ = await CacheAsync(database, WritePriority.Small);
        Assert.Equal(-Limits.StoreWriteCacheWideKibibytes, await CacheAsync(database, WritePriority.Small));
        _ = await CacheAsync(database, WritePriority.Bulk);
        Assert.Equal(-Limits.StoreWriteCacheBulkKibibytes, await CacheAsync(database, WritePriority.Small));
    }

    /// <summary>What it is in a group of this kind; what follows from the group is done after its answer, and before the next.</summary>
    private static Task<long> CacheAsync(Database database, WritePriority priority) => database.WriteAsync(
        unit =>
        {
            var statement = unit.Prepare("PRAGMA cache_size");
            Assert.True(statement.Step());
            return statement.Integer(0);
        },
        CancellationToken.None,
        priority);

    private static async Task PassAsync(LogMover mover)
    {
        for (var waited = Stopwatch.StartNew(); mover.IsRunning; await Task.Delay(1))
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), "the pass does not end");
        }
    }

    private static void Fill(Connection connection, int bytes) =>
        connection.Execute($"INSERT INTO meta (key, value) VALUES ('filling {bytes}', hex(randomblob({bytes}))) ON CONFLICT (key) DO UPDATE SET value = excluded.value");

    private async Task<Parts> PartsAsync()
    {
        await using (_fixture.Open())
        {
        }

        return new Parts(_fixture);
    }

    private sealed class Parts : IAsyncDisposable
    {
        private readonly StoreFixture _fixture;
        private readonly ServerKey _server;
        private readonly StoreKey _key;
        private readonly ReaderPool _readers;

        public Parts(StoreFixture fixture)
        {
            _fixture = fixture;
            _server = ServerKey.Load(fixture.KeyPath);
            _key = new StoreKey(_server);
            Connection = Open(ConnectionMode.Write);
            Connection.Execute("PRAGMA journal_mode = WAL");
            _readers = new ReaderPool(() => Open(ConnectionMode.Read), 1);
            Mover = new LogMover(() => Open(ConnectionMode.Write), () => { });
            Checkpointer = new Checkpointer(Connection, _readers, Mover, StoreFixture.LogFramesBusy);
        }

        public Connection Connection { get; }

        public LogMover Mover { get; }

        public Checkpointer Checkpointer { get; }

        public Connection Open(ConnectionMode mode) => Connection.Open(_fixture.DatabasePath, mode, _key, new TableVersions(), null);

        public ValueTask DisposeAsync()
        {
            Mover.Dispose();
            _readers.Dispose();
            Connection.Dispose();
            _key.Dispose();
            _server.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
