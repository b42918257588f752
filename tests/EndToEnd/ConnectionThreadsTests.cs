using Auraed.Base;
using Auraed.Tests.Support;
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

            Assert.True(Threads(daemon) >= few + Limits.ConnectionThreadsCountMax);
            channels.ForEach(channel => channel.Dispose());
            await Eventually.HoldsAsync(() => Threads(daemon) < few + (Limits.ConnectionThreadsCountMax / 2), "the threads are gone");
        }
    }

    private static async Task CheckAsync(GrpcChannel channel) => Assert.Equal(
        HealthCheckResponse.Types.ServingStatus.Serving, (await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest())).Status);

    private static int Threads(ChildProcess daemon) => Directory.GetDirectories($"/proc/{daemon.Id}/task").Length;
}
