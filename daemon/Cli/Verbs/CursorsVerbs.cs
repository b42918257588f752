using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Cli.Verbs;

/// <summary>`auraed events cursors`: named positions in the event log.</summary>
internal static class CursorsVerbs
{
    private static readonly Argument<string> Name = new("CURSOR") { Description = "The cursor's name." };

    private static readonly Argument<long[]> Sequences = new("SEQUENCE") { Description = "Parked events; none for all.", Arity = ArgumentArity.ZeroOrMore };

    private static readonly Option<string> Tenant = new("--tenant") { Description = "Whose cursor. [default: default]", HelpName = "NAME" };

    private static readonly Option<string[]> Kind = new("--kind") { Description = "Hand out only events of this kind: app.orders.placed, or app.orders.* for all that begin so.", HelpName = "KIND", AllowMultipleArgumentsPerToken = false };

    private static readonly Option<string> Subject = new("--subject") { Description = "Only events about this.", HelpName = "NAME" };

    private static readonly Option<string> Of = new("--of-tenant") { Description = "Only this tenant's events; '*' for all tenants'. [default: the cursor's tenant]", HelpName = "NAME" };

    private static readonly Option<long?> From = new("--from") { Description = "Begin with this event. [default: with what comes]", HelpName = "SEQUENCE" };

    private static readonly Option<TimeSpan?> Since = new("--since") { Description = "Begin with the events of this long ago: 90s, 10m, 2h, 1d.", HelpName = "DURATION", CustomParser = ParseSpan };

    private static readonly Option<TimeSpan?> LeaseTime = new("--lease") { Description = "How long an event may be out before it is handed out again. [default: 30s]", HelpName = "DURATION", CustomParser = ParseSpan };

    private static readonly Option<int> InFlight = new("--in-flight") { Description = "Events that may be out at a time. [default: 1000]", HelpName = "COUNT" };

    private static readonly Option<int> Deliveries = new("--deliveries") { Description = "Park an event that was handed out so often. [default: 16]", HelpName = "COUNT" };

    private static readonly Option<bool> Discard = new("--discard") { Description = "Settle them instead of handing them out again." };

    public static Verb Build(CliEnvironment environment) => new Verb("cursors", "Named positions in the log that consumers share.").With(
        new Verb("ls", "List cursors, how far they are, and what they have handed out.", "auraed events cursors ls")
            .With(Tenant).Calls(environment, ListAsync),
        new Verb("show", "Print one cursor.", "auraed events cursors show billing")
            .With(Name, Tenant).Calls(environment, ShowAsync),
        new Verb("create", "Make a cursor.",
            "auraed events cursors create billing --kind 'app.orders.*' --from 1",
            "auraed events cursors create audit --of-tenant '*' --since 1d --lease 5m")
            .With(Name, Tenant, Kind, Subject, Of, From, Since, LeaseTime, InFlight, Deliveries).Calls(environment, CreateAsync),
        new Verb("rm", "Delete a cursor; what is out can no longer be acknowledged.", "auraed events cursors rm billing")
            .With(Name, Tenant).Calls(environment, RemoveAsync),
        new Verb("seek", "Go on from another place; without one, with what comes.", "auraed events cursors seek billing --from 42", "auraed events cursors seek billing --since 2h")
            .With(Name, Tenant, From, Since).Calls(environment, SeekAsync),
        new Verb("parked", "List the events that were handed out as often as they may be.", "auraed events cursors parked billing")
            .With(Name, Tenant).Calls(environment, ParkedAsync),
        new Verb("unpark", "Hand parked events out again, or settle them.", "auraed events cursors unpark billing", "auraed events cursors unpark billing 42 43 --discard")
            .With(Name, Sequences, Tenant, Discard).Calls(environment, UnparkAsync));

