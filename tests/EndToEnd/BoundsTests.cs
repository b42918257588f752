using Aurae.Discovery.V0;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Host;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Record = Aurae.Records.V0.Record;
using RecordService = Aurae.Records.V0.RecordService;

namespace Auraed.Tests.EndToEnd;

/// <summary>What happens at the daemon's bounds: connections, calls, their time, its stop, its writer.</summary>
public sealed class BoundsTests : IDisposable
{
    private readonly DaemonFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task The_connection_that_is_idle_longest_makes_room_and_one_with_a_call_never_does()
    {
        await using var host = await _fixture.StartAsync(("limits.connections_per_peer", "2"));
        using var busy = _fixture.Open();
        using var watch = await WatchAsync(busy);
        using var idle = _fixture.Open();
        await DiscoverAsync(idle);
        using var newcomer = _fixture.Open();
        using var second = await WatchAsync(newcomer);
        Assert.Contains("is closed, idle longest, to make room", _fixture.Log.Text, StringComparison.Ordinal);

        using var refused = _fixture.Open();
        await Assert.ThrowsAsync<RpcException>(() => DiscoverAsync(refused));
        await Eventually.HoldsAsync(() => _fixture.Log.Text.Contains("connections are open and none is idle", StringComparison.Ordinal), "the log line");
        await DiscoverAsync(busy);
    }

    [Fact]
    public async Task One_call_too_many_is_told_when_to_come_back_and_a_flood_of_them_is_one_line()
    {
        await using var host = await _fixture.StartAsync(("limits.calls", "1"));
        using var channel = _fixture.Open();
        using var watch = await WatchAsync(channel);
        foreach (var _ in Enumerable.Range(0, 5))
        {
            var error = await Assert.ThrowsAsync<RpcException>(() => DiscoverAsync(channel));
            Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
            Assert.Contains(error.GetRpcStatus()!.Details, detail => detail.Is(RetryInfo.Descriptor));
        }

        Assert.InRange(_fixture.Log.Text.Split('\n').Count(line => line.Contains("ResourceExhausted", StringComparison.Ordinal)), 1, 4);
    }

    [Fact]
    public async Task A_call_over_its_time_is_answered_DEADLINE_EXCEEDED_and_does_nothing()
    {
        await using var host = await _fixture.StartAsync(("limits.call_time", "100ms"));
        using var channel = _fixture.Open();
        var records = new RecordService.RecordServiceClient(channel);
        using (await WriterBlock.HoldAsync(host.Parts.Database))
        {
            var error = await Assert.ThrowsAsync<RpcException>(() => CreateAsync(records));
            Assert.Equal((StatusCode.DeadlineExceeded, true), (error.StatusCode, error.Status.Detail.Contains("limits.call_time", StringComparison.Ordinal)));
        }

        Assert.Empty((await records.ListAsync(new ListRecordsRequest { Type = VirtualMachine.Descriptor.FullName })).Records);
        Assert.Contains("is cut: it runs longer than 0.1 s", _fixture.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stop_lets_a_running_call_finish()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        var records = new RecordService.RecordServiceClient(channel);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Task<Record> create;
        Task stop;
        using (await WriterBlock.HoldAsync(host.Parts.Database))
        {
            create = CreateAsync(records);
            await Eventually.HoldsAsync(() => host.Parts.Database.WaitingWrites == 1, "the call waits for the writer");
            stop = host.StopAsync(patience.Token);
            Assert.False(stop.IsCompleted || create.IsCompleted);
        }

        Assert.Equal("vm", (await create).Name);
        await stop;
        Assert.False(patience.IsCancellationRequested);
    }

    [Fact]
    public async Task A_writer_that_hangs_stops_the_watchdogs_feed_until_it_goes_on()
    {
        using var manager = new NotifySocket(_fixture["notify"]);
        var time = new FixedTime(TimeProvider.System.GetUtcNow());
        await using var host = await _fixture.StartAsync(time);
        var environment = new Dictionary<string, string> { ["NOTIFY_SOCKET"] = manager.Path, ["WATCHDOG_USEC"] = "20000" };
        using var speaker = new ServiceManager(environment, host.Logger);
        await using var watchdog = new Watchdog(speaker, host.Parts, time, host.Logger);
        await manager.HearAsync("WATCHDOG=1");
        using (await WriterBlock.HoldAsync(host.Parts.Database))
        {
            // Of two looks the second began after the writer was held: then it has been asked, in the queue or in the very group that is held.
            manager.Flush();
            await manager.HearAsync("WATCHDOG=1");
            await manager.HearAsync("WATCHDOG=1");
            time.Move(Base.Limits.WriterRoundMax + TimeSpan.FromSeconds(1));
            await Eventually.HoldsAsync(() => _fixture.Log.Text.Contains("the loop store writer hangs", StringComparison.Ordinal), "the log line");
            manager.Flush();
            var lines = _fixture.Log.Text.Length;
            await Eventually.HoldsAsync(() => _fixture.Log.Text.Length > lines, "another look");
            Assert.True(manager.IsSilent);
        }

        await manager.HearAsync("WATCHDOG=1");
    }

    [Fact]
    public async Task A_service_manager_that_does_not_read_holds_up_one_look_for_its_time_and_no_more()
    {
        using var manager = new NotifySocket(_fixture["notify"]);
        await using var host = await _fixture.StartAsync(TimeProvider.System);
        var environment = new Dictionary<string, string> { ["NOTIFY_SOCKET"] = manager.Path, ["WATCHDOG_USEC"] = "2000" };
        using var speaker = new ServiceManager(environment, host.Logger);
        var watchdog = new Watchdog(speaker, host.Parts, TimeProvider.System, host.Logger);
        await Eventually.HoldsAsync(() => _fixture.Log.Text.Contains("WATCHDOG=1", StringComparison.Ordinal), "the queue is full, and that is logged");
        await watchdog.DisposeAsync();
    }

    private static async Task DiscoverAsync(GrpcChannel channel) => await new DiscoveryService.DiscoveryServiceClient(channel).DiscoverAsync(new DiscoverRequest());

    private static async Task<AsyncServerStreamingCall<HealthCheckResponse>> WatchAsync(GrpcChannel channel)
    {
        var watch = new Health.HealthClient(channel).Watch(new HealthCheckRequest());
        Assert.True(await watch.ResponseStream.MoveNext(default));
        return watch;
    }

    private static Task<Record> CreateAsync(RecordService.RecordServiceClient records) =>
        records.CreateAsync(new CreateRecordRequest { Record = new Record { Body = Any.Pack(new VirtualMachine { Id = "vm" }) } }).ResponseAsync;
}
