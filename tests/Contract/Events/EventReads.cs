using Aurae.Events.V0;
using Aurae.Vms.V0;
using Auraed.Store;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Auraed.Tests.Contract.Events;

/// <summary>Reading parts of the log, over a real socket and file.</summary>
public sealed class EventReads : IAsyncLifetime
{
    private const int Count = 600;

    private RecordServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await RecordServer.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, Count).Select(number => _server.CreateAsync(new VirtualMachine { Id = $"vm-{number}" }, number % 3 == 0 ? "other" : "")));
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task The_whole_log_is_read_in_both_directions_and_each_event_carries_its_hash()
    {
        var all = await ReadAsync(new ReadEventsRequest { Filter = Everything });
        Assert.Equal(Enumerable.Range(1, Count).Select(number => (long)number), all.Select(read => read.Sequence));
        var hash = new byte[EventHash.HashBytes];
        foreach (var read in all)
        {
            var content = new EventContent
            {
                Sequence = read.Sequence,
                CommitRevision = read.Revision,
                Time = (read.Time.Seconds * 1_000_000_000) + read.Time.Nanos,
                Tenant = read.Tenant,
                Principal = read.Principal,
                RequestId = read.HasRequestId ? read.RequestId : null,
                Kind = read.Kind,
                Subject = read.Subject,
                Payload = read.Payload.Value.Span,
            };
            EventHash.Compute(hash, content, hash);
            Assert.Equal(hash, read.Hash.ToByteArray());
        }

        all.Reverse();
        Assert.Equal(all, await ReadAsync(new ReadEventsRequest { Filter = Everything, NewestFirst = true }));
    }

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(600, 600, 0)]
    [InlineData(100, 500, 0)]
    [InlineData(100, 5000, 0)]
    [InlineData(100, 500, 300)]
    [InlineData(601, 700, 0)]
    public async Task A_range_ends_where_it_says_or_after_as_many_as_are_wanted(long from, long to, int limit)
    {
        long[] within = [.. Enumerable.Range(1, Count).Select(number => (long)number).Where(number => number >= from && number <= to)];
        var request = new ReadEventsRequest { Filter = Everything, FromSequence = from, ToSequence = to, Limit = limit };
        Assert.Equal(within.Take(limit == 0 ? Count : limit), (await ReadAsync(request)).Select(read => read.Sequence));
        request.NewestFirst = true;
        Assert.Equal(within.Reverse().Take(limit == 0 ? Count : limit), (await ReadAsync(request)).Select(read => read.Sequence));
    }

    [Fact]
    public async Task A_range_of_time_takes_the_first_moment_and_not_the_last()
    {
        var all = await ReadAsync(new ReadEventsRequest { Filter = Everything });
        var (from, to) = (all[99].Time, all[499].Time);
        var read = await ReadAsync(new ReadEventsRequest { Filter = Everything, FromTime = from, ToTime = to });
        Assert.Equal(all.Where(one => one.Time >= from && one.Time < to), read);
        Assert.Empty(await ReadAsync(new ReadEventsRequest { FromTime = new Timestamp { Seconds = 9_000_000_000 } }));
        Assert.Empty(await ReadAsync(new ReadEventsRequest { ToTime = new Timestamp() }));
    }

    [Fact]
    public async Task Another_tenants_events_are_read_only_when_asked_for()
    {
        Assert.All(await ReadAsync(new ReadEventsRequest()), read => Assert.Equal("default", read.Tenant));
        Assert.Equal(Count / 3, (await ReadAsync(new ReadEventsRequest { Filter = new EventFilter { Tenant = "other" } })).Count);
        Assert.Equal("vm-7", Assert.Single(await ReadAsync(new ReadEventsRequest { Filter = new EventFilter { Subject = "vm-7" } })).Subject);
    }

    [Fact]
    public async Task What_is_no_longer_kept_is_refused_and_a_read_without_a_beginning_takes_what_there_is()
    {
        await RaiseFloorAsync(_server.Database, 300);
        await RecordServer.FailsAsync(StatusCode.OutOfRange, "from_sequence", () => ReadAsync(new ReadEventsRequest { FromSequence = 299 }));
        Assert.Equal(300, (await ReadAsync(new ReadEventsRequest { Filter = Everything, FromSequence = 300 }))[0].Sequence);
        Assert.Equal(301, (await ReadAsync(new ReadEventsRequest { Filter = Everything })).Count);
        Assert.Equal(301, (await ReadAsync(new ReadEventsRequest { Filter = Everything, NewestFirst = true })).Count);
        Assert.Equal(301, (await ReadAsync(new ReadEventsRequest { Filter = Everything, FromTime = new Timestamp() })).Count);
    }

    [Fact]
    public async Task A_hole_in_the_log_is_an_error_and_never_passed_over()
    {
        await _server.Database.WriteAsync(
            unit =>
            {
                unit.Prepare("DROP TRIGGER event_delete").Execute();
                return unit.Prepare("DELETE FROM event WHERE sequence = 300").Execute();
            },
            CancellationToken.None);
        await RecordServer.FailsAsync(StatusCode.DataLoss, null, () => ReadAsync(new ReadEventsRequest()));
        await RecordServer.FailsAsync(StatusCode.DataLoss, null, () => ReadAsync(new ReadEventsRequest { NewestFirst = true }));
        await RecordServer.FailsAsync(StatusCode.DataLoss, null, () => ReadAsync(new ReadEventsRequest { FromSequence = 300, ToSequence = 300 }));
        await RecordServer.FailsAsync(StatusCode.DataLoss, null, async () =>
        {
            using var call = _server.Events.Watch(new WatchEventsRequest { After = 0 });
            while (await call.ResponseStream.MoveNext(default))
            {
                Assert.DoesNotContain(call.ResponseStream.Current.Events, told => told.Sequence > 300);
            }
        });
        Assert.Equal(Count - 300, (await ReadAsync(new ReadEventsRequest { Filter = Everything, FromSequence = 301 })).Count);
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_is_wrong_with_a_request_is_named(string field, ReadEventsRequest request) =>
        await RecordServer.FailsAsync(StatusCode.InvalidArgument, field, () => ReadAsync(request));

    public static TheoryData<string, ReadEventsRequest> Wrong() => new()
    {
        { "from_sequence", new ReadEventsRequest { FromSequence = 0 } },
        { "to_sequence", new ReadEventsRequest { ToSequence = -1 } },
        { "to", new ReadEventsRequest { FromSequence = 2, ToSequence = 1 } },
        { "limit", new ReadEventsRequest { Limit = -1 } },
        { "from_time", new ReadEventsRequest { FromTime = new Timestamp { Seconds = long.MaxValue } } },
        { "to_time", new ReadEventsRequest { ToTime = new Timestamp { Nanos = -1 } } },
        { "filter.tenant", new ReadEventsRequest { Filter = new EventFilter { Tenant = "A" } } },
        { "filter.subject", new ReadEventsRequest { Filter = new EventFilter { Subject = "\n" } } },
        { "filter.kinds[1]", new ReadEventsRequest { Filter = new EventFilter { Kinds = { "a.b", "*" } } } },
        { "filter.kinds[0]", new ReadEventsRequest { Filter = new EventFilter { Kinds = { "a*.b" } } } },
        { "filter.kinds[0]", new ReadEventsRequest { Filter = new EventFilter { Kinds = { "" } } } },
        { "filter.kinds", new ReadEventsRequest { Filter = new EventFilter { Kinds = { Enumerable.Repeat("a.b", 65) } } } },
    };

    /// <summary>Removes the events before one, as retention will.</summary>
    internal static Task RaiseFloorAsync(Database database, long floor) => database.WriteAsync(
        unit =>
        {
            unit.Prepare("DROP TRIGGER event_delete").Execute();
            return unit.Prepare($"DELETE FROM event WHERE sequence < {floor}").Execute();
        },
        CancellationToken.None);

    private static EventFilter Everything => new() { Tenant = "*" };

    private async Task<List<Event>> ReadAsync(ReadEventsRequest request)
    {
        using var call = _server.Events.Read(request);
        var events = new List<Event>();
        ReadEventsResponse? last = null;
        while (await call.ResponseStream.MoveNext(default))
        {
            last = call.ResponseStream.Current;
            events.AddRange(last.Events);
        }

        Assert.Empty(last!.Events);
        Assert.Equal(Count, last.LogSequence);
        return events;
    }
}
