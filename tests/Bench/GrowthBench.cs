namespace Auraed.Bench;

/// <summary>What a create costs as the database grows, and how soon a big one is ready again.</summary>
internal sealed class GrowthBench(BenchOptions options, Scratch scratch, Report report)
{
    private const int FillStreams = 256;
    private const int Streams = 64;

    /// <summary>Enough for several checkpoints, which are part of the cost.</summary>
    private const long MeasuredRecords = 40_000;

    private readonly List<object?[]> _rows = [];

    public Task RunAsync()
    {
        long[] sizes = options.IsLong ? [10_000, 100_000, 1_000_000, 5_000_000] : [10_000, 100_000, 300_000];
        Grow("its own ids", false, sizes);
        Grow("random names", true, options.IsLong ? sizes[..3] : sizes);
        report.Table(
            "Growth: creates of 256 bytes at 64 streams, by the number of records that are there",
            "cost: server CPU per create against that at the first size. ready: the start before these creates. file: its size.",
            ["ids", "records", "requests/s", "p50 us", "p99 us", "server cpu us/request", "cost", "ready ms", "file MiB", "peak RSS MiB"], _rows);
        return Task.CompletedTask;
    }

    private void Grow(string name, bool isNamed, long[] sizes)
    {
        var daemon = new Daemon(options, scratch, isNamed ? "growth-random" : "growth");
        daemon.Initialize();
        var records = 0L;
        var first = 0.0;
        LoadRun Create(Target target, int streams, long count)
        {
            var run = LoadRun.Make(options, target, streams, 0, "--requests", $"{count}", "--first", $"{records}");
            records += count;
            return run;
        }

        foreach (var size in sizes)
        {
            // A new start for each size, so that its time is known on a database that was stopped cleanly.
            var (peer, time) = daemon.Start();
            using (peer)
            {
                var target = new Target("auraed Create", peer.Id, daemon.Plaintext, Messages.CreatePath, Messages.Create(isNamed));
                Create(target, FillStreams, size - records);
                var run = Create(target, Streams, MeasuredRecords);
                first = first == 0 ? run.ServerMicrosecondsPerRequest : first;
                _rows.Add([name, size, run.PerSecond, run.P50, run.P99, run.ServerMicrosecondsPerRequest, run.ServerMicrosecondsPerRequest / first, time.TotalMilliseconds,
                    new FileInfo(daemon.Database).Length / 1048576.0, Machine.Mebibytes(peer.Id, "status", "VmHWM")]);
            }
        }

        var again = Again(daemon);
        report.AtMost($"cost of a create at {sizes[^1]:#,0} records against {sizes[0]:#,0}, {name}", (double)_rows[^1][6]!, 1.2);
        report.AtMost($"start to ready on {records:#,0} records, {name}, ms", again, 100);
    }

    private static double Again(Daemon daemon)
    {
        var times = new List<double>();
        for (var i = 0; i < 5; i++)
        {
            var (peer, time) = daemon.Start();
            peer.Dispose();
            times.Add(time.TotalMilliseconds);
        }

        return Machine.Median(times);
    }
}
