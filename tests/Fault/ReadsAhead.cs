using Auraed.Base;
using Auraed.Native;
using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>
/// Pages that are read several at a time, and checked side by side (packaging/native/ahead.c): a snapshot says what it said, whatever is committed and moved into the file meanwhile, and a damaged
/// page is found by whoever reads it, and by nobody else.
/// </summary>
[Collection(FaultLayer.Collection)]
public sealed class ReadsAhead : IDisposable
{
    private const int PageBytes = 4096;
    private const int Rows = 60;
    private readonly StoreFixture _fixture = new(Durability.Wal);
    private readonly Random _random;

    public ReadsAhead(ITestOutputHelper output) => _random = Seeds.Random(output);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_snapshot_says_the_same_with_it_as_without()
    {
        using var files = await Files.MakeAsync(_fixture, null);
        var known = Fill(files.Writer);
        for (var round = 0; round < 40; round++)
        {
            files.Reader.Execute("BEGIN");
            var before = new Dictionary<long, byte[]>(known);
            Holds(files.Reader, before, Some(5));
            files.Ahead.Begin(files.Reader.Handle);
            for (var step = _random.Next(1, 4); step > 0; step--)
            {
                Holds(files.Reader, before, _random.Next(2) == 0 ? Some(10) : Enumerable.Range(0, Rows));
                Change(files.Writer, known);
                _ = files.Writer.Checkpoint(_random.Next(2) == 0 ? SQLitePCL.raw.SQLITE_CHECKPOINT_PASSIVE : SQLitePCL.raw.SQLITE_CHECKPOINT_FULL, out _, out _);
                Holds(files.Reader, before, Some(20));
            }

            files.Ahead.End();
            Holds(files.Reader, before, Some(5));
            files.Reader.Execute("ROLLBACK");
            files.Reader.EndUnit();
            _ = files.Writer.Checkpoint(_random.Next(2) == 0 ? SQLitePCL.raw.SQLITE_CHECKPOINT_TRUNCATE : SQLitePCL.raw.SQLITE_CHECKPOINT_PASSIVE, out _, out _);
        }

        Assert.Equal(["ok"], files.Writer.QueryTexts("PRAGMA integrity_check"));
    }

    [Fact]
    public async Task Long_values_take_a_tenth_of_the_reads_and_a_read_that_fails_is_made_page_by_page()
    {
        FaultLayer.Install();
        using var files = await Files.MakeAsync(_fixture, FaultLayer.Name);
        var known = Fill(files.Writer);
        Assert.Equal(0, files.Writer.Checkpoint(SQLitePCL.raw.SQLITE_CHECKPOINT_TRUNCATE, out _, out _));
        var pages = known.Values.Sum(content => content.Length / PageBytes);
        try
        {
            var without = Reads(isAhead: false);
            var with = Reads(isAhead: true);
            Assert.True(without > pages && with < without / 5, $"{pages} pages: {without} reads, and {with} ahead");

            // A long read that fails is made page by page; a page's own is its reader's.
            var whole = Enumerable.Range(5, with - 5).Count(at => IsWhole(files, known, at));
            Assert.InRange(whole, with / 4, with);
        }
        finally
        {
            FaultLayer.Clear();
        }

        int Reads(bool isAhead)
        {
            using var reader = files.Another();
            using var ahead = new EngineAhead();
            reader.Execute("BEGIN");
            if (isAhead)
            {
                ahead.Begin(reader.Handle);
            }

            // Fails with no code: it counts.
            FaultLayer.Plan(FaultLayer.Read, 1, true, 0, false);
            Holds(reader, known, Enumerable.Range(0, Rows));
            var reads = FaultLayer.Hits;
            FaultLayer.Clear();
            ahead.End();
            reader.Execute("ROLLBACK");
            reader.EndUnit();
            return reads;
        }
    }

    /// <summary>Whether all rows are read although the disk refuses the read of that number.</summary>
    private static bool IsWhole(Files files, Dictionary<long, byte[]> known, int at)
    {
        using var reader = files.Another();
        using var ahead = new EngineAhead();
        reader.Execute("BEGIN");
        ahead.Begin(reader.Handle);
        FaultLayer.Plan(FaultLayer.Read, at, false, 10, false);
        try
        {
            Holds(reader, known, Enumerable.Range(0, Rows));
            return true;
        }
        catch (Fault fault)
        {
            // The engine checks what it did not get.
            Assert.Contains(fault.Reason, new[] { "DISK_FAILED", "DATABASE_DAMAGED" });
            return false;
        }
        finally
        {
            FaultLayer.Clear();
            ahead.End();
        }
    }

