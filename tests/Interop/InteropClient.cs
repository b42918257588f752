using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Testing;

namespace Auraed.Tests.Interop;

/// <summary>The client side of grpc's interop-test-descriptions, on our client.</summary>
public sealed class InteropClient(GrpcChannel channel, CountingGzip gzip)
{
    private static readonly int[] RequestSizes = [27182, 8, 1828, 45904];
    private static readonly int[] ResponseSizes = [31415, 9, 2653, 58979];
    private static readonly Metadata CompressRequests = new() { { "grpc-internal-encoding-request", "gzip" } };

    private readonly TestService.TestServiceClient _client = new(channel);

    /// <summary>Every case by its name in the suite.</summary>
    public IReadOnlyDictionary<string, Func<Task>> Cases => new Dictionary<string, Func<Task>>
    {
        ["empty_unary"] = EmptyUnaryAsync,
        ["large_unary"] = LargeUnaryAsync,
        ["client_compressed_unary"] = ClientCompressedUnaryAsync,
        ["server_compressed_unary"] = ServerCompressedUnaryAsync,
        ["client_compressed_streaming"] = ClientCompressedStreamingAsync,
        ["server_compressed_streaming"] = ServerCompressedStreamingAsync,
        ["client_streaming"] = ClientStreamingAsync,
        ["server_streaming"] = ServerStreamingAsync,
        ["ping_pong"] = PingPongAsync,
        ["empty_stream"] = EmptyStreamAsync,
        ["custom_metadata"] = CustomMetadataAsync,
        ["status_code_and_message"] = StatusCodeAndMessageAsync,
        ["special_status_message"] = SpecialStatusMessageAsync,
        ["unimplemented_method"] = UnimplementedMethodAsync,
        ["unimplemented_service"] = UnimplementedServiceAsync,
        ["cancel_after_begin"] = CancelAfterBeginAsync,
        ["cancel_after_first_response"] = CancelAfterFirstResponseAsync,
        ["timeout_on_sleeping_server"] = TimeoutOnSleepingServerAsync,
    };

    /// <summary>The server can see which messages were compressed. Ours can, Python's and Node's hand it to no handler.</summary>
    public bool ServerSeesCompression { get; init; } = true;

    private async Task EmptyUnaryAsync() => Assert.Equal(new Empty(), await _client.EmptyCallAsync(new Empty()));

    private async Task LargeUnaryAsync()
    {
        var response = await _client.UnaryCallAsync(Large());
        Assert.Equal(314159, response.Payload.Body.Length);
    }

    private async Task ClientCompressedUnaryAsync()
    {
        var request = Large();
        if (ServerSeesCompression)
        {
            request.ExpectCompressed = new BoolValue { Value = true };
            await FailsAsync(StatusCode.InvalidArgument, () => _client.UnaryCallAsync(request).ResponseAsync);
        }

        var response = await _client.UnaryCallAsync(request, CompressRequests);
        Assert.Equal(314159, response.Payload.Body.Length);
        request.ExpectCompressed = new BoolValue { Value = false };
        response = await _client.UnaryCallAsync(request, new CallOptions(CompressRequests, writeOptions: new WriteOptions(WriteFlags.NoCompress)));
        Assert.Equal(314159, response.Payload.Body.Length);
    }

    private async Task ServerCompressedUnaryAsync()
    {
        foreach (var compressed in new[] { true, false })
        {
            var request = Large();
            request.ResponseCompressed = new BoolValue { Value = compressed };
            var before = gzip.Inflated;
            var response = await _client.UnaryCallAsync(request);
            Assert.Equal(314159, response.Payload.Body.Length);
            Assert.Equal(compressed, gzip.Inflated > before);
        }
    }

    private async Task ClientCompressedStreamingAsync()
    {
        if (ServerSeesCompression)
        {
            using var probe = _client.StreamingInputCall();
            await FailsAsync(StatusCode.InvalidArgument, async () =>
            {
                await probe.RequestStream.WriteAsync(Input(27182, true));
                await probe.RequestStream.CompleteAsync();
                await probe;
            });
        }

        using var call = _client.StreamingInputCall(CompressRequests);
        await call.RequestStream.WriteAsync(Input(27182, true));
        call.RequestStream.WriteOptions = new WriteOptions(WriteFlags.NoCompress);
        await call.RequestStream.WriteAsync(Input(45904, false));
        await call.RequestStream.CompleteAsync();
        Assert.Equal(73086, (await call).AggregatedPayloadSize);
    }

    private async Task ServerCompressedStreamingAsync()
    {
        var request = new StreamingOutputCallRequest
        {
            ResponseParameters =
            {
                new ResponseParameters { Size = 31415, Compressed = new BoolValue { Value = true } },
                new ResponseParameters { Size = 92653, Compressed = new BoolValue { Value = false } },
            },
        };
        using var call = _client.StreamingOutputCall(request);
        var before = gzip.Inflated;
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.Equal(31415, call.ResponseStream.Current.Payload.Body.Length);
        Assert.Equal(before + 1, gzip.Inflated);
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.Equal(92653, call.ResponseStream.Current.Payload.Body.Length);
        Assert.Equal(before + 1, gzip.Inflated);
        Assert.False(await call.ResponseStream.MoveNext());
    }

