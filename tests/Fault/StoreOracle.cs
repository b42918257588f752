using Auraed.Store;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>What must hold after any fault, asked of the real engine on what the fault left.</summary>
internal static class StoreOracle
{
    /// <summary>Every acknowledged unit is there, every unit is whole, the file is sound. Returns the number of events.</summary>
    public static async Task<long> HoldsAsync(DatabaseOptions options, IReadOnlyCollection<long> acknowledged)
    {
        await using var database = Database.Open(options);
        var report = await database.VerifyAsync(null, CancellationToken.None);
        Assert.True(report.IsSound, string.Join("; ", report.Findings));
        var revisions = await database.ReadAsync(
            unit =>
            {
                var counts = new Dictionary<long, int>();
                var rows = unit.Prepare("SELECT commit_revision, count(*) FROM event GROUP BY 1");
                while (rows.Step())
                {
                    counts.Add(rows.Integer(0), (int)rows.Integer(1));
                }

                return counts;
            },
            CancellationToken.None);
        Assert.All(revisions, revision => Assert.Equal(StoreChild.EventsPerUnit, revision.Value));
        Assert.Equal([], acknowledged.Except(revisions.Keys));
        Assert.Equal(report.Events, database.Durable);
        return report.Events;
    }
}

/// <summary>The seed of a random test: printed, and taken back by <c>SEED=</c>.</summary>
internal static class Seeds
{
    public static int Seed { get; } = int.TryParse(Environment.GetEnvironmentVariable("SEED"), out var seed) ? seed : Environment.TickCount & 0xffffff;

    /// <param name="output">Shown when the test fails.</param>
    public static Random Random(ITestOutputHelper output)
    {
        output.WriteLine($"SEED={Seed}");
        return new Random(Seed);
    }
}
