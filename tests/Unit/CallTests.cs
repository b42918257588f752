using Auraed.Rpc;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit;

/// <summary>A call whose time is over, and who is told.</summary>
public sealed class CallTests
{
    private readonly Call _call = new(new StillCall(), new ConnectionState(), isUnary: true, started: 0);

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
}
