using System.Collections.Concurrent;
using Aurae.Events.V0;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;

namespace Auraed.Tests.EndToEnd;

/// <summary>The event log through the shipped binary over mutual TLS, while it is killed.</summary>
public sealed class EventsBinaryTests : IDisposable
{
    private const int Kills = 10;
    private const int Watchers = 32;
    private const int Writers = 64;
    private const int EventsBetweenKills = 150;

    private readonly DaemonFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Watchers_resume_over_a_killed_daemon_without_gap_or_duplicate_and_nothing_acknowledged_is_missing()
    {
        var acknowledged = new ConcurrentBag<string>();
        using var stop = new CancellationTokenSource();
        var end = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var channel = _fixture.Open();
        var daemon = await StartAsync(channel);
        var watching = Enumerable.Range(0, Watchers).Select(_ => Task.Run(() => WatchAsync(channel, end.Task))).ToArray();
        var writing = Enumerable.Range(0, Writers).Select(number => Task.Run(() => WriteAsync(channel, number, acknowledged, stop.Token))).ToArray();
        for (var kill = 1; kill <= Kills; kill++)
        {
            var enough = kill * EventsBetweenKills;
            await Eventually.HoldsAsync(() => acknowledged.Count >= enough, $"{enough} creates are acknowledged");
            await daemon.DisposeAsync();
            daemon = await StartAsync(channel);
        }

        await stop.CancelAsync();
        await Task.WhenAll(writing);
        var log = await ReadAsync(channel);
        end.SetResult(log.Count);
        foreach (var seen in await Task.WhenAll(watching).WaitAsync(TimeSpan.FromSeconds(60)))
        {
            Assert.Equal(log, seen);
        }

        Assert.Equal(Enumerable.Range(1, log.Count).Select(number => (long)number), log.Select(told => told.Sequence));
        Assert.Empty(acknowledged.Except(log.Select(told => told.Subject)));
        await daemon.DisposeAsync();
    }

    [Fact]
    public async Task The_command_line_prints_the_log_as_lines_and_as_json()
    {
        using var directory = new TemporaryDirectory();
        var root = directory["root"];
        PublishedBinary.Run("init", "--root", root).Succeeded();
        File.WriteAllText(directory["machine.json"], """{"@type": "vm", "id": "vm-1", "mem_size_mb": 512}""");
        await using var daemon = PublishedBinary.Start(root);
        await Eventually.HoldsAsync(() => PublishedBinary.Run("health", "--root", root).Code == 0, "the daemon is healthy");
        PublishedBinary.Run("records", "apply", "-f", directory["machine.json"], "--root", root).Succeeded();

        Assert.Contains("virtual_machine.created", PublishedBinary.Run("events", "tail", "--since", "10m", "--root", root).Succeeded(), StringComparison.Ordinal);
        var json = PublishedBinary.Run("events", "tail", "--kind", "virtual_machine.*", "--output", "json", "--root", root).Succeeded();
        Assert.Contains("\"mem_size_mb\": 512", json, StringComparison.Ordinal);
        Assert.Contains("\"hash\": ", PublishedBinary.Run("events", "get", "1", "--root", root).Succeeded(), StringComparison.Ordinal);
    }

    private async Task<ChildProcess> StartAsync(GrpcChannel channel)
    {
        var daemon = PublishedBinary.Start(_fixture[""]);
        await Eventually.HoldsAsync(async () => await AnswersAsync(channel), "the daemon answers");
        return daemon;
    }

    private static async Task<bool> AnswersAsync(GrpcChannel channel)
    {
        try
        {
            await ReadAsync(channel);
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    private static async Task<List<Event>> ReadAsync(GrpcChannel channel)
    {
        using var call = new EventService.EventServiceClient(channel).Read(new ReadEventsRequest());
        var events = new List<Event>();
        while (await call.ResponseStream.MoveNext(default))
        {
            events.AddRange(call.ResponseStream.Current.Events);
        }

        return events;
    }

    private static async Task<List<Event>> WatchAsync(GrpcChannel channel, Task<long> end)
    {
        var seen = new List<Event>();
        long after = 0;
        while (!end.IsCompletedSuccessfully || after < await end)
        {
            try
            {
                using var call = new EventService.EventServiceClient(channel).Watch(new WatchEventsRequest { After = after, ProgressInterval = new Duration { Seconds = 1 } });
                while ((!end.IsCompletedSuccessfully || after < await end) && await call.ResponseStream.MoveNext(default))
                {
                    seen.AddRange(call.ResponseStream.Current.Events);
                    after = call.ResponseStream.Current.Sequence;
                }
            }
            catch (RpcException)
            {
                await Task.Delay(20);
            }
        }

        return seen;
    }

    private static async Task WriteAsync(GrpcChannel channel, int writer, ConcurrentBag<string> acknowledged, CancellationToken stop)
    {
        var client = new RecordService.RecordServiceClient(channel);
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            try
            {
                var name = $"vm-{writer}-{number}";
                await client.CreateAsync(new CreateRecordRequest { Record = RecordServer.Draft(new VirtualMachine { Id = name }) }, cancellationToken: CancellationToken.None);
                acknowledged.Add(name);
            }
            catch (RpcException)
            {
                await Task.Delay(20, CancellationToken.None);
            }
        }
    }
}
