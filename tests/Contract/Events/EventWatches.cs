using Aurae.Events.V0;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace Auraed.Tests.Contract.Events;

/// <summary>Watching the log, over a real socket and file.</summary>
public sealed class EventWatches : IAsyncLifetime
{
    private RecordServer _server = null!;

    public async Task InitializeAsync() => _server = await RecordServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_watch_begins_by_saying_where_and_tells_what_comes_then()
    {
        await CreateAsync("vm-1");
        using var call = _server.Events.Watch(new WatchEventsRequest());
        var start = await NextAsync(call);
        Assert.Empty(start.Events);
        Assert.Equal((1, 1), (start.Sequence, start.LogSequence));

        await CreateAsync("vm-2");
        var told = await NextAsync(call);
        var only = Assert.Single(told.Events);
        Assert.Equal((2, 2, "virtual_machine.created", "vm-2", "default"), (only.Sequence, only.Revision, only.Kind, only.Subject, only.Tenant));
        Assert.Equal("vm-2", only.Payload.Unpack<RecordEvent>().After.Name);
        Assert.Equal(32, only.Hash.Length);
        Assert.Equal(2, told.Sequence);
    }

    [Fact]
    public async Task The_filter_takes_kinds_their_beginnings_a_subject_and_a_tenant()
    {
        await CreateAsync("vm-1");
        await CreateAsync("vm-2");
        await _server.CreateAsync(Records.RecordLife.Nic("eth0", "vm-1"));
        await _server.Records.DeleteAsync(new DeleteRecordRequest { Type = "virtual_machine", Name = "vm-1" });
        await _server.CreateAsync(new VirtualMachine { Id = "vm-1" }, "other");

        Assert.Equal([1L, 2, 3, 4, 5], await TakeAsync(new EventFilter(), 5));
        Assert.Equal([1L, 2, 5], await TakeAsync(new EventFilter { Kinds = { "virtual_machine.*" } }, 5));
        Assert.Equal([3L, 4, 5], await TakeAsync(new EventFilter { Kinds = { "virtual_machine.deleted", "network_interface.*" } }, 5));
        Assert.Equal([1L, 5], await TakeAsync(new EventFilter { Subject = "vm-1" }, 5));
        Assert.Equal([6L], await TakeAsync(new EventFilter { Tenant = "other" }, 6));
        Assert.Equal([1L, 5, 6], await TakeAsync(new EventFilter { Tenant = "*", Subject = "vm-1", Kinds = { "virtual_machine.*" } }, 6));
        Assert.Empty(await TakeAsync(new EventFilter { Kinds = { "virtual.*" } }, 6));
    }

    [Fact]
    public async Task The_events_of_one_commit_arrive_in_one_message()
    {
        using var call = _server.Events.Watch(new WatchEventsRequest { After = 0 });
        await NextAsync(call);
        await CommitAsync(700, 10);
        await CommitAsync(1, 10);
        var events = new List<Event>();
        while (events.Count < 701)
        {
            var message = await NextAsync(call);
            Assert.False(message.CommitContinues);
            Assert.All(message.Events.GroupBy(told => told.Revision), commit => Assert.Equal(commit.Key == 1 ? 700 : 1, commit.Count()));
            events.AddRange(message.Events);
        }

        Assert.Equal(Enumerable.Range(1, 701).Select(number => (long)number), events.Select(told => told.Sequence));
    }

    [Fact]
    public async Task A_commit_too_large_for_one_message_says_that_it_goes_on()
    {
        await CommitAsync(30, 100_000);
        await CommitAsync(1, 10);
        using var call = _server.Events.Watch(new WatchEventsRequest { After = 0 });
        await NextAsync(call);
        var parts = new List<WatchEventsResponse>();
        while (parts.Sum(part => part.Events.Count) < 31)
        {
            parts.Add(await NextAsync(call));
        }

        Assert.InRange(parts.Count, 2, 8);
        Assert.False(parts[^1].CommitContinues);
        Assert.All(parts, part => Assert.Equal(part.CommitContinues, part.Events[^1].Sequence < 30));
        Assert.Equal(Enumerable.Range(1, 31).Select(number => (long)number), parts.SelectMany(part => part.Events).Select(told => told.Sequence));
        // What is cut between two parts goes on without a gap too.
        using var rest = _server.Events.Watch(new WatchEventsRequest { After = parts[0].Sequence });
        await NextAsync(rest);
        Assert.Equal(parts[0].Sequence + 1, (await NextAsync(rest)).Events[0].Sequence);
    }

