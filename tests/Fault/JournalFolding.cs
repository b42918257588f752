using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>
/// The power cut has taken a frame out of the middle of the engine's log, which the journal makes up for; frames of later commits stay behind what is done again. Then the disk is full.
/// </summary>
[Collection(FaultLayer.Collection)]
public sealed class JournalFolding : IDisposable
{
    private const int Commits = 12;
    private const int Full = 13;
    private const int HeaderBytes = 32;
    private const int FrameBytes = 24 + 4096;
    private readonly Random _random;

    public JournalFolding(ITestOutputHelper output)
    {
        _random = Seeds.Random(output);
        FaultLayer.Install();
    }

    public void Dispose() => FaultLayer.Clear();

    [Theory]
    [InlineData(Durability.Journal)]
    [InlineData(Durability.Wal)]
    public async Task A_start_without_room_leaves_what_the_next_one_needs(Durability durability)
    {
        using var fixture = new StoreFixture(Durability.Journal);
        var (files, acknowledged) = await MakeAsync(fixture);
        var options = fixture.Options with { Durability = durability };
        var (refused, folding) = (0, 0);
        for (var at = 1; ; at += 1 + _random.Next(4))
        {
            await files.PlaceAsync(fixture.DatabasePath);
            FaultLayer.Plan(FaultLayer.Write, at, true, Full, false);
            try
            {
                await using var database = Database.Open(FaultLayer.Under(options));
            }
            catch (Fault fault)
            {
                Assert.Equal("DISK_FULL", fault.Reason);
                refused++;
                folding += fault.Message.Contains("folded", StringComparison.Ordinal) ? 1 : 0;
            }

            var hits = FaultLayer.Hits;
            FaultLayer.Clear();
            Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(options, acknowledged));
            if (hits == 0)
            {
                break;
            }
        }

        // Otherwise this has tested nothing.
        Assert.True(refused > 5 && folding > 2, $"{refused} starts were refused, {folding} of them when the log was folded");
    }

    /// <summary>A log of several commits, with a frame of an early one damaged, and the journal with all of it.</summary>
    private async Task<(CrashFiles Files, List<long> Acknowledged)> MakeAsync(StoreFixture fixture)
    {
        var acknowledged = new List<long>();
        await using var database = Database.Open(LiveDirectory.Uncommitting(fixture) with { LogFramesBusy = int.MaxValue });
        var frames = 0L;
        for (var number = 0; number < Commits; number++)
        {
            acknowledged.Add(await StoreChild.AppendAsync(database, "journal", 2500));
            await database.SettleAsync(CancellationToken.None);
            frames = number == 1 ? database.LogBytes / DatabaseFile.PageBytes : frames;
        }

        using (await WriterBlock.HoldAsync(database))
        {
            var files = await LiveDirectory.ReadAllAsync(fixture);
            files.Log![HeaderBytes + (frames * FrameBytes) + _random.Next(FrameBytes)] ^= 0x55;
            return (files, acknowledged);
        }
    }
}
