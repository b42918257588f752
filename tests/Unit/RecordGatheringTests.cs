using System.Buffers;
using System.IO.Pipelines;
using Auraed.Base;
using Auraed.Host;
using Microsoft.AspNetCore.Connections;

namespace Auraed.Tests.Unit;

public sealed class RecordGatheringTests
{
    private readonly Pipe _socket = new(new PipeOptions(pauseWriterThreshold: Limits.SocketWriteBytesMax));

    [Fact]
    public async Task Records_wait_for_the_flush_that_follows_them_or_for_enough_others()
    {
        var output = new RecordGathering(new Duplex(_socket)).Output;
        for (var record = 0; record < 3; record++)
        {
            Assert.False((await output.WriteAsync(new byte[1000])).IsCompleted);
        }

        Assert.False(_socket.Reader.TryRead(out _));
        await output.FlushAsync();
        Assert.Equal(3000, await TakeAsync());
        for (var bytes = 0; bytes < Limits.SocketGatherBytes; bytes += 1024)
        {
            Assert.False(_socket.Reader.TryRead(out _));
            await output.WriteAsync(new byte[1024]);
        }

        Assert.Equal(Limits.SocketGatherBytes, await TakeAsync());
    }

    [Fact]
    public async Task The_last_ones_go_with_the_end_and_a_reader_that_is_gone_is_told_of()
    {
        var output = new RecordGathering(new Duplex(_socket)).Output;
        await output.WriteAsync("alert"u8.ToArray());
        await output.CompleteAsync();
        Assert.Equal(5, await TakeAsync());
        var other = new Pipe();
        var gone = new RecordGathering(new Duplex(other)).Output;
        await other.Reader.CompleteAsync();
        await gone.WriteAsync(new byte[10]);
        Assert.True((await gone.FlushAsync()).IsCompleted);
    }

    [Fact]
    public async Task The_connection_has_its_own_transport_back_afterwards()
    {
        await using var connection = new DefaultConnectionContext();
        var transport = new Duplex(_socket);
        connection.Transport = transport;
        await RecordGathering.Use(inner =>
        {
            Assert.IsType<RecordGathering>(inner.Transport);
            Assert.Same(transport.Input, inner.Transport.Input);
            return Task.CompletedTask;
        })(connection);
        Assert.Same(transport, connection.Transport);
    }

    private async Task<long> TakeAsync()
    {
        var read = await _socket.Reader.ReadAsync();
        var length = read.Buffer.Length;
        _socket.Reader.AdvanceTo(read.Buffer.End);
        return length;
    }

    private sealed class Duplex(Pipe pipe) : IDuplexPipe
    {
        public PipeReader Input => pipe.Reader;

        public PipeWriter Output => pipe.Writer;
    }
}
