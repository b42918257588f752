using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>
/// Pages that are written to the log in the middle of a transaction (packaging/native/commit.c), some of them several times. Nobody sees anything of them before the
/// COMMIT, and after it everyone sees the last of each.
/// </summary>
[Collection(FaultLayer.Collection)]
public sealed class PagesAhead : IDisposable
{
    private const int Full = 13;
    private const int Rows = 400;
    private const int Appended = 1_000_000;
    private readonly StoreFixture _fixture = new(Durability.Journal);
    private readonly Random _random;

    public PagesAhead(ITestOutputHelper output) => _random = Seeds.Random(output);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Readers_see_what_was_committed_and_a_crash_leaves_it()
    {
        await using var still = _fixture.Open();
        await still.DisposeAsync();
        using var server = ServerKey.Load(_fixture.KeyPath);
        using var key = new StoreKey(server);
        using var writer = Connection.Open(_fixture.DatabasePath, ConnectionMode.Write, key, new TableVersions(), null);
        using var reader = Connection.Open(_fixture.DatabasePath, ConnectionMode.Read, key, new TableVersions(), null);
        writer.Execute("PRAGMA synchronous = NORMAL");
        writer.Execute("CREATE TABLE filling (number INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT");
        var committed = new Dictionary<long, byte[]>();
        var written = 0;
        for (var round = 0; round < 60; round++)
        {
            var open = new Dictionary<long, byte[]>(committed);
            writer.BeginWrite();
            for (var step = _random.Next(1, 12); step > 0; step--)
            {
                written += Step(writer, open);
                Holds(writer, open);
                Holds(reader, committed);
            }

            if (round % 10 == 9)
            {
                HoldsAfterCrash(key, committed);
            }

            if (_random.Next(4) == 0)
            {
                writer.Execute("ROLLBACK");
            }
            else
            {
                writer.Commit();
                committed = open;
            }

            writer.EndUnit();
            Holds(writer, committed);
            Holds(reader, committed);
            if (_random.Next(8) == 0)
            {
                Assert.Equal(0, writer.Checkpoint(SQLitePCL.raw.SQLITE_CHECKPOINT_RESTART, out _, out _));
            }
        }

        // Otherwise this has tested nothing.
        Assert.True(written > 500, $"{written} pages");
        HoldsAfterCrash(key, committed);
        Assert.Equal(["ok"], writer.QueryTexts("PRAGMA integrity_check"));
    }

    [Fact]
    public async Task Outside_of_a_transaction_and_in_a_savepoint_nothing_is_written()
    {
        await using var still = _fixture.Open();
        await still.DisposeAsync();
        using var server = ServerKey.Load(_fixture.KeyPath);
        using var key = new StoreKey(server);
        using var writer = Connection.Open(_fixture.DatabasePath, ConnectionMode.Write, key, new TableVersions(), null);
        Assert.Equal(0, writer.WriteAhead(0, 100));
        writer.BeginWrite();
        Assert.Equal(0, writer.WriteAhead(0, 100));
        writer.Execute("SAVEPOINT unit");
        writer.Execute("CREATE TABLE filling (content BLOB)");
        Assert.Equal(0, writer.WriteAhead(0, 100));
        writer.Execute("RELEASE unit");
        writer.Execute("INSERT INTO filling (content) VALUES (zeroblob(40000))");
        Assert.Equal(1, writer.WriteAhead(0, 1));
        Assert.InRange(writer.WriteAhead(0, 100), 5, 20);
        Assert.Equal(0, writer.WriteAhead(0, 100));
        writer.Execute("ROLLBACK");
        Assert.Equal(0, writer.QueryInteger("SELECT count(*) FROM sqlite_schema WHERE name = 'filling'"));
    }

