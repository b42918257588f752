using Aurae.Events.V0;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Store.Events;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Auraed.Tests.Support.RecordServer;

namespace Auraed.Tests.Contract.Events;

/// <summary>Cursors and their leases, over a real socket and file.</summary>
public sealed class CursorLeases : IAsyncLifetime
{
    private static readonly Duration Short = new() { Seconds = 1 };
    private static readonly Duration Patient = new() { Seconds = 20 };
    private RecordServer _server = null!;

    public async Task InitializeAsync() => _server = await RecordServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_cursor_hands_out_what_fits_and_comes_to_the_end_as_it_is_acknowledged()
    {
        await AppendAsync("a", 5);
        await AppendAsync("b", 5);
        var made = await CreateAsync(new Cursor { Name = "c", Filter = new EventFilter { Kinds = { "app.*" }, Subject = "b" } });
        Assert.Equal((0, 0, 1000, 16), (made.Position, made.Frontier, made.InFlightMax, made.DeliveriesMax));
        Assert.Equal("default", made.Filter.Tenant);

        var pulled = await PullAsync("c", 3);
        Assert.Equal([6L, 7, 8], Sequences(pulled));
        Assert.All(pulled.Deliveries, delivery => Assert.Equal((1, "b"), (delivery.Deliveries, delivery.Event.Subject)));
        var rest = await PullAsync("c");
        Assert.Equal([9L, 10], Sequences(rest));
        Assert.NotEqual(pulled.Lease, rest.Lease);
        Assert.Empty((await PullAsync("c")).Deliveries);
        Assert.Equal((5, 5), await PositionAsync("c"));

        Assert.Equal(2, await AcknowledgeAsync("c", pulled.Lease, 6, 8));
        Assert.Equal((6, 3), await PositionAsync("c"));
        Assert.Equal(2, await AcknowledgeAsync("c", rest.Lease));
        Assert.Equal(1, await AcknowledgeAsync("c", pulled.Lease));
        // A poll that finds nothing notes how far it looked: the event of the cursor's own creation.
        Assert.Empty((await PullAsync("c")).Deliveries);
        Assert.Equal((11, 0), await PositionAsync("c"));
    }

    [Fact]
    public async Task An_acknowledgement_can_be_repeated_but_not_by_one_who_lost_the_lease()
    {
        await AppendAsync("a", 2);
        await CreateAsync(new Cursor { Name = "c", LeaseTime = Short, Filter = new EventFilter { Subject = "a" } });
        var first = await PullAsync("c", 2);
        await AcknowledgeAsync("c", first.Lease, 1);
        Assert.Equal(0, await AcknowledgeAsync("c", first.Lease, 1));

        var second = await PullAsync("c", 1, Patient);
        Assert.Equal([2L], Sequences(second));
        Assert.Equal(2, second.Deliveries[0].Deliveries);
        var lost = await FailsAsync(StatusCode.FailedPrecondition, "lease", () => AcknowledgeAsync("c", first.Lease, 1, 2));
        Assert.Contains("event 2", lost.Status.Detail, StringComparison.Ordinal);
        await FailsAsync(StatusCode.FailedPrecondition, "lease", () => ExtendAsync(first.Lease, 2));
        await FailsAsync(StatusCode.FailedPrecondition, "lease", () => ReleaseAsync(first.Lease, 2));
        await FailsAsync(StatusCode.FailedPrecondition, "lease", () => AcknowledgeAsync("c", second.Lease, 2, 99));
        Assert.Equal(1, await AcknowledgeAsync("c", second.Lease, 2));
        Assert.Equal(0, await AcknowledgeAsync("c", first.Lease, 2));
    }

    [Fact]
    public async Task A_lease_that_is_extended_does_not_run_out_and_what_is_released_is_handed_out_at_once()
    {
        await AppendAsync("a", 3);
        await CreateAsync(new Cursor { Name = "c", LeaseTime = Short, Filter = new EventFilter { Subject = "a" } });
        var first = await PullAsync("c", 3);
        var end = (await _server.Cursors.ExtendAsync(new ExtendRequest { Events = new Leased { Cursor = "c", Lease = first.Lease, Sequences = { 3 } }, LeaseTime = new Duration { Seconds = 600 } })).LeaseEnd;
        Assert.True(end.ToDateTimeOffset() > first.LeaseEnd.ToDateTimeOffset().AddMinutes(9));
        Assert.Equal((1, 0), await ReleaseAsync(first.Lease, 2));
        Assert.Equal([2L], Sequences(await PullAsync("c", 1)));
        var again = await PullAsync("c", 5, Patient);
        Assert.Equal([1L], Sequences(again));
        Assert.Equal(1, await AcknowledgeAsync("c", first.Lease, 3));
    }

