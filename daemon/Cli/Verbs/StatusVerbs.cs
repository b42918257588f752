using System.CommandLine;
using Auraed.Base;
using Auraed.Cli.Output;
using Aurae.Admin.V0;
using Aurae.Discovery.V0;
using Aurae.Pki;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1;

namespace Auraed.Cli.Verbs;

/// <summary>What can be asked of a running daemon before anything else: is it there, is it well, who is it.</summary>
internal static class StatusVerbs
{
    private static readonly Option<bool> Watch = new("--watch") { Description = "Print each change as it comes, until interrupted." };

    private static readonly Option<string> Service = new("--service")
    {
        Description = "The full name of one gRPC service; without it, the daemon as a whole.",
        HelpName = "NAME",
        DefaultValueFactory = _ => string.Empty,
    };

    public static IEnumerable<Command> Build(CliEnvironment environment) =>
    [
        new Verb("status", "Show whether the daemon runs and how it is: version, process, health, database, certificates.",
            "auraed status", "auraed --root ./.local status --output json").Calls(environment, StatusAsync),
        new Verb("doctor", "Look at everything the daemon needs on this host, and say which command mends what is wrong. Fails when something does not work.",
            "auraed doctor", "auraed doctor --root ./.local").Calls(environment, DoctorVerbs.RunAsync),
        new Verb("health", "Ask the daemon for its health (grpc.health.v1). Fails when it is not SERVING.",
            "auraed health", "auraed health --watch", "auraed health --service aurae.cells.v0.CellService").With(Watch, Service).Calls(environment, HealthAsync),
        new Verb("discover", "Ask the daemon who it is (aurae.discovery.v0).", "auraed discover", "auraed discover --output json").Calls(environment, DiscoverAsync),
    ];

    public static Task<DiscoverResponse> DiscoverAsync(ClientConnection daemon, CancellationToken cancel) =>
        daemon.CallAsync("ask the daemon who it is", options => new DiscoveryService.DiscoveryServiceClient(daemon.Invoker).DiscoverAsync(new DiscoverRequest(), options), cancel);

    private static async Task DiscoverAsync(Invocation invocation, CancellationToken cancel)
    {
        var answer = await DiscoverAsync(invocation.Daemon, cancel);
        invocation.Printer.Fields(("healthy", answer.Healthy), ("version", answer.Version));
    }

    private static async Task HealthAsync(Invocation invocation, CancellationToken cancel)
    {
        var daemon = invocation.Daemon;
        var client = new Health.HealthClient(daemon.Invoker);
        var request = new HealthCheckRequest { Service = invocation.Value(Service) ?? string.Empty };
        var name = request.Service.Length == 0 ? "the daemon" : request.Service;
        if (invocation.Value(Watch))
        {
            await daemon.StreamAsync($"watch the health of {name}", options => client.Watch(request, options), Print, cancel);
            return;
        }

        var answer = await daemon.CallAsync($"ask for the health of {name}", options => client.CheckAsync(request, options), cancel);
        Print(answer);
        if (answer.Status != HealthCheckResponse.Types.ServingStatus.Serving)
        {
            invocation.ExitCode = ExitCode.Found;
        }

        void Print(HealthCheckResponse response)
        {
            invocation.Printer.Fields(("service", Cell.Exactly(name, writer => writer.WriteStringValue(request.Service))), ("status", NameOf(response.Status)));
            invocation.Terminal.Out.Flush();
        }
    }

    private static async Task StatusAsync(Invocation invocation, CancellationToken cancel)
    {
        var fields = new List<(string, Cell)>();
        Fault? failure = null;
        DatabaseStatus? database = null;
        try
        {
            database = await AddDaemonAsync(invocation, fields, cancel);
        }
        catch (Fault fault)
        {
            failure = fault;
            // One that answers and cannot tell all, as on a full disk, has said so much before.
            if (!fields.Exists(field => field.Item1 == "daemon"))
            {
                fields.Insert(0, ("daemon", "not reachable"));
            }
        }

        if (database is null)
        {
            AddFile(invocation, fields);
        }
        else
        {
            AddDatabase(invocation, fields, database);
        }

        AddCertificate(invocation, fields);
        invocation.Printer.Fields(fields);
        if (failure is not null)
        {
            throw failure;
        }
    }

