using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Aurae.Registry.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Cli.Verbs;

/// <summary>The registry from the command line (aurae.registry.v0).</summary>
internal static class RegistryVerbs
{
    private static readonly Argument<string> Service = new("SERVICE") { Description = "The service's name: web, or db.internal." };

    private static readonly Argument<string> Address = new("ADDRESS") { Description = "Where it is: host:port, [address]:port, unix:/path or a URL." };

    private static readonly Argument<string> Id = new("ID") { Description = "The entry's id." };

    private static readonly Argument<string[]> Ids = new("ID") { Description = "The entries' ids.", Arity = ArgumentArity.OneOrMore };

    private static readonly Option<string> Tenant = new("--tenant") { Description = "Whose entries. [default: default]", HelpName = "NAME" };

    private static readonly Option<string> OfService = new("--service") { Description = "Only entries of this service.", HelpName = "NAME" };

    private static readonly Option<string[]> Tag = new("--tag") { Description = "A tag; more of them must all be there.", HelpName = "TAG" };

    private static readonly Option<string> GivenId = new("--id") { Description = "The entry's id. [default: SERVICE@ADDRESS]", HelpName = "ID" };

    private static readonly Option<uint?> Weight = new("--weight") { Description = "Its share of what is resolved by weight. [default: 1]", HelpName = "NUMBER" };

    private static readonly Option<TimeSpan?> Ttl = new("--ttl")
    {
        Description = "It goes when nobody heartbeats for so long: 30s, 5m. Without it, it stays.",
        HelpName = "DURATION",
        CustomParser = ParseSpan,
    };

    private static readonly Option<string[]> Needs = new("--needs") { Description = "A service that it depends on.", HelpName = "SERVICE" };

    private static readonly Option<EndpointHealth> Health = new Option<EndpointHealth>("--health")
    {
        Description = "healthy, unhealthy or draining.",
        HelpName = "HEALTH",
        CustomParser = ParseHealth,
    }.Offering("healthy", "unhealthy", "draining");

    private static readonly Option<string> Note = new("--note") { Description = "Why the health is what it is.", HelpName = "TEXT" };

    private static readonly Option<TimeSpan?> Every = new("--every") { Description = "Go on, so often, until interrupted.", HelpName = "DURATION", CustomParser = ParseSpan };

    private static readonly Option<bool> AnyHealth = new("--any-health") { Description = "Those that are not healthy too, last." };

    private static readonly Option<bool> Weighted = new("--weighted") { Description = "By chance, each according to its weight; else in the order of registration." };

    private static readonly Option<bool> All = new("--all") { Description = "Every address, in the order in which to try them; else the first." };

    private static readonly Option<bool> Direct = new("--direct") { Description = "Only those that name it themselves." };

    private static readonly Option<long?> After = new("--after") { Description = "Go on after this sequence. Without it: first every entry as it is.", HelpName = "SEQUENCE" };

    private static readonly Column<EntryStatus>[] Columns =
    [
        new("id", status => status.Entry.Id),
        new("service", status => status.Entry.Service),
        new("address", status => status.Entry.Address),
        new("health", status => HealthOf(status.Entry)),
        new("tags", status => string.Join(',', status.Entry.Tags)),
        new("weight", status => (long)(status.Entry.HasWeight ? status.Entry.Weight : 1)),
        new("lease", status => status.Remaining is { } left ? Cell.Span(left.ToTimeSpan()) : null),
        new("needs", status => string.Join(',', status.Entry.Dependencies.Select(need => need.Service))),
        new("note", status => status.Entry.Note),
    ];

