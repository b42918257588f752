using Aurae.Events.V0;
using Aurae.Records.V0;
using Aurae.Registry.V0;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Auraed.Tests.Contract.Registry;

/// <summary>The registry over a real socket and file.</summary>
public sealed class RegistryLife : IAsyncLifetime
{
    private RecordServer _server = null!;

    public async Task InitializeAsync() => _server = await RecordServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task An_entry_is_registered_found_changed_and_deregistered()
    {
        var made = await RegisterAsync(new RegistryEntry { Service = "web", Address = "127.0.0.1:8080", Tags = { "b", "a", "b" }, Dependencies = { new Dependency { Service = "db" } } });
        Assert.Equal("web@127.0.0.1:8080", made.Entry.Id);
        Assert.Equal(["a", "b"], made.Entry.Tags);
        Assert.Null(made.Remaining);
        Assert.Equal(made, await _server.Registry.GetAsync(new GetEntryRequest { Id = made.Entry.Id }));
        Assert.Equal(made.Entry, Assert.Single((await ResolveAsync("web", "a", "b")).Entries));

        var changed = await RegisterAsync(new RegistryEntry { Id = made.Entry.Id, Service = "web", Address = "[::1]:9", Ttl = Seconds(60) });
        Assert.True(changed.Revision > made.Revision);
        Assert.InRange(changed.Remaining.ToTimeSpan(), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
        Assert.Equal(changed.Entry, Assert.Single((await _server.Registry.ListAsync(new ListEntriesRequest { Service = "web" })).Entries).Entry);

        _server.Registry.Deregister(new DeregisterRequest { Id = made.Entry.Id });
        await RecordServer.FailsAsync(StatusCode.NotFound, "service", () => ResolveAsync("web"));
        await RecordServer.FailsAsync(StatusCode.NotFound, "id", () => _server.Registry.DeregisterAsync(new DeregisterRequest { Id = made.Entry.Id }).ResponseAsync);
    }

    [Fact]
    public async Task The_same_again_and_a_heartbeat_write_no_event()
    {
        var entry = new RegistryEntry { Id = "w1", Service = "web", Address = "h:1", Ttl = Seconds(60), Health = EndpointHealth.Healthy };
        var made = await RegisterAsync(entry);
        var sequence = _server.Database.Durable;
        Assert.Equal(made.Revision, (await RegisterAsync(entry)).Revision);
        entry.Health = EndpointHealth.Unspecified;
        Assert.Equal(made.Revision, (await RegisterAsync(entry)).Revision);
        for (var beat = 0; beat < 100; beat++)
        {
            Assert.Empty((await _server.Registry.HeartbeatAsync(new HeartbeatRequest { Ids = { "w1" }, Health = EndpointHealth.Healthy })).Missing);
        }

        Assert.Equal(sequence, _server.Database.Durable);
        await _server.Registry.HeartbeatAsync(new HeartbeatRequest { Ids = { "w1" }, Health = EndpointHealth.Unhealthy, Note = "disk full" });
        Assert.Equal(sequence + 1, _server.Database.Durable);
        var failure = await RecordServer.FailsAsync(StatusCode.NotFound, "service", () => ResolveAsync("web"));
        Assert.Contains("disk full", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_heartbeat_names_who_is_missing_and_fails_when_all_are()
    {
        await RegisterAsync(new RegistryEntry { Id = "w1", Service = "web", Address = "h:1", Ttl = Seconds(60) });
        await RegisterAsync(new RegistryEntry { Id = "w2", Service = "web", Address = "h:2" });
        Assert.Equal(["w3"], (await _server.Registry.HeartbeatAsync(new HeartbeatRequest { Ids = { "w1", "w2", "w3" } })).Missing);
        await RecordServer.FailsAsync(StatusCode.NotFound, "ids", () => _server.Registry.HeartbeatAsync(new HeartbeatRequest { Ids = { "w3" } }).ResponseAsync);
        await RecordServer.FailsAsync(StatusCode.NotFound, "ids", () => _server.Registry.HeartbeatAsync(new HeartbeatRequest { Ids = { "w1" }, Tenant = "other" }).ResponseAsync);
    }

    [Fact]
    public async Task Resolve_gives_the_healthy_by_registration_or_by_weight()
    {
        for (var number = 0; number < 4; number++)
        {
            await RegisterAsync(new RegistryEntry { Id = $"w{3 - number}", Service = "web", Address = $"h:{number + 1}", Weight = number == 0 ? 0u : (uint)(number * 100) });
        }

        await _server.Registry.HeartbeatAsync(new HeartbeatRequest { Ids = { "w1" }, Health = EndpointHealth.Draining });
        Assert.Equal(["w3", "w2", "w0"], (await ResolveAsync("web")).Entries.Select(entry => entry.Id));
        Assert.Equal(["w3", "w2", "w0", "w1"], (await _server.Registry.ResolveAsync(new ResolveRequest { Service = "web", AnyHealth = true })).Entries.Select(entry => entry.Id));
        var first = new Dictionary<string, int>();
        for (var time = 0; time < 400; time++)
        {
            var ids = (await _server.Registry.ResolveAsync(new ResolveRequest { Service = "web", Order = ResolveOrder.Weighted })).Entries.Select(entry => entry.Id).ToArray();
            Assert.Equal("w3", ids[^1]);
            first[ids[0]] = first.GetValueOrDefault(ids[0]) + 1;
        }

        // 100 against 300: a fair draw of 400 is outside these bounds once in 10^12.
        Assert.InRange(first["w2"], 40, 170);
    }

    [Fact]
    public async Task Dependents_are_found_through_others_and_over_a_cycle()
    {
        foreach (var (service, needs) in new[] { ("api", "db"), ("web", "api"), ("cron", "api"), ("db", "disk"), ("disk", "db"), ("other", "web") })
        {
            await RegisterAsync(new RegistryEntry { Service = service, Address = "h:1", Dependencies = { new Dependency { Service = needs } } });
        }

        await RegisterAsync(new RegistryEntry { Service = "elsewhere", Address = "h:1", Dependencies = { new Dependency { Service = "db" } } }, "acme");
        var all = (await _server.Registry.ListDependentsAsync(new ListDependentsRequest { Service = "db" })).Dependents;
        Assert.Equal(
            ["db<-api", "db<-disk", "db<-api<-cron", "db<-api<-web", "db<-api<-web<-other"],
            all.Select(dependent => string.Join("<-", dependent.Path)));
        Assert.Equal(["api@h:1"], all[0].Ids);
        Assert.Equal(["api", "disk"], (await _server.Registry.ListDependentsAsync(new ListDependentsRequest { Service = "db", Direct = true })).Dependents.Select(dependent => dependent.Service));
    }

    [Fact]
    public async Task A_lease_that_nobody_renews_ends_and_watchers_are_told_so()
    {
        await RegisterAsync(new RegistryEntry { Id = "stays", Service = "web", Address = "h:1" });
        await RegisterAsync(new RegistryEntry { Id = "goes", Service = "web", Address = "h:2", Ttl = Seconds(1) });
        var seen = new List<string>();
        using var watch = _server.Registry.Watch(new WatchEntriesRequest { Service = "web" });
        while (seen.Count < 3 && await watch.ResponseStream.MoveNext(default))
        {
            if (watch.ResponseStream.Current.Change is { } change)
            {
                seen.Add($"{change.Kind} {change.Entry.Id}");
            }
        }

        Assert.Equal(["Existing goes", "Existing stays", "Expired goes"], seen);
        Assert.Equal(["stays"], (await ResolveAsync("web")).Entries.Select(entry => entry.Id));
        var events = new List<Event>();
        using var read = _server.Events.Read(new ReadEventsRequest { Filter = new EventFilter { Kinds = { "registry_entry.deleted" } } });
        while (await read.ResponseStream.MoveNext(default))
        {
            events.AddRange(read.ResponseStream.Current.Events);
        }

        Assert.Equal("auraed:lease", Assert.Single(events).Principal);
    }

    [Fact]
    public async Task Entries_and_leases_outlive_a_restart()
    {
        await RegisterAsync(new RegistryEntry { Id = "w1", Service = "web", Address = "h:1", Ttl = Seconds(600) });
        await RegisterAsync(new RegistryEntry { Id = "w2", Service = "web", Address = "h:2" });
        _server = await _server.RestartAsync();
        Assert.Equal(["w1", "w2"], (await ResolveAsync("web")).Entries.Select(entry => entry.Id));
        Assert.InRange((await _server.Registry.GetAsync(new GetEntryRequest { Id = "w1" })).Remaining.ToTimeSpan(), TimeSpan.FromSeconds(300), TimeSpan.FromSeconds(600));
        Assert.Empty((await _server.Registry.HeartbeatAsync(new HeartbeatRequest { Ids = { "w1" } })).Missing);
    }

    [Fact]
    public async Task Entries_are_read_as_records_and_changed_by_their_service_alone()
    {
        await RegisterAsync(new RegistryEntry { Id = "w1", Service = "web", Address = "h:1" });
        var record = await _server.Records.GetAsync(new GetRecordRequest { Type = "registry_entry", Name = "w1" });
        await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "type", () => _server.Records.DeleteAsync(new DeleteRecordRequest { Type = "registry_entry", Name = "w1" }).ResponseAsync);
        await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "record.type", () => _server.Records.UpdateAsync(new UpdateRecordRequest { Record = record }).ResponseAsync);
        await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "record.type", () => _server.CreateAsync(new RegistryEntry { Id = "w2" }));
        await RecordServer.FailsAsync(
            StatusCode.FailedPrecondition,
            "operations[0].type",
            () => _server.Records.CommitAsync(new CommitRequest { Operations = { new Operation { Delete = new DeleteOperation { Type = "registry_entry", Name = "w1" } } } }).ResponseAsync);
    }

