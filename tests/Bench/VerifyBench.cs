using System.Diagnostics;
using System.Globalization;

namespace Auraed.Bench;

/// <summary>How fast one core checks an exported log, beside what openssl hashes on the same core in the same run.</summary>
internal sealed class VerifyBench(BenchOptions options, Scratch scratch, Report report)
{
    /// <summary>Beside the event and the hash before it, which the chain hashes: a leaf (00, 32 bytes) and, on average, a node of the tree (01, 64 bytes).</summary>
    private const int TreeBytes = 33 + 65;
    private const int HashBytes = 32;
    private const int Streams = 64;

    public Task RunAsync()
    {
        long events = options.IsLong ? 4_000_000 : 400_000;
        var daemon = new Daemon(options, scratch, "verify");
        daemon.Initialize();
        string segment = Path.Combine(daemon.Root, "log.auraeseg");
        var (peer, _) = daemon.Start();
        using (peer)
        {
            LoadRun.Make(options, new Target("auraed Create", peer.Id, daemon.Plaintext, Messages.CreatePath, Messages.Create(false)), Streams, 0, "--requests", Text(events));
            Peer.Run(options.Binary, ["events", "export", segment, "--timeout", "0", "--root", daemon.Root]);
        }

        string certificate = Directory.EnumerateFiles(Path.Combine(daemon.Root, "pki"), "*server.crt").First();
        double bytes = new FileInfo(segment).Length / (double)events;
        var rows = new List<object?[]>();
        var rates = new List<double>();
        for (int round = 0; round < options.Rounds; round++)
        {
            double limit = Openssl((int)bytes) / (bytes + TreeBytes);
            double before = Machine.CpuSecondsWithChildren(Environment.ProcessId);
            long from = Stopwatch.GetTimestamp();
            Peer.Run("taskset", ["-c", "0", options.Binary, "events", "verify", segment, "--server-crt", certificate]);
            double seconds = Stopwatch.GetElapsedTime(from).TotalSeconds;
            double cpu = Machine.CpuSecondsWithChildren(Environment.ProcessId) - before;
            rates.Add(events / cpu);
            rows.Add([round + 1, events / cpu, events / seconds, events * bytes / cpu / 1e6, limit, events / cpu / limit]);
        }

        report.Table(
            string.Create(CultureInfo.InvariantCulture, $"Verify: {events:#,0} events of {bytes - 4 - HashBytes:0} bytes, auraed events verify on one core"),
            "per second of its CPU time, start included; limit: what `openssl speed -evp sha256` hashes at the event's size, over the bytes that chain and tree hash.",
            ["round", "events/s", "events/s of wall time", "MB/s", "limit events/s", "of the limit"], rows);
        report.AtLeast("events verified per second of one core", Machine.Median(rates), 500_000);
        return Task.CompletedTask;
    }

    /// <summary>Bytes hashed per second in blocks of this size.</summary>
    private static double Openssl(int bytes)
    {
        string said = Peer.Run("taskset", ["-c", "0", "openssl", "speed", "-mr", "-seconds", "1", "-bytes", Text(bytes), "-evp", "sha256"]);
        string line = said.Split('\n').Last(found => found.StartsWith("+F:", StringComparison.Ordinal));
        return double.Parse(line.Split(':')[^1], CultureInfo.InvariantCulture);
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
