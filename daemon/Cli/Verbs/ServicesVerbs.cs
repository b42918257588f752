using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Auraed.Cli.Verbs;

/// <summary>Services from the command line (aurae.services.v0).</summary>
internal static class ServicesVerbs
{
    private static readonly Argument<string> File = new("FILE") { Description = "The specification, in JSON, or in TOML when it ends in .toml. \"-\" reads JSON from standard input." };

    private static readonly Argument<string?> FileOrNone = new("FILE") { Description = File.Description, Arity = ArgumentArity.ZeroOrOne };

    private static readonly Option<string> Image = new("--image") { Description = "Instead of FILE: run this asset, one file. An id, or a tag.", HelpName = "ASSET" };

    private static readonly Option<string> NameOption = new("--name") { Description = "With --image: the service's name. [default: the tag]", HelpName = "NAME" };

    private static readonly Option<string[]> ArgumentOption = new("--argument", "-a") { Description = "With --image: an argument of the program; once for each.", HelpName = "TEXT" };

    private static readonly Option<int> Keep = new("--keep") { Description = "Versions that stay, beside those in use.", HelpName = "COUNT", DefaultValueFactory = _ => 10 };

    private static readonly Argument<string> Name = new("NAME") { Description = "The service's name." };

    private static readonly Option<string> Tenant = new("--tenant") { Description = "Whose service. [default: default]", HelpName = "NAME" };

    private static readonly Option<bool> Hold = new("--hold") { Description = "Leave what runs as it is; a new service is not started." };

    private static readonly Option<bool> Disabled = new("--disabled") { Description = "A new service is not started after a boot of the host." };

    private static readonly Option<bool> Wait = new("--wait", "-w") { Description = "Wait until it is as asked; fail when it does not come to be." };

    private static readonly Option<long> Version = new("--to") { Description = "The version. [default: the one before; for hot-swap, the newest]", HelpName = "NUMBER" };

    private static readonly Option<string> SpecOption = new("--file") { Description = "Deploy this specification first.", HelpName = "FILE" };

    private static readonly Option<bool> Follow = new("--follow", "-f") { Description = "Go on with each line as it is written, until interrupted." };

    private static readonly Option<TimeSpan?> Since = new("--since") { Description = "Only what was written so long ago at most: 90s, 10m, 2h.", HelpName = "DURATION", CustomParser = ParseSpan };

    private static readonly Option<int?> Tail = new("--tail", "-n") { Description = "Only the last lines of each stream.", HelpName = "COUNT" };

    private static readonly Option<bool> ErrorsOnly = new("--stderr") { Description = "Only standard error." };

    private static readonly Column<ServiceStatus>[] Columns =
    [
        new("name", status => status.Service.Name),
        new("state", status => State(status)),
        new("version", status => status.Service.Version),
        new("enabled", status => status.Service.Enabled),
        new("pid", status => status.Slot is { InstanceOpen: true, Pid: > 0 } slot ? slot.Pid : (Cell)(string?)null),
        new("ready_for", status => status.ReadyFor is { } span ? Cell.Span(span.ToTimeSpan()) : null),
        new("restarts", status => status.Slot?.Restarts ?? 0),
        new("explanation", status => status.Explanation),
    ];