    [Fact]
    public async Task An_id_belongs_to_one_service()
    {
        await RegisterAsync(new RegistryEntry { Id = "w1", Service = "web", Address = "h:1" });
        await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "entry.service", () => RegisterAsync(new RegistryEntry { Id = "w1", Service = "db", Address = "h:1" }));
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_is_wrong_with_an_entry_is_named(string field, RegistryEntry entry) =>
        await RecordServer.FailsAsync(StatusCode.InvalidArgument, field, () => RegisterAsync(entry));

    public static TheoryData<string, RegistryEntry> Wrong() => new()
    {
        { "entry.service", new RegistryEntry { Address = "h:1" } },
        { "entry.service", new RegistryEntry { Service = "Web", Address = "h:1" } },
        { "entry.service", new RegistryEntry { Service = "a..b", Address = "h:1" } },
        { "entry.address", new RegistryEntry { Service = "web" } },
        { "entry.address", new RegistryEntry { Service = "web", Address = "host" } },
        { "entry.address", new RegistryEntry { Service = "web", Address = "host:0" } },
        { "entry.address", new RegistryEntry { Service = "web", Address = "::1:80" } },
        { "entry.address", new RegistryEntry { Service = "web", Address = "a b:1" } },
        { "entry.id", new RegistryEntry { Service = "web", Address = "h:1", Id = "\n" } },
        { "entry.tags[1]", new RegistryEntry { Service = "web", Address = "h:1", Tags = { "a", "ü" } } },
        { "entry.tags", new RegistryEntry { Service = "web", Address = "h:1", Tags = { Enumerable.Range(0, 65).Select(number => $"t{number}") } } },
        { "entry.weight", new RegistryEntry { Service = "web", Address = "h:1", Weight = 65_536 } },
        { "entry.health", new RegistryEntry { Service = "web", Address = "h:1", Health = (EndpointHealth)9 } },
        { "entry.note", new RegistryEntry { Service = "web", Address = "h:1", Note = new string('x', 1025) } },
        { "entry.ttl", new RegistryEntry { Service = "web", Address = "h:1", Ttl = new Duration { Nanos = 999_999_999 } } },
        { "entry.ttl", new RegistryEntry { Service = "web", Address = "h:1", Ttl = new Duration { Seconds = long.MaxValue } } },
        { "entry.owner", new RegistryEntry { Service = "web", Address = "h:1", Owner = "web" } },
        { "entry.dependencies[0].service", new RegistryEntry { Service = "web", Address = "h:1", Dependencies = { new Dependency() } } },
    };

