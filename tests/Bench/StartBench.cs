namespace Auraed.Bench;

/// <summary>Time from before the fork to READY=1 at the service manager's socket, and memory when nothing is asked.</summary>
internal sealed class StartBench(BenchOptions options, Scratch scratch, Report report)
{
    private const int Starts = 15;

    public async Task RunAsync()
    {
        var daemon = new Daemon(options, scratch, "start");
        daemon.Initialize();
        // The first start makes the database and warms the page cache; it is shown, not counted.
        var first = Stop(daemon.Start());
        var times = new List<double>();
        var spawns = new List<double>();
        for (var i = 0; i < (options.IsLong ? 3 * Starts : Starts); i++)
        {
            times.Add(Stop(daemon.Start()));
            var from = System.Diagnostics.Stopwatch.GetTimestamp();
            Peer.Run("/bin/true", []);
            spawns.Add(System.Diagnostics.Stopwatch.GetElapsedTime(from).TotalMilliseconds);
        }

        var (resident, proportional, threads) = await IdleAsync(daemon);
        report.Table(
            "Start, empty database", "exec to READY=1 at NOTIFY_SOCKET; memory two seconds later, after one call on each socket.",
            ["what", "median", "min", "max"],
            [
                ["start to ready, ms", Machine.Median(times), times.Min(), times.Max()],
                ["the very first start, database made, ms", first, null, null],
                ["for scale: /bin/true to its end, ms", Machine.Median(spawns), spawns.Min(), spawns.Max()],
                ["idle RSS, MiB", resident, null, null],
                ["idle PSS, MiB", proportional, null, null],
                ["idle threads", threads, null, null],
            ]);
        report.AtMost("start to ready, ms", Machine.Median(times), 60);
        report.AtMost("idle RSS, MiB", resident, 40);
    }

    private async Task<(double Resident, double Proportional, double Threads)> IdleAsync(Daemon daemon)
    {
        var (peer, _) = daemon.Start();
        using (peer)
        {
            foreach (var address in new[] { daemon.Plaintext, daemon.Tls })
            {
                LoadRun.Make(options, TransportBench.Discover(peer, address), 1, 0.1, "--requests", "1");
            }

            // What is measured is the state after a pause, not a condition that could be waited for.
            await Task.Delay(TimeSpan.FromSeconds(2));
            return (Machine.Mebibytes(peer.Id, "status", "VmRSS"), Machine.Mebibytes(peer.Id, "smaps_rollup", "Pss"),
                Directory.GetDirectories($"/proc/{peer.Id}/task").Length);
        }
    }

    private static double Stop((Peer Peer, TimeSpan Time) started)
    {
        started.Peer.Dispose();
        return started.Time.TotalMilliseconds;
    }
}
