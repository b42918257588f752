using System.Globalization;
using System.Text;
using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>What the journal does again is what was there, row for row in every table, those behind the full-text indexes included.</summary>
[Collection(FaultLayer.Collection)]
public sealed class JournalReplay : IDisposable
{
    private readonly StoreFixture _fixture = new(Durability.Journal);
    private readonly Random _random;

    public JournalReplay(ITestOutputHelper output) => _random = Seeds.Random(output);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Every_kind_of_change_is_done_again_exactly()
    {
        using var copy = new TemporaryDirectory();
        string truth;
        await using (var database = Database.Open(_fixture.Options with { LazyCommitIdle = TimeSpan.FromMinutes(10), LazyCommitTimeMax = TimeSpan.FromMinutes(10) }))
        {
            await WriteAsync(database, "CREATE TABLE odd (a REAL, b BLOB, \"c d\" ANY, e TEXT COLLATE NOCASE UNIQUE) STRICT");
            await WriteAsync(database, "CREATE TABLE made (a INTEGER PRIMARY KEY, b INTEGER GENERATED ALWAYS AS (a + 1) STORED) STRICT");
            for (var round = 0; round < 40; round++)
            {
                await RoundAsync(database, round);
            }

            using (await WriterBlock.HoldAsync(database))
            {
                foreach (var path in Directory.EnumerateFiles(_fixture.Library, "aurae.*").Where(path => path.EndsWith(".db", StringComparison.Ordinal) || path.EndsWith("-wal", StringComparison.Ordinal) || path.Contains("journal-", StringComparison.Ordinal)))
                {
                    await using var source = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                    await using var target = File.Create(Path.Combine(copy.Path, Path.GetFileName(path)));
                    await source.CopyToAsync(target);
                }
            }

            truth = await database.ReadAsync(Dump, CancellationToken.None);
        }

        await using var again = Database.Open(_fixture.Options with { Directory = copy.Path });
        Assert.Equal(truth, await again.ReadAsync(Dump, CancellationToken.None));
        foreach (var index in new[] { "sop_fts", "principal_fts", "document_fts" })
        {
            await WriteAsync(again, $"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)");
        }

        Assert.True((await again.VerifyAsync(null, CancellationToken.None)).IsSound);
    }

    [Fact]
    public async Task A_disk_that_fills_under_the_commit_loses_nothing_that_was_acknowledged()
    {
        FaultLayer.Install();
        var acknowledged = new List<long>();
        await using (var database = Database.Open(FaultLayer.Under(_fixture.Options)))
        {
            for (var round = 0; round < 10; round++)
            {
                acknowledged.AddRange(await Task.WhenAll(Enumerable.Range(0, 10).Select(number => StoreChild.AppendAsync(database, $"{number}", 1500))));

                // The records are on the disk; the commit that the reader asks for finds no room.
                FaultLayer.Plan(FaultLayer.Write, 1 + _random.Next(3), true, 13, true);
                var read = await Record.ExceptionAsync(() => database.ReadAsync(unit => unit.Prepare("SELECT count(*) FROM event").Step(), CancellationToken.None));
                Assert.True(read is null or Auraed.Base.Fault { Reason: "DISK_FULL" }, $"{read}");
                FaultLayer.Clear();
                await database.SettleAsync(CancellationToken.None);
                var events = await database.ReadAsync(unit => unit.Prepare("SELECT count(*) FROM event") is var rows && rows.Step() ? rows.Integer(0) : -1, CancellationToken.None);
                Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, events);
            }

            Assert.Null(database.Failure);
        }