    [Fact]
    public async Task A_commit_that_is_to_be_synced_is_seen_by_nobody_before_that()
    {
        FaultLayer.Install();
        await using var still = _fixture.Open();
        await still.DisposeAsync();
        using var server = ServerKey.Load(_fixture.KeyPath);
        using var key = new StoreKey(server);
        using var writer = Connection.Open(_fixture.DatabasePath, ConnectionMode.Write, key, new TableVersions(), FaultLayer.Name);
        using var reader = Connection.Open(_fixture.DatabasePath, ConnectionMode.Read, key, new TableVersions(), null);
        writer.Execute("PRAGMA synchronous = NORMAL");
        writer.Execute("CREATE TABLE filling (number INTEGER PRIMARY KEY) STRICT");
        FaultLayer.Plan(FaultLayer.Sync, 1, true, 10, false);
        try
        {
            Insert(1);
            Assert.Equal("DISK_FAILED", Assert.Throws<Fault>(writer.CommitSynced).Reason);
            Assert.Equal(0, reader.QueryInteger("SELECT count(*) FROM filling"));
            writer.EndUnit();
            Assert.True(writer.IsIdle);

            // Any other is not synced.
            Insert(2);
            writer.Commit();
            writer.EndUnit();
            Assert.Equal(2, reader.QueryInteger("SELECT max(number) FROM filling"));
        }
        finally
        {
            FaultLayer.Clear();
        }

        Insert(3);
        writer.CommitSynced();
        writer.EndUnit();
        Assert.Equal(2, reader.QueryInteger("SELECT count(*) FROM filling"));

        void Insert(long number)
        {
            writer.BeginWrite();
            writer.Execute($"INSERT INTO filling (number) VALUES ({number})");
        }
    }

    [Fact]
    public async Task Who_has_time_waits_for_the_commit_that_comes_anyway()
    {
        await using var database = Database.Open(LiveDirectory.Uncommitting(_fixture));
        _ = await StoreChild.AppendAsync(database, "one", 100);
        var commits = database.Writes.Commits;
        var read = database.ReadPatientlyAsync(unit => unit.Prepare("SELECT count(*) FROM event") is var rows && rows.Step() ? rows.Integer(0) : -1, CancellationToken.None);
        await database.AskWriterAsync();
        Assert.Equal(commits, database.Writes.Commits);
        Assert.False(read.IsCompleted);
        await database.SettleAsync(CancellationToken.None);
        Assert.Equal(StoreChild.EventsPerUnit, await read);
        Assert.Equal(commits + 1, database.Writes.Commits);
    }

    [Fact]
    public void A_writer_that_is_woken_does_not_take_it_for_leisure()
    {
        var queue = new WriteQueue();
        queue.Wake();
        Assert.True(queue.Wait(TimeSpan.FromMinutes(10), TimeSpan.Zero));
        Assert.False(queue.Wait(TimeSpan.Zero, TimeSpan.Zero));
    }

    /// <summary>The transaction is lost with what is acknowledged in it; the journal has it.</summary>
    [Fact]
    public async Task A_disk_that_fills_meanwhile_loses_nothing_that_was_acknowledged()
    {
        FaultLayer.Install();
        var acknowledged = new List<long>();
        var hits = 0;
        await using (var database = Database.Open(FaultLayer.Under(LiveDirectory.Uncommitting(_fixture))))
        {
            for (var round = 0; round < 20; round++)
            {
                FaultLayer.Plan(FaultLayer.Write, 1 + _random.Next(20), true, Full, _random.Next(2) == 0);
                for (var number = 0; number < 10; number++)
                {
                    try
                    {
                        acknowledged.Add(await StoreChild.AppendAsync(database, $"{number}", 1500));
                    }
                    catch (Fault fault) when (fault.Reason == "DISK_FULL")
                    {
                        // It was told so.
                    }
                }

                hits += FaultLayer.Hits;
                FaultLayer.Clear();
                await database.SettleAsync(CancellationToken.None);
                var events = await database.ReadAsync(unit => unit.Prepare("SELECT count(*) FROM event") is var rows && rows.Step() ? rows.Integer(0) : -1, CancellationToken.None);
                Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, events);
            }

            Assert.Null(database.Failure);
            Assert.True(hits > 0);
        }

