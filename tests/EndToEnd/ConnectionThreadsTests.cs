using Aurae.Query.V0;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Base;
using Auraed.Tests.Support;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace Auraed.Tests.EndToEnd;

/// <summary>A connection on a Unix socket has a thread while there are some left, and is served the same without.</summary>
public sealed class ConnectionThreadsTests : IDisposable
{
    private readonly BinaryHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Connections_beyond_the_threads_are_served_and_threads_come_back()
    {
        var socket = _host.Fixture["run/plain.sock"];
        await using var daemon = await _host.StartAsync("--plaintext-socket", socket);
        var few = Threads(daemon);
        for (var round = 0; round < 2; round++)
        {
            var channels = Enumerable.Range(0, Limits.ConnectionThreadsCountMax + 8).Select(_ => UnixSocketChannel.Open(socket)).ToList();
            foreach (var channel in channels.Concat(channels))
            {
                await CheckAsync(channel);
            }

            // The first count may hold the threads of what has just ended.
            Assert.InRange(Threads(daemon), few + (Limits.ConnectionThreadsCountMax / 2), few + (2 * Limits.ConnectionThreadsCountMax));
            channels.ForEach(channel => channel.Dispose());
            await Eventually.HoldsAsync(() => Threads(daemon) < few + (Limits.ConnectionThreadsCountMax / 2), "the threads are gone");
        }
    }

    [Fact]
    public async Task A_call_that_takes_long_holds_up_no_other_of_its_connection()
    {
        var socket = _host.Fixture["run/plain.sock"];
        await using var daemon = await _host.StartAsync("--plaintext-socket", socket);
        using var channel = UnixSocketChannel.Open(socket);
        var records = new RecordService.RecordServiceClient(channel);
        for (var count = 0; count < 32; count++)
        {
            await CreateAsync(records);
        }

        using var cancel = new CancellationTokenSource();
        using var endless = new QueryService.QueryServiceClient(channel).Query(
            new QueryRequest { Sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n" }, cancellationToken: cancel.Token);
        var answer = ToEndAsync(endless.ResponseStream);
        for (var count = 0; count < 32; count++)
        {
            await CreateAsync(records);
        }

        Assert.False(answer.IsCompleted);
        await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => CreateAsync(records)));
        await cancel.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => answer)).StatusCode);
        await CreateAsync(records);
        Assert.DoesNotContain("handed to the thread pool", daemon.Output, StringComparison.Ordinal);
    }

    private static async Task ToEndAsync(IAsyncStreamReader<QueryResponse> answers)
    {
        while (await answers.MoveNext(default))
        {
            // The columns come first.
        }
    }

    private static async Task CreateAsync(RecordService.RecordServiceClient records) => await records.CreateAsync(
        new CreateRecordRequest { Record = RecordServer.Draft(new VirtualMachine()) }, deadline: DateTime.UtcNow.AddMinutes(1));

    private static async Task CheckAsync(GrpcChannel channel) => Assert.Equal(
        HealthCheckResponse.Types.ServingStatus.Serving, (await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest())).Status);

    private static int Threads(ChildProcess daemon) => Directory.GetDirectories($"/proc/{daemon.Id}/task").Length;
}
