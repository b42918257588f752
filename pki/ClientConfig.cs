using System.Text;

namespace Aurae.Pki;

/// <summary>
/// Upstream's client configuration: a TOML file without extension that tells a client its certificate, key, authority and the socket.
/// Upstream expands nothing in the paths, so they are written absolute.
/// </summary>
public sealed record ClientConfig(string CaCertificate, string ClientCertificate, string ClientKey, string Socket)
{
    /// <summary>Where clients look, in this order; the first file that can be read wins.</summary>
    public static IReadOnlyList<string> SearchPath(string? home) =>
        string.IsNullOrEmpty(home)
            ? ["/etc/aurae/config", "/var/lib/aurae/config"]
            : [Path.Combine(home, ".aurae/config"), "/etc/aurae/config", "/var/lib/aurae/config"];

    public static ClientConfig For(PkiLayout layout, ClientName client, string socket) =>
        new(layout.CaCertificate, layout.ClientCertificate(client), layout.ClientKey(client), socket);

    public string ToToml() => $"""
        # How clients reach the daemon and prove who they are.
        [auth]
        ca_crt = {Quote(CaCertificate)}
        client_crt = {Quote(ClientCertificate)}
        client_key = {Quote(ClientKey)}

        [system]
        socket = {Quote(Socket)}

        """;

    /// <summary>Writes the file unless it exists; true when it was written.</summary>
    public bool WriteIfMissing(string path, PkiPlatform platform)
    {
        if (File.Exists(path))
        {
            return false;
        }

        var files = new SafeFile(platform);
        files.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        files.Create(Path.GetFullPath(path), ToToml(), isPrivate: false);
        return true;
    }

    /// <summary>A TOML basic string: quotes, backslashes and control characters escaped.</summary>
    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var character in text)
        {
            _ = character switch
            {
                '"' or '\\' => quoted.Append('\\').Append(character),
                < ' ' or '\x7f' => quoted.Append($"\\u{(int)character:X4}"),
                _ => quoted.Append(character),
            };
        }

        return quoted.Append('"').ToString();
    }
}