    [Fact]
    public async Task Pages_go_on_where_the_last_one_ended()
    {
        for (var number = 0; number < 5; number++)
        {
            await RegisterAsync(new RegistryEntry { Id = $"w{number}", Service = "web", Address = "h:1", Tags = { number % 2 == 0 ? "even" : "odd" } });
        }

        var page = await _server.Registry.ListAsync(new ListEntriesRequest { Tags = { "even" }, PageSize = 2 });
        Assert.Equal(["w0", "w2"], page.Entries.Select(status => status.Entry.Id));
        Assert.True(page.More);
        page = await _server.Registry.ListAsync(new ListEntriesRequest { Tags = { "even" }, PageSize = 2, After = "w2" });
        Assert.Equal(("w4", false), (Assert.Single(page.Entries).Entry.Id, page.More));
    }

    private static Duration Seconds(int count) => new() { Seconds = count };

    private Task<EntryStatus> RegisterAsync(RegistryEntry entry, string tenant = "") =>
        _server.Registry.RegisterAsync(new RegisterRequest { Tenant = tenant, Entry = entry }).ResponseAsync;

    private Task<ResolveResponse> ResolveAsync(string service, params string[] tags) =>
        _server.Registry.ResolveAsync(new ResolveRequest { Service = service, Tags = { tags } }).ResponseAsync;
}
