using System.Diagnostics;

namespace Auraed.Bench;

/// <summary>
/// Creates with random names at full load for a long time: memory, journal and log stay as they were, and so does the rate. Twenty minutes with --long, one without; the file grows by about
/// a GiB each minute.
/// </summary>
internal sealed class SoakBench(BenchOptions options, Scratch scratch, Report report)
{
    private const int Streams = 64;
    private const double Parts = 10;
    private const double Mebibyte = 1048576;

    public Task RunAsync()
    {
        double seconds = options.IsLong ? 1200 : 60;
        var daemon = new Daemon(options, scratch, "soak");
        using var peer = daemon.StartOrReport(report, "soak");
        if (peer is null)
        {
            return Task.CompletedTask;
        }

        var target = StoreBench.Create(peer, "auraed Create", daemon.Plaintext, true);
        var rows = new List<object?[]>();
        var peaks = new List<(double Memory, double Log)>();
        long first = 0;
        for (var part = 1; part <= Parts; part++)
        {
            using var stop = new CancellationTokenSource();
            var watch = WatchAsync(peer, daemon, stop.Token);
            var run = LoadRun.Make(options, target, Streams, seconds / Parts, "--first", $"{first}");
            stop.Cancel();
            var (memory, journal, log) = watch.GetAwaiter().GetResult();
            first += run.Issued;
            peaks.Add((memory, journal + log));
            rows.Add([$"{part}/{Parts}", run.PerSecond, run.P99, run.P999, memory, journal, log, new FileInfo(daemon.Database).Length / Mebibyte]);
        }

        report.Table(
            $"Soak: {seconds:0} s at {Streams} streams", "memory, journal and log: the most in each part, looked at ten times a second.",
            ["part", "requests/s", "p99 us", "p99.9 us", "RSS MiB", "journal MiB", "log MiB", "file MiB"], rows);
        var half = peaks.Count / 2;
        report.AtMost("soak: peak RSS of the second half against the first", peaks[half..].Max(part => part.Memory) / peaks[..half].Max(part => part.Memory), 1.1);
        report.AtMost("soak: journal and log, of the second half against the first", peaks[half..].Max(part => part.Log) / peaks[..half].Max(part => part.Log), 1.1);
        return Task.CompletedTask;
    }

    private static async Task<(double Memory, double Journal, double Log)> WatchAsync(Peer peer, Daemon daemon, CancellationToken stop)
    {
        var library = Path.GetDirectoryName(daemon.Database)!;
        var (memory, journal, log) = (0.0, 0.0, 0.0);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!stop.IsCancellationRequested)
        {
            memory = Math.Max(memory, Machine.Mebibytes(peer.Id, "status", "VmRSS"));
            journal = Math.Max(journal, Bytes(library, "aurae.journal-*") / Mebibyte);
            log = Math.Max(log, Bytes(library, "aurae.db-wal") / Mebibyte);
            _ = await timer.WaitForNextTickAsync(CancellationToken.None);
        }

        return (memory, journal, log);
    }

    /// <summary>A file that goes meanwhile has none.</summary>
    private static double Bytes(string directory, string pattern) =>
        Directory.EnumerateFiles(directory, pattern).Select(path => new FileInfo(path)).Sum(file => file.Exists ? file.Length : 0);
}