    [Fact]
    public async Task A_release_with_a_delay_waits_and_a_waiting_consumer_is_woken()
    {
        await AppendAsync("a", 1);
        await CreateAsync(new Cursor { Name = "c", InFlightMax = 1 });
        var first = await PullAsync("c");
        var waiting = PullAsync("c", 1, Patient);
        await _server.Cursors.ReleaseAsync(new ReleaseRequest { Events = new Leased { Cursor = "c", Lease = first.Lease }, Delay = new Duration { Nanos = 200_000_000 } });
        Assert.Equal([1L], Sequences(await waiting));
        Assert.Equal((0, 1), await PositionAsync("c"));
    }

    [Fact]
    public async Task No_more_events_are_out_than_may_be_and_an_acknowledgement_makes_room()
    {
        await AppendAsync("a", 5);
        await CreateAsync(new Cursor { Name = "c", InFlightMax = 2 });
        var first = await PullAsync("c");
        Assert.Equal([1L, 2], Sequences(first));
        var waiting = PullAsync("c", 9, Patient);
        await AcknowledgeAsync("c", first.Lease, 2);
        Assert.Equal([3L], Sequences(await waiting));
        waiting = PullAsync("c", 9, Patient);
        await _server.Records.CommitAsync(new CommitRequest { Operations = { new Operation { Acknowledge = new Leased { Cursor = "c", Lease = first.Lease } } } });
        Assert.Equal([4L], Sequences(await waiting));
    }

    [Fact]
    public async Task A_consumer_that_waits_gets_what_comes_and_nothing_that_does_not_fit()
    {
        await CreateAsync(new Cursor { Name = "c", Filter = new EventFilter { Subject = "wanted" } });
        var waiting = PullAsync("c", 10, Patient);
        await AppendAsync("other", 3);
        await AppendAsync("wanted", 1);
        Assert.Equal([5L], Sequences(await waiting));
        Assert.Empty((await PullAsync("c", 10, new Duration { Nanos = 50_000_000 })).Deliveries);
    }

    [Fact]
    public async Task An_event_that_nobody_finishes_is_parked_and_can_be_handed_out_anew_or_discarded()
    {
        await AppendAsync("a", 3);
        await CreateAsync(new Cursor { Name = "c", DeliveriesMax = 2 });
        for (int delivery = 1; delivery <= 2; delivery++)
        {
            var pulled = await PullAsync("c", 2);
            Assert.All(pulled.Deliveries, one => Assert.Equal(delivery, one.Deliveries));
            Assert.Equal(delivery == 2 ? (0, 2) : (2, 0), await ReleaseAsync(pulled.Lease));
        }

        var parked = (await _server.Cursors.ListParkedAsync(new ListParkedRequest { Name = "c" })).Parked;
        Assert.Equal([1L, 2], parked.Select(one => one.Event.Sequence));
        Assert.All(parked, one => Assert.Equal((2, "worker"), (one.Deliveries, one.Consumer)));
        Assert.Equal(1, await _server.Database.ReadAsync(CursorRows.LowestNeeded, default));
        Assert.Equal([3L, 4], Sequences(await PullAsync("c")));

        Assert.Equal(1, (await _server.Cursors.UnparkAsync(new UnparkRequest { Name = "c", Sequences = { 2 }, Discard = true })).Unparked);
        await FailsAsync(StatusCode.FailedPrecondition, "sequences", () => _server.Cursors.UnparkAsync(new UnparkRequest { Name = "c", Sequences = { 2 } }).ResponseAsync);
        Assert.Equal(1, (await _server.Cursors.UnparkAsync(new UnparkRequest { Name = "c" })).Unparked);
        var again = await PullAsync("c");
        Assert.Equal((1L, 1), (again.Deliveries[0].Event.Sequence, again.Deliveries[0].Deliveries));
    }

    [Fact]
    public async Task A_lease_that_runs_out_for_the_last_time_parks_too()
    {
        await AppendAsync("a", 1);
        await CreateAsync(new Cursor { Name = "c", DeliveriesMax = 1, LeaseTime = Short, Filter = new EventFilter { Subject = "a" } });
        await PullAsync("c");
        Assert.Empty((await PullAsync("c", 1, new Duration { Seconds = 2 })).Deliveries);
        Assert.Equal(1, (await _server.Cursors.GetAsync(new GetCursorRequest { Name = "c" })).Parked);
    }

    [Fact]
    public async Task What_is_out_stays_out_over_a_restart_and_its_lease_stays_good()
    {
        await AppendAsync("a", 4);
        await CreateAsync(new Cursor { Name = "c" });
        var first = await PullAsync("c", 2);
        _server = await _server.RestartAsync();
        Assert.Equal([3L, 4], Sequences(await PullAsync("c", 2)));
        Assert.Equal(2, await AcknowledgeAsync("c", first.Lease));
        Assert.Equal((2, 2), await PositionAsync("c"));
    }

