namespace Auraed.Bench;

/// <summary>The published daemon under a directory of its own.</summary>
internal sealed class Daemon(BenchOptions options, Scratch scratch, string name, string? durability = null)
{
    public string Root { get; } = scratch.Make(name);

    public string PlaintextSocket => Path.Combine(Root, "run", "plain.sock");

    public string Database => Path.Combine(Root, "lib", "aurae.db");

    public string Socket => Path.Combine(Root, "run", "aurae.sock");

    /// <summary>Certificates, directories and configuration, as an operator makes them.</summary>
    public void Initialize()
    {
        if (!File.Exists(options.Binary))
        {
            throw new PeerException($"{options.Binary} is not there\nhint: make bench-build");
        }

        Peer.Run(options.Binary, ["init", "--root", Root]);
    }

    public (Peer Peer, TimeSpan Time) Start(string level = "warn") => Peer.StartNotifying(
        "auraed", options.Binary, ["run", "--root", Root, "--plaintext-socket", PlaintextSocket, "--log-level", level, .. durability is null ? Array.Empty<string>() : ["--durability", durability]], scratch.File("notify"));

    /// <summary>A verb of the command line on this daemon.</summary>
    public string Call(params IEnumerable<string> arguments) => Peer.Run(options.Binary, [.. arguments, "--root", Root]);

    /// <summary>Initialized and started; null, and a failure in the report, when that does not work, so that the peers are measured all the same.</summary>
    public Peer? StartOrReport(Report report, string part)
    {
        try
        {
            Initialize();
            return Start().Peer;
        }
        catch (PeerException exception)
        {
            report.Failure(part, exception.Message);
            return null;
        }
    }

    public IReadOnlyList<string> Plaintext => Target.Unix(PlaintextSocket);

    public IReadOnlyList<string> Tls =>
    [
        "--unix", Socket, "--ca", Path.Combine(Root, "pki", "ca.crt"), "--cert", ClientFile("*client*.crt"), "--key", ClientFile("*client*.key"),
    ];

    private string ClientFile(string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Root, "pki"), pattern).Order(StringComparer.Ordinal).FirstOrDefault()
        ?? throw new PeerException($"{Root}/pki has no {pattern}");
}
