using Auraed.Rpc;
using Grpc.Core;

namespace Auraed.Tests.Unit;

/// <summary>A call whose time is over, and who is told.</summary>
public sealed class CallTests
{
    private readonly Call _call = new(new Transport(), new ConnectionState(), isUnary: true, started: 0);

    [Fact]
    public void Whoever_has_the_token_or_asks_for_it_later_is_told()
    {
        var token = _call.CancellationToken;
        _call.Cut();
        Assert.True(token.IsCancellationRequested && _call.CancellationToken.IsCancellationRequested && _call.IsCut);
    }

    [Fact]
    public void Who_asks_only_afterwards_is_told_too()
    {
        _call.Cut();
        Assert.True(_call.CancellationToken.IsCancellationRequested);
    }

    [Fact]
    public void A_call_that_ends_as_it_is_found_overdue_is_left_alone()
    {
        var token = _call.CancellationToken;
        _call.End();
        _call.Cut();
        Assert.False(token.IsCancellationRequested || _call.CancellationToken.IsCancellationRequested);
    }

    private sealed class Transport : ServerCallContext
    {
        protected override string MethodCore => "/test.Service/Method";

        protected override string HostCore => "host";

        protected override string PeerCore => "unix:";

        protected override DateTime DeadlineCore => DateTime.MaxValue;

        protected override Metadata RequestHeadersCore { get; } = [];

        protected override CancellationToken CancellationTokenCore => CancellationToken.None;

        protected override Metadata ResponseTrailersCore { get; } = [];

        protected override Status StatusCore { get; set; }

        protected override WriteOptions? WriteOptionsCore { get; set; }

        protected override AuthContext AuthContextCore { get; } = new(null, []);

        protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) => throw new NotSupportedException();

        protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;
    }
}