        _ = await StoreOracle.HoldsAsync(_fixture.Options, acknowledged);
    }

    private async Task RoundAsync(Database database, int round)
    {
        var key = 1000 + (round * 10);
        const string record = "tenant, id, revision, create_time, update_time";
        string[] units =
        [
            $"INSERT INTO sop (row_id, {record}, title, description) VALUES ({key}, 't', 's{round}', 1, 1, 1, 'fill the tank {round}', 'and close the lid {_random.Next()}')",
            $"INSERT INTO sop_steps (parent, ordinal, title) VALUES ({key}, 1, 'one'), ({key}, 2, 'two'); UPDATE sop_steps SET ordinal = ordinal + 10 WHERE parent = {key}",
            $"UPDATE sop SET title = 'empty the tank {round}' WHERE row_id = {key - 10}",
            $"DELETE FROM sop WHERE row_id = {key - 50}",
            $"INSERT INTO principal ({record}, display_name) VALUES ('t', 'p{round}', 1, 1, 1, 'Ada {round}'); UPDATE principal SET display_name = display_name || '!' WHERE id = 'p{round - 3}'",
            $"INSERT INTO virtual_machine (row_id, {record}) VALUES ({key}, 't', 'v{round}', 1, 1, 1)",
            $"INSERT INTO network_interface ({record}, machine, mac_address) VALUES ('t', 'a{round}', 1, 1, 1, 'v{round}', 'a{round}'), ('t', 'b{round}', 1, 1, 1, 'v{round}', 'b{round}')",
            // Two rows exchange a unique value.
            $"UPDATE network_interface SET mac_address = 'x' WHERE id = 'a{round}'; UPDATE network_interface SET mac_address = 'a{round}' WHERE id = 'b{round}'; UPDATE network_interface SET mac_address = 'b{round}' WHERE id = 'a{round}'",
            $"DELETE FROM virtual_machine WHERE id = 'v{round - 2}'",
            $"REPLACE INTO request (row_id, tenant, principal, request_id, time, digest, answer) VALUES ({round % 7}, 't', 'p', 'r{round % 5}', {round}, x'00', zeroblob({_random.Next(3000)}))",
            $"INSERT INTO odd VALUES (5, NULL, {_random.Next()}, 'Name {round}'), (0.1, x'', 'text', NULL), (-1e300, zeroblob(10), 1.5, '')  ON CONFLICT DO UPDATE SET e = NULL",
            // Numbers of every length, and a value that is longer than the room for a record at first.
            $"INSERT INTO odd VALUES (1e308, zeroblob({(round == 20 ? 300_000 : 0)}), -9223372036854775808, NULL), (NULL, NULL, 9223372036854775807, NULL), (-0.0, NULL, {-1L << round}, NULL)",
            $"UPDATE odd SET _rowid_ = -_rowid_ WHERE _rowid_ = {round}",
            $"INSERT INTO made (a) VALUES ({round})",
        ];
        await Task.WhenAll(units.Select(sql => WriteAsync(database, sql)));
        var refused = WriteAsync(database, $"INSERT INTO sop (row_id, {record}) VALUES ({key + 1}, 't', 'gone', 1, 1, 1); INSERT INTO sop (row_id, {record}) VALUES ({key}, 't', 'twice', 1, 1, 1)");
        Assert.Equal(Auraed.Base.FaultKind.AlreadyExists, (await Assert.ThrowsAsync<Auraed.Base.Fault>(() => refused)).Kind);
        await SwallowAsync(database, key, record);
    }

    /// <summary>A unit that goes on after a statement of it failed in the middle of its rows.</summary>
    private static Task SwallowAsync(Database database, int key, string record) => database.WriteAsync(
        unit =>
        {
            _ = unit.Prepare($"INSERT INTO sop (row_id, {record}, title) VALUES ({key + 2}, 't', 'kept{key}', 1, 1, 1, 'kept')").Execute();
            _ = Assert.Throws<Auraed.Base.Fault>(() => unit.Prepare($"INSERT INTO sop (row_id, {record}, title) VALUES ({key + 3}, 't', 'half{key}', 1, 1, 1, 'half'), ({key}, 't', 'twice', 1, 1, 1, '')").Execute());
            return unit.Prepare($"UPDATE sop SET description = 'after' WHERE row_id = {key + 2}").Execute();
        },
        CancellationToken.None);

    private static Task WriteAsync(Database database, string script) => database.WriteAsync(
        unit =>
        {
            foreach (var sql in script.Split("; "))
            {
                _ = unit.Prepare(sql).Execute();
            }

            unit.Events.Append("t", "p", null, "test.created", "s", "payload"u8);
            return 0;
        },
        CancellationToken.None);

    private static string Dump(ReadUnit unit)
    {
        var names = new List<string>();
        var tables = unit.Prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY 1");
        while (tables.Step())
        {
            names.Add(tables.Text(0));
        }

        var text = new StringBuilder();
        foreach (var name in names)
        {
            var rows = unit.Prepare($"SELECT * FROM \"{name}\"");
            while (rows.Step())
            {
                if (name == "meta" && rows.Text(0) == "journal")
                {
                    continue;
                }

                text.Append(name);
                for (var column = 0; column < rows.ColumnCount; column++)
                {
                    text.Append(CultureInfo.InvariantCulture, $"|{rows.ColumnStorage(column)}:{Convert.ToHexString(rows.Blob(column))}");
                }

                text.Append('\n');
            }
        }

        return text.ToString();
    }
}
