using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>
/// A COMMIT of many pages is enciphered by two threads (packaging/native/commit.c). What it leaves is read by the engine's own codec, by connections that know
/// nothing of that: every page is what was written, whatever else happens to the COMMIT.
/// </summary>
[Collection(FaultLayer.Collection)]
public abstract class LargeCommits : IDisposable
{
    private const int Full = 13;
    private readonly StoreFixture _fixture;
    private readonly Random _random;

    protected LargeCommits(Durability durability, ITestOutputHelper output)
    {
        _fixture = new StoreFixture(durability);
        _random = Seeds.Random(output);
    }

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Every_page_is_read_as_it_was_written()
    {
        var known = new Dictionary<long, byte[]>();
        await using (var database = _fixture.Open())
        {
            await MakeAsync(database);
            for (var round = 0; round < 10; round++)
            {
                // From a few pages, which one thread enciphers, to several times what the other is ahead at most.
                await ChangeAsync(database, known, 1 + _random.Next(round % 3 == 0 ? 20 : 800));
                await HoldsAsync(database, known);
            }
        }

        await using var again = _fixture.Open();
        await HoldsAsync(again, known);
        Assert.True((await again.VerifyAsync(null, CancellationToken.None)).IsSound);
    }

    [Fact]
    public async Task A_disk_that_fills_in_the_middle_of_it_leaves_what_was_there()
    {
        FaultLayer.Install();
        var known = new Dictionary<long, byte[]>();
        await using (var database = Database.Open(FaultLayer.Under(_fixture.Options)))
        {
            await MakeAsync(database);
            await ChangeAsync(database, known, 600);
            var hits = 0;
            for (var round = 0; round < 10; round++)
            {
                var before = new Dictionary<long, byte[]>(known);
                // Written in pieces of 64 KiB: some forty of them.
                FaultLayer.Plan(FaultLayer.Write, 1 + _random.Next(40), true, Full, _random.Next(2) == 0);
                var refusal = await Record.ExceptionAsync(() => ChangeAsync(database, known, 100 + _random.Next(500)));
                var refusedLater = await Record.ExceptionAsync(() => database.SettleAsync(CancellationToken.None));
                hits += FaultLayer.Hits;
                FaultLayer.Clear();
                Assert.True(refusal is null or Auraed.Base.Fault { Reason: "DISK_FULL" }, $"{refusal}");
                Assert.True(refusedLater is null or Auraed.Base.Fault { Reason: "DISK_FULL" }, $"{refusedLater}");
                known = refusal is null ? known : before;
                await HoldsAsync(database, known);
            }

            Assert.Null(database.Failure);
            Assert.True(hits > 0);
        }

        await using var again = _fixture.Open();
        await HoldsAsync(again, known);
        Assert.True((await again.VerifyAsync(null, CancellationToken.None)).IsSound);
    }

    private static Task MakeAsync(Database database) => database.WriteAsync(
        unit => unit.Prepare("CREATE TABLE filling (number INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT").Execute(), CancellationToken.None);

    /// <summary>Rows of about a page each, at random places of the table.</summary>
    private Task ChangeAsync(Database database, Dictionary<long, byte[]> known, int count)
    {
        for (var row = 0; row < count; row++)
        {
            var content = new byte[2000 + _random.Next(1900)];
            _random.NextBytes(content);
            known[_random.Next(1500)] = content;
        }

        var changed = known.ToList();
        return database.WriteAsync(
            unit =>
            {
                var insert = unit.Prepare("INSERT INTO filling (number, content) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET content = excluded.content WHERE content <> excluded.content");
                foreach (var (number, content) in changed)
                {
                    insert.Integer(0, number);
                    insert.Blob(1, content);
                    _ = insert.Execute();
                }

                return 0;
            },
            CancellationToken.None);
    }

    private static async Task HoldsAsync(Database database, Dictionary<long, byte[]> known)
    {
        var found = await database.ReadAsync(
            unit =>
            {
                var all = new Dictionary<long, byte[]>();
                var rows = unit.Prepare("SELECT number, content FROM filling");
                while (rows.Step())
                {
                    all[rows.Integer(0)] = rows.Blob(1).ToArray();
                }

                return all;
            },
            CancellationToken.None);
        Assert.Equal(known.Count, found.Count);
        Assert.All(known, row => Assert.True(row.Value.AsSpan().SequenceEqual(found[row.Key]), $"row {row.Key}"));
    }
}

public sealed class LargeCommitsWal(ITestOutputHelper output) : LargeCommits(Durability.Wal, output);

public sealed class LargeCommitsJournal(ITestOutputHelper output) : LargeCommits(Durability.Journal, output);
