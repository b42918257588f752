using Aurae.Events.V0;
using Aurae.Records.V0;
using Aurae.Schema;
using Aurae.Vms.V0;
using Auraed.Base;
using Auraed.Tests.Support;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Auraed.Tests.Support.RecordServer;

namespace Auraed.Tests.Contract.Events;

/// <summary>Appending an application's events, over a real socket and file.</summary>
public sealed class EventAppends : IAsyncLifetime
{
    private RecordServer _server = null!;

    public async Task InitializeAsync() => _server = await RecordServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Events_of_one_call_are_one_commit_and_come_back_as_they_were_appended()
    {
        await _server.CreateAsync(new VirtualMachine { Id = "vm-1" });
        var machine = new VirtualMachine { Id = "vm-9", MemSizeMb = 7 };
        var answer = await AppendAsync(
            new NewEvent { Kind = "app.orders.placed", Subject = "order-1", Json = """{"total": 12.5, "lines": ["a", null]}""" },
            new NewEvent { Kind = "app.seen", Subject = "vm-9", Message = Any.Pack(machine) },
            new NewEvent { Kind = "app.raw", Subject = "blob", Bytes = ByteString.CopyFrom(0, 255) },
            new NewEvent { Kind = "app.empty", Subject = "nothing" });
        Assert.Equal((2, 5), (answer.Revision, answer.Sequence));

        var events = await ReadAsync(new EventFilter { Kinds = { "app.*" } });
        Assert.Equal([2L, 3, 4, 5], events.Select(told => told.Sequence));
        Assert.All(events, told => Assert.Equal((2, "default", events[0].Time), (told.Revision, told.Tenant, told.Time)));
        Assert.Equal(12.5, events[0].Payload.Unpack<Value>().StructValue.Fields["total"].NumberValue);
        Assert.Equal(machine, events[1].Payload.Unpack<VirtualMachine>());
        Assert.Equal(ByteString.CopyFrom(0, 255), events[2].Payload.Unpack<BytesValue>().Value);
        Assert.Equal((string.Empty, 0), (events[3].Payload.TypeUrl, events[3].Payload.Value.Length));
        Assert.True((await _server.Database.VerifyAsync(null, default)).IsSound);
    }

    [Fact]
    public void No_record_type_is_called_as_applications_kinds_begin() => Assert.DoesNotContain(Tables.All, table => table.Name == "app");

    [Theory]
    [InlineData("")]
    [InlineData("app")]
    [InlineData("app.")]
    [InlineData("app..a")]
    [InlineData("app.A")]
    [InlineData("app.1")]
    [InlineData("app.a.")]
    [InlineData("app.a b")]
    [InlineData("app.a.b.c.d.e.f.g.h.i")]
    [InlineData("virtual_machine.created")]
    [InlineData("event_cursor.created")]
    [InlineData("application.created")]
    public async Task A_kind_that_is_not_an_applications_is_refused(string kind) =>
        await FailsAsync(StatusCode.InvalidArgument, "events[0].kind", () => AppendAsync(new NewEvent { Kind = kind, Subject = "a" }));

    [Fact]
    public async Task What_is_wrong_is_named_and_nothing_of_the_call_is_kept()
    {
        var good = new NewEvent { Kind = "app.a", Subject = "s" };
        await FailsAsync(StatusCode.InvalidArgument, "events", () => AppendAsync());
        await FailsAsync(StatusCode.InvalidArgument, "events", () => AppendAsync([.. Enumerable.Repeat(good, Limits.AppendEventsCountMax + 1)]));
        await FailsAsync(StatusCode.InvalidArgument, "events[1].subject", () => AppendAsync(good, new NewEvent { Kind = "app.a" }));
        await FailsAsync(StatusCode.InvalidArgument, "events[1].json", () => AppendAsync(good, new NewEvent { Kind = "app.a", Subject = "s", Json = "{" }));
        await FailsAsync(StatusCode.InvalidArgument, "events[0].json", () => AppendAsync(new NewEvent { Kind = "app.a", Subject = "s", Json = """{"id": [9007199254740993]}""" }));
        await FailsAsync(StatusCode.InvalidArgument, "events[0].message.type_url", () => AppendAsync(new NewEvent { Kind = "app.a", Subject = "s", Message = new Any() }));
        await FailsAsync(StatusCode.InvalidArgument, "events[0].expected_sequence", () => AppendAsync(new NewEvent { Kind = "app.a", Subject = "s", ExpectedSequence = -1 }));
        await FailsAsync(StatusCode.InvalidArgument, "events[0].payload", () => AppendAsync(new NewEvent { Kind = "app.a", Subject = "s", Bytes = ByteString.CopyFrom(new byte[Limits.EventPayloadBytesMax]) }));
        await FailsAsync(StatusCode.FailedPrecondition, "events[1].expected_sequence", () => AppendAsync(good, new NewEvent { Kind = "app.a", Subject = "s", ExpectedSequence = 7 }));
        Assert.Equal(0, _server.Database.Durable);
    }

