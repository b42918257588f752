using Aurae.Events.V0;
using Auraed.Tests.Support;
using Grpc.Core;

namespace Auraed.Tests.Contract.Events;

/// <summary>Watchers that stop reading, seen from the memory of the process.</summary>
[Collection(Alone.Name)]
public sealed class EventSlowReader
{
    private const int Watchers = 8;
    private const int Events = 1500;
    private const int EventBytes = 64 * 1024;

    [Fact]
    public async Task Watchers_that_do_not_read_hold_up_nobody_and_grow_no_memory()
    {
        await using var server = await RecordServer.StartAsync();
        await StoreFixture.AppendAsync(server.Database, "first");
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var calls = Enumerable.Range(0, Watchers).Select(_ => server.Events.Watch(new WatchEventsRequest { After = 0 })).ToArray();
        foreach (var call in calls)
        {
            Assert.True(await call.ResponseStream.MoveNext(default));
        }

        for (var batch = 0; batch < Events / 100; batch++)
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => StoreFixture.AppendAsync(server.Database, "large", EventBytes)));
        }

        await Eventually.HoldsAsync(() => GC.GetTotalMemory(forceFullCollection: true) - before < 48L * 1024 * 1024, "what was written is 94 MiB, and memory stays bounded");
        foreach (var call in calls)
        {
            await EndsAsync(call);
            call.Dispose();
        }
    }

    private static async Task EndsAsync(AsyncServerStreamingCall<WatchEventsResponse> call)
    {
        long expected = 0;
        while (expected < Events + 1)
        {
            Assert.True(await call.ResponseStream.MoveNext(default));
            Assert.All(call.ResponseStream.Current.Events, told => Assert.Equal(++expected, told.Sequence));
        }
    }
}
