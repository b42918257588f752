using System.Diagnostics;

namespace Auraed.Bench;

/// <summary>Small creates alone, and while 1 GiB that is new comes in as an asset.</summary>
internal sealed class BesideBench(BenchOptions options, Scratch scratch, Report report)
{
    private readonly Daemon _daemon = new(options, scratch, "beside");

    public Task RunAsync()
    {
        using var peer = _daemon.StartOrReport(report, "beside");
        if (peer is null)
        {
            return Task.CompletedTask;
        }

        var big = scratch.File("big.img");
        using (var file = File.Create(big))
        {
            var random = new Random(2);
            var block = new byte[1 << 20];
            for (var count = 0; count < 1024; count++)
            {
                random.NextBytes(block);
                file.Write(block);
            }
        }

        var create = new Target("auraed Create", peer.Id, _daemon.Plaintext, Messages.CreatePath, Messages.Create(isNamed: false));
        var alone = Machine.Median(Enumerable.Range(0, options.Rounds).Select(_ => LoadRun.Make(options, create, 4, options.Seconds).P99));
        using var put = Peer.Launch(new ProcessStartInfo(options.Binary, ["assets", "put", big, "--root", _daemon.Root]) { RedirectStandardOutput = true, RedirectStandardError = true });
        var beside = new List<double>();
        do
        {
            beside.Add(LoadRun.Make(options, create, 4, options.Seconds).P99);
        }
        while (!put.HasExited);

        put.WaitForExit();
        if (put.ExitCode != 0)
        {
            throw new PeerException($"assets put: {put.StandardError.ReadToEnd()}");
        }

        var peak = Machine.Mebibytes(peer.Id, "status", "VmHWM");
        report.Table(
            "Small creates beside a 1 GiB ingest, 4 streams", "p99 in microseconds.", ["what", "p99 us", "peak RSS MiB"],
            [["alone", alone, null], ["while the ingest runs, median of turns", Machine.Median(beside), peak], ["the worst turn", beside.Max(), null]]);
        report.AtMost("assets, p99 of small creates during an ingest against alone", Machine.Median(beside) / alone, 3);
        report.AtMost("assets, daemon's peak RSS in MiB during a 1 GiB ingest", peak, 150);
        return Task.CompletedTask;
    }
}