    private async Task ClientStreamingAsync()
    {
        using var call = _client.StreamingInputCall();
        foreach (var size in RequestSizes)
            await call.RequestStream.WriteAsync(Input(size, null));
        await call.RequestStream.CompleteAsync();
        Assert.Equal(74922, (await call).AggregatedPayloadSize);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    private async Task ServerStreamingAsync()
    {
        var request = new StreamingOutputCallRequest();
        request.ResponseParameters.AddRange(ResponseSizes.Select(size => new ResponseParameters { Size = size }));
        using var call = _client.StreamingOutputCall(request);
        var sizes = new List<int>();
        await foreach (var response in call.ResponseStream.ReadAllAsync())
            sizes.Add(response.Payload.Body.Length);
        Assert.Equal(ResponseSizes, sizes);
    }

    private async Task PingPongAsync()
    {
        using var call = _client.FullDuplexCall();
        for (var i = 0; i < RequestSizes.Length; i++)
        {
            await call.RequestStream.WriteAsync(Ask(RequestSizes[i], ResponseSizes[i]));
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal(ResponseSizes[i], call.ResponseStream.Current.Payload.Body.Length);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }

    private async Task EmptyStreamAsync()
    {
        using var call = _client.FullDuplexCall();
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    private async Task CustomMetadataAsync()
    {
        byte[] bytes = [0xab, 0xab, 0xab];
        var metadata = new Metadata { { TestServiceImpl.EchoInitial, "test_initial_metadata_value" }, { TestServiceImpl.EchoTrailing, bytes } };
        using var unary = _client.UnaryCallAsync(Large(), metadata);
        await unary;
        Assert.Equal("test_initial_metadata_value", (await unary.ResponseHeadersAsync).GetValue(TestServiceImpl.EchoInitial));
        Assert.Equal(bytes, unary.GetTrailers().GetValueBytes(TestServiceImpl.EchoTrailing));

        using var duplex = _client.FullDuplexCall(metadata);
        await duplex.RequestStream.WriteAsync(Ask(271828, 314159));
        await duplex.RequestStream.CompleteAsync();
        Assert.True(await duplex.ResponseStream.MoveNext());
        Assert.Equal("test_initial_metadata_value", (await duplex.ResponseHeadersAsync).GetValue(TestServiceImpl.EchoInitial));
        Assert.False(await duplex.ResponseStream.MoveNext());
        Assert.Equal(bytes, duplex.GetTrailers().GetValueBytes(TestServiceImpl.EchoTrailing));
    }

    private async Task StatusCodeAndMessageAsync()
    {
        var status = new EchoStatus { Code = 2, Message = "test status message" };
        var failure = await FailsAsync(StatusCode.Unknown, () => _client.UnaryCallAsync(new SimpleRequest { ResponseStatus = status }).ResponseAsync);
        Assert.Equal("test status message", failure.Status.Detail);
        using var call = _client.FullDuplexCall();
        await call.RequestStream.WriteAsync(new StreamingOutputCallRequest { ResponseStatus = status });
        await call.RequestStream.CompleteAsync();
        failure = await FailsAsync(StatusCode.Unknown, () => call.ResponseStream.MoveNext());
        Assert.Equal("test status message", failure.Status.Detail);
    }

    private async Task SpecialStatusMessageAsync()
    {
        const string Message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
        var request = new SimpleRequest { ResponseStatus = new EchoStatus { Code = 2, Message = Message } };
        var failure = await FailsAsync(StatusCode.Unknown, () => _client.UnaryCallAsync(request).ResponseAsync);
        Assert.Equal(Message, failure.Status.Detail);
    }

    private Task UnimplementedMethodAsync() => FailsAsync(StatusCode.Unimplemented, () => _client.UnimplementedCallAsync(new Empty()).ResponseAsync);

    private Task UnimplementedServiceAsync() => FailsAsync(
        StatusCode.Unimplemented, () => new UnimplementedService.UnimplementedServiceClient(channel).UnimplementedCallAsync(new Empty()).ResponseAsync);

    private async Task CancelAfterBeginAsync()
    {
        using var cancel = new CancellationTokenSource();
        using var call = _client.StreamingInputCall(cancellationToken: cancel.Token);
        cancel.Cancel();
        await FailsAsync(StatusCode.Cancelled, () => call.ResponseAsync);
        Assert.Equal(StatusCode.Cancelled, call.GetStatus().StatusCode);
    }

    private async Task CancelAfterFirstResponseAsync()
    {
        using var cancel = new CancellationTokenSource();
        using var call = _client.FullDuplexCall(cancellationToken: cancel.Token);
        await call.RequestStream.WriteAsync(Ask(27182, 31415));
        Assert.True(await call.ResponseStream.MoveNext());
        cancel.Cancel();
        await FailsAsync(StatusCode.Cancelled, () => call.ResponseStream.MoveNext());
    }

    private async Task TimeoutOnSleepingServerAsync()
    {
        using var call = _client.FullDuplexCall(deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(1));
        await FailsAsync(StatusCode.DeadlineExceeded, async () =>
        {
            await call.RequestStream.WriteAsync(new StreamingOutputCallRequest { Payload = new Payload { Body = ByteString.CopyFrom(new byte[27182]) } });
            await call.ResponseStream.MoveNext();
        });
    }

    private static async Task<RpcException> FailsAsync(StatusCode code, Func<Task> call)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(code, failure.StatusCode);
        return failure;
    }

    private static SimpleRequest Large() => new() { ResponseSize = 314159, Payload = new Payload { Body = ByteString.CopyFrom(new byte[271828]) } };

    private static StreamingInputCallRequest Input(int size, bool? compressed) => new()
    {
        Payload = new Payload { Body = ByteString.CopyFrom(new byte[size]) },
        ExpectCompressed = compressed is { } value ? new BoolValue { Value = value } : null,
    };

    private static StreamingOutputCallRequest Ask(int requestSize, int responseSize) => new()
    {
        Payload = new Payload { Body = ByteString.CopyFrom(new byte[requestSize]) },
        ResponseParameters = { new ResponseParameters { Size = responseSize } },
    };
}
