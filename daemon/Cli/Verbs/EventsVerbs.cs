using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Cli.Verbs;

/// <summary>The event log from the command line (aurae.events.v0).</summary>
internal static class EventsVerbs
{
    private const long CountDefault = 20;

    private static readonly Argument<long> Sequence = new("SEQUENCE") { Description = "The event's number.", CustomParser = ParseNumber };

    private static readonly Option<long?> From = new("--from") { Description = "Begin with this event.", HelpName = "SEQUENCE", CustomParser = result => ParseNumber(result) };

    private static readonly Option<TimeSpan?> Since = new("--since") { Description = "Begin with the events of this long ago: 90s, 10m, 2h, 1d.", HelpName = "DURATION", CustomParser = ParseSpan };

    private static readonly Option<bool> Follow = new("--follow", "-f") { Description = "Go on with each event as it comes, until interrupted." };

    private static readonly Option<string[]> Kind = new("--kind")
    {
        Description = "Only events of this kind: virtual_machine.created, or virtual_machine.* for all of machines.",
        HelpName = "KIND",
        AllowMultipleArgumentsPerToken = false,
    };

    private static readonly Option<string> Subject = new("--subject") { Description = "Only events about the record of this name.", HelpName = "NAME" };

    private static readonly Option<string> Tenant = new("--tenant") { Description = "Whose events; '*' for all tenants'. [default: default]", HelpName = "NAME" };

    private static readonly Option<long?> Count = new("--lines", "-n")
    {
        Description = "Events at most, before those that --follow waits for; 0 for all. [default: 20, and all with --from or --since]",
        HelpName = "COUNT",
        CustomParser = ParseCount,
    };

    public static Command Build(CliEnvironment environment) => new Verb("events", "The event log: what changed, when, and by whom.").With(
    [
        new Verb("tail", "Print the newest events, or those from a place on.",
            "auraed events tail",
            "auraed events tail --follow --kind 'virtual_machine.*'",
            "auraed events tail --since 10m --subject vm-1",
            "auraed events tail --from 1 --tenant '*' --output json")
            .With(From, Since, Follow, Kind, Subject, Tenant, Count).Calls(environment, TailAsync),
        new Verb("get", "Print one event with what it holds.", "auraed events get 42")
            .With(Sequence).Calls(environment, GetAsync),
        AppendVerb.Build(environment),
        CursorsVerbs.Build(environment),
        ConsumeVerb.Build(environment),
        .. EventProofVerbs.Build(environment),
        .. RetentionVerbs.Build(environment),
    ]);

    private static async Task TailAsync(Invocation invocation, CancellationToken cancel)
    {
        if (invocation.Value(From) is not null && invocation.Value(Since) is not null)
        {
            throw Fault.Invalid("since", "--from and --since exclude each other");
        }

        var filter = new EventFilter { Subject = invocation.Value(Subject) ?? string.Empty, Tenant = invocation.Value(Tenant) ?? string.Empty };
        filter.Kinds.AddRange(invocation.Value(Kind) ?? []);
        var lines = new EventLines(invocation.Printer);
        long last = await PrintKeptAsync(invocation, filter, lines, cancel);
        if (invocation.Value(Follow))
        {
            // A --from beyond the newest is the daemon's to refuse.
            var request = new WatchEventsRequest { Filter = filter, After = Math.Max(last, (invocation.Value(From) ?? 0) - 1) };
            await invocation.Daemon.FollowAsync("watch the events", options => Client(invocation).Watch(request, options), Told, Away, cancel);

            void Told(WatchEventsResponse message)
            {
                lines.Print(message.Events);
                request.After = message.Sequence;
            }
        }

        void Away(Fault fault) => invocation.Warn($"{fault.Message}; waiting for it");
    }

    /// <summary>Prints those that are there already, and returns the newest of the log then.</summary>
    private static async Task<long> PrintKeptAsync(Invocation invocation, EventFilter filter, EventLines lines, CancellationToken cancel)
    {
        var request = new ReadEventsRequest { Filter = filter };
        bool isFromPlace = true;
        if (invocation.Value(From) is { } from)
        {
            request.FromSequence = from;
        }
        else if (invocation.Value(Since) is { } since)
        {
            request.FromTime = Timestamp.FromDateTimeOffset(invocation.Environment.Time.GetUtcNow() - since);
        }
        else
        {
            isFromPlace = false;
        }

        request.Limit = invocation.Value(Count) ?? (isFromPlace ? 0 : CountDefault);
        request.NewestFirst = !isFromPlace && request.Limit > 0;
        var held = new List<Event>();
        long last = 0;
        await invocation.Daemon.StreamAsync("read the events", options => Client(invocation).Read(request, options), Take, cancel);
        held.Reverse();
        lines.Print(held);
        return last;

        void Take(ReadEventsResponse message)
        {
            last = message.LogSequence;
            if (request.NewestFirst)
            {
                held.AddRange(message.Events);
            }
            else
            {
                lines.Print(message.Events);
            }
        }
    }

    private static async Task GetAsync(Invocation invocation, CancellationToken cancel)
    {
        long sequence = invocation.Value(Sequence);
        var request = new ReadEventsRequest { Filter = new EventFilter { Tenant = "*" }, FromSequence = sequence, ToSequence = sequence };
        Event? found = null;
        await invocation.Daemon.StreamAsync($"get event {sequence}", options => Client(invocation).Read(request, options), message => found ??= message.Events.FirstOrDefault(), cancel);
        if (found is null)
        {
            throw Fault.NotFound($"there is no event {sequence}", "auraed events tail prints the newest");
        }

        invocation.Terminal.Out.WriteLine(EventLines.Json(found, isIndented: !invocation.Printer.IsJson));
    }

    private static EventService.EventServiceClient Client(Invocation invocation) => new(invocation.Daemon.Invoker);

    private static long ParseNumber(ArgumentResult result) => Parse(result, 1);

    private static long? ParseCount(ArgumentResult result) => Parse(result, 0);

    private static long Parse(ArgumentResult result, long least)
    {
        string text = result.Tokens.Single().Value;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= least)
        {
            return number;
        }

        result.AddError($"'{text}' is not a number from {least} up");
        return default;
    }

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
}