    [Fact]
    public async Task A_watch_that_nothing_fits_advances_all_the_same()
    {
        using var call = _server.Events.Watch(new WatchEventsRequest { Filter = new EventFilter { Subject = "nobody" }, ProgressInterval = new Duration() });
        Assert.Equal(0, (await NextAsync(call)).Sequence);
        for (int number = 0; number < 20; number++)
        {
            await CreateAsync($"vm-{number}");
        }

        WatchEventsResponse message;
        do
        {
            message = await NextAsync(call);
            Assert.Empty(message.Events);
        }
        while (message.Sequence < 20);
        Assert.Equal(20, message.LogSequence);
    }

    [Fact]
    public async Task A_watch_begins_at_a_time()
    {
        for (int number = 0; number < 9; number++)
        {
            await CreateAsync($"vm-{number}");
        }

        var all = new List<Event>();
        using (var read = _server.Events.Read(new ReadEventsRequest()))
        {
            while (await read.ResponseStream.MoveNext(default))
            {
                all.AddRange(read.ResponseStream.Current.Events);
            }
        }

        foreach (var since in all)
        {
            using var call = _server.Events.Watch(new WatchEventsRequest { Since = since.Time });
            var start = await NextAsync(call);
            Assert.Equal(all.First(told => told.Time.Equals(since.Time)).Sequence - 1, start.Sequence);
            Assert.Equal(start.Sequence + 1, (await NextAsync(call)).Events[0].Sequence);
        }

        using var whole = _server.Events.Watch(new WatchEventsRequest { Since = new Timestamp() });
        Assert.Equal(0, (await NextAsync(whole)).Sequence);
        using var later = _server.Events.Watch(new WatchEventsRequest { Since = new Timestamp { Seconds = 9_000_000_000 } });
        Assert.Equal(9, (await NextAsync(later)).Sequence);
    }

    [Fact]
    public async Task Below_the_floor_and_in_the_future_the_watch_says_where_it_may_begin()
    {
        for (int number = 0; number < 9; number++)
        {
            await CreateAsync($"vm-{number}");
        }

        await EventReads.RaiseFloorAsync(_server.Database, 5);
        var failure = await RecordServer.FailsAsync(StatusCode.OutOfRange, "after", async () => await TakeAsync(new EventFilter(), 9, after: 3));
        Assert.Equal("5", failure.GetRpcStatus()!.Details.First(detail => detail.Is(ErrorInfo.Descriptor)).Unpack<ErrorInfo>().Metadata["floor"]);
        Assert.Equal([5L, 6, 7, 8, 9], await TakeAsync(new EventFilter(), 9, after: 4));
        await RecordServer.FailsAsync(StatusCode.OutOfRange, "after", async () => await TakeAsync(new EventFilter(), 9, after: 10));
    }

    private Task CreateAsync(string name) => _server.CreateAsync(new VirtualMachine { Id = name });

    private async Task CommitAsync(int count, int bytes)
    {
        var commit = new CommitRequest();
        for (int number = 0; number < count; number++)
        {
            var machine = new VirtualMachine { Id = $"vm-{Guid.NewGuid()}", KernelArgs = { new string('a', bytes) } };
            commit.Operations.Add(new Operation { Create = new CreateOperation { Record = RecordServer.Draft(machine) } });
        }

        await _server.Records.CommitAsync(commit);
    }

    /// <summary>The sequences told up to one.</summary>
    private async Task<List<long>> TakeAsync(EventFilter filter, long until, long after = 0)
    {
        using var call = _server.Events.Watch(new WatchEventsRequest { Filter = filter, After = after, ProgressInterval = new Duration() });
        var taken = new List<long>();
        WatchEventsResponse message;
        do
        {
            message = await NextAsync(call);
            taken.AddRange(message.Events.Select(told => told.Sequence));
        }
        while (message.Sequence < until);
        return taken;
    }

    private static async Task<WatchEventsResponse> NextAsync(AsyncServerStreamingCall<WatchEventsResponse> call)
    {
        Assert.True(await call.ResponseStream.MoveNext(default));
        return call.ResponseStream.Current;
    }
}
