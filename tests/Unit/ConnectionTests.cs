using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit;

public sealed class ConnectionTests
{
    [Fact]
    public async Task A_transaction_that_writes_waits_for_a_lock_that_is_held_for_a_moment()
    {
        using var fixture = new StoreFixture(Durability.Wal);
        await fixture.Open().DisposeAsync();
        using var server = ServerKey.Load(fixture.KeyPath);
        using var key = new StoreKey(server);
        using var holder = Connection.Open(fixture.DatabasePath, ConnectionMode.Write, key, new TableVersions(), null);
        using var waiter = Connection.Open(fixture.DatabasePath, ConnectionMode.Write, key, new TableVersions(), null);
        holder.BeginWrite();
        var begun = Task.Run(waiter.BeginWrite);
        Assert.NotSame(begun, await Task.WhenAny(begun, Task.Delay(20)));
        holder.Execute("ROLLBACK");
        await begun;
        Assert.False(waiter.IsIdle);
        waiter.Execute("ROLLBACK");
    }
}