    private static async Task ListAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new ListCursorsRequest { Tenant = TenantOf(invocation) };
        ListCursorsResponse answer = await invocation.Daemon.CallAsync("list the cursors", options => Client(invocation).ListAsync(request, options), cancel);
        invocation.Printer.Rows(
            answer.Cursors,
            new Column<Cursor>("name", cursor => cursor.Name),
            new Column<Cursor>("position", cursor => cursor.Position),
            new Column<Cursor>("behind", cursor => cursor.LogSequence - cursor.Position),
            new Column<Cursor>("leased", cursor => cursor.Leased),
            new Column<Cursor>("waiting", cursor => cursor.Waiting),
            new Column<Cursor>("parked", cursor => cursor.Parked),
            new Column<Cursor>("kinds", cursor => cursor.Filter.Kinds.Count == 0 ? "*" : string.Join(' ', cursor.Filter.Kinds)));
    }

    private static async Task ShowAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new GetCursorRequest { Tenant = TenantOf(invocation), Name = invocation.Value(Name)! };
        Print(invocation, await invocation.Daemon.CallAsync($"show the cursor '{request.Name}'", options => Client(invocation).GetAsync(request, options), cancel));
    }

    private static async Task CreateAsync(Invocation invocation, CancellationToken cancel)
    {
        var cursor = new Cursor
        {
            Tenant = TenantOf(invocation),
            Name = invocation.Value(Name)!,
            Filter = new EventFilter { Subject = invocation.Value(Subject) ?? string.Empty, Tenant = invocation.Value(Of) ?? string.Empty },
            InFlightMax = invocation.Value(InFlight),
            DeliveriesMax = invocation.Value(Deliveries),
            LeaseTime = invocation.Value(LeaseTime) is { } lease ? Duration.FromTimeSpan(lease) : null,
        };
        cursor.Filter.Kinds.AddRange(invocation.Value(Kind) ?? []);
        var request = new CreateCursorRequest { Cursor = cursor, Start = Start(invocation) };
        Print(invocation, await invocation.Daemon.CallAsync($"make the cursor '{cursor.Name}'", options => Client(invocation).CreateAsync(request, options), cancel));
    }

    private static async Task RemoveAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new DeleteCursorRequest { Tenant = TenantOf(invocation), Name = invocation.Value(Name)! };
        await invocation.Daemon.CallAsync($"delete the cursor '{request.Name}'", options => Client(invocation).DeleteAsync(request, options), cancel);
        invocation.Printer.Fields(("deleted", request.Name));
    }

    private static async Task SeekAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new SeekCursorRequest { Tenant = TenantOf(invocation), Name = invocation.Value(Name)!, Start = Start(invocation) };
        Print(invocation, await invocation.Daemon.CallAsync($"move the cursor '{request.Name}'", options => Client(invocation).SeekAsync(request, options), cancel));
    }

    private static async Task ParkedAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new ListParkedRequest { Tenant = TenantOf(invocation), Name = invocation.Value(Name)! };
        var parked = new List<ParkedEvent>();
        do
        {
            ListParkedResponse page = await invocation.Daemon.CallAsync($"list what '{request.Name}' has parked", options => Client(invocation).ListParkedAsync(request, options), cancel);
            parked.AddRange(page.Parked);
            request.After = page.NextAfter;
        }
        while (request.After > 0);
        invocation.Printer.Rows(
            parked,
            new Column<ParkedEvent>("sequence", one => one.Event.Sequence),
            new Column<ParkedEvent>("kind", one => one.Event.Kind),
            new Column<ParkedEvent>("subject", one => one.Event.Subject),
            new Column<ParkedEvent>("deliveries", one => one.Deliveries),
            new Column<ParkedEvent>("consumer", one => one.Consumer),
            new Column<ParkedEvent>("parked", one => Cell.Time(one.Time.ToDateTimeOffset())));
    }

    private static async Task UnparkAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new UnparkRequest { Tenant = TenantOf(invocation), Name = invocation.Value(Name)!, Discard = invocation.Value(Discard) };
        request.Sequences.AddRange(invocation.Value(Sequences) ?? []);
        UnparkResponse answer = await invocation.Daemon.CallAsync($"unpark events of '{request.Name}'", options => Client(invocation).UnparkAsync(request, options), cancel);
        invocation.Printer.Fields(("unparked", answer.Unparked));
    }

    private static void Print(Invocation invocation, Cursor cursor) => invocation.Printer.Fields(
        ("name", cursor.Name),
        ("tenant", cursor.Tenant),
        ("kinds", cursor.Filter.Kinds.Count == 0 ? "*" : string.Join(' ', cursor.Filter.Kinds)),
        ("subject", cursor.Filter.Subject),
        ("of_tenant", cursor.Filter.Tenant),
        ("position", cursor.Position),
        ("behind", cursor.LogSequence - cursor.Position),
        ("leased", cursor.Leased),
        ("waiting", cursor.Waiting),
        ("parked", cursor.Parked),
        ("lease_time", cursor.LeaseTime.ToTimeSpan().TotalSeconds.ToString("0.###'s'", CultureInfo.InvariantCulture)),
        ("in_flight_max", cursor.InFlightMax),
        ("deliveries_max", cursor.DeliveriesMax),
        ("created", Cell.Time(cursor.CreateTime.ToDateTimeOffset())));

    private static CursorStart? Start(Invocation invocation) => (invocation.Value(From), invocation.Value(Since)) switch
    {
        (not null, not null) => throw Fault.Invalid("since", "--from and --since exclude each other"),
        ({ } from, _) => new CursorStart { After = from - 1 },
        (_, { } since) => new CursorStart { Since = Timestamp.FromDateTimeOffset(invocation.Environment.Time.GetUtcNow() - since) },
        _ => null,
    };

    private static string TenantOf(Invocation invocation) => invocation.Value(Tenant) ?? string.Empty;

    private static CursorService.CursorServiceClient Client(Invocation invocation) => new(invocation.Daemon.Invoker);

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
