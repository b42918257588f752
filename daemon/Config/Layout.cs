namespace Auraed.Config;

/// <summary>Where everything lies: under the system's directories, or under one directory of the user's own (<c>--root DIR</c>).</summary>
public sealed class Layout
{
    private Layout(string? root, string pki, string library, string runtime, string daemonConfig, string clientConfig)
    {
        Root = root;
        PkiDirectory = pki;
        LibraryDirectory = library;
        RuntimeDirectory = runtime;
        DaemonConfigPath = daemonConfig;
        ClientConfigPath = clientConfig;
    }

    /// <summary>The absolute path given as <c>--root</c>; null for the system's layout.</summary>
    public string? Root { get; }

    public string PkiDirectory { get; }

    public string LibraryDirectory { get; }

    public string RuntimeDirectory { get; }

    public string DaemonConfigPath { get; }

    /// <summary>The client's configuration in upstream's format; in the system's layout the last place but one of the client's search order.</summary>
    public string ClientConfigPath { get; }

    public string ServerCertificatePath => Path.Combine(PkiDirectory, "_signed.server.crt");

    public string ServerKeyPath => Path.Combine(PkiDirectory, "server.key");

    public string AuthorityPath => Path.Combine(PkiDirectory, "ca.crt");

    /// <param name="root">Null or empty for the system's layout.</param>
    public static Layout At(string? root)
    {
        if (string.IsNullOrEmpty(root))
        {
            return new Layout(null, "/etc/aurae/pki", "/var/lib/aurae", "/var/run/aurae", "/etc/aurae/auraed.toml", "/etc/aurae/config");
        }

        var top = Path.GetFullPath(root);
        return new Layout(
            top, Path.Combine(top, "pki"), Path.Combine(top, "lib"), Path.Combine(top, "run"), Path.Combine(top, "auraed.toml"), Path.Combine(top, "config"));
    }
}