    [Fact]
    public async Task A_seek_goes_on_elsewhere_and_ends_the_leases()
    {
        await AppendAsync("a", 4);
        await CreateAsync(new Cursor { Name = "c", Filter = new EventFilter { Subject = "a" } });
        var first = await PullAsync("c", 2);
        var sought = await _server.Cursors.SeekAsync(new SeekCursorRequest { Name = "c", Start = new CursorStart { After = 3 } });
        Assert.Equal((3, 0), (sought.Position, sought.Leased));
        Assert.Equal(0, await AcknowledgeAsync("c", first.Lease));
        await FailsAsync(StatusCode.FailedPrecondition, "lease", () => ReleaseAsync(first.Lease));
        Assert.Equal([4L], Sequences(await PullAsync("c")));
        await _server.Cursors.SeekAsync(new SeekCursorRequest { Name = "c" });
        Assert.Empty((await PullAsync("c")).Deliveries);
        await FailsAsync(StatusCode.OutOfRange, "start.after", () => _server.Cursors.SeekAsync(new SeekCursorRequest { Name = "c", Start = new CursorStart { After = 99 } }).ResponseAsync);
    }

    [Fact]
    public async Task Making_moving_and_deleting_are_events_and_a_name_made_anew_is_another_cursor()
    {
        await AppendAsync("a", 1);
        await CreateAsync(new Cursor { Name = "c", Filter = new EventFilter { Subject = "a" } });
        var old = await PullAsync("c");
        await FailsAsync(StatusCode.AlreadyExists, "cursor.name", () => CreateAsync(new Cursor { Name = "c" }));
        await _server.Cursors.SeekAsync(new SeekCursorRequest { Name = "c", Start = new CursorStart { After = 0 } });
        await _server.Cursors.DeleteAsync(new DeleteCursorRequest { Name = "c" });
        await FailsAsync(StatusCode.NotFound, null, () => PullAsync("c"));
        await FailsAsync(StatusCode.NotFound, null, () => _server.Cursors.DeleteAsync(new DeleteCursorRequest { Name = "c" }).ResponseAsync);
        await _server.Cursors.DeleteAsync(new DeleteCursorRequest { Name = "c", AllowMissing = true });
        await CreateAsync(new Cursor { Name = "c", Filter = new EventFilter { Subject = "a" } });
        await PullAsync("c");
        await FailsAsync(StatusCode.FailedPrecondition, "lease", () => AcknowledgeAsync("c", old.Lease, 1));

        using var call = _server.Events.Read(new ReadEventsRequest { Filter = new EventFilter { Kinds = { "event_cursor.*" } } });
        await call.ResponseStream.MoveNext(default);
        var events = call.ResponseStream.Current.Events;
        Assert.Equal(["event_cursor.created", "event_cursor.sought", "event_cursor.deleted", "event_cursor.created"], events.Select(told => told.Kind));
        Assert.All(events, told => Assert.Equal(("c", "a"), (told.Payload.Unpack<Cursor>().Name, told.Payload.Unpack<Cursor>().Filter.Subject)));
        Assert.Equal(["c"], (await _server.Cursors.ListAsync(new ListCursorsRequest())).Cursors.Select(cursor => cursor.Name));
        Assert.Empty((await _server.Cursors.ListAsync(new ListCursorsRequest { Tenant = "other" })).Cursors);
    }

    [Fact]
    public async Task A_quiet_filter_passes_over_a_long_log_and_does_not_keep_it()
    {
        Assert.Null(await _server.Database.ReadAsync(CursorRows.LowestNeeded, default));
        for (int batch = 0; batch < 10; batch++)
        {
            await AppendAsync("noise", 1000);
        }

        await CreateAsync(new Cursor { Name = "c", Filter = new EventFilter { Subject = "rare" } });
        Assert.Equal(1, await _server.Database.ReadAsync(CursorRows.LowestNeeded, default));
        await AppendAsync("rare", 1);
        Assert.Equal([10_002L], Sequences(await PullAsync("c")));
        Assert.Equal(10_002, await _server.Database.ReadAsync(CursorRows.LowestNeeded, default));
    }