    [Fact]
    public async Task An_expectation_holds_for_the_stream_as_it_was_before_the_call()
    {
        // A record of that name is no part of the stream, nor are other tenants' events.
        await _server.CreateAsync(new VirtualMachine { Id = "s" });
        await _server.Events.AppendAsync(new AppendEventsRequest { Tenant = "other", Events = { new NewEvent { Kind = "app.a", Subject = "s" } } });
        var first = await AppendAsync(Expecting("s", 0), Expecting("s", 0), Expecting("t", 0));
        Assert.Equal(3, first.Revision);
        var moved = await FailsAsync(StatusCode.FailedPrecondition, "events[0].expected_sequence", () => AppendAsync(Expecting("s", 0)));
        Assert.Contains("it is 4", moved.Status.Detail, StringComparison.Ordinal);
        await FailsAsync(StatusCode.FailedPrecondition, null, () => AppendAsync(Expecting("s", 5)));
        Assert.Equal(6, (await AppendAsync(Expecting("s", 4))).Sequence);
        Assert.Equal(7, (await AppendAsync(new NewEvent { Kind = "app.a", Subject = "s" })).Sequence);
        Assert.Equal(8, (await AppendAsync(Expecting("s", 7))).Sequence);
    }

    [Fact]
    public async Task Of_two_that_expect_the_same_one_succeeds()
    {
        var tries = await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            try
            {
                await AppendAsync(Expecting("race", 0));
                return 1;
            }
            catch (RpcException lost) when (lost.StatusCode == StatusCode.FailedPrecondition)
            {
                return 0;
            }
        }));
        Assert.Equal(1, tries.Sum());
    }

    [Fact]
    public async Task A_repeated_request_is_appended_once()
    {
        var request = new AppendEventsRequest { RequestId = "once", Events = { Expecting("s", 0) } };
        var first = await _server.Events.AppendAsync(request);
        Assert.Equal(first, await _server.Events.AppendAsync(request));
        request.Events[0].Subject = "other";
        await FailsAsync(StatusCode.FailedPrecondition, "request_id", () => _server.Events.AppendAsync(request).ResponseAsync);
        Assert.Equal("once", Assert.Single(await ReadAsync(new EventFilter())).RequestId);
    }

    [Fact]
    public async Task A_commit_appends_beside_its_records_or_not_at_all()
    {
        var commit = new CommitRequest
        {
            Operations =
            {
                new Operation { Append = Expecting("s", 0) },
                new Operation { Create = new CreateOperation { Record = Draft(new VirtualMachine { Id = "vm-1" }) } },
                new Operation { Append = Expecting("s", 0) },
            },
        };
        var answer = await _server.Records.CommitAsync(commit);
        Assert.Equal((1, 1L, 0L, 3L), (answer.Revision, answer.Results[0].Sequence, answer.Results[1].Sequence, answer.Results[2].Sequence));
        await FailsAsync(StatusCode.FailedPrecondition, "operations[0].expected_sequence", () => _server.Records.CommitAsync(commit).ResponseAsync);
        Assert.Equal(["app.a", "virtual_machine.created", "app.a"], (await ReadAsync(new EventFilter())).Select(told => told.Kind));
    }

    [Fact]
    public async Task Streams_go_on_over_a_restart_and_a_read_only_tenant_refuses()
    {
        await AppendAsync(Expecting("s", 0));
        _server = await _server.RestartAsync();
        await FailsAsync(StatusCode.FailedPrecondition, null, () => AppendAsync(Expecting("s", 0)));
        await AppendAsync(Expecting("s", 1));
        await _server.CreateAsync(new Aurae.Hosts.V0.Tenant { Name = "closed", ReadOnly = true });
        await FailsAsync(
            StatusCode.FailedPrecondition, null, () => _server.Events.AppendAsync(new AppendEventsRequest { Tenant = "closed", Events = { Expecting("s", 0) } }).ResponseAsync);
    }

    private static NewEvent Expecting(string subject, long expected) => new() { Kind = "app.a", Subject = subject, ExpectedSequence = expected };

    private Task<AppendEventsResponse> AppendAsync(params NewEvent[] events) => _server.Events.AppendAsync(new AppendEventsRequest { Events = { events } }).ResponseAsync;

    private async Task<List<Event>> ReadAsync(EventFilter filter)
    {
        using var call = _server.Events.Read(new ReadEventsRequest { Filter = filter });
        var events = new List<Event>();
        while (await call.ResponseStream.MoveNext(default))
        {
            events.AddRange(call.ResponseStream.Current.Events);
        }

        return events;
    }
}