    [Fact]
    public async Task A_damaged_page_is_found_by_its_reader_alone()
    {
        var victim = _random.Next(1, Rows - 1);
        Dictionary<long, byte[]> known;
        long page;
        using (var files = await Files.MakeAsync(_fixture, null))
        {
            known = Fill(files.Writer);
            Assert.Equal(0, files.Writer.Checkpoint(SQLitePCL.raw.SQLITE_CHECKPOINT_TRUNCATE, out _, out _));
            page = files.Writer.QueryInteger($"SELECT pageno FROM dbstat WHERE name = 'filling' AND pagetype = 'overflow' ORDER BY path LIMIT 1 OFFSET {victim * 7}");
        }

        using (var file = new FileStream(_fixture.DatabasePath, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = ((page - 1) * PageBytes) + _random.Next(PageBytes - 80);
            var there = (byte)file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(there ^ (1 << _random.Next(8))));
        }

        var lost = 0;
        using var again = await Files.MakeAsync(_fixture, null, isNew: false);
        for (var number = 0; number < Rows; number++)
        {
            using var reader = again.Another();
            using var ahead = new EngineAhead();
            reader.Execute("BEGIN");
            ahead.Begin(reader.Handle);
            try
            {
                // Its neighbour first, whose pages bring the damaged one along.
                Holds(reader, known, [number]);
            }
            catch (Fault fault)
            {
                Assert.Equal("DATABASE_DAMAGED", fault.Reason);
                Assert.True(EngineMend.IsSealBroken(reader.Handle));
                lost++;
            }

            ahead.End();
        }

        Assert.Equal(1, lost);
    }

    private Dictionary<long, byte[]> Fill(Connection writer)
    {
        var known = new Dictionary<long, byte[]>();
        writer.BeginWrite();
        for (long number = 0; number < Rows; number++)
        {
            Put(writer, known, number, 60_000);
        }

        writer.Commit();
        writer.EndUnit();
        return known;
    }

    private void Change(Connection writer, Dictionary<long, byte[]> known)
    {
        writer.BeginWrite();
        for (var count = _random.Next(1, 30); count > 0; count--)
        {
            Put(writer, known, _random.Next(Rows), _random.Next(1, 80_000));
        }

        writer.Commit();
        writer.EndUnit();
    }

    private void Put(Connection writer, Dictionary<long, byte[]> known, long number, int length)
    {
        var content = new byte[length];
        _random.NextBytes(content);
        var insert = writer.Prepare("INSERT INTO filling (number, content) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET content = excluded.content");
        insert.Integer(0, number);
        insert.Blob(1, content);
        _ = insert.Execute();
        known[number] = content;
    }

    private IEnumerable<int> Some(int count) => Enumerable.Range(0, count).Select(_ => _random.Next(Rows)).ToArray();

    private static void Holds(Connection reader, Dictionary<long, byte[]> known, IEnumerable<int> numbers)
    {
        var select = reader.Prepare("SELECT content FROM filling WHERE number = ?");
        foreach (var number in numbers)
        {
            select.Integer(0, number);
            Assert.True(select.Step() && select.Blob(0).SequenceEqual(known[number]), $"row {number}");
            select.Reset();
        }
    }

    private sealed class Files : IDisposable
    {
        private readonly ServerKey _server;
        private readonly StoreKey _key;
        private readonly string _path;
        private readonly string? _layer;

        private Files(StoreFixture fixture, string? layer)
        {
            (_path, _layer) = (fixture.DatabasePath, layer);
            _server = ServerKey.Load(fixture.KeyPath);
            _key = new StoreKey(_server);
            Writer = Connection.Open(_path, ConnectionMode.Write, _key, new TableVersions(), null);
            Reader = Another();
        }

        public Connection Writer { get; }

        public Connection Reader { get; }

        public EngineAhead Ahead { get; } = new();

        public static async Task<Files> MakeAsync(StoreFixture fixture, string? layer, bool isNew = true)
        {
            if (isNew)
            {
                await fixture.Open().DisposeAsync();
            }

            var files = new Files(fixture, layer);
            if (isNew)
            {
                files.Writer.Execute("CREATE TABLE filling (number INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT");
            }

            return files;
        }

        public Connection Another() => Connection.Open(_path, ConnectionMode.Read, _key, new TableVersions(), _layer);

        public void Dispose()
        {
            Ahead.Dispose();
            Reader.Dispose();
            Writer.Dispose();
            _key.Dispose();
            _server.Dispose();
        }
    }
}