    [Fact]
    public async Task What_is_wrong_is_named()
    {
        await CreateAsync(new Cursor { Name = "c" });
        await FailsAsync(StatusCode.InvalidArgument, "cursor", () => _server.Cursors.CreateAsync(new CreateCursorRequest()).ResponseAsync);
        await FailsAsync(StatusCode.InvalidArgument, "cursor.name", () => CreateAsync(new Cursor()));
        await FailsAsync(StatusCode.InvalidArgument, "cursor.filter.kinds[0]", () => CreateAsync(new Cursor { Name = "x", Filter = new EventFilter { Kinds = { "*" } } }));
        await FailsAsync(StatusCode.InvalidArgument, "cursor.lease_time", () => CreateAsync(new Cursor { Name = "x", LeaseTime = new Duration { Nanos = 1 } }));
        await FailsAsync(StatusCode.InvalidArgument, "cursor.in_flight_max", () => CreateAsync(new Cursor { Name = "x", InFlightMax = -1 }));
        await FailsAsync(StatusCode.InvalidArgument, "cursor.deliveries_max", () => CreateAsync(new Cursor { Name = "x", DeliveriesMax = 1001 }));
        await FailsAsync(StatusCode.InvalidArgument, "events_max", () => PullAsync("c", 257));
        await FailsAsync(StatusCode.InvalidArgument, "wait", () => PullAsync("c", 1, new Duration { Seconds = 301 }));
        await FailsAsync(StatusCode.InvalidArgument, "events.lease", () => AcknowledgeAsync("c", "nonsense"));
        await FailsAsync(StatusCode.InvalidArgument, "events.sequences", () => AcknowledgeAsync("c", "1.1", 0));
        await FailsAsync(StatusCode.InvalidArgument, "operations[0].acknowledge.lease", () => _server.Records.CommitAsync(new CommitRequest { Operations = { new Operation { Acknowledge = new Leased { Cursor = "c" } } } }).ResponseAsync);
    }

    [Fact]
    public async Task A_commit_whose_lease_is_lost_changes_nothing()
    {
        await AppendAsync("a", 1);
        await CreateAsync(new Cursor { Name = "c" });
        var first = await PullAsync("c", 1);
        await ReleaseAsync(first.Lease);
        var second = await PullAsync("c", 1);
        await FailsAsync(StatusCode.FailedPrecondition, "operations[1].lease", () => CommitAsync(first.Lease, "vm-1"));
        await CommitAsync(second.Lease, "vm-1");
        await FailsAsync(StatusCode.FailedPrecondition, "operations[1].lease", () => CommitAsync(second.Lease, "vm-2"));
        Assert.Equal(["vm-1"], (await _server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine" })).Records.Select(record => record.Name));
    }

    private Task<CommitResponse> CommitAsync(string lease, string machine) => _server.Records.CommitAsync(new CommitRequest
    {
        Operations =
        {
            new Operation { Create = new CreateOperation { Record = Draft(new VirtualMachine { Id = machine }) } },
            new Operation { Acknowledge = new Leased { Cursor = "c", Lease = lease, Sequences = { 1 } } },
        },
    }).ResponseAsync;

    private static IEnumerable<long> Sequences(PullResponse response) => response.Deliveries.Select(delivery => delivery.Event.Sequence);

    private async Task AppendAsync(string subject, int count) =>
        await _server.Events.AppendAsync(new AppendEventsRequest { Events = { Enumerable.Range(0, count).Select(_ => new NewEvent { Kind = "app.made", Subject = subject }) } });

    private Task<Cursor> CreateAsync(Cursor cursor) => _server.Cursors.CreateAsync(new CreateCursorRequest { Cursor = cursor, Start = new CursorStart { After = 0 } }).ResponseAsync;

    private Task<PullResponse> PullAsync(string name, int countMax = 0, Duration? wait = null) =>
        _server.Cursors.PullAsync(new PullRequest { Name = name, EventsMax = countMax, Wait = wait, Consumer = "worker" }).ResponseAsync;

    private async Task<int> AcknowledgeAsync(string name, string lease, params long[] sequences) =>
        (await _server.Cursors.AcknowledgeAsync(new AcknowledgeRequest { Events = new Leased { Cursor = name, Lease = lease, Sequences = { sequences } } })).Acknowledged;

    private async Task ExtendAsync(string lease, params long[] sequences) =>
        await _server.Cursors.ExtendAsync(new ExtendRequest { Events = new Leased { Cursor = "c", Lease = lease, Sequences = { sequences } } });

    private async Task<(int Released, int Parked)> ReleaseAsync(string lease, params long[] sequences)
    {
        var answer = await _server.Cursors.ReleaseAsync(new ReleaseRequest { Events = new Leased { Cursor = "c", Lease = lease, Sequences = { sequences } } });
        return (answer.Released, answer.Parked);
    }

    private async Task<(long Position, int Leased)> PositionAsync(string name)
    {
        var cursor = await _server.Cursors.GetAsync(new GetCursorRequest { Name = name });
        return (cursor.Position, cursor.Leased);
    }
}
