using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Grpc.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Empty = Grpc.Testing.Empty;
using Status = Grpc.Core.Status;

namespace Auraed.Tests.Interop;

/// <summary>What the suite does not ask: interceptors, rich errors, where services come from, what a context tells.</summary>
public sealed class CallFeaturesTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private readonly List<string> _seen = [];
    private WebApplication _app = null!;
    private GrpcChannel _channel = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.ListenUnixSocket(_directory["grpc.sock"], listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton(_seen);
        builder.Services.AddSingleton<SharedStep>();
        builder.Services.AddGrpc(options =>
        {
            options.Interceptors.Add<SharedStep>();
            options.Interceptors.Add<MadeStep>("made");
        });
        _app = builder.Build();
        _app.MapGrpcService<Features>();
        await _app.StartAsync();
        _channel = UnixSocketChannel.Open(_directory["grpc.sock"]);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _app.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Interceptors_stand_around_a_call_in_their_order_on_both_sides()
    {
        var invoker = _channel.Intercept(new ClientStep("first", _seen), new ClientStep("second", _seen));
        await new TestService.TestServiceClient(invoker).EmptyCallAsync(new Empty());
        Assert.Equal(["first", "second", "shared", "made", "handler", "disposed"], _seen);
    }

    [Fact]
    public async Task An_interceptor_may_refuse_and_its_status_reaches_the_caller()
    {
        var client = new TestService.TestServiceClient(_channel);
        var failure = await Assert.ThrowsAsync<RpcException>(() => client.EmptyCallAsync(new Empty(), new Metadata { { "x-refuse", "1" } }).ResponseAsync);
        Assert.Equal(StatusCode.PermissionDenied, failure.StatusCode);
        Assert.DoesNotContain("handler", _seen);
    }

    [Fact]
    public async Task Rich_errors_travel_whole()
    {
        var client = new TestService.TestServiceClient(_channel);
        var failure = await Assert.ThrowsAsync<RpcException>(() => client.UnaryCallAsync(new SimpleRequest()).ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
        Assert.Equal("100 % wrong: é", failure.Status.Detail);
        var status = failure.GetRpcStatus();
        Assert.NotNull(status);
        Assert.Equal("EMPTY", status.Details.Single().Unpack<DebugInfo>().Detail);
    }

    [Fact]
    public async Task An_unexpected_exception_tells_the_caller_nothing()
    {
        using var call = new TestService.TestServiceClient(_channel).StreamingInputCall();
        await call.RequestStream.CompleteAsync();
        var failure = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.Unknown, failure.StatusCode);
        Assert.DoesNotContain("secret", failure.Status.Detail);
    }

    [Fact]
    public async Task A_deadline_reaches_the_handler_and_the_calls_made_for_it()
    {
        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(1);
        using var call = new TestService.TestServiceClient(_channel).FullDuplexCall(deadline: deadline);
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
        var seen = new DateTime(long.Parse(call.GetTrailers().GetValue("x-deadline")!, null), DateTimeKind.Utc);
        Assert.InRange((seen - deadline).Duration(), TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_unavailable()
    {
        using var channel = UnixSocketChannel.Open(_directory["none.sock"]);
        var failure = await Assert.ThrowsAsync<RpcException>(() => new TestService.TestServiceClient(channel).EmptyCallAsync(new Empty()).ResponseAsync);
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
    }

    /// <summary>Not registered: made for each call, and disposed after it.</summary>
    public sealed class Features(List<string> seen) : TestService.TestServiceBase, IDisposable
    {
        public override Task<Empty> EmptyCall(Empty request, ServerCallContext context)
        {
            Assert.Equal("/grpc.testing.TestService/EmptyCall", context.Method);
            Assert.Equal(context.GetHttpContext().Request.Path, context.Method);
            Assert.Equal(DateTime.MaxValue, context.Deadline);
            seen.Add("handler");
            return Task.FromResult(request);
        }

        public override Task<SimpleResponse> UnaryCall(SimpleRequest request, ServerCallContext context) => throw new Google.Rpc.Status
        {
            Code = (int)StatusCode.FailedPrecondition,
            Message = "100 % wrong: é",
            Details = { Any.Pack(new DebugInfo { Detail = "EMPTY" }) },
        }.ToRpcException();

        public override Task<StreamingInputCallResponse> StreamingInputCall(IAsyncStreamReader<StreamingInputCallRequest> requests, ServerCallContext context) =>
            throw new InvalidDataException("secret");

        public override Task FullDuplexCall(
            IAsyncStreamReader<StreamingOutputCallRequest> requests, IServerStreamWriter<StreamingOutputCallResponse> responses, ServerCallContext context)
        {
            context.ResponseTrailers.Add("x-deadline", context.Deadline.Ticks.ToString(null, null));
            return Task.CompletedTask;
        }

        public void Dispose() => seen.Add("disposed");
    }

    public sealed class SharedStep(List<string> seen) : Interceptor
    {
        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            if (context.RequestHeaders.GetValue("x-refuse") is not null)
                throw new RpcException(new Status(StatusCode.PermissionDenied, "no"));
            seen.Add("shared");
            return continuation(request, context);
        }
    }

    public sealed class MadeStep(List<string> seen, string name) : Interceptor
    {
        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            seen.Add(name);
            return continuation(request, context);
        }
    }

    private sealed class ClientStep(string name, List<string> seen) : Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            seen.Add(name);
            return continuation(request, context);
        }
    }
}
