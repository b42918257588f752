using System.IO.Pipelines;
using System.Net.Sockets;
using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Host;
using Auraed.Tests.Support;
using Microsoft.AspNetCore.Connections;

namespace Auraed.Tests.Unit;

/// <summary>Both directions of a connection with a thread of its own, over a real socket, and its end in every order.</summary>
public sealed class LocalConnectionTests : IDisposable
{
    private const int ManyBytes = 8 << 20;

    private readonly TemporaryDirectory _directory = new();
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Socket _peer = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly byte[] _bytes = RandomNumberGenerator.GetBytes(ManyBytes);
    private readonly LocalConnection _connection;

    public LocalConnectionTests()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var place = new UnixDomainSocketEndPoint(_directory["socket"]);
        listener.Bind(place);
        listener.Listen();
        _peer.Connect(place);
        _connection = LocalConnection.Start(listener.Accept(), () => _left.SetResult());
    }

    private PipeReader Input => _connection.Transport.Input;

    private PipeWriter Output => _connection.Transport.Output;

    public void Dispose()
    {
        _peer.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task What_a_peer_takes_late_and_sends_much_of_arrives_as_it_was()
    {
        var sent = WriteAsync();
        await IsFullAsync();
        Assert.False(sent.IsCompleted);
        var taken = new byte[ManyBytes];
        for (var count = 0; count < taken.Length;)
        {
            count += await _peer.ReceiveAsync(taken.AsMemory(count));
        }

        Assert.True(await sent);
        Assert.Equal(_bytes, taken);

        // The other direction, after the runtime has had the socket.
        var given = Task.Run(async () =>
        {
            for (var count = 0; count < ManyBytes; count += 1000)
            {
                await _peer.SendAsync(_bytes.AsMemory(count, Math.Min(1000, ManyBytes - count)));
            }

            _peer.Shutdown(SocketShutdown.Send);
        });
        Assert.Equal(_bytes, await ReadAsync());
        await given;
        await CloseAsync();
        Assert.Equal(0, await _peer.ReceiveAsync(taken));
    }

    [Fact]
    public async Task Many_small_pieces_go_in_their_order()
    {
        var piece = 0;
        var sent = Task.Run(async () =>
        {
            for (var at = 0; at < ManyBytes; at += piece)
            {
                piece = Math.Min((at % 977) + 1, ManyBytes - at);
                await Output.WriteAsync(_bytes.AsMemory(at, piece));
            }
        });
        var taken = new byte[ManyBytes];
        for (var count = 0; count < taken.Length;)
        {
            count += await _peer.ReceiveAsync(taken.AsMemory(count));
        }

        await sent;
        Assert.Equal(_bytes, taken);
        await CloseAsync();
    }

    [Fact]
    public async Task A_peer_that_goes_ends_the_input_and_the_connection()
    {
        _peer.Dispose();
        Assert.Empty(await ReadAsync());
        await Eventually.HoldsAsync(() => _connection.ConnectionClosed.IsCancellationRequested, "the connection is told as closed");
        await CloseAsync();
    }

    [Fact]
    public async Task A_peer_that_goes_in_the_middle_of_an_answer_stops_it()
    {
        var sent = WriteAsync();
        await _peer.ReceiveAsync(new byte[1000]);
        _peer.Dispose();
        Assert.False(await sent);
        await CloseAsync();
    }

    [Fact]
    public async Task An_abort_is_the_reason_that_the_reader_is_told()
    {
        var read = ReadAsync();
        _connection.Abort(new ConnectionAbortedException("enough"));
        Assert.Equal("enough", (await Assert.ThrowsAsync<ConnectionAbortedException>(() => read)).Message);
        await CloseAsync();
        Assert.Equal(0, await _peer.ReceiveAsync(new byte[1]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_abort_ends_what_waits_for_a_peer_that_takes_nothing(bool isBusyReading)
    {
        var sent = WriteAsync();
        var given = isBusyReading ? _peer.SendAsync(_bytes) : Task.FromResult(0);
        await IsFullAsync();
        Assert.False(sent.IsCompleted);
        _connection.Abort(new ConnectionAbortedException("enough"));
        Assert.False(await sent);
        await CloseAsync();
        _ = await Record.ExceptionAsync(() => given);
    }

    [Fact]
    public async Task A_reader_that_takes_nothing_holds_the_peer_back_and_lets_go_at_the_end()
    {
        var given = _peer.SendAsync(_bytes);
        Input.AdvanceTo((await Input.ReadAtLeastAsync((int)Limits.SocketReadBytesMax / 2)).Buffer.Start);
        Assert.False(given.IsCompleted);
        await CloseAsync();
        await Assert.ThrowsAsync<SocketException>(() => given);
    }

    [Fact]
    public async Task What_was_written_before_the_end_is_sent()
    {
        await Output.WriteAsync("goodbye"u8.ToArray());
        await CloseAsync();
        var taken = new byte[10];
        Assert.Equal(7, await _peer.ReceiveAsync(taken));
        Assert.Equal(0, await _peer.ReceiveAsync(taken));
    }

    /// <summary>The socket holds what it can of what the peer does not take.</summary>
    private Task IsFullAsync() => Eventually.HoldsAsync(() => _peer.Available > 64 * 1024, "the socket is full");

    /// <summary>False when nobody takes it any more.</summary>
    private async Task<bool> WriteAsync()
    {
        for (var at = 0; at < ManyBytes; at += 64 * 1024)
        {
            if ((await Output.WriteAsync(_bytes.AsMemory(at, Math.Min(64 * 1024, ManyBytes - at)))).IsCompleted)
            {
                return false;
            }
        }

        return true;
    }

    private async Task<byte[]> ReadAsync()
    {
        using var all = new MemoryStream();
        await Input.CopyToAsync(all);
        return all.ToArray();
    }

    /// <summary>As the server does it; the thread is gone then.</summary>
    private async Task CloseAsync()
    {
        await _connection.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        await _left.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Throws<ObjectDisposedException>(() => _connection.Socket.Available);
    }
}
