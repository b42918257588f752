using System.Net;
using System.Net.Sockets;

namespace Auraed.Bench;

/// <summary>Debian's etcd, one member, with its own defaults.</summary>
internal sealed class Etcd : IDisposable
{
    private const string Program = "/usr/bin/etcd";
    private readonly Peer _peer;

    public Etcd(Scratch scratch)
    {
        var client = FreePort();
        var peer = FreePort();
        var clients = $"http://127.0.0.1:{client}";
        var peers = $"http://127.0.0.1:{peer}";
        _peer = Peer.Start(
            "etcd", Program,
            [
                "--name", "bench", "--data-dir", scratch.File("etcd"), "--listen-client-urls", clients, "--advertise-client-urls", clients, "--listen-peer-urls", peers,
                "--initial-advertise-peer-urls", peers, "--initial-cluster", $"bench={peers}", "--quota-backend-bytes", "8589934592",
            ],
            output => output.Contains("ready to serve client requests", StringComparison.Ordinal));
        Address = ["--tcp", $"127.0.0.1:{client}"];
    }

    public static bool IsInstalled => File.Exists(Program);

    public int Id => _peer.Id;

    /// <summary>TCP on the loopback: etcd's own clients use it, and its Unix listener is for tests.</summary>
    public IReadOnlyList<string> Address { get; }

    public Target Put => new("etcd Put", Id, Address, Messages.PutPath, Messages.Put());

    public Target Range(long count) => new("etcd serializable Range", Id, Address, Messages.RangePath, Messages.Range(count));

    public void Dispose() => _peer.Dispose();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
