namespace Auraed.Bench;

/// <summary>Unary echo over a Unix socket: our gRPC server beside the least that Kestrel can be asked for, Python's grpcio, and the daemon itself.</summary>
internal sealed class TransportBench(BenchOptions options, Scratch scratch, Report report)
{
    private const string Bare = "bare Kestrel";
    private const string Ours = "our gRPC";
    private const string EchoBody = "0a40{random:64}";

    /// <summary>The daemon's cheapest call, through all that stands before a handler: identity, rights, limits, deadline, log.</summary>
    public static Target Discover(Peer peer, IReadOnlyList<string> address, string name = "auraed Discover") =>
        new(name, peer.Id, address, "/aurae.discovery.v0.DiscoveryService/Discover", "");

    public Task RunAsync()
    {
        using var ours = StartEcho(Ours, Path.Combine(options.Tools, "echo", "echo"), "grpc");
        using var bare = StartEcho(Bare, Path.Combine(options.Tools, "echo", "echo"), "kestrel");
        using var python = StartEcho("Python grpcio", "/usr/bin/python3", "tests/Bench/Servers/echo.py");
        var targets = new List<Target> { Echo(ours), Echo(bare) };
        var daemon = new Daemon(options, scratch, "transport");
        using var auraed = daemon.StartOrReport(report, "transport");
        if (auraed is not null)
        {
            targets.Add(Discover(auraed, daemon.Plaintext));
            targets.Add(Discover(auraed, daemon.Tls, "auraed Discover, mTLS"));
        }

        targets.Add(Echo(python));
        var rows = new List<object?[]>();
        foreach (var streams in options.Streams)
        {
            var rounds = Rounds.Make(options, targets, streams, (target, count) => LoadRun.Make(options, target, count, options.Seconds));
            rows.AddRange(targets.Select(target => rounds.Row(target.Name, streams, Bare)));
            report.AtLeast($"unary echo against bare Kestrel at {streams} streams", rounds.Ratio(Ours, Bare, run => run.PerSecond), 0.85);
        }

        report.Table(
            "Transport, unary echo of 64 bytes over a Unix socket",
            "ratio: requests/s against bare Kestrel. bare Kestrel: HTTP/2 answer without gRPC. Discover: the daemon with all its checks. grpcio: handler without protobuf.",
            Rounds.Columns, rows);
        return Task.CompletedTask;
    }

    private Target Echo(Peer peer) => new(peer.Name, peer.Id, Target.Unix(SocketOf(peer.Name)), "/auraed.bench.v0.EchoService/Echo", EchoBody);

    private string SocketOf(string name) => scratch.File(name.Replace(' ', '-'));

    private Peer StartEcho(string name, string program, string first) =>
        Peer.Start(name, program, [first, SocketOf(name)], output => output.Contains("READY", StringComparison.Ordinal));
}
