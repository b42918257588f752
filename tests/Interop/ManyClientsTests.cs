using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Auraed.Tests.Support;
using Grpc.Core;
using Grpc.Testing;

namespace Auraed.Tests.Interop;

/// <summary>Many calls and many connections: nothing is left behind, and nobody is shut out for long.</summary>
[Collection(Alone.Name)]
public sealed class ManyClientsTests
{
    [Fact]
    public async Task Ten_thousand_calls_neither_leak_nor_slow_down()
    {
        await using var server = await InteropServer.StartAsync();
        using var channel = server.Channel();
        var client = new TestService.TestServiceClient(channel);
        // The first calls compile and open the connection.
        await TimeAsync(client, 1000);
        var held = GC.GetTotalMemory(forceFullCollection: true);
        var first = await TimeAsync(client, 1000);
        await TimeAsync(client, 8000);
        var last = await TimeAsync(client, 1000);
        await Eventually.HoldsAsync(
            () => GC.GetTotalMemory(forceFullCollection: true) - held < 4 * 1024 * 1024, "10,000 calls leave less than 400 bytes each");
        // Loose: the machine may be busy with other tests.
        Assert.True(last < first * 5, $"the last thousand took {last}, the first {first}");
    }

    [Fact]
    public async Task Sixty_four_streams_at_once_are_served_and_then_gone()
    {
        await using var server = await InteropServer.StartAsync();
        using var channel = server.Channel();
        var client = new TestService.TestServiceClient(channel);
        var calls = Enumerable.Range(0, 64).Select(_ => client.FullDuplexCall()).ToList();
        for (var round = 0; round < 20; round++)
            await Task.WhenAll(calls.Select(async call =>
            {
                await call.RequestStream.WriteAsync(new StreamingOutputCallRequest { ResponseParameters = { new ResponseParameters { Size = 1000 } } });
                Assert.True(await call.ResponseStream.MoveNext());
            }));
        Assert.Equal(64, server.Service.Running);
        await Task.WhenAll(calls.Select(call => call.RequestStream.CompleteAsync()));
        foreach (var call in calls)
            Assert.False(await call.ResponseStream.MoveNext());
        await Eventually.HoldsAsync(() => server.Service.Running == 0, "every handler returns");
    }

    [Fact]
    public async Task A_cancelled_call_stops_its_handler()
    {
        await using var server = await InteropServer.StartAsync();
        using var channel = server.Channel();
        using var call = new TestService.TestServiceClient(channel).FullDuplexCall();
        await Eventually.HoldsAsync(() => server.Service.Running == 1, "the handler runs");
        call.Dispose();
        await Eventually.HoldsAsync(() => server.Service.Running == 0, "the handler is told to stop");
    }

    [Fact]
    public async Task A_server_that_stops_lets_running_calls_end()
    {
        await using var server = await InteropServer.StartAsync();
        using var channel = server.Channel();
        using var call = new TestService.TestServiceClient(channel).FullDuplexCall();
        await Eventually.HoldsAsync(() => server.Service.Running == 1, "the handler runs");
        var stop = server.StopAsync();
        await call.RequestStream.WriteAsync(new StreamingOutputCallRequest { ResponseParameters = { new ResponseParameters { Size = 10 } } });
        Assert.True(await call.ResponseStream.MoveNext());
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
        await stop;
        var failure = await Assert.ThrowsAsync<RpcException>(server.AnswersAsync);
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
    }

    /// <summary>10,000 where the process may open so many files; else as many as leave it a thousand.</summary>
    [Fact]
    public async Task Ten_thousand_idle_connections_are_bounded_and_others_still_served()
    {
        const int Kept = 200;
        var count = Math.Min(10_000, OpenFilesMax() - 1000);
        await using var server = await InteropServer.StartAsync(kestrel: options => options.Limits.MaxConcurrentConnections = Kept);
        using var channel = server.Channel();
        var client = new TestService.TestServiceClient(channel);
        await client.EmptyCallAsync(new Empty());
        var idle = new List<Socket>(count);
        try
        {
            while (idle.Count < count)
                await Eventually.HoldsAsync(() => TryConnectAsync(server.SocketPath, idle), "a connection is accepted, if only to be closed");
            await client.EmptyCallAsync(new Empty());
            await Eventually.HoldsAsync(() => idle.Count(socket => !socket.Poll(0, SelectMode.SelectRead)) < Kept, "connections beyond the limit are closed");
            Assert.NotEmpty(idle);
        }
        finally
        {
            idle.ForEach(socket => socket.Dispose());
        }

        await Eventually.HoldsAsync(async () =>
        {
            try
            {
                return await server.AnswersAsync();
            }
            catch (RpcException)
            {
                return false;
            }
        }, "new clients are served when the idle have gone");
    }

    private static async Task<TimeSpan> TimeAsync(TestService.TestServiceClient client, int count)
    {
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < count; i++)
            await client.EmptyCallAsync(new Empty());
        return watch.Elapsed;
    }

    private static async Task<bool> TryConnectAsync(string path, List<Socket> connected)
    {
        try
        {
            connected.Add(await UnixSocketChannel.ConnectAsync(path));
            return true;
        }
        catch (SocketException)
        {
            // The queue of the listening socket is full for the moment.
            return false;
        }
    }

    private static int OpenFilesMax()
    {
        var limit = File.ReadLines("/proc/self/limits").Single(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        var soft = limit["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return int.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : int.MaxValue;
    }
}
