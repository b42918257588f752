using System.Collections.Concurrent;
using Aurae.Events.V0;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit.Abstractions;

namespace Auraed.Tests.EndToEnd;

/// <summary>A group of consumers that die at random moments, of the shipped binary, which is killed too.</summary>
public sealed class ConsumersBinaryTests(ITestOutputHelper output) : IDisposable
{
    private const int Consumers = 4;
    private const int Events = 240;
    private const int Kills = 2;
    private readonly BinaryHost _host = new();
    private readonly ConcurrentQueue<long> _processed = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_event_is_processed_at_least_once_and_with_its_acknowledgement_in_a_commit_exactly_once(bool isInCommit)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("SEED"), out var given) ? given : Environment.TickCount;
        output.WriteLine($"SEED={seed}");
        var daemon = await _host.StartAsync();
        using var channel = _host.Fixture.Open();
        var cursors = new CursorService.CursorServiceClient(channel);
        var cursor = new Cursor { Name = "work", Filter = new EventFilter { Kinds = { "app.*" } }, LeaseTime = new Duration { Seconds = 1 }, DeliveriesMax = 1000 };
        await cursors.CreateAsync(new CreateCursorRequest { Cursor = cursor });
        await new EventService.EventServiceClient(channel).AppendAsync(
            new AppendEventsRequest { Events = { Enumerable.Range(0, Events).Select(number => new NewEvent { Kind = "app.made", Subject = $"{number}" }) } });

        using var stop = new CancellationTokenSource();
        var working = Enumerable.Range(0, Consumers).Select(number => Task.Run(() => ConsumeAsync(channel, new Random(seed + number), isInCommit, stop.Token))).ToArray();
        for (var kill = 1; kill <= Kills; kill++)
        {
            var enough = kill * Events / 4;
            await Eventually.HoldsAsync(() => _processed.Distinct().Count() >= enough, $"{enough} events are processed");
            await daemon.DisposeAsync();
            daemon = await _host.StartAsync();
        }

        var all = TimeSpan.FromSeconds(60);
        await Eventually.HoldsAsync(() => IsDoneAsync(cursors), "every event is settled", all);
        await stop.CancelAsync();
        await Task.WhenAll(working);
        if (!isInCommit)
        {
            Assert.Equal(Events, _processed.Distinct().Count());
        }
        else
        {
            // Not by the answers: a kill may take one away whose commit is kept.
            var effects = await EffectsAsync(channel);
            Assert.Equal(Events, effects.Count);
            Assert.Equal(Events, effects.Distinct().Count());
        }

        await daemon.DisposeAsync();
    }

    private static async Task<bool> IsDoneAsync(CursorService.CursorServiceClient cursors)
    {
        var cursor = await cursors.GetAsync(new GetCursorRequest { Name = "work" });
        return cursor.Leased + cursor.Waiting == 0 && cursor.Frontier >= Events + 1;
    }

    /// <summary>One consumer after another: each dies before or after its work at times, and with it its lease.</summary>
    private async Task ConsumeAsync(GrpcChannel channel, Random random, bool isInCommit, CancellationToken stop)
    {
        var cursors = new CursorService.CursorServiceClient(channel);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var pulled = await cursors.PullAsync(new PullRequest { Name = "work", EventsMax = 1 + random.Next(6), Wait = new Duration { Nanos = 200_000_000 } }, cancellationToken: CancellationToken.None);
                foreach (var delivery in pulled.Deliveries)
                {
                    if (random.Next(20) == 0)
                    {
                        break;
                    }

                    await ProcessAsync(channel, delivery.Event, pulled.Lease, random, isInCommit);
                }
            }
            catch (RpcException)
            {
                // The daemon is away, or the lease was lost: this consumer is dead as well.
                await Task.Delay(10, CancellationToken.None);
            }
        }
    }

    private async Task ProcessAsync(GrpcChannel channel, Event told, string lease, Random random, bool isInCommit)
    {
        var leased = new Leased { Cursor = "work", Lease = lease, Sequences = { told.Sequence } };
        if (isInCommit)
        {
            var effect = RecordServer.Draft(new VirtualMachine { Id = $"effect-{Guid.NewGuid():N}" }, ("of", $"{told.Sequence}"));
            await new RecordService.RecordServiceClient(channel).CommitAsync(
                new CommitRequest { Operations = { new Operation { Create = new CreateOperation { Record = effect } }, new Operation { Acknowledge = leased } } });
            _processed.Enqueue(told.Sequence);
            return;
        }

        _processed.Enqueue(told.Sequence);
        if (random.Next(20) != 0)
        {
            await new CursorService.CursorServiceClient(channel).AcknowledgeAsync(new AcknowledgeRequest { Events = leased });
        }
    }

    private static async Task<List<string>> EffectsAsync(GrpcChannel channel)
    {
        var records = new RecordService.RecordServiceClient(channel);
        var page = await records.ListAsync(new ListRecordsRequest { Type = "virtual_machine", PageSize = 1000 });
        return [.. page.Records.Select(record => record.Labels["of"])];
    }
}
