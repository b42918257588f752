using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Cli.Verbs;

/// <summary>Assets from the command line (aurae.assets.v0): what names, shows, keeps and removes them. Bytes move in <see cref="AssetTransferVerbs"/>.</summary>
internal static class AssetsVerbs
{
    internal static readonly Argument<string> Asset = new("ASSET") { Description = "The asset's id, or a tag." };

    internal static readonly Option<string> Tenant = new("--tenant") { Description = "Whose assets. [default: default]", HelpName = "NAME" };

    private static readonly Argument<string> From = new("FROM") { Description = "What is there already: an asset's id, or a tag." };

    private static readonly Argument<string> To = new("TO") { Description = "What is wanted." };

    private static readonly Argument<string> TagName = new("TAG") { Description = "The name." };

    private static readonly Option<string> Filter = new("--filter") { Description = "Only assets that match, in AIP-160: 'size > 1000000 AND labels.tier = web'.", HelpName = "EXPRESSION" };

    private static readonly Option<string> OrderBy = new("--order-by") { Description = "As 'size desc, name'.", HelpName = "FIELDS" };

    private static readonly Option<int> Limit = new("--limit") { Description = "Assets at most; 0 for all. [default: 100]", HelpName = "COUNT", DefaultValueFactory = _ => 100 };

    private static readonly Option<bool> Untag = new("--untag") { Description = "Take its tags away, too." };

    private static readonly Option<bool> Remove = new("--remove") { Description = "Take the name away." };

    private static readonly Option<string> Reason = new("--reason") { Description = "Why, for people.", HelpName = "TEXT" };

    private static readonly Option<TimeSpan?> For = new("--for") { Description = "How long: 90s, 10m, 2h, 1d. The same name again renews.", HelpName = "DURATION", CustomParser = ParseSpan };

    public static Command Build(CliEnvironment environment) => new Verb("assets", "Blobs by what they hold: images, archives, models. Equal parts are kept once.").With(
    [
        .. AssetTransferVerbs.Build(environment),
        new Verb("ls", "List assets.", "auraed assets ls", "auraed assets ls --filter 'size > 1000000' --order-by 'size desc' --output json")
            .With(Tenant, Filter, OrderBy, Limit).Calls(environment, ListAsync),
        new Verb("stat", "Show one asset with what keeps it.", "auraed assets stat stable").With(Asset, Tenant).Calls(environment, StatAsync),
        new Verb("delta", "Show what a holder of one asset lacks for another.", "auraed assets delta v1 v2").With(From, To, Tenant).Calls(environment, DeltaAsync),
        new Verb("rm", "Delete an asset. What a tag, a pin, a lease or a record refers to is not deleted.", "auraed assets rm 3f2a...", "auraed assets rm stable --untag")
            .With(Asset, Untag, Tenant).Calls(environment, RemoveAsync),
        new Verb("tag", "Give an asset a name, or move the name to it.", "auraed assets tag stable 3f2a...", "auraed assets tag stable candidate", "auraed assets tag stable --remove")
            .With(TagName, Optional(), Remove, Tenant).Calls(environment, TagAsync),
        new Verb("pin", "Keep an asset until the pin is removed.", "auraed assets pin boot stable --reason 'booted from'", "auraed assets pin boot --remove")
            .With(TagName, Optional(), Reason, Remove, Tenant).Calls(environment, PinAsync),
        new Verb("lease", "Keep an asset for a while.", "auraed assets lease copying stable --for 1h", "auraed assets lease copying --for 1h  # renew", "auraed assets lease copying --remove")
            .With(TagName, Optional(), For, Remove, Tenant).Calls(environment, LeaseAsync),
        .. AssetArchiveVerbs.Build(environment),
        .. AssetUpkeepVerbs.Build(environment),
    ]);

    internal static AssetService.AssetServiceClient Client(Invocation invocation) => new(invocation.Daemon.Invoker);

    internal static string TenantOf(Invocation invocation) => invocation.Value(Tenant) ?? string.Empty;

    private static readonly Argument<string?> OptionalAsset = new("ASSET") { Description = "The asset's id, or a tag.", Arity = ArgumentArity.ZeroOrOne };

    private static Argument<string?> Optional() => OptionalAsset;

