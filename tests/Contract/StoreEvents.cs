using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract;

/// <summary>The event chain: its bytes, and that no change of a row goes unseen.</summary>
public abstract class StoreEvents(Durability durability) : IDisposable
{
    private readonly StoreFixture _fixture = new(durability);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void The_canonical_encoding_and_the_hashes_are_these_bytes()
    {
        var first = new EventContent { Sequence = 1, CommitRevision = 1, Time = 1767323045000000000, Tenant = "default", Principal = "\u00e9", RequestId = null, Kind = "cell.created", Subject = "a", Payload = [0, 1, 2] };
        var second = new EventContent { Sequence = 2, CommitRevision = 1, Time = 1767323045000000000, Tenant = "default", Principal = "\u00e9", RequestId = "", Kind = "cell.deleted", Subject = "a", Payload = [] };
        var buffer = new byte[256];
        Assert.Equal("01000000000000000100000000000000011886caf21c9632000000000764656661756c7400000002c3a9ffffffff0000000c63656c6c2e63726561746564000000016100000003000102", Convert.ToHexStringLower(buffer.AsSpan(0, EventHash.Encode(first, buffer))));
        var hash = new byte[EventHash.HashBytes];
        EventHash.Compute(hash, first, hash);
        Assert.Equal("c14b86e183258b51e6e53ad4bfcc4aed7d2f949a78b89e971321484cd77be6c6", Convert.ToHexStringLower(hash));
        EventHash.Compute(hash, second, hash);
        Assert.Equal("462c1aa5556a7a9e4b4693f6f73143649ad07a813417254955b25c7b2a045189", Convert.ToHexStringLower(hash));
    }

    [Theory]
    [InlineData("UPDATE event SET payload = x'00' WHERE sequence = 5")]
    [InlineData("UPDATE event SET time = time + 1 WHERE sequence = 5")]
    [InlineData("UPDATE event SET request_id = '' WHERE sequence = 5")]
    [InlineData("UPDATE event SET tenant = tenant || principal, principal = '' WHERE sequence = 5")]
    [InlineData("UPDATE event SET hash = zeroblob(32) WHERE sequence = 5")]
    [InlineData("DELETE FROM event WHERE sequence = 5")]
    [InlineData("UPDATE event SET sequence = 100 WHERE sequence = 10")]
    public async Task A_changed_event_is_found(string change)
    {
        await using var database = _fixture.Open();
        for (var number = 0; number < 10; number++)
        {
            await StoreFixture.AppendAsync(database, $"nul \0 {number}");
        }

        Assert.True((await database.VerifyAsync(null, CancellationToken.None)).IsSound);
        // Whoever holds the key can drop the triggers; the chain is what tells.
        await database.WriteAsync(
            unit =>
            {
                var triggers = new List<string>();
                var rows = unit.Prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'event'");
                while (rows.Step())
                {
                    triggers.Add(rows.Text(0));
                }

                foreach (var trigger in triggers)
                {
                    unit.Prepare($"DROP TRIGGER {trigger}").Execute();
                }

                return unit.Prepare(change).Execute();
            },
            CancellationToken.None);
        var report = await database.VerifyAsync(null, CancellationToken.None);
        Assert.StartsWith("events: ", Assert.Single(report.Findings), StringComparison.Ordinal);
    }
}

public sealed class StoreEventsWal() : StoreEvents(Durability.Wal);

public sealed class StoreEventsJournal() : StoreEvents(Durability.Journal);