    public static Command Build(CliEnvironment environment) => new Verb("services", "Programs that are kept running: over crashes, restarts of the daemon, and reboots.").With(
        new Verb("deploy", "Make a service, or a new version of one, and start it.",
            "auraed services deploy web.json --wait",
            "auraed services deploy --image web --argument=--port --argument=8080 --wait",
            "echo '{\"name\": \"tick\", \"command\": \"sh\", \"arguments\": [\"-c\", \"while date; do sleep 5; done\"]}' | auraed services deploy -")
            .With(FileOrNone, Image, NameOption, ArgumentOption, Hold, Disabled, Wait, Tenant).Calls(environment, DeployAsync),
        new Verb("ls", "List services.", "auraed services ls", "auraed services ls --output json").With(Tenant).Calls(environment, ListAsync),
        new Verb("status", "Tell how a service is, and why it is not running.", "auraed services status web").With(Name, Tenant).Calls(environment, StatusAsync),
        new Verb("logs", "Print what a service has written.", "auraed services logs web -f", "auraed services logs web --since 10m --stderr")
            .With(Name, Follow, Since, Tail, ErrorsOnly, Tenant).Calls(environment, LogsAsync),
        Operate(environment, "start", "Start a service, and all that it requires.", (client, request, options) => client.StartAsync(request, options)),
        Operate(environment, "stop", "Stop a service.", (client, request, options) => client.StopAsync(request, options)),
        Operate(environment, "restart", "Stop a service, and start it again.", (client, request, options) => client.RestartAsync(request, options)),
        Operate(environment, "enable", "Start a service after each boot of the host.", (client, request, options) => client.EnableAsync(request, options)),
        Operate(environment, "disable", "Do not start a service after a boot of the host.", (client, request, options) => client.DisableAsync(request, options)),
        new Verb("rollback", "Go back to an earlier version.", "auraed services rollback web", "auraed services rollback web --to 3 --wait")
            .With(Name, Version, Wait, Tenant).Calls(environment, RollbackAsync),
        new Verb("hot-swap", "Start a version beside the one that runs, and move over when it is well.", "auraed services hot-swap web --file web.json", "auraed services hot-swap web --to 4")
            .With(Name, Version, SpecOption, Tenant).Calls(environment, HotSwapAsync),
        new Verb("prune", "Remove old versions of a service, so that the assets that they run may go.", "auraed services prune web --keep 3").With(Name, Keep, Tenant).Calls(environment, PruneAsync),
        new Verb("rm", "Stop a service and remove it, with its versions and logs.", "auraed services rm web").With(Name, Tenant).Calls(environment, RemoveAsync),
        new Verb("history", "Print what became of a service, and its versions.", "auraed services history web").With(Name, Tenant).Calls(environment, HistoryAsync),
        new Verb("watch", "Print each change of services as it comes, until interrupted.", "auraed services watch").With(Tenant).Calls(environment, WatchAsync),
        new Verb("shutdown", "Stop all services in order, as before the host goes down; what is wanted stays so.", "auraed services shutdown").Calls(environment, ShutdownAsync));

    private static Verb Operate(
        CliEnvironment environment, string verb, string description, Func<ServiceService.ServiceServiceClient, OperateRequest, CallOptions, AsyncUnaryCall<ServiceStatus>> call) =>
        new Verb(verb, description, $"auraed services {verb} web").With(Name, Wait, Tenant).Calls(environment, async (invocation, cancel) =>
        {
            var request = new OperateRequest { Tenant = TenantOf(invocation), Name = invocation.Value(Name)!, Wait = invocation.Value(Wait) };
            ServiceStatus status = await invocation.Daemon.CallAsync($"{verb} '{request.Name}'", options => call(Client(invocation), request, options), cancel);
            Print(invocation, status, request.Wait);
        });

