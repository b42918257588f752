using System.Globalization;
using System.Text.RegularExpressions;

namespace Auraed.Bench;

/// <summary>
/// Supervision: from a call until the program is executed, beside posix_spawn; how soon a daemon that was killed has found its processes again; and what
/// services cost that do nothing.
/// </summary>
internal sealed partial class SuperviseBench(BenchOptions options, Scratch scratch, Report report)
{
    private const int Starts = 200;
    private const int IdleServices = 200;
    private const int Services = 1000;
    private const int DeployStreams = 16;
    private const string Cell = "bench";
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    public async Task RunAsync()
    {
        Latency();
        await ServicesAsync();
    }

    /// <summary>Both run the same: the shell that starts a sleep, as cells start every command.</summary>
    private void Latency()
    {
        const string command = "exec sleep 1000";
        var daemon = new Daemon(options, scratch, "supervise-cells");
        daemon.Initialize();
        var (peer, _) = daemon.Start();
        using (peer)
        {
            var plain = new List<(double P50, double P99, double P999)>();
            var calls = new List<LoadRun>();
            for (var round = 0; round < options.Rounds; round++)
            {
                plain.Add(new Limits(options, scratch).Spawns(Starts, "sh", "-c", command));
                daemon.Call("cells", "allocate", Cell);
                // cell_name = 1, executable = 2 { name = 1, command = 2 }
                var body = new Template().Text(1, Cell).Message(2, new Template().Part(1, "{counter}", 12).Text(2, command)).ToString();
                var target = new Target("auraed cells Start", peer.Id, daemon.Plaintext, "/aurae.cells.v0.CellService/Start", body);
                calls.Add(LoadRun.Make(options, target, 1, 0, "--requests", $"{Starts}"));
                daemon.Call("cells", "free", Cell);
            }

            var ratio = Machine.Median(plain.Zip(calls, (spawn, call) => call.P50 / spawn.P50));
            report.Table(
                $"Start to exec, {Starts} programs one after the other, us",
                "posix_spawn: of a small C program, until it returns. cells Start: until the call is answered; its program is executed then, its process was on record (one fsync) before.",
                ["what", "p50", "p99", "p999", "times posix_spawn"],
                [
                    ["limit: posix_spawn", Machine.Median(plain.Select(run => run.P50)), Machine.Median(plain.Select(run => run.P99)), Machine.Median(plain.Select(run => run.P999)), 1.0],
                    ["auraed cells Start", Machine.Median(calls.Select(run => run.P50)), Machine.Median(calls.Select(run => run.P99)), Machine.Median(calls.Select(run => run.P999)), ratio],
                ]);
        }
    }

    private async Task ServicesAsync()
    {
        var daemon = new Daemon(options, scratch, "supervise-services");
        daemon.Initialize();
        var (peer, _) = daemon.Start("info");
        try
        {
            // A start without services is what the memory of those with services is held against.
            peer = Again(peer, daemon, out _);
            var empty = await RestAsync(peer);
            Deploy(daemon, peer, 0, IdleServices);
            peer = Again(peer, daemon, out var few);
            var processor = await IdleAsync(peer);
            Deploy(daemon, peer, IdleServices, Services - IdleServices);
            var times = new List<double>();
            var starts = new List<double>();
            for (var round = 0; round < options.Rounds; round++)
            {
                peer = Again(peer, daemon, out var time);
                starts.Add(time);
                times.Add(Adoption(peer, Services));
            }

            var full = await RestAsync(peer);
            var each = (full - empty) * 1024 / Services;
            report.Table(
                $"Services: {Services:#,0} that sleep, after kill -9 of the daemon", "adoption: the daemon's own report. memory: RSS two seconds after a start, with and without services.",
                ["what", "median", "min", "max"],
                [
                    [$"adoption of {Services:#,0} processes, ms", Machine.Median(times), times.Min(), times.Max()],
                    [$"start to ready with {Services:#,0} services, ms", Machine.Median(starts), starts.Min(), starts.Max()],
                    [$"start to ready with {IdleServices} services, ms", few, null, null],
                    ["RSS without services, MiB", empty, null, null],
                    [$"RSS with {Services:#,0} services, MiB", full, null, null],
                    ["memory of one service in the daemon, KiB", each, null, null],
                    [$"idle CPU with {IdleServices} services, % of a core", processor, null, null],
                ]);
            report.AtMost($"adoption of {Services:#,0} processes, ms", Machine.Median(times), 1000);
            report.AtMost("memory of one service in the daemon, KiB", each, 50);
            report.AtMost($"idle CPU with {IdleServices} services, % of a core", processor, 0.5);
        }
        finally
        {
            daemon.Call("services", "shutdown");
            peer.Dispose();
        }
    }

    /// <summary>Waits for each to run.</summary>
    private void Deploy(Daemon daemon, Peer peer, int first, int count)
    {
        // spec = 2 { name = 1, command = 3, arguments = 5 }, wait = 5
        var spec = new Template().Part(1, "{counter}", 12).Text(3, "/bin/sleep").Text(5, "100000");
        var target = new Target("auraed services Deploy", peer.Id, daemon.Plaintext, "/aurae.services.v0.ServiceService/Deploy", new Template().Message(2, spec).Number(5, 1).ToString());
        LoadRun.Make(options, target, DeployStreams, 0, "--requests", $"{count}", "--first", $"{first}", "--stall", "60");
    }

    /// <summary>kill -9, and the next start.</summary>
    private static Peer Again(Peer peer, Daemon daemon, out double milliseconds)
    {
        peer.Kill();
        peer.Dispose();
        var (next, time) = daemon.Start("info");
        milliseconds = time.TotalMilliseconds;
        return next;
    }

    private static double Adoption(Peer peer, int expected)
    {
        var match = Reconciled().Match(peer.Output);
        if (!match.Success || match.Groups[2].Value != expected.ToString(CultureInfo.InvariantCulture))
        {
            throw new PeerException($"{expected} services were not adopted: {peer.Output}");
        }

        return double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>MiB, after a pause: what is measured is the state after it, not a condition that could be waited for.</summary>
    private static async Task<double> RestAsync(Peer peer)
    {
        await Task.Delay(Pause);
        return Machine.Mebibytes(peer.Id, "status", "VmRSS");
    }

    private static async Task<double> IdleAsync(Peer peer)
    {
        await Task.Delay(Pause);
        var before = Machine.CpuSecondsWithChildren(peer.Id);
        var from = System.Diagnostics.Stopwatch.GetTimestamp();
        await Task.Delay(Idle);
        return 100 * (Machine.CpuSecondsWithChildren(peer.Id) - before) / System.Diagnostics.Stopwatch.GetElapsedTime(from).TotalSeconds;
    }

    [GeneratedRegex(@"services are reconciled within (\d+) ms: \d+ on record, (\d+) found alive")]
    private static partial Regex Reconciled();
}