    private static async Task ListAsync(Invocation invocation, CancellationToken cancel)
    {
        int limit = invocation.Value(Limit);
        if (limit < 0)
        {
            throw Fault.Invalid("limit", $"--limit {limit} is less than 0", "0 lists all");
        }

        var request = new ListAssetsRequest { Tenant = TenantOf(invocation), Filter = invocation.Value(Filter) ?? "", OrderBy = invocation.Value(OrderBy) ?? "" };
        var assets = new List<StatAssetResponse>();
        do
        {
            request.PageSize = limit == 0 ? 0 : Math.Min(limit - assets.Count, Limits.PageRecordsCountMax);
            ListAssetsResponse page = await invocation.Daemon.CallAsync("list assets", options => Client(invocation).ListAsync(request, options), cancel);
            assets.AddRange(page.Assets);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0 && (limit == 0 || assets.Count < limit));

        invocation.Printer.Rows(
            assets,
            new Column<StatAssetResponse>("id", asset => asset.Asset.Id),
            new Column<StatAssetResponse>("title", asset => asset.Asset.Title),
            new Column<StatAssetResponse>("size", asset => Cell.Bytes(asset.Asset.Size)),
            new Column<StatAssetResponse>("chunks", asset => asset.Asset.ChunkCount),
            new Column<StatAssetResponse>("tags", asset => Cell.Names(asset.Tags)));
    }

