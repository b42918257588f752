using System.CommandLine;
using Auraed.Chunks.Stores;

namespace Auraed.Cli.Assets;

/// <summary>What a verb takes to reach casync's stores elsewhere. Secrets are named by file: a command line is for all to see.</summary>
internal static class StoreArguments
{
    private static readonly Option<string> Credentials = new("--credentials") { Description = "S3: a file in the form of AWS' credentials.", HelpName = "FILE" };

    private static readonly Option<string> Profile = new("--profile") { Description = "S3: which section of that file. [default: default]", HelpName = "NAME" };

    private static readonly Option<string> Region = new("--region") { Description = "S3: the region that requests are signed for. [default: us-east-1]", HelpName = "NAME" };

    private static readonly Option<string> Authorization = new("--authorization") { Description = "HTTP: a file whose line is the Authorization header.", HelpName = "FILE" };

    private static readonly Option<string> Authority = new("--authority") { Description = "HTTPS and S3: certificates (PEM) to trust.", HelpName = "FILE" };

    private static readonly Option<string> Identity = new("--ssh-identity") { Description = "SFTP: the private key, and no other. [default: as ssh's configuration says]", HelpName = "FILE" };

    private static readonly Option<string> KnownHosts = new("--ssh-known-hosts") { Description = "SFTP: the host keys to accept, and no others.", HelpName = "FILE" };

    private static readonly Option<string> Configuration = new("--ssh-config") { Description = "SFTP: ssh's configuration instead of the user's and the host's.", HelpName = "FILE" };

    public static IReadOnlyList<Option> All { get; } = [Credentials, Profile, Region, Authorization, Authority, Identity, KnownHosts, Configuration];

    /// <summary>No connection is made yet. Fault(Invalid) names the option that is wrong.</summary>
    public static IChunkStore Open(Invocation invocation, string place) => ChunkStores.Open(
        StoreLocation.Parse(place.Contains("://", StringComparison.Ordinal) ? place : Path.GetFullPath(place)),
        new StoreOptions
        {
            CredentialsFile = invocation.Value(Credentials),
            CredentialsProfile = invocation.Value(Profile) ?? "default",
            Region = invocation.Value(Region) ?? "us-east-1",
            AuthorizationFile = invocation.Value(Authorization),
            AuthorityFile = invocation.Value(Authority),
            IdentityFile = invocation.Value(Identity),
            KnownHostsFile = invocation.Value(KnownHosts),
            ConfigurationFile = invocation.Value(Configuration),
        },
        invocation.Environment.Time);
}
