using System.Text.RegularExpressions;
using Auraed.Base;
using Auraed.Chunks.Stores;
using Auraed.Config;
using Auraed.Domain.Assets;

namespace Auraed.Host;

/// <summary>
/// The file of the backends (TOML), a table for each:
/// <code>
/// [cold]
/// location = "sftp://backup@mirror/srv/store"
/// identity_file = "/etc/aurae/cold.key"        # all of StoreOptions, by these names
/// read_only = false                            # true always for HTTP
/// </code>
/// Credentials are files that are named here; none stands here.
/// </summary>
internal static partial class AssetBackends
{
    private static readonly string[] Keys =
    [
        "location", "read_only", "authority_file", "authorization_file", "credentials_file", "credentials_profile", "region", "bucket_in_host", "identity_file", "known_hosts_file",
        "configuration_file",
    ];

    /// <summary>Fault(Invalid) names the backend and the key.</summary>
    public static IReadOnlyList<ArchiveBackend> Read(string? file) =>
        file is null ? [] : [.. Toml.ParseFile(file).Entries.Select(entry => Backend(file, entry.Key, entry.Value))];

    private static ArchiveBackend Backend(string file, string name, TomlValue value)
    {
        if (value.Kind != TomlKind.Table || !BackendName().IsMatch(name) || name.Length > Limits.BackendNameCharactersMax)
        {
            throw Wrong(file, name, "a backend is a table whose name has small letters, digits and '-'");
        }

        TomlTable table = value.Table;
        if (table.Entries.FirstOrDefault(entry => !Keys.Contains(entry.Key)) is { Key: { } unknown })
        {
            throw Wrong(file, name, $"there is no key '{unknown}'", $"the keys are {string.Join(", ", Keys)}");
        }

        StoreLocation location = StoreLocation.Parse(Text("location") ?? throw Wrong(file, name, "it has no location"), $"{name}.location");
        var options = new StoreOptions
        {
            AuthorityFile = Text("authority_file"),
            AuthorizationFile = Text("authorization_file"),
            CredentialsFile = Text("credentials_file"),
            CredentialsProfile = Text("credentials_profile") ?? "default",
            Region = Text("region") ?? "us-east-1",
            IsBucketInHost = Flag("bucket_in_host"),
            IdentityFile = Text("identity_file"),
            KnownHostsFile = Text("known_hosts_file"),
            ConfigurationFile = Text("configuration_file"),
        };
        return new ArchiveBackend(name, location, options, Flag("read_only") || location.Kind == StoreKind.Http);

        string? Text(string key) => table.Find(key) switch
        {
            null => null,
            { Kind: TomlKind.Text } text => text.Text,
            _ => throw Wrong(file, name, $"{key} is no text"),
        };

        bool Flag(string key) => table.Find(key) switch
        {
            null => false,
            { Kind: TomlKind.Boolean } flag => flag.Boolean,
            _ => throw Wrong(file, name, $"{key} is neither true nor false"),
        };
    }

    private static Fault Wrong(string file, string name, string why, string? hint = null) =>
        Fault.Invalid("assets.backends_file", $"backend '{name}' of {file}: {why}", hint ?? "[cold] and below it location = \"sftp://user@host/path\"");

    [GeneratedRegex("^[a-z0-9][a-z0-9-]*$", RegexOptions.CultureInvariant)]
    private static partial Regex BackendName();
}