    private static async Task DeployAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new DeployRequest
        {
            Tenant = TenantOf(invocation),
            Spec = await GivenAsync(invocation, cancel),
            Hold = invocation.Value(Hold),
            Disabled = invocation.Value(Disabled),
            Wait = invocation.Value(Wait),
        };
        ServiceStatus status = await invocation.Daemon.CallAsync($"deploy '{request.Spec.Name}'", options => Client(invocation).DeployAsync(request, options), cancel);
        Print(invocation, status, request.Wait);
    }

    private static async Task ListAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new ListServicesRequest { Tenant = TenantOf(invocation) };
        var services = new List<ServiceStatus>();
        ListServicesResponse page;
        do
        {
            page = await invocation.Daemon.CallAsync("list the services", options => Client(invocation).ListAsync(request, options), cancel);
            services.AddRange(page.Services);
            request.After = services.Count > 0 ? services[^1].Service.Name : "";
        }
        while (page.More);
        invocation.Printer.Rows(services, Columns);
    }

    private static async Task StatusAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new GetServiceRequest { Tenant = TenantOf(invocation), Name = invocation.Value(Name)! };
        ServiceStatus status = await invocation.Daemon.CallAsync($"tell of '{request.Name}'", options => Client(invocation).GetAsync(request, options), cancel);
        if (invocation.Printer.IsJson)
        {
            invocation.Terminal.Out.WriteLine(RecordJson.Write(status, isIndented: false));
            return;
        }

        var fields = new List<(string, Cell)>
        {
            ("name", status.Service.Name),
            ("state", State(status)),
            ("explanation", status.Explanation),
            ("version", status.Service.Version),
            ("enabled", status.Service.Enabled),
            ("command", string.Join(' ', status.Spec.Arguments.Prepend(status.Spec.Artifact is { } artifact ? $"asset {artifact.Caid}" : status.Spec.Command))),
            ("restarts", status.Slot?.Restarts ?? 0),
        };
        if (status.Slot is { InstanceOpen: true } slot)
        {
            fields.Add(("pid", slot.Pid));
            fields.Add(("address", slot.Address.Length > 0 ? slot.Address : null));
        }

        if (status.HasMemoryBytes)
        {
            fields.Add(("memory", Cell.Bytes(status.MemoryBytes)));
        }

        if (status.HasCpuSeconds)
        {
            fields.Add(("cpu_time", Cell.Span(TimeSpan.FromSeconds(status.CpuSeconds))));
        }

        if (status.ReadyFor is { } ready)
        {
            fields.Add(("ready_for", Cell.Span(ready.ToTimeSpan())));
        }

        invocation.Printer.Fields(fields);
    }

    private static Task LogsAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new LogsRequest
        {
            Tenant = TenantOf(invocation),
            Name = invocation.Value(Name)!,
            Follow = invocation.Value(Follow),
            Stream = invocation.Value(ErrorsOnly) ? LogStream.Error : LogStream.Unspecified,
        };
        if (invocation.Value(Since) is { } since)
        {
            request.Since = Timestamp.FromDateTimeOffset(invocation.Environment.Time.GetUtcNow() - since);
        }

        if (invocation.Value(Tail) is { } tail)
        {
            request.Tail = tail;
        }

        return invocation.Daemon.StreamAsync($"read the logs of '{request.Name}'", options => Client(invocation).Logs(request, options), Tell, cancel);

        void Tell(LogsResponse message)
        {
            foreach (LogEntry line in message.Lines)
            {
                TextWriter writer = line.Stream == LogStream.Error && !invocation.Printer.IsJson ? invocation.Terminal.Error : invocation.Terminal.Out;
                writer.WriteLine(invocation.Printer.IsJson ? RecordJson.Write(line, isIndented: false) : Units.Printable(line.Text));
            }

            invocation.Terminal.Out.Flush();
        }
    }

    private static async Task RollbackAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new RollbackRequest { Tenant = TenantOf(invocation), Name = invocation.Value(Name)!, Version = invocation.Value(Version), Wait = invocation.Value(Wait) };
        ServiceStatus status = await invocation.Daemon.CallAsync($"roll '{request.Name}' back", options => Client(invocation).RollbackAsync(request, options), cancel);
        Print(invocation, status, request.Wait);
    }

    private static async Task HotSwapAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new HotSwapRequest { Tenant = TenantOf(invocation), Name = invocation.Value(Name)!, Version = invocation.Value(Version) };
        if (invocation.Value(SpecOption) is { } path)
        {
            request.Spec = await SpecAsync(invocation, path, cancel);
        }

        ServiceStatus status = await invocation.Daemon.CallAsync($"swap '{request.Name}'", options => Client(invocation).HotSwapAsync(request, options), cancel);
        Print(invocation, status, isAwaited: true);
    }

    private static async Task RemoveAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new DeleteServiceRequest { Tenant = TenantOf(invocation), Name = invocation.Value(Name)! };
        _ = await invocation.Daemon.CallAsync($"remove '{request.Name}'", options => Client(invocation).DeleteAsync(request, options), cancel);
        invocation.Printer.Fields(("removed", request.Name));
    }

    private static async Task PruneAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new PruneVersionsRequest { Tenant = TenantOf(invocation), Name = invocation.Value(Name)!, Keep = invocation.Value(Keep) };
        PruneVersionsResponse answer = await invocation.Daemon.CallAsync($"prune '{request.Name}'", options => Client(invocation).PruneVersionsAsync(request, options), cancel);
        invocation.Printer.Fields(("removed", answer.Removed.Count));
    }

    private static async Task HistoryAsync(Invocation invocation, CancellationToken cancel)
    {
        (string tenant, string name) = (TenantOf(invocation), invocation.Value(Name)!);
        ServiceStatus status = await invocation.Daemon.CallAsync($"tell of '{name}'", options => Client(invocation).GetAsync(new GetServiceRequest { Tenant = tenant, Name = name }, options), cancel);
        ListVersionsResponse versions = await invocation.Daemon.CallAsync(
            $"list the versions of '{name}'", options => Client(invocation).ListVersionsAsync(new ListVersionsRequest { Tenant = tenant, Name = name }, options), cancel);
        IEnumerable<(DateTimeOffset Time, long Version, string What, string Detail)> moments = (status.Slot?.History ?? []).Select(moment => (
            moment.Time.ToDateTimeOffset(), moment.Version, moment.Phase.ToString().ToLowerInvariant(), Detail(moment)));
        IEnumerable<(DateTimeOffset, long, string, string)> deployed = versions.Versions.Select(version => (
            version.DeployTime.ToDateTimeOffset(), version.Version.Number, "deployed", version.Current ? "asked for now" : string.Empty));
        invocation.Printer.Rows(
            [.. moments.Concat(deployed).OrderBy(moment => moment.Item1)],
            new Column<(DateTimeOffset Time, long Version, string What, string Detail)>("time", moment => Cell.Time(moment.Time)),
            new Column<(DateTimeOffset Time, long Version, string What, string Detail)>("version", moment => moment.Version),
            new Column<(DateTimeOffset Time, long Version, string What, string Detail)>("what", moment => moment.What),
            new Column<(DateTimeOffset Time, long Version, string What, string Detail)>("detail", moment => moment.Detail));
    }

    private static Task WatchAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new WatchServicesRequest { Tenant = TenantOf(invocation) };
        return invocation.Daemon.StreamAsync("watch the services", options => Client(invocation).Watch(request, options), Tell, cancel);

        void Tell(WatchServicesResponse message)
        {
            if (invocation.Printer.IsJson)
            {
                invocation.Terminal.Out.WriteLine(RecordJson.Write(message, isIndented: false));
            }
            else if (message.MessageCase == WatchServicesResponse.MessageOneofCase.Deleted)
            {
                invocation.Terminal.Out.WriteLine($"{message.Deleted,-24}  deleted");
            }
            else if (message.Status is { } status)
            {
                invocation.Terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{status.Service.Name,-24}  {State(status),-10}  version {status.Service.Version}  {Units.Printable(status.Explanation)}"));
            }

            invocation.Terminal.Out.Flush();
        }
    }

    private static async Task ShutdownAsync(Invocation invocation, CancellationToken cancel)
    {
        ShutdownResponse answer = await invocation.Daemon.CallAsync("stop the services", options => Client(invocation).ShutdownAsync(new ShutdownRequest(), options), cancel);
        invocation.Printer.Fields(("stopped", answer.Stopped));
    }

    private static void Print(Invocation invocation, ServiceStatus status, bool isAwaited)
    {
        invocation.Printer.Rows([status], Columns);
        SlotPhase phase = status.Slot?.Phase ?? SlotPhase.Stopped;
        if (isAwaited && status.Service.Wanted && phase is not (SlotPhase.Running or SlotPhase.Finished))
        {
            throw new Fault(FaultKind.Unavailable, $"service '{status.Service.Name}' does not run: {status.Explanation}", hint: $"auraed services logs {status.Service.Name}");
        }
    }

    private static string Detail(SlotMoment moment) => string.Join(", ", new[]
    {
        moment.Cause is SlotCause.None or SlotCause.Launching or SlotCause.NotWanted ? string.Empty : moment.Cause.ToString().ToLowerInvariant(),
        moment.Exit is { } exit ? $"{exit.Kind.ToString().ToLowerInvariant()} {exit.Value}" : string.Empty,
        moment.Detail,
    }.Where(part => part.Length > 0));

    private static string State(ServiceStatus status) => (status.Slot?.Phase ?? SlotPhase.Stopped).ToString().ToLowerInvariant();

    /// <summary>Of the file, or of the options that stand for one.</summary>
    private static Task<ServiceSpec> GivenAsync(Invocation invocation, CancellationToken cancel)
    {
        (string? file, string? image) = (invocation.Value(FileOrNone), invocation.Value(Image));
        if (file is null == image is null)
        {
            throw Fault.Invalid("FILE", "deploy takes either a FILE or --image", "auraed services deploy web.json, or auraed services deploy --image web");
        }

        return file is not null ? SpecAsync(invocation, file, cancel) : Task.FromResult(new ServiceSpec
        {
            Name = invocation.Value(NameOption) ?? image,
            Artifact = new Artifact { Caid = image },
            Arguments = { invocation.Value(ArgumentOption) ?? [] },
        });
    }

    private static async Task<ServiceSpec> SpecAsync(Invocation invocation, string path, CancellationToken cancel) =>
        SpecFile.Parse(await RecordsVerbs.ReadAsync(invocation, path, "auraed services deploy - <FILE", cancel), path);

    private static string TenantOf(Invocation invocation) => invocation.Value(Tenant) ?? "";

    private static ServiceService.ServiceServiceClient Client(Invocation invocation) => new(invocation.Daemon.Invoker);

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
