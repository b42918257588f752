using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Cli.Verbs;

/// <summary>How much of the event log is kept in the database, and where the rest goes.</summary>
internal static class RetentionVerbs
{
    private static readonly Option<string?> To = new("--to") { Description = "The directory, on the daemon's host. [default: the daemon's events.archive_dir]", HelpName = "DIR" };

    private static readonly Option<bool> ToAssets = new("--to-assets") { Description = "Archive as assets, into the daemon's own file." };

    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Say what would be pruned, and prune nothing." };

    private static readonly Option<TimeSpan?> KeepAge = new("--keep-age") { Description = "Younger events stay: 12h, 30d. [default: the daemon's events.keep_age]", HelpName = "DURATION", CustomParser = ParseSpan };

    private static readonly Option<long?> KeepCount = new("--keep-count") { Description = "So many of the newest events stay. [default: the daemon's events.keep_count]", HelpName = "COUNT", CustomParser = ParseCount };

    public static Command[] Build(CliEnvironment environment) =>
    [
        new Verb("archive", "Write what is not archived yet as signed segments of whole blocks of 256 events: to a directory, whose mode protects them as they are not encrypted, or as assets.",
            "auraed events archive --to /mnt/archive/host7", "auraed events archive --to-assets", "auraed events archives; auraed assets get ID segment.auraeseg; auraed events verify segment.auraeseg --server-crt server.crt").With(To, ToAssets).Calls(environment, ArchiveAsync),
        new Verb("archives", "List what is archived, and where.", "auraed events archives").Calls(environment, ListAsync),
        new Verb("prune", "Remove archived events from the database. Only what is in the archive as it was verified, and what every cursor has passed.",
            "auraed events prune --dry-run", "auraed events prune --keep-age 30d", "auraed events prune --keep-count 1000000")
            .With(DryRun, KeepAge, KeepCount).Calls(environment, PruneAsync),
    ];

    private static async Task ArchiveAsync(Invocation invocation, CancellationToken cancel)
    {
        using var steps = new StepProgress(invocation);
        ArchiveEventsResult? result = null;
        var request = new ArchiveEventsRequest { Directory = invocation.Value(To) is { } directory ? Path.GetFullPath(directory) : string.Empty, ToAssets = invocation.Value(ToAssets) };
        await invocation.Daemon.StreamAsync("archive the events", options => Client(invocation).Archive(request, options), Take, cancel);
        steps.End();
        ArchiveEventsResult archived = result ?? throw BrokenOff("archive the events");
        invocation.Printer.Fields(archived.Directory.Length > 0 ? ("directory", archived.Directory) : ("assets", true), ("segments", archived.Segments), ("events", archived.Events), ("last_sequence", archived.LastSequence));

        void Take(ArchiveEventsResponse response)
        {
            result = response.Result ?? result;
            Tell(steps, response.Progress);
        }
    }

    private static async Task PruneAsync(Invocation invocation, CancellationToken cancel)
    {
        using var steps = new StepProgress(invocation);
        PruneEventsResult? result = null;
        var request = new PruneEventsRequest { DryRun = invocation.Value(DryRun) };
        if (invocation.Value(KeepAge) is { } age)
        {
            request.KeepAge = Duration.FromTimeSpan(age);
        }

        if (invocation.Value(KeepCount) is { } count)
        {
            request.KeepCount = count;
        }

        await invocation.Daemon.StreamAsync("prune the events", options => Client(invocation).Prune(request, options), Take, cancel);
        steps.End();
        PruneEventsResult pruned = result ?? throw BrokenOff("prune the events");
        invocation.Printer.Fields((request.DryRun ? "would_prune" : "pruned", pruned.Events), ("floor", pruned.Floor), ("held_by", pruned.HeldBy));

        void Take(PruneEventsResponse response)
        {
            result = response.Result ?? result;
            Tell(steps, response.Progress);
        }
    }

    private static async Task ListAsync(Invocation invocation, CancellationToken cancel)
    {
        ListArchivesResponse found = await invocation.Daemon.CallAsync("list the archives", options => Client(invocation).ListArchivesAsync(new ListArchivesRequest(), options), cancel);
        invocation.Printer.Rows(
            found.Archives,
            new Column<EventArchive>("first", archive => archive.FirstSequence),
            new Column<EventArchive>("last", archive => archive.LastSequence),
            new Column<EventArchive>("size", archive => Cell.Bytes(archive.Bytes)),
            new Column<EventArchive>("time", archive => Cell.Time(archive.Time.ToDateTimeOffset())),
            new Column<EventArchive>("in_log", archive => archive.FirstSequence >= found.Floor),
            new Column<EventArchive>("path", archive => archive.Path));
    }

    private static void Tell(StepProgress steps, RetentionProgress? progress)
    {
        if (progress is not null)
        {
            steps.Tell(new Store.StoreProgress(progress.Step, progress.Done, progress.Total));
        }
    }

    private static Fault BrokenOff(string what) => new(FaultKind.Unavailable, $"cannot {what}: the daemon's answer broke off");

    private static RetentionService.RetentionServiceClient Client(Invocation invocation) => new(invocation.Daemon.Invoker);

    private static TimeSpan? ParseSpan(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (Units.ParseSpan(text) is { TotalDays: < 36_500 } span)
        {
            return span;
        }

        result.AddError($"'{text}' is no duration: write 90s, 10m, 2h or 1d");
        return null;
    }

    private static long? ParseCount(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long count))
        {
            return count;
        }

        result.AddError($"'{text}' is not a number from 0 up");
        return null;
    }
}
