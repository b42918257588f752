using Google.Protobuf;
using Grpc.Core;
using Grpc.Testing;

namespace Auraed.Tests.Interop;

/// <summary>The server side of grpc's interop-test-descriptions. One call at a time, where compression is expected: it counts inflated messages.</summary>
public sealed class TestServiceImpl(CountingGzip gzip) : TestService.TestServiceBase
{
    public const string EchoInitial = "x-grpc-test-echo-initial";
    public const string EchoTrailing = "x-grpc-test-echo-trailing-bin";

    private static readonly Metadata.Entry AskGzip = new("grpc-internal-encoding-request", "gzip");

    private int _running;
    private int _seen;

    /// <summary>Handlers that have not returned.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Messages a stream's handler has written, over all calls: what a slow reader holds back.</summary>
    public long Written;

    public override Task<Empty> EmptyCall(Empty request, ServerCallContext context) => Task.FromResult(request);

    public override async Task<SimpleResponse> UnaryCall(SimpleRequest request, ServerCallContext context)
    {
        ExpectCompressed(request.ExpectCompressed, Interlocked.Exchange(ref _seen, gzip.Inflated));
        await EchoMetadataAsync(context, request.ResponseCompressed is not null);
        ThrowIfAsked(request.ResponseStatus);
        if (request.ResponseCompressed is { Value: false })
            context.WriteOptions = new WriteOptions(WriteFlags.NoCompress);
        return new SimpleResponse { Payload = Zeros(request.ResponseSize) };
    }

    public override async Task StreamingOutputCall(StreamingOutputCallRequest request, IServerStreamWriter<StreamingOutputCallResponse> responses, ServerCallContext context)
    {
        Interlocked.Increment(ref _running);
        try
        {
            await EchoMetadataAsync(context, request.ResponseParameters.Any(parameters => parameters.Compressed is { Value: true }));
            ThrowIfAsked(request.ResponseStatus);
            await RespondAsync(request, responses, context);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    public override async Task<StreamingInputCallResponse> StreamingInputCall(IAsyncStreamReader<StreamingInputCallRequest> requests, ServerCallContext context)
    {
        Interlocked.Increment(ref _running);
        try
        {
            var sum = 0;
            Interlocked.Exchange(ref _seen, gzip.Inflated);
            while (await requests.MoveNext())
            {
                ExpectCompressed(requests.Current.ExpectCompressed, Interlocked.Exchange(ref _seen, gzip.Inflated));
                sum += requests.Current.Payload?.Body.Length ?? 0;
            }

            return new StreamingInputCallResponse { AggregatedPayloadSize = sum };
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    public override async Task FullDuplexCall(
        IAsyncStreamReader<StreamingOutputCallRequest> requests, IServerStreamWriter<StreamingOutputCallResponse> responses, ServerCallContext context)
    {
        Interlocked.Increment(ref _running);
        try
        {
            await EchoMetadataAsync(context, compress: false);
            await foreach (var request in requests.ReadAllAsync(context.CancellationToken))
            {
                ThrowIfAsked(request.ResponseStatus);
                await RespondAsync(request, responses, context);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private async Task RespondAsync(StreamingOutputCallRequest request, IServerStreamWriter<StreamingOutputCallResponse> responses, ServerCallContext context)
    {
        foreach (var parameters in request.ResponseParameters)
        {
            await Task.Delay(TimeSpan.FromMicroseconds(parameters.IntervalUs), context.CancellationToken);
            responses.WriteOptions = new WriteOptions(parameters.Compressed is { Value: false } ? WriteFlags.NoCompress : default);
            await responses.WriteAsync(new StreamingOutputCallResponse { Payload = Zeros(parameters.Size) });
            Interlocked.Increment(ref Written);
        }
    }

    private void ExpectCompressed(BoolValue? expected, int inflatedBefore)
    {
        if (expected is null)
            return;
        var compressed = gzip.Inflated > inflatedBefore;
        if (compressed != expected.Value)
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"Expected compressed: {expected.Value}, was: {compressed}."));
    }

    private static Payload Zeros(int size) => new() { Body = ByteString.CopyFrom(new byte[size]) };

    private static void ThrowIfAsked(EchoStatus? status)
    {
        if (status is not null)
            throw new RpcException(new Status((StatusCode)status.Code, status.Message));
    }

    private static async Task EchoMetadataAsync(ServerCallContext context, bool compress)
    {
        if (context.RequestHeaders.Get(EchoTrailing) is { } trailing)
            context.ResponseTrailers.Add(trailing);
        var initial = context.RequestHeaders.Get(EchoInitial);
        if (initial is null && !compress)
            return;
        var headers = new Metadata();
        if (initial is not null)
            headers.Add(initial);
        if (compress)
            headers.Add(AskGzip);
        await context.WriteResponseHeadersAsync(headers);
    }
}
