using Aurae.Events.V0;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.EventLog;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Tests.Contract.Events;

/// <summary>Many watchers while many write.</summary>
public sealed class EventCrowd
{
    private const int Watchers = 32;
    private const int Writers = 64;
    private const int CommitsPerWriter = 12;

    [Fact]
    public async Task Watchers_that_are_cut_and_resume_see_every_event_once_and_in_order_while_writers_commit()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("SEED"), out int given) ? given : Environment.TickCount;
        await using var server = await RecordServer.StartAsync();
        var end = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        var watching = Enumerable.Range(0, Watchers).Select(number => Task.Run(() => WatchAsync(server, new Random(seed + number), end.Task))).ToArray();
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(number => WriteAsync(server, number)));
        long last = server.Database.Durable;
        end.SetResult(last);
        foreach (var seen in await Task.WhenAll(watching).WaitAsync(TimeSpan.FromSeconds(60)))
        {
            Assert.True(seen.SequenceEqual(Enumerable.Range(1, (int)last).Select(number => (long)number)), $"SEED={seed}: gap or duplicate in {string.Join(' ', seen)}");
        }
    }

    [Fact]
    public async Task Watchers_near_the_end_of_the_log_share_one_read()
    {
        using var fixture = new StoreFixture();
        await using var database = fixture.Open();
        var tail = new EventTail(database);
        var selection = new EventSelection(null, null, [], []);
        const int events = 500;
        var watching = Enumerable.Range(0, Watchers).Select(_ => Task.Run(async () =>
        {
            long after = 0;
            while (after < events)
            {
                await tail.WaitAsync(after, default);
                var page = await tail.NextAsync(after, selection, default);
                Assert.Equal(Enumerable.Range((int)after + 1, page.Events.Count).Select(number => (long)number), page.Events.Select(told => told.Message.Sequence));
                after = page.Sequence;
            }
        })).ToArray();
        for (int number = 0; number < events; number++)
        {
            await StoreFixture.AppendAsync(database, $"{number}");
        }

        await Task.WhenAll(watching).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.InRange(tail.Reads, 1, events);
    }

    [Fact]
    public async Task A_watcher_far_behind_reads_for_itself_and_joins_the_others()
    {
        using var fixture = new StoreFixture();
        await using var database = fixture.Open();
        const int events = 6000;
        await Task.WhenAll(Enumerable.Range(0, events).Select(number => StoreFixture.AppendAsync(database, number % 100 == 0 ? "rare" : "common")));
        var tail = new EventTail(database);
        var rare = new EventSelection(null, "rare", [], []);
        Assert.Equal(events, (await tail.NextAsync(events - 10, rare, default)).Sequence);
        var (after, found) = (0L, 0);
        while (after < events)
        {
            var page = await tail.NextAsync(after, rare, default);
            Assert.True(page.Sequence > after && page.EndsCommit);
            Assert.All(page.Events, told => Assert.Equal("rare", told.Message.Subject));
            found += page.Events.Count;
            after = page.Sequence;
        }

        Assert.Equal(events / 100, found);
        Assert.True((await tail.NextAsync(after, rare, default)) is { Events.Count: 0, Sequence: events });
    }

    /// <summary>Takes messages, throws part of some away and resumes there, until it has come to the end.</summary>
    private static async Task<List<long>> WatchAsync(RecordServer server, Random random, Task<long> end)
    {
        var seen = new List<long>();
        long after = 0;
        while (!end.IsCompletedSuccessfully || after < await end)
        {
            using var call = server.Events.Watch(new WatchEventsRequest { After = after, ProgressInterval = new Duration { Seconds = 1 } });
            bool isCut = false;
            while (!isCut && (!end.IsCompletedSuccessfully || after < await end) && await call.ResponseStream.MoveNext(default))
            {
                var message = call.ResponseStream.Current;
                Assert.True(message.Events.Count == 0 || message.Sequence >= message.Events[^1].Sequence);
                isCut = random.Next(12) == 0;
                int taken = isCut ? random.Next(message.Events.Count + 1) : message.Events.Count;
                seen.AddRange(message.Events.Take(taken).Select(told => told.Sequence));
                after = taken == message.Events.Count ? message.Sequence : taken > 0 ? message.Events[taken - 1].Sequence : after;
            }
        }

        return seen;
    }

    private static async Task WriteAsync(RecordServer server, int writer)
    {
        for (int number = 0; number < CommitsPerWriter; number++)
        {
            var commit = new CommitRequest();
            for (int operation = 0; operation <= number % 4; operation++)
            {
                commit.Operations.Add(new Operation { Create = new CreateOperation { Record = RecordServer.Draft(new VirtualMachine { Id = $"vm-{writer}-{number}-{operation}" }) } });
            }

            await server.Records.CommitAsync(commit);
        }
    }
}
