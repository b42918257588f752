using System.Diagnostics;
using Auraed.Store;
using Auraed.Store.Assets;

namespace Auraed.Bench;

/// <summary>
/// A collection over a store of many chunks, every other of which nothing refers to: how long it takes, and what memory. The rows are made, not uploaded, and have no bodies, which a
/// collection does not read; their ids ascend, so that making them takes seconds.
/// </summary>
internal sealed class CollectBench(BenchOptions options, Scratch scratch, Report report)
{
    private const int PartChunks = 512;
    private const int UnitChunks = 250_000;
    private const int ChunkBytes = 65_536;
    private const int StoredBytes = 30_000;

    private readonly Daemon _daemon = new(options, scratch, "collect");

    public async Task RunAsync()
    {
        var chunks = options.IsLong ? 10_000_000 : 1_000_000;
        using (var first = _daemon.StartOrReport(report, "collect"))
        {
            if (first is null)
            {
                return;
            }
        }

        var before = Stopwatch.GetTimestamp();
        await FillAsync(chunks);
        var filled = Stopwatch.GetElapsedTime(before);
        using var peer = _daemon.Start().Peer;
        var idle = Machine.Mebibytes(peer.Id, "status", "VmHWM");
        var (dry, dryPeak) = Run(peer, "--dry-run");
        var (real, peak) = Run(peer, "--grace", "1d");
        report.Table(
            $"Collection: {chunks:#,0} chunks, half of them unused", $"made in {filled.TotalSeconds:0} s. real: what is unused is condemned, and kept for its grace.",
            ["what", "seconds", "chunks/s", "peak RSS MiB"],
            [["ready", null, null, idle], ["dry run", dry, chunks / dry, dryPeak], ["real", real, chunks / real, peak]]);
        report.AtMost($"collect, daemon's peak RSS at {chunks:#,0} chunks in MiB", peak, 150);
    }

    private (double Seconds, double Peak) Run(Peer peer, params string[] arguments)
    {
        var before = Stopwatch.GetTimestamp();
        Peer.Run(options.Binary, ["assets", "gc", .. arguments, "--root", _daemon.Root]);
        return (Stopwatch.GetElapsedTime(before).TotalSeconds, Machine.Mebibytes(peer.Id, "status", "VmHWM"));
    }

    private async Task FillAsync(int chunks)
    {
        await using var database = Database.Open(new DatabaseOptions { Directory = Path.GetDirectoryName(_daemon.Database)!, KeyPath = Path.Combine(_daemon.Root, "pki", "server.key") });
        var content = await database.WriteAsync(
            unit =>
            {
                Execute(unit, "INSERT INTO asset (tenant, id, revision, create_time, update_time, size) VALUES ('default', printf('%064x', 1), 1, 1, 1, 1)");
                var holder = new HolderRows(unit).FindOrAdd("default");
                Execute(unit, $"INSERT INTO content (holder, asset) SELECT {holder}, row_id FROM asset");
                return new ContentRows(unit).OfAsset(1)!.Value;
            },
            CancellationToken.None);
        for (var made = 0; made < chunks; made += UnitChunks)
        {
            var (first, last) = (made + 1, made + UnitChunks);
            content = await database.WriteAsync(unit => Fill(unit, content, first, last), CancellationToken.None, WritePriority.Bulk);
        }
    }

    private static StoredContent Fill(WriteUnit unit, StoredContent content, int first, int last)
    {
        var numbers = $"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) ";
        Execute(unit, numbers + $"INSERT INTO chunk (number, id, size, stored_size) SELECT i, unhex(printf('%064x', i)), {ChunkBytes}, {StoredBytes} FROM n");
        Execute(unit, numbers + $"INSERT INTO chunk_holder (holder, chunk) SELECT {content.Holder}, i FROM n WHERE i % 2 = 0");
        var contents = new ContentRows(unit);
        foreach (var part in Enumerable.Range(first, last - first + 1).Where(number => number % 2 == 0).Select(number => new PartEntry(number, ChunkBytes)).Chunk(PartChunks))
        {
            content = contents.Append(content, part);
        }

        return content;
    }

    private static void Execute(WriteUnit unit, string sql) => _ = unit.Prepare(sql).Execute();
}
