using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Auraed.Config;

/// <summary>
/// Where a listener is bound or a client connects: a TCP endpoint or the absolute path of a Unix socket. A text is tried as <c>[IPv6%scope]:port</c>,
/// <c>[IPv6]:port</c> and <c>IPv4:port</c>, and is a path otherwise, as upstream reads its <c>--socket</c>.
/// </summary>
public sealed record ListenAddress
{
    private ListenAddress(IPEndPoint? tcp, string? path)
    {
        Tcp = tcp;
        Path = path;
    }

    /// <summary>Null for a Unix socket.</summary>
    public IPEndPoint? Tcp { get; }

    /// <summary>Null for TCP.</summary>
    public string? Path { get; }

    public static ListenAddress OfPath(string path) => new(null, System.IO.Path.GetFullPath(path));

    public static ListenAddress OfTcp(IPEndPoint endpoint) => new(endpoint, null);

    /// <param name="text">An endpoint or a path.</param>
    /// <param name="baseDirectory">What a relative path is relative to.</param>
    public static ListenAddress Parse(string text, string baseDirectory) =>
        TryParseTcp(text, out var tcp) ? OfTcp(tcp) : OfPath(System.IO.Path.Combine(baseDirectory, text));

    public static bool TryParseTcp(string text, out IPEndPoint endpoint)
    {
        endpoint = new IPEndPoint(IPAddress.None, 0);
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            return false;
        }

        var host = text[..colon];
        var isBracketed = host.StartsWith('[') && host.EndsWith(']');
        if (isBracketed)
        {
            host = host[1..^1];
        }

        // The framework takes 1, 0x7f000001 and 127.1 for IPv4 addresses; only the four decimal parts are meant here.
        if (!IPAddress.TryParse(host, out var address)
            || isBracketed != (address.AddressFamily == AddressFamily.InterNetworkV6)
            || (!isBracketed && address.ToString() != host))
        {
            return false;
        }

        endpoint = new IPEndPoint(address, port);
        return true;
    }

    public override string ToString() => Tcp?.ToString() ?? Path!;
}
