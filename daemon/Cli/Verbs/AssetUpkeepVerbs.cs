using System.CommandLine;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Cli.Verbs;

/// <summary>The care of what assets are kept in.</summary>
internal static class AssetUpkeepVerbs
{
    private static readonly Option<bool> Dry = new("--dry-run") { Description = "Change nothing, and say what a collection with no grace would remove now." };

    private static readonly Option<TimeSpan?> Grace = new("--grace")
    {
        Description = "How long a chunk must have been without use. 0 only while nothing is uploaded. [default: 1h]",
        HelpName = "DURATION",
        CustomParser = AssetsVerbs.ParseSpan,
    };

    private static readonly Option<bool> Restart = new("--restart") { Description = "Begin with the first chunk instead of where the last scrub stopped." };

    private static readonly Option<int> Rate = new("--rate") { Description = "MiB a second at most; 0 for no limit. [default: 0]", HelpName = "MIB" };

    public static IEnumerable<Command> Build(CliEnvironment environment) =>
    [
        new Verb("gc", "Remove chunks that nothing refers to. The daemon does this by itself.", "auraed assets gc --dry-run", "auraed assets gc", "auraed assets gc --grace 0")
            .With(Dry, Grace).Calls(environment, CollectAsync),
        new Verb("scrub", "Read every chunk and compare it with its id. What is damaged is mended from a backend that has it; fails when none has, and names the assets. The daemon does this by itself.", "auraed assets scrub --rate 50", "auraed assets scrub --restart")
            .With(Restart, Rate).Calls(environment, ScrubAsync),
        new Verb("stats", "Show what assets take, and what keeping equal parts once saves.", "auraed assets stats", "auraed assets stats --tenant acme --output json")
            .With(AssetsVerbs.Tenant).Calls(environment, StatsAsync),
    ];

    private static async Task CollectAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new GarbageCollectRequest { DryRun = invocation.Value(Dry) };
        if (invocation.Value(Grace) is { } grace)
        {
            request.Grace = Duration.FromTimeSpan(grace);
        }

        using var steps = new StepProgress(invocation);
        GarbageCollectResult? result = null;
        await invocation.Daemon.StreamAsync("collect unused chunks", options => AssetsVerbs.Client(invocation).GarbageCollect(request, options), Take, cancel);
        steps.End();
        invocation.Printer.Fields(
            ("removed_chunks", (result ?? throw Broken("collect")).RemovedChunkCount),
            ("removed", Cell.Bytes(result.RemovedStoredSize)),
            ("waiting_chunks", result.CondemnedChunkCount),
            ("kept_chunks", result.KeptChunkCount),
            ("expired_uploads", result.ExpiredUploadCount),
            ("expired_leases", result.ExpiredLeaseCount),
            ("freed_chunks", result.FreedChunkCount),
            ("freed", Cell.Bytes(result.FreedSize)));

        void Take(GarbageCollectResponse message)
        {
            result = message.Result ?? result;
            steps.Tell(message.Progress);
        }
    }

    private static async Task ScrubAsync(Invocation invocation, CancellationToken cancel)
    {
        if (invocation.Value(Rate) < 0)
        {
            throw Fault.Invalid("rate", $"--rate {invocation.Value(Rate)} is less than 0", "0 for no limit");
        }

        var request = new ScrubRequest { Restart = invocation.Value(Restart), BytesPerSecond = (long)invocation.Value(Rate) << 20 };
        using var steps = new StepProgress(invocation);
        ScrubResult? result = null;
        var damaged = new List<DamagedChunk>();
        await invocation.Daemon.StreamAsync("scrub", options => AssetsVerbs.Client(invocation).Scrub(request, options), Take, cancel);
        steps.End();
        invocation.Printer.Fields(
            ("chunks", (result ?? throw Broken("scrub")).ChunkCount), ("size", Cell.Bytes(result.Size)), ("damaged_chunks", result.DamagedChunkCount), ("mended_chunks", result.MendedChunkCount),
            ("archived_chunks", result.ArchivedChunkCount), ("complete", result.Complete));
        if (result.DamagedChunkCount > 0)
        {
            invocation.Printer.Rows(
                damaged,
                new Column<DamagedChunk>("chunk", chunk => Convert.ToHexStringLower(chunk.Id.Span)),
                new Column<DamagedChunk>("reason", chunk => chunk.Reason),
                new Column<DamagedChunk>("mended_from", chunk => chunk.MendedFrom),
                new Column<DamagedChunk>("assets", chunk => Cell.Names(chunk.Assets.Select(asset => $"{asset.Tenant}/{asset.Id}"))));
            invocation.ExitCode = result.MendedChunkCount == result.DamagedChunkCount ? ExitCode.Done : ExitCode.Found;
        }

        void Take(ScrubResponse message)
        {
            result = message.Result ?? result;
            steps.Tell(message.Progress);
            damaged.AddRange(message.Damaged is { } chunk ? [chunk] : []);
        }
    }

    private static async Task StatsAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new AssetStatsRequest { Tenant = AssetsVerbs.TenantOf(invocation) };
        AssetStatsResponse stats = await invocation.Daemon.CallAsync("ask for statistics", options => AssetsVerbs.Client(invocation).StatsAsync(request, options), cancel);
        List<(string Tenant, AssetSums Sums, ulong Max)> rows = [.. stats.Tenants.Select(tenant => (tenant.Tenant, tenant.Sums, tenant.StoredSizeMax))];
        if (stats.Total is { } total)
        {
            rows.Add(("(all)", total, 0));
        }

        invocation.Printer.Rows(
            rows,
            new Column<(string Tenant, AssetSums Sums, ulong Max)>("tenant", row => row.Tenant),
            new Column<(string Tenant, AssetSums Sums, ulong Max)>("assets", row => row.Sums.AssetCount),
            new Column<(string Tenant, AssetSums Sums, ulong Max)>("size", row => Cell.Bytes(row.Sums.AssetSize)),
            new Column<(string Tenant, AssetSums Sums, ulong Max)>("chunks", row => row.Sums.ChunkCount),
            new Column<(string Tenant, AssetSums Sums, ulong Max)>("chunk_size", row => Cell.Bytes(row.Sums.ChunkSize)),
            new Column<(string Tenant, AssetSums Sums, ulong Max)>("stored", row => Cell.Bytes(row.Sums.StoredSize)),
            new Column<(string Tenant, AssetSums Sums, ulong Max)>("deduplication", row => Cell.Ratio(row.Sums.Deduplication)),
            new Column<(string Tenant, AssetSums Sums, ulong Max)>("quota", row => row.Max == 0 ? default : Cell.Bytes((long)Math.Min(row.Max, long.MaxValue))),
            new Column<(string Tenant, AssetSums Sums, ulong Max)>("uploads", row => row.Sums.UploadCount),
            new Column<(string Tenant, AssetSums Sums, ulong Max)>("archived", row => Cell.Bytes(row.Sums.ArchivedSize)),
            new Column<(string Tenant, AssetSums Sums, ulong Max)>("damaged", row => row.Sums.DamagedChunkCount));
    }

    private static Fault Broken(string what) => new(FaultKind.Unavailable, $"cannot {what}: the daemon's answer broke off");
}