    private static async Task StatAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new StatAssetRequest { Tenant = TenantOf(invocation), Asset = invocation.Value(Asset) };
        StatAssetResponse stat = await invocation.Daemon.CallAsync($"look up asset {request.Asset}", options => Client(invocation).StatAsync(request, options), cancel);
        Print(invocation, stat);
    }

    internal static void Print(Invocation invocation, StatAssetResponse stat) => invocation.Printer.Fields(
        ("id", stat.Asset.Id),
        ("title", stat.Asset.Title),
        ("media_type", stat.Asset.MediaType),
        ("size", Cell.Bytes(stat.Asset.Size)),
        ("sha256", stat.Asset.Sha256),
        ("chunks", stat.Asset.ChunkCount),
        ("chunk_sizes", $"{stat.Asset.ChunkSizeMin}:{stat.Asset.ChunkSizeAvg}:{stat.Asset.ChunkSizeMax}"),
        ("stored", Cell.Bytes(stat.StoredSize)),
        ("damaged_chunks", stat.DamagedChunkCount),
        ("creator", stat.Asset.Creator),
        ("tags", Cell.Names(stat.Tags)),
        ("pins", Cell.Names(stat.Pins)),
        ("leases", Cell.Names(stat.Leases)),
        ("published_as", Cell.Names(stat.Publications)),
        ("backend", stat.Backend),
        ("archived_chunks", stat.ArchivedChunkCount),
        ("archived", Cell.Bytes(stat.ArchivedSize)));

    private static async Task DeltaAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new DeltaRequest { Tenant = TenantOf(invocation), From = invocation.Value(From), To = invocation.Value(To) };
        DeltaSum? sum = null;
        await invocation.Daemon.StreamAsync("compare the assets", options => Client(invocation).Delta(request, options), message => sum = message.Sum ?? sum, cancel);
        invocation.Printer.Fields(
            ("chunks", sum!.ChunkCount),
            ("missing_chunks", sum.MissingChunkCount),
            ("missing", Cell.Bytes(sum.MissingSize)),
            ("missing_compressed", Cell.Bytes(sum.MissingStoredSize)));
    }

    private static async Task RemoveAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new DeleteAssetRequest { Tenant = TenantOf(invocation), Asset = invocation.Value(Asset), Untag = invocation.Value(Untag) };
        try
        {
            await invocation.Daemon.CallAsync($"delete asset {request.Asset}", options => Client(invocation).DeleteAsync(request, options), cancel);
        }
        catch (Fault fault) when (fault.Kind == FaultKind.Precondition)
        {
            var shown = $"auraed assets stat {request.Asset}  # what keeps it";
            throw new Fault(fault.Kind, fault.Message, fault.Field, request.Untag ? shown : $"{shown}; auraed assets rm {request.Asset} --untag takes its tags away, too", fault) { Reason = fault.Reason };
        }

        invocation.Printer.Fields(("deleted", request.Asset));
        invocation.Printer.Say("its chunks go with the next collections (auraed assets gc)");
    }

    private static async Task TagAsync(Invocation invocation, CancellationToken cancel)
    {
        (AssetService.AssetServiceClient client, string tag) = (Client(invocation), invocation.Value(TagName)!);
        if (invocation.Value(Remove))
        {
            var untag = new UntagAssetRequest { Tenant = TenantOf(invocation), Tag = tag };
            await NamedAsync("asset_tag", invocation.Daemon.CallAsync($"remove the tag {tag}", options => client.UntagAsync(untag, options), cancel));
            invocation.Printer.Fields(("removed", tag));
            return;
        }

        var request = new TagAssetRequest { Tenant = TenantOf(invocation), Tag = tag, Asset = Required(invocation) };
        AssetTag made = await invocation.Daemon.CallAsync($"tag {request.Asset}", options => client.TagAsync(request, options), cancel);
        invocation.Printer.Fields(("tag", made.Name), ("asset", made.Asset));
    }

    private static async Task PinAsync(Invocation invocation, CancellationToken cancel)
    {
        (AssetService.AssetServiceClient client, string pin) = (Client(invocation), invocation.Value(TagName)!);
        if (invocation.Value(Remove))
        {
            var unpin = new UnpinAssetRequest { Tenant = TenantOf(invocation), Pin = pin };
            await NamedAsync("asset_pin", invocation.Daemon.CallAsync($"remove the pin {pin}", options => client.UnpinAsync(unpin, options), cancel));
            invocation.Printer.Fields(("removed", pin));
            return;
        }

        var request = new PinAssetRequest { Tenant = TenantOf(invocation), Pin = pin, Asset = Required(invocation), Reason = invocation.Value(Reason) ?? "" };
        AssetPin made = await invocation.Daemon.CallAsync($"pin {request.Asset}", options => client.PinAsync(request, options), cancel);
        invocation.Printer.Fields(("pin", made.Name), ("asset", made.Asset), ("reason", made.Reason));
    }

    private static async Task LeaseAsync(Invocation invocation, CancellationToken cancel)
    {
        (AssetService.AssetServiceClient client, string lease) = (Client(invocation), invocation.Value(TagName)!);
        if (invocation.Value(Remove))
        {
            var end = new EndLeaseRequest { Tenant = TenantOf(invocation), Lease = lease };
            await NamedAsync("asset_lease", invocation.Daemon.CallAsync($"end the lease {lease}", options => client.EndLeaseAsync(end, options), cancel));
            invocation.Printer.Fields(("removed", lease));
            return;
        }

        TimeSpan span = invocation.Value(For) ?? throw Fault.Invalid("for", "--for says how long the lease lasts", "auraed assets lease copying stable --for 1h");
        var request = new LeaseAssetRequest { Tenant = TenantOf(invocation), Lease = lease, Asset = invocation.Value(OptionalAsset) ?? "", Duration = Duration.FromTimeSpan(span) };
        AssetLease made = await NamedAsync("asset_lease", invocation.Daemon.CallAsync($"lease an asset as {lease}", options => client.LeaseAsync(request, options), cancel));
        invocation.Printer.Fields(("lease", made.Name), ("asset", made.Asset), ("expire_time", made.ExpireTime.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture)));
    }

    /// <summary>A call about a name that nobody has says where the names stand.</summary>
    internal static async Task<T> NamedAsync<T>(string table, Task<T> call)
    {
        try
        {
            return await call;
        }
        catch (Fault fault) when (fault is { Kind: FaultKind.NotFound, Hint: null })
        {
            throw new Fault(fault.Kind, fault.Message, fault.Field, $"auraed records ls {table}", fault) { Reason = fault.Reason };
        }
    }

    private static string Required(Invocation invocation) =>
        invocation.Value(OptionalAsset) ?? throw Fault.Invalid("asset", "no asset is named", "auraed assets ls");

    internal static TimeSpan? ParseSpan(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (Units.ParseSpan(text) is { } span)
        {
            return span;
        }

        result.AddError($"'{text}' is no duration: write 90s, 10m, 2h or 1d");
        return null;
    }
}
