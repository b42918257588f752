using System.CommandLine;
using System.CommandLine.Parsing;
using Auraed.Base;
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

    private static readonly Option<StoreErrorPolicy> OnError = new Option<StoreErrorPolicy>("--store-error")
    {
        Description = "When a store fails, which is another thing than not having a chunk: 'stop' ends the command, 'next' asks the next store and warns. [default: stop]",
        HelpName = "stop|next",
        CustomParser = ParsePolicy,
    }.Offering("stop", "next");

    private static readonly Option<string> Cache = new("--cache") { Description = "A directory that is asked first and keeps what the stores give; it is a store of casync's, too.", HelpName = "DIR" };

    /// <summary>For verbs that read from stores.</summary>
    public static IReadOnlyList<Option> ForReading => [OnError, Cache, .. All];

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

    /// <summary>The stores, in the order in which they are asked. Fault(Invalid) names the option that is wrong.</summary>
    public static StoreRouter OpenRouter(Invocation invocation, IReadOnlyList<string> places)
    {
        var cache = invocation.Value(Cache) is { } directory ? OpenCache(directory) : null;
        var onError = invocation.Value(OnError);
        return new StoreRouter([.. places.Select(place => new RoutedStore(Open(invocation, place), onError))], cache, invocation.Environment.Time);
    }

    /// <summary>Warns of the stores that were passed over, and of a cache that did not keep what it was given.</summary>
    public static void WarnOfFaults(Invocation invocation, StoreRouter router)
    {
        foreach (var passed in router.Stores.Where(routed => routed is { OnError: StoreErrorPolicy.Next, LastFault: not null }))
        {
            invocation.Warn($"store {passed.Store.Name} was passed over, as it failed (times: {passed.Faults}); the last time: {passed.LastFault!.Message}");
        }

        if (router.Cache is { LastFault: not null } cache)
        {
            invocation.Warn($"cache {cache.Store.Name} was passed over, as it failed (times: {cache.Faults}); the last time: {cache.LastFault!.Message}");
        }
    }

    /// <summary>Of a store that failed before others, the fault says that those can be asked.</summary>
    public static Fault Explain(Fault fault, StoreRouter router)
    {
        const string hint = "--store-error next asks the next store instead";
        return router.Stores.SkipLast(1).Any(routed => routed is { OnError: StoreErrorPolicy.Stop, LastFault: not null })
            ? new Fault(fault.Kind, fault.Message, fault.Field, fault.Hint is null ? hint : $"{fault.Hint}; {hint}", fault) { Reason = fault.Reason, RetryAfter = fault.RetryAfter }
            : fault;
    }

    private static DirectoryStore OpenCache(string directory)
    {
        if (directory.Contains("://", StringComparison.Ordinal) || File.Exists(directory))
        {
            throw Fault.Invalid("cache", $"--cache {directory} is no directory", "as in --cache /var/cache/auraed.castr");
        }

        return new DirectoryStore(directory);
    }

    private static StoreErrorPolicy ParsePolicy(ArgumentResult result)
    {
        switch (result.Tokens.Single().Value)
        {
            case "stop":
                return StoreErrorPolicy.Stop;
            case "next":
                return StoreErrorPolicy.Next;
            case var other:
                result.AddError($"--store-error is stop or next, not '{other}'");
                return default;
        }
    }
}
