using Auraed.Base;
using Auraed.Supervise;

namespace Auraed.Tests.Unit.Supervise;

public sealed class SupervisorSeatTests
{
    [Fact]
    public async Task One_has_it_and_the_next_gets_it_when_it_is_given_up()
    {
        var database = Guid.NewGuid().ToString("N");
        await using var another = await SupervisorSeat.TakeAsync(Guid.NewGuid().ToString("N"), TimeProvider.System, default);
        var first = await SupervisorSeat.TakeAsync(database, TimeProvider.System, default);
        first.Require();
        Assert.True(first.IsOurs && first.IsKnown && another.IsOurs);
        await using (var second = await SupervisorSeat.TakeAsync(database, TimeProvider.System, default))
        {
            var fault = Assert.Throws<Fault>(second.Require);
            Assert.Equal((FaultKind.Precondition, "NOT_SUPERVISING"), (fault.Kind, fault.Reason));
            Assert.Contains($"(pid {Environment.ProcessId})", fault.Message, StringComparison.Ordinal);
            Assert.False(second.IsOurs);
        }

        await first.DisposeAsync();
        await using var third = await SupervisorSeat.TakeAsync(database, TimeProvider.System, default);
        Assert.True(third.IsOurs && third.IsKnown);
    }

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(0, 1000, true)]
    [InlineData(1000, 1000, true)]
    [InlineData(1000, 0, false)]
    [InlineData(1001, 1000, false)]
    public void Only_root_and_the_same_user_can_keep_it_from_a_daemon(uint holder, uint self, bool isTrusted) => Assert.Equal(isTrusted, SupervisorSeat.IsTrusted(holder, self));
}
