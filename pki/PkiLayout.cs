namespace Aurae.Pki;

/// <summary>Upstream's file names and subjects. The names are compatibility: upstream's clients look for exactly these.</summary>
public sealed class PkiLayout(string directory)
{
    /// <summary>The name of the authority, and the domain under which every name lies.</summary>
    public const string Domain = "unsafe.aurae.io";

    /// <summary>The name that every client verifies, whatever address it dials.</summary>
    public const string ServerName = "server." + Domain;

    private const string ClientPrefix = "client.";
    private const string KeySuffix = ".key";

    public string Directory { get; } = Path.GetFullPath(directory);

    public string CaKey => In("ca.key");

    public string CaCertificate => In("ca.crt");

    public string ServerKey => In("server.key");

    public string ServerRequest => In("server.csr");

    public string ServerCertificate => In("_signed.server.crt");

    public string ClientKey(ClientName name) => In($"{ClientPrefix}{name}{KeySuffix}");

    public string ClientRequest(ClientName name) => In($"{ClientPrefix}{name}.csr");

    public string ClientCertificate(ClientName name) => In($"_signed.{ClientPrefix}{name}.crt");

    public static string ClientSubject(ClientName name) => $"{name}.{Domain}";

    /// <summary>The clients that have a key or a certificate here, in order of name.</summary>
    public IReadOnlyList<ClientName> Clients()
    {
        if (!System.IO.Directory.Exists(Directory))
        {
            return [];
        }

        var names = new SortedDictionary<string, ClientName>(StringComparer.Ordinal);
        foreach (var path in System.IO.Directory.EnumerateFiles(Directory))
        {
            var file = Path.GetFileName(path);
            var text = Between(file, ClientPrefix, KeySuffix) ?? Between(file, $"_signed.{ClientPrefix}", ".crt");
            if (text is not null && ClientName.TryParse(text, out var name, out _))
            {
                names[text] = name;
            }
        }

        return [.. names.Values];
    }

    private static string? Between(string file, string prefix, string suffix) =>
        file.Length > prefix.Length + suffix.Length && file.StartsWith(prefix, StringComparison.Ordinal) && file.EndsWith(suffix, StringComparison.Ordinal)
            ? file[prefix.Length..^suffix.Length]
            : null;

    private string In(string file) => Path.Combine(Directory, file);
}
