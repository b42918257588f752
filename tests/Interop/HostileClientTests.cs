using System.Buffers.Binary;
using System.IO.Compression;
using Auraed.Tests.Support;
using Google.Protobuf;
using Grpc.Testing;

namespace Auraed.Tests.Interop;

/// <summary>Clients that break the rules get a limit and a clear answer, and the others are still served.</summary>
public sealed class HostileClientTests : IAsyncLifetime
{
    private const string Unary = "/grpc.testing.TestService/UnaryCall";
    private const string Duplex = "/grpc.testing.TestService/FullDuplexCall";
    private const string Output = "/grpc.testing.TestService/StreamingOutputCall";

    private InteropServer _server = null!;

    public async Task InitializeAsync() => _server = await InteropServer.StartAsync(options => options.EnableDetailedErrors = true);

    public async Task DisposeAsync()
    {
        Assert.True(await _server.AnswersAsync());
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Garbage_instead_of_HTTP2_closes_that_connection()
    {
        using var client = await RawHttp2.ConnectAsync(_server.SocketPath);
        await client.SendAsync("GET / HTTP/0.0 \0\xff garbage\r\n\r\n and more of it, long enough to be judged"u8.ToArray());
        Assert.True(await client.IsClosedByServerAsync());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Garbage_after_the_preface_closes_that_connection(int seed)
    {
        using var client = await RawHttp2.OpenAsync(_server.SocketPath);
        var garbage = new byte[64 * 1024];
        new Random(seed).NextBytes(garbage);
        try
        {
            await client.SendAsync(garbage);
        }
        catch (IOException)
        {
            // The server hung up while it was still being sent.
        }

        Assert.True(await client.IsClosedByServerAsync());
    }

    [Fact]
    public async Task A_length_that_lies_is_refused_before_anything_is_held_for_it() => await AnswersAsync("8", (0, uint.MaxValue, []), end: false);

    [Fact]
    public async Task A_compressed_flag_without_an_encoding_is_refused() => await AnswersAsync("13", (1, 2, [0, 0]));

    [Fact]
    public async Task An_unknown_flag_is_refused() => await AnswersAsync("13", (7, 0, []));

    [Fact]
    public async Task Half_a_message_is_refused() => await AnswersAsync("13", (0, 100, [1, 2, 3]));

    [Fact]
    public async Task No_message_is_refused()
    {
        using var client = await RawHttp2.OpenAsync(_server.SocketPath);
        await client.SendRequestAsync(1, Unary);
        await client.SendFrameAsync(RawHttp2.Data, RawHttp2.EndStream, 1, []);
        Assert.Equal("13", (await client.ReadResponseAsync(1))["grpc-status"]);
    }

    [Fact]
    public async Task What_is_no_protobuf_is_refused() => await AnswersAsync("13", (0, 4, [0xff, 0xff, 0xff, 0xff]));

    [Fact]
    public async Task What_is_no_gzip_is_refused() => await AnswersAsync("13", (1, 4, [1, 2, 3, 4]), true, ("grpc-encoding", "gzip"));

    [Fact]
    public async Task An_unknown_encoding_is_unimplemented() => await AnswersAsync("12", (1, 4, [1, 2, 3, 4]), true, ("grpc-encoding", "snappy"));

    [Fact]
    public async Task A_small_message_that_inflates_beyond_the_limit_is_refused()
    {
        using var bomb = new MemoryStream();
        await using (var gzip = new GZipStream(bomb, CompressionLevel.SmallestSize, leaveOpen: true))
            await gzip.WriteAsync(new byte[12 * 1024 * 1024]);
        Assert.InRange(bomb.Length, 1, 16 * 1024);
        await AnswersAsync("8", (1, (uint)bomb.Length, bomb.ToArray()), true, ("grpc-encoding", "gzip"));
    }

    [Fact]
    public async Task Binary_metadata_that_is_no_base64_is_refused() => await AnswersAsync("3", (0, 0, []), true, ("x-data-bin", "a*b"));

    [Fact]
    public async Task Binary_metadata_without_padding_is_accepted() =>
        await AnswersAsync("0", (0, 0, []), true, (TestServiceImpl.EchoTrailing, "q6ur"), ("x-other-bin", "q6s"));

    [Fact]
    public async Task A_timeout_that_cannot_be_read_is_refused() => await AnswersAsync("13", (0, 0, []), true, ("grpc-timeout", "soon"));

    [Fact]
    public async Task Half_a_message_and_then_silence_ends_at_the_deadline()
    {
        using var client = await RawHttp2.OpenAsync(_server.SocketPath);
        await client.SendRequestAsync(1, Unary, ("grpc-timeout", "50m"));
        await client.SendMessageAsync(1, 0, 100, [1, 2, 3], end: false);
        Assert.Equal("4", (await client.ReadResponseAsync(1))["grpc-status"]);
    }

    [Fact]
    public async Task A_stream_that_outlives_its_deadline_is_ended_by_the_server()
    {
        using var client = await RawHttp2.OpenAsync(_server.SocketPath);
        await client.SendRequestAsync(1, Duplex, ("grpc-timeout", "50m"));
        Assert.Equal("4", (await client.ReadResponseAsync(1))["grpc-status"]);
        await Eventually.HoldsAsync(() => _server.Service.Running == 0, "the handler is told to stop");
    }

    [Fact]
    public async Task Another_content_type_is_refused()
    {
        using var client = await RawHttp2.OpenAsync(_server.SocketPath);
        await client.SendRequestAsync(1, Unary, ("content-type", "application/json"));
        await client.SendFrameAsync(RawHttp2.Data, RawHttp2.EndStream, 1, []);
        var response = await client.ReadResponseAsync(1);
        Assert.Equal("13", response["grpc-status"]);
        Assert.Contains("415", response.Values);
    }

    [Fact]
    public async Task A_flood_of_headers_is_refused()
    {
        using var client = await RawHttp2.OpenAsync(_server.SocketPath);
        try
        {
            for (var i = 1; i < 200; i += 2)
                await client.SendRequestAsync(i, Unary, [.. Enumerable.Range(0, 150).Select(field => ($"x-{field}", new string('a', 90)))]);
        }
        catch (IOException)
        {
            // The server hung up while it was still being sent.
        }

        var response = await client.ReadResponseAsync(1);
        Assert.True(response.ContainsKey("reset") || response.ContainsKey("closed") || response.Values.Contains("431"), string.Join(", ", response));
    }

    [Fact]
    public async Task A_message_over_the_limit_is_resource_exhausted()
    {
        using var channel = _server.Channel();
        var request = new SimpleRequest { Payload = new Payload { Body = ByteString.CopyFrom(new byte[5 * 1024 * 1024]) } };
        var failure = await Assert.ThrowsAsync<Grpc.Core.RpcException>(() => new TestService.TestServiceClient(channel).UnaryCallAsync(request).ResponseAsync);
        Assert.Equal(Grpc.Core.StatusCode.ResourceExhausted, failure.StatusCode);
    }

    [Fact]
    public async Task A_response_over_the_clients_limit_is_resource_exhausted()
    {
        using var channel = _server.Channel(options => options.MaxReceiveMessageSize = 1000);
        var failure = await Assert.ThrowsAsync<Grpc.Core.RpcException>(
            () => new TestService.TestServiceClient(channel).UnaryCallAsync(new SimpleRequest { ResponseSize = 2000 }).ResponseAsync);
        Assert.Equal(Grpc.Core.StatusCode.ResourceExhausted, failure.StatusCode);
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_its_handler_back_and_not_memory()
    {
        const int MessageBytes = 32 * 1024;
        var request = new StreamingOutputCallRequest();
        request.ResponseParameters.AddRange(Enumerable.Repeat(new ResponseParameters { Size = MessageBytes }, 4000));
        var message = request.ToByteArray();
        using var client = await RawHttp2.OpenAsync(_server.SocketPath);
        await client.SendRequestAsync(1, Output);
        for (var at = 0; at < message.Length; at += 10_000)
        {
            var part = message[at..Math.Min(at + 10_000, message.Length)];
            var end = at + 10_000 >= message.Length;
            if (at == 0)
                await client.SendMessageAsync(1, 0, (uint)message.Length, part, end);
            else
                await client.SendFrameAsync(RawHttp2.Data, end ? RawHttp2.EndStream : (byte)0, 1, part);
        }

        await Eventually.HoldsAsync(() => Interlocked.Read(ref _server.Service.Written) > 0, "the handler writes");
        // The window of the stream is 64 KiB and is never opened further. Each ping is a round trip in which the handler could go on.
        for (var i = 0; i < 50; i++)
        {
            await client.SendFrameAsync(RawHttp2.Ping, 0, 0, BitConverter.GetBytes((long)i));
            while (await client.ReadFrameAsync() is var (type, flags, _, _) && !(type == RawHttp2.Ping && flags == RawHttp2.Acknowledgement))
            {
            }
        }

        Assert.InRange(Interlocked.Read(ref _server.Service.Written) * MessageBytes, 1, 1024 * 1024);
        client.Dispose();
        await Eventually.HoldsAsync(() => _server.Service.Running == 0, "the handler is told to stop");
    }

    private async Task AnswersAsync(string status, (byte Flag, uint Length, byte[] Payload) message, bool end = true, params (string, string)[] fields)
    {
        using var client = await RawHttp2.OpenAsync(_server.SocketPath);
        await client.SendRequestAsync(1, Unary, fields);
        await client.SendMessageAsync(1, message.Flag, message.Length, message.Payload, end);
        var response = await client.ReadResponseAsync(1);
        Assert.True(response.TryGetValue("grpc-status", out var answered), string.Join(", ", response));
        Assert.Equal(status, answered);
    }
}