    /// <summary>What the daemon knows of its file; null from one that does not tell.</summary>
    private static async Task<DatabaseStatus?> AddDaemonAsync(Invocation invocation, List<(string, Cell)> fields, CancellationToken cancel)
    {
        var daemon = invocation.Daemon;
        fields.Add(("socket", daemon.Settings.Socket));
        fields.Add(("client_config", daemon.Settings.Source));
        var who = await DiscoverAsync(daemon, cancel);
        var services = await ServicesAsync(daemon, cancel);
        var client = new Health.HealthClient(daemon.Invoker);
        var health = await daemon.CallAsync("ask for the daemon's health", options => client.CheckAsync(new HealthCheckRequest(), options), cancel);
        fields.InsertRange(0, [("daemon", health.Status == HealthCheckResponse.Types.ServingStatus.Serving ? "running" : "draining"), ("version", who.Version)]);
        StatusResponse? status = null;
        if (services.Contains(AdminService.Descriptor.FullName))
        {
            status = await daemon.CallAsync(
                "ask for the daemon's status", options => new AdminService.AdminServiceClient(daemon.Invoker).StatusAsync(new StatusRequest(), options), cancel);
            fields.InsertRange(2, [
                ("pid", status.ProcessId),
                ("uptime", Cell.Span(status.Uptime.ToTimeSpan())),
                ("supervision", status.SupervisionRefused.Length == 0 ? "active" : $"refused: {status.SupervisionRefused}"),
                ("resident_memory", Cell.Bytes(status.ResidentBytes)),
            ]);
        }

        foreach (var service in services)
        {
            fields.Add((service, await ServiceHealthAsync(daemon, client, service, cancel)));
        }

        return status?.Database;
    }

    /// <summary>The names of Aurae's services that the daemon offers, in order, as its reflection tells them.</summary>
    private static async Task<IReadOnlyList<string>> ServicesAsync(ClientConnection daemon, CancellationToken cancel)
    {
        try
        {
            using var call = new ServerReflection.ServerReflectionClient(daemon.Invoker).ServerReflectionInfo(cancellationToken: cancel);
            await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "*" }, cancel);
            await call.RequestStream.CompleteAsync();
            return await call.ResponseStream.MoveNext(cancel)
                ? [.. call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name).Where(name => name.StartsWith("aurae.", StringComparison.Ordinal)).Order(StringComparer.Ordinal)]
                : [];
        }
        catch (RpcException error)
        {
            throw daemon.Explain("ask the daemon for its services", error, cancel);
        }
    }

    private static async Task<string> ServiceHealthAsync(ClientConnection daemon, Health.HealthClient client, string service, CancellationToken cancel)
    {
        try
        {
            var answer = await daemon.CallAsync($"ask for the health of {service}", options => client.CheckAsync(new HealthCheckRequest { Service = service }, options), cancel);
            return NameOf(answer.Status);
        }
        catch (Fault fault) when (fault.Kind == FaultKind.NotFound)
        {
            return "without a health of its own";
        }
    }

    private static void AddDatabase(Invocation invocation, List<(string, Cell)> fields, DatabaseStatus database)
    {
        fields.Add(("database", database.Path));
        fields.Add(("database_size", Cell.Bytes(database.FileBytes)));
        fields.Add(("database_log", Cell.Bytes(database.LogBytes)));
        fields.Add(("last_sequence", database.LastSequence));
        fields.Add(("schema_version", database.SchemaVersion));
        fields.Add(("published_copy", database.PublishedTime is { } published ? Cell.Ago(invocation.Environment.Time.GetUtcNow() - published.ToDateTimeOffset()) : "never"));
        if (database.Failure.Length > 0)
        {
            fields.Add(("database_failure", database.Failure));
        }
    }

    private static void AddFile(Invocation invocation, List<(string, Cell)> fields)
    {
        var database = new FileInfo(Path.Combine(invocation.Layout.LibraryDirectory, "aurae.db"));
        fields.Add(("database", database.FullName));
        fields.Add(("database_size", database.Exists ? Cell.Bytes(database.Length) : "not there, or not for this user to see"));
    }

    private static void AddCertificate(Invocation invocation, List<(string, Cell)> fields)
    {
        var certificate = invocation.Layout.ServerCertificatePath;
        if (File.Exists(certificate))
        {
            using var loaded = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificateFromFile(certificate);
            fields.Add(("certificate_expires", Cell.Time(new DateTimeOffset(loaded.NotAfter))));
        }
    }

    /// <summary>The name on the wire: SERVING, NOT_SERVING.</summary>
    private static string NameOf(HealthCheckResponse.Types.ServingStatus status) => status switch
    {
        HealthCheckResponse.Types.ServingStatus.Serving => "SERVING",
        HealthCheckResponse.Types.ServingStatus.NotServing => "NOT_SERVING",
        HealthCheckResponse.Types.ServingStatus.ServiceUnknown => "SERVICE_UNKNOWN",
        HealthCheckResponse.Types.ServingStatus.Unknown => "UNKNOWN",
    };
}
