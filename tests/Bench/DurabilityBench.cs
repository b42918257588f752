using System.Diagnostics;

namespace Auraed.Bench;

/// <summary>What each way of keeping acknowledged writes costs the disk, and how soon a daemon is back that was killed under full load.</summary>
internal sealed class DurabilityBench(BenchOptions options, Scratch scratch, Report report)
{
    private const int Streams = 64;
    private const double LoadSeconds = 4;

    public void Run()
    {
        var rows = new List<object?[]>();
        foreach (var mode in new[] { "wal", "journal" })
        {
            var daemon = new Daemon(options, scratch, "durability-" + mode, mode);
            daemon.Initialize();
            double? perByte;
            var (peer, _) = daemon.Start();
            using (peer)
            {
                var target = StoreBench.Create(peer, mode, daemon.Plaintext, true);
                var before = Machine.WrittenBytes(scratch.Path);
                var run = LoadRun.Make(options, target, Streams, LoadSeconds);
                perByte = (Machine.WrittenBytes(scratch.Path) - before) / ((double)run.Issued * Messages.ValueBytes);
                Kill(peer, target, run.Issued);
            }

            var beside = Directory.EnumerateFiles(Path.GetDirectoryName(daemon.Database)!, "aurae.*").Where(path => path != daemon.Database).Sum(path => new FileInfo(path).Length);
            var (again, back) = daemon.Start();
            again.Dispose();
            rows.Add([mode, perByte, beside / 1048576.0, back.TotalMilliseconds]);
            report.AtMost($"start after a kill under full load, durability {mode}, in ms", back.TotalMilliseconds, 1000);
        }

        report.Table(
            "Store, what durability costs", $"creates with random names at {Streams} streams; written: all that the disk was written meanwhile, by its own count, against the bytes of the values; empty where it keeps none.",
            ["durability", "bytes written per acknowledged byte", "log and journal left by a kill, MiB", "start after it, ms"], rows);
    }

    private static long WrittenBytes(int pid) => long.Parse(
        File.ReadLines($"/proc/{pid}/io").Single(line => line.StartsWith("write_bytes:", StringComparison.Ordinal)).Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>SIGKILL in the middle of a turn, whose calls then fail.</summary>
    private void Kill(Peer peer, Target target, long first)
    {
        var load = Task.Run(() => Peer.Run(
            Path.Combine(options.Tools, "load"),
            [.. target.Address, "--path", target.Path, "--body", target.Body, "--streams", $"{Streams}", "--seconds", "30", "--first", $"{first}", "--stall", "1"], 1, 3));
        var from = Stopwatch.GetTimestamp();
        var before = WrittenBytes(peer.Id);
        while (Stopwatch.GetElapsedTime(from).TotalSeconds < LoadSeconds || WrittenBytes(peer.Id) == before)
        {
            load.Wait(10);
        }

        using var kill = Process.Start("/bin/kill", ["-KILL", $"{peer.Id}"]);
        kill.WaitForExit();
        _ = load.Result;
    }
}
