using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Tests.Support;

namespace Auraed.Tests.Faults;

/// <summary>A chunk in a page that the disk has damaged is mended by pages, which no journal tells: what is acknowledged of it outlives a kill all the same.</summary>
public sealed class ChunkMending : IDisposable
{
    private const int PageBytes = 4096;
    private readonly StoreFixture _fixture = new(Durability.Journal);
    private readonly byte[] _frame = AssetHost.Random(1, 50_000);

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_mended_chunk_is_in_the_file_before_that_is_acknowledged(bool isOther)
    {
        long number;
        long page;
        await using (var database = Database.Open(LiveDirectory.Uncommitting(_fixture)))
        {
            number = await database.WriteAsync(Add, CancellationToken.None);
            page = await database.ReadAsync(unit => Integer(unit, "SELECT pageno FROM dbstat WHERE name = 'chunk_body' AND pagetype = 'overflow' ORDER BY path LIMIT 1 OFFSET 4"), CancellationToken.None);
        }

        Damage(page);
        var frame = isOther ? AssetHost.Random(2, 50_000) : _frame;
        CrashFiles files;
        await using (var database = Database.Open(LiveDirectory.Uncommitting(_fixture)))
        {
            await database.WriteAsync(unit => new ChunkRows(unit).Fill(new ChunkRows(unit).Find(number)!.Value, frame), CancellationToken.None);
            using (await WriterBlock.HoldAsync(database))
            {
                files = await LiveDirectory.ReadAllAsync(_fixture);
            }
        }

        await files.PlaceAsync(_fixture.DatabasePath);
        await using var opened = _fixture.Open();
        Assert.Equal(frame, await opened.ReadAsync(unit => new ChunkRows(unit).Frame(number), CancellationToken.None));
        Assert.DoesNotContain((await opened.VerifyAsync(null, CancellationToken.None)).Findings, finding => !finding.StartsWith("chunk:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_unit_that_mends_and_is_taken_back_leaves_the_chunk_damaged_and_the_rest_as_it_was()
    {
        long number;
        long page;
        await using (var database = _fixture.Open())
        {
            number = await database.WriteAsync(Add, CancellationToken.None);
            page = await database.ReadAsync(unit => Integer(unit, "SELECT pageno FROM dbstat WHERE name = 'chunk_body' AND pagetype = 'overflow' ORDER BY path LIMIT 1 OFFSET 4"), CancellationToken.None);
        }

        Damage(page);
        await using var opened = _fixture.Open();
        await Assert.ThrowsAsync<Fault>(() => opened.WriteAsync<int>(
            unit =>
            {
                _ = new ChunkRows(unit).Fill(new ChunkRows(unit).Find(number)!.Value, AssetHost.Random(2, 40_000));
                throw new Fault(FaultKind.Aborted, "taken back");
            },
            CancellationToken.None));
        Assert.Equal(_frame.Length, await opened.ReadAsync(unit => new ChunkRows(unit).Find(number)!.Value.StoredSize, CancellationToken.None));
        await opened.WriteAsync(unit => new ChunkRows(unit).Fill(new ChunkRows(unit).Find(number)!.Value, _frame), CancellationToken.None);
        Assert.Equal(_frame, await opened.ReadAsync(unit => new ChunkRows(unit).Frame(number), CancellationToken.None));
    }

    private long Add(WriteUnit unit)
    {
        var upload = new UploadRows(unit).Add("default", "upload", unit.Now, []);
        _ = new ContentRows(unit).Add(new HolderRows(unit).FindOrAdd("default"), upload);
        _ = ChunkAppend.Run(unit, upload, 0, [new IncomingChunk(AssetHost.Random(3, 32), 60_000, _frame, 0)]);
        return 1;
    }

    private void Damage(long page)
    {
        using var file = new FileStream(_fixture.DatabasePath, FileMode.Open, FileAccess.ReadWrite);
        file.Position = ((page - 1) * PageBytes) + 1000;
        file.Write(new byte[100]);
    }

    private static long Integer(ReadUnit unit, string sql)
    {
        var select = unit.Prepare(sql);
        Assert.True(select.Step());
        var value = select.Integer(0);
        select.Reset();
        return value;
    }
}
