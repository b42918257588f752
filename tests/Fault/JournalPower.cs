using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>The power fails, and fails again while a start takes the journal in: no segment may be gone before what it holds is in the database, and on the disk.</summary>
[Collection(FaultLayer.Collection)]
public sealed class JournalPower : IDisposable
{
    private const int FirstCuts = 12;
    private const int SecondCuts = 8;
    private readonly StoreFixture _fixture = new(Durability.Journal);
    private readonly Random _random;

    public JournalPower(ITestOutputHelper output)
    {
        _random = Seeds.Random(output);
        FaultLayer.Install();
    }

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task After_a_power_cut_at_any_moment_of_a_recovery_everything_acknowledged_is_there()
    {
        await using (_fixture.Open())
        {
        }

        var image = new CrashImage(await File.ReadAllBytesAsync(_fixture.DatabasePath), []);
        var written = await RecordAsync(WorkAsync);
        var removals = 0;
        for (var first = 0; first < FirstCuts; first++)
        {
            // Half of them in the work, half in the clean stop, which leaves a journal that nobody needs.
            var cut = first % 2 == 0 ? _random.Next(written.Count + 1) : written.Count - _random.Next(20);
            var marks = CrashImage.Marks(written, cut);
            var left = image.Build(written, cut, _random);
            await left.PlaceAsync(_fixture.DatabasePath);
            var recovered = await RecordAsync(_ => Task.CompletedTask);
            removals += recovered.Count(record => record.Kind == JournalKind.Remove);
            var adopted = recovered.FindIndex(record => record.Kind == JournalKind.SyncNames) + 1;
            // The next journal begins where the recovery has ended.
            var end = recovered.FindIndex(adopted, record => record.Kind == JournalKind.Create);
            int[] syncs = [.. Enumerable.Range(adopted, end - adopted).Where(index => recovered[index].Kind is JournalKind.Sync or JournalKind.SyncNames)];
            var between = new CrashImage(left.Database, left.Log ?? []);
            for (var second = 0; second < SecondCuts; second++)
            {
                // Half of them right after something was made durable: what has to be so before the next step is so by then.
                var at = second % 2 == 0 && syncs.Length > 0 ? syncs[_random.Next(syncs.Length)] + 1 : adopted + _random.Next(end - adopted + 1);
                await between.Build(recovered, at, _random).PlaceAsync(_fixture.DatabasePath);
                _ = await StoreOracle.HoldsAsync(_fixture.Options, marks);
            }
        }

        // Otherwise this has tested nothing.
        Assert.True(removals > FirstCuts, $"{removals} segments were removed");
    }

    [Fact]
    public async Task After_a_power_cut_while_a_reader_keeps_the_journal_long_everything_acknowledged_is_there()
    {
        await using (_fixture.Open())
        {
        }

        var image = new CrashImage(await File.ReadAllBytesAsync(_fixture.DatabasePath), []);
        var written = await RecordAsync(PinAsync, StoreFixture.JournalBytesMax);
        int[] names = [.. Enumerable.Range(0, written.Count).Where(index => written[index].Kind == JournalKind.SyncNames)];
        for (var round = 0; round < 40; round++)
        {
            // Half of them soon after a change of names, as segments are given up.
            var cut = Math.Min(written.Count, round % 2 == 0 ? names[_random.Next(names.Length)] + 1 + _random.Next(12) : _random.Next(written.Count + 1));
            await image.Build(written, cut, _random).PlaceAsync(_fixture.DatabasePath);
            _ = await StoreOracle.HoldsAsync(_fixture.Options, CrashImage.Marks(written, cut));
        }
    }

    private static async Task PinAsync(Database database)
    {
        using var reader = await ReaderBlock.HoldAsync(database);
        for (var number = 0; number < 90; number++)
        {
            FaultLayer.Mark(await StoreChild.AppendAsync(database, "journal", 2500));
        }
    }

    private static async Task WorkAsync(Database database)
    {
        for (var number = 0; number < 40; number++)
        {
            FaultLayer.Mark(await StoreChild.AppendAsync(database, "journal", 2500));
            if (number == 20)
            {
                await database.SettleAsync(CancellationToken.None);
            }
        }
    }

    /// <summary>All that the disk sees of a start, some work, and a clean stop.</summary>
    private async Task<List<JournalRecord>> RecordAsync(Func<Database, Task> work, long journalBytesMax = Base.Limits.StoreJournalBytesMax)
    {
        var path = Path.Combine(_fixture.Root, "record");
        FaultLayer.Journal(path);
        var options = FaultLayer.Under(LiveDirectory.Uncommitting(_fixture) with { JournalBytesMax = journalBytesMax });
        ((FaultFiles)options.JournalFiles).Adopt(_fixture.Library);
        await using (var database = Database.Open(options))
        {
            await work(database);
        }

        FaultLayer.Journal(null);
        return JournalRecord.ReadAll(path);
    }
}