    public static Command Build(CliEnvironment environment) => new Verb("registry", "Who offers what, where, in which health.").With(
        new Verb("ls", "List entries.", "auraed registry ls", "auraed registry ls --service web --tag canary").With(OfService, Tag, Tenant).Calls(environment, ListAsync),
        new Verb("register", "Make an entry, or replace what it holds.",
            "auraed registry register db.internal 192.0.2.7:5432",
            "auraed registry register web 127.0.0.1:8080 --id web-1 --tag canary --ttl 30s --needs db.internal")
            .With(Service, Address, GivenId, Tag, Weight, Ttl, Needs, Health, Note, Tenant).Calls(environment, RegisterAsync),
        new Verb("resolve", "Print where to find a service; fails when nothing healthy is there.",
            "auraed registry resolve web", "curl http://$(auraed registry resolve web --weighted)/")
            .With(Service, Tag, AnyHealth, Weighted, All, Tenant).Calls(environment, ResolveAsync),
        new Verb("heartbeat", "Renew the leases of entries, and tell their health.",
            "auraed registry heartbeat web-1", "auraed registry heartbeat web-1 --every 10s", "auraed registry heartbeat web-1 --health draining --note 'goes at noon'")
            .With(Ids, Health, Note, Every, Tenant).Calls(environment, HeartbeatAsync),
        new Verb("deregister", "Remove an entry.", "auraed registry deregister web-1").With(Id, Tenant).Calls(environment, DeregisterAsync),
        new Verb("watch", "Print each change as it comes, until interrupted.", "auraed registry watch", "auraed registry watch --service web --output json")
            .With(OfService, After, Tenant).Calls(environment, WatchAsync),
        new Verb("dependents", "Print which services would miss one, and through which.", "auraed registry dependents db.internal").With(Service, Direct, Tenant).Calls(environment, DependentsAsync));