        _ = await StoreOracle.HoldsAsync(_fixture.Options, acknowledged);
    }

    /// <summary>One thing that a writer may do. Returns pages written ahead.</summary>
    private int Step(Connection writer, Dictionary<long, byte[]> open)
    {
        var what = _random.Next(12);
        if (what < 7)
        {
            return writer.WriteAhead(_random.Next(3) == 0 ? 10_000 : _random.Next(20), 1 + _random.Next(200));
        }

        if (what == 7)
        {
            Append(writer, open);
            return 0;
        }

        var before = new Dictionary<long, byte[]>(open);
        writer.Execute("SAVEPOINT unit");
        for (var row = _random.Next(1, 150); row > 0; row--)
        {
            Change(writer, open);
        }

        if (_random.Next(3) == 0)
        {
            writer.EndUnit();
            writer.Execute("ROLLBACK TO unit");
            open.Clear();
            foreach (var (number, content) in before)
            {
                open.Add(number, content);
            }
        }

        writer.EndUnit();
        writer.Execute("RELEASE unit");
        return 0;
    }

    /// <summary>As the event log grows: many rows at the end of a table, whose pages are new and full.</summary>
    private void Append(Connection writer, Dictionary<long, byte[]> open)
    {
        if (_random.Next(2) == 0)
        {
            writer.Execute($"DELETE FROM filling WHERE number >= {Appended}");
            foreach (var number in open.Keys.Where(number => number >= Appended).ToList())
            {
                _ = open.Remove(number);
            }
        }

        var first = open.Keys.Where(number => number >= Appended).DefaultIfEmpty(Appended).Max() + 1;
        for (var row = _random.Next(100, 700); row > 0; row--)
        {
            Put(writer, open, first++, 2000);
        }

        writer.EndUnit();
    }

    private void Change(Connection writer, Dictionary<long, byte[]> open)
    {
        long number = _random.Next(Rows);
        if (_random.Next(5) == 0)
        {
            var delete = writer.Prepare("DELETE FROM filling WHERE number = ?");
            delete.Integer(0, number);
            _ = delete.Execute();
            _ = open.Remove(number);
            return;
        }

        // Some take several pages.
        Put(writer, open, number, _random.Next(8) == 0 ? 9000 : 2000);
    }

    private void Put(Connection writer, Dictionary<long, byte[]> open, long number, int bytes)
    {
        var content = new byte[bytes];
        _random.NextBytes(content);
        var insert = writer.Prepare("INSERT INTO filling (number, content) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET content = excluded.content");
        insert.Integer(0, number);
        insert.Blob(1, content);
        _ = insert.Execute();
        open[number] = content;
    }

    /// <summary>What another process would find if this one were gone now.</summary>
    private void HoldsAfterCrash(StoreKey key, Dictionary<long, byte[]> committed)
    {
        using var copy = new TemporaryDirectory();
        foreach (var suffix in new[] { "", "-wal" })
        {
            using var source = new FileStream(_fixture.DatabasePath + suffix, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var target = File.Create(copy["aurae.db"] + suffix);
            source.CopyTo(target);
        }

        using var connection = Connection.Open(copy["aurae.db"], ConnectionMode.Write, key, new TableVersions(), null);
        Holds(connection, committed);
        Assert.Equal(["ok"], connection.QueryTexts("PRAGMA integrity_check"));
    }

    private static void Holds(Connection connection, Dictionary<long, byte[]> known)
    {
        var found = 0;
        var rows = connection.Prepare("SELECT number, content FROM filling");
        while (rows.Step())
        {
            found++;
            Assert.True(known.TryGetValue(rows.Integer(0), out var content) && rows.Blob(1).SequenceEqual(content), $"row {rows.Integer(0)}");
        }

        connection.EndUnit();
        Assert.Equal(known.Count, found);
    }
}