    private static async Task ListAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new ListEntriesRequest { Tenant = TenantOf(invocation), Service = invocation.Value(OfService) ?? "", Tags = { invocation.Value(Tag) ?? [] } };
        var entries = new List<EntryStatus>();
        ListEntriesResponse page;
        do
        {
            page = await invocation.Daemon.CallAsync("list the registry", options => Client(invocation).ListAsync(request, options), cancel);
            entries.AddRange(page.Entries);
            request.After = entries.Count > 0 ? entries[^1].Entry.Id : "";
        }
        while (page.More);
        invocation.Printer.Rows(entries, Columns);
    }

    private static async Task RegisterAsync(Invocation invocation, CancellationToken cancel)
    {
        var entry = new RegistryEntry
        {
            Id = invocation.Value(GivenId) ?? "",
            Service = invocation.Value(Service)!,
            Address = invocation.Value(Address)!,
            Tags = { invocation.Value(Tag) ?? [] },
            Health = invocation.Value(Health),
            Note = invocation.Value(Note) ?? "",
            Dependencies = { (invocation.Value(Needs) ?? []).Select(service => new Dependency { Service = service }) },
        };
        if (invocation.Value(Weight) is { } weight)
        {
            entry.Weight = weight;
        }

        if (invocation.Value(Ttl) is { } ttl)
        {
            entry.Ttl = Duration.FromTimeSpan(ttl);
        }

        var request = new RegisterRequest { Tenant = TenantOf(invocation), Entry = entry };
        EntryStatus status = await invocation.Daemon.CallAsync($"register '{entry.Service}'", options => Client(invocation).RegisterAsync(request, options), cancel);
        invocation.Printer.Rows([status], Columns);
    }

    private static async Task ResolveAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new ResolveRequest
        {
            Tenant = TenantOf(invocation),
            Service = invocation.Value(Service)!,
            Tags = { invocation.Value(Tag) ?? [] },
            AnyHealth = invocation.Value(AnyHealth),
            Order = invocation.Value(Weighted) ? ResolveOrder.Weighted : ResolveOrder.First,
            Limit = invocation.Value(All) ? 0 : 1,
        };
        ResolveResponse answer = await invocation.Daemon.CallAsync($"resolve '{request.Service}'", options => Client(invocation).ResolveAsync(request, options), cancel);
        foreach (RegistryEntry entry in answer.Entries)
        {
            invocation.Terminal.Out.WriteLine(invocation.Printer.IsJson ? RecordJson.Write(entry, isIndented: false) : entry.Address);
        }
    }

    private static async Task HeartbeatAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new HeartbeatRequest
        {
            Tenant = TenantOf(invocation),
            Ids = { invocation.Value(Ids)! },
            Health = invocation.Value(Health),
            Note = invocation.Value(Note) ?? "",
        };
        while (true)
        {
            HeartbeatResponse answer = await invocation.Daemon.CallAsync("heartbeat", options => Client(invocation).HeartbeatAsync(request, options), cancel);
            foreach (string missing in answer.Missing)
            {
                invocation.Warn($"'{missing}' is not registered (any more)");
            }

            if (invocation.Value(Every) is not { } every)
            {
                invocation.Printer.Fields(("renewed", request.Ids.Count - answer.Missing.Count), ("missing", answer.Missing.Count));
                return;
            }

            await Task.Delay(every, invocation.Environment.Time, cancel);
        }
    }

    private static async Task DeregisterAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new DeregisterRequest { Tenant = TenantOf(invocation), Id = invocation.Value(Id)! };
        DeregisterResponse answer = await invocation.Daemon.CallAsync($"deregister '{request.Id}'", options => Client(invocation).DeregisterAsync(request, options), cancel);
        invocation.Printer.Fields(("deregistered", request.Id), ("revision", answer.Revision));
    }

    private static Task WatchAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new WatchEntriesRequest { Tenant = TenantOf(invocation), Service = invocation.Value(OfService) ?? "" };
        if (invocation.Value(After) is { } after)
        {
            request.After = after;
        }

        return invocation.Daemon.StreamAsync("watch the registry", options => Client(invocation).Watch(request, options), Tell, cancel);

        void Tell(WatchEntriesResponse message)
        {
            if (message.Change is not { } change)
            {
                return;
            }

            invocation.Terminal.Out.WriteLine(invocation.Printer.IsJson
                ? RecordJson.Write(change, isIndented: false)
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{change.Sequence,9}  {change.Kind.ToString().ToLowerInvariant(),-12}  {Units.Printable(change.Entry.Service),-24}  {Units.Printable(change.Entry.Id),-32}  {Units.Printable(change.Entry.Address)}  {HealthOf(change.Entry)}"));
            invocation.Terminal.Out.Flush();
        }
    }

    private static async Task DependentsAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new ListDependentsRequest { Tenant = TenantOf(invocation), Service = invocation.Value(Service)!, Direct = invocation.Value(Direct) };
        ListDependentsResponse answer = await invocation.Daemon.CallAsync($"list who depends on '{request.Service}'", options => Client(invocation).ListDependentsAsync(request, options), cancel);
        invocation.Printer.Rows(
            answer.Dependents,
            new Column<Dependent>("service", dependent => dependent.Service),
            new Column<Dependent>("path", dependent => string.Join(" <- ", dependent.Path)),
            new Column<Dependent>("entries", dependent => string.Join(',', dependent.Ids)));
    }

    private static string HealthOf(RegistryEntry entry) => entry.Health == EndpointHealth.Unspecified ? "unknown" : entry.Health.ToString().ToLowerInvariant();

    private static string TenantOf(Invocation invocation) => invocation.Value(Tenant) ?? "";

    private static RegistryService.RegistryServiceClient Client(Invocation invocation) => new(invocation.Daemon.Invoker);

    private static TimeSpan? ParseSpan(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (Units.ParseSpan(text) is { } span && span > TimeSpan.Zero)
        {
            return span;
        }

        result.AddError($"'{text}' is no duration: write 500ms, 30s, 5m or 2h");
        return null;
    }

    private static EndpointHealth ParseHealth(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        switch (text)
        {
            case "healthy":
                return EndpointHealth.Healthy;
            case "unhealthy":
                return EndpointHealth.Unhealthy;
            case "draining":
                return EndpointHealth.Draining;
            default:
                result.AddError($"'{text}' is no health: healthy, unhealthy or draining");
                return default;
        }
    }
}
