using System.Diagnostics;
using Auraed.EventLog;
using Auraed.Store;
using Auraed.Store.Replay;
using Auraed.Tests.Support;

namespace Auraed.Tests.Faults;

/// <summary>A process killed at every step of signing, archiving, pruning and replaying: no event is lost, and the next one finishes.</summary>
public sealed class RetentionCrashes : IDisposable
{
    private const int Events = 3000;
    private const long Archived = Events / 256 * 256;
    private readonly StoreFixture _fixture = new();

    private string Archive => Path.Combine(_fixture.Root, "archive");

    private string Replayed => Path.Combine(_fixture.Root, "replayed.db");

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData("tree.read", 1)]
    [InlineData("checkpoint.signed", 1)]
    [InlineData("checkpoint.kept", 1)]
    [InlineData("archive.written", 1)]
    [InlineData("archive.verified", 1)]
    [InlineData("archive.placed", 1)]
    [InlineData("archive.recorded", 1)]
    [InlineData("prune.verified", 1)]
    [InlineData("prune.raised", 1)]
    [InlineData("prune.batch", 1)]
    [InlineData("prune.batch", 2)]
    [InlineData("replay.folded", 1)]
    [InlineData("replay.published", 1)]
    public async Task A_kill_loses_no_event_and_the_next_run_finishes(string point, int times)
    {
        string lastHash;
        await using (Database database = _fixture.Open())
        {
            await database.WriteAsync(
                unit =>
                {
                    for (int number = 0; number < Events; number++)
                    {
                        unit.Events.Append("default", "tester", null, "test.created", $"{number}", new byte[number % 60]);
                    }

                    return 0;
                },
                CancellationToken.None);
            lastHash = await TableRows.TextAsync(database, "SELECT hex(hash) FROM event ORDER BY sequence DESC LIMIT 1");
        }

        Kill(point, times);
        await using (Database database = _fixture.Open())
        {
            VerifyReport report = await database.VerifyAsync(null, CancellationToken.None);
            Assert.True(report.IsSound, string.Join('\n', report.Findings));
            Assert.Equal(Events, (await database.ReplayCheckAsync(null, null, CancellationToken.None)).Sequence);
            Assert.Equal(point == "replay.published", File.Exists(Replayed));
            File.Delete(Replayed);
            await RunAsync(database, Archive, Replayed);
            Assert.Equal($"{Events - Archived}", await TableRows.TextAsync(database, "SELECT count(*) FROM event"));
            Assert.Equal(lastHash, await TableRows.TextAsync(database, "SELECT hex(hash) FROM event ORDER BY sequence DESC LIMIT 1"));
            Assert.Equal("1", await TableRows.TextAsync(database, "SELECT count(*) FROM event_archive"));
            Assert.Single(Directory.GetFiles(Archive));
            Assert.True((await database.VerifyAsync(null, CancellationToken.None)).IsSound);
        }

        Assert.Equal(Events, Maintenance.Verify(Replayed, _fixture.KeyPath, null, CancellationToken.None).Events);
    }

    /// <summary>The job "retain" of the child, and of the one that comes after it.</summary>
    internal static async Task RunAsync(Database database, string archive, string replayed)
    {
        using var keeper = new LogKeeper(database, TimeProvider.System, TimeSpan.Zero);
        using var retention = new LogRetention(database, keeper, TimeProvider.System);
        await keeper.CheckpointAsync(isFresh: true, CancellationToken.None);
        await retention.ArchiveAsync(ArchiveTarget.To(archive), isWhole: false, null, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        await retention.PruneAsync(default, isDryRun: false, null, CancellationToken.None);
        // What a kill between two batches left is swept by the loop that every start begins.
        Task loop = retention.RunAsync(default, default, fault => throw fault, stop.Token);
        await Eventually.HoldsAsync(() => database.ReadAsync(unit => !Auraed.Store.Segments.Pruning.IsLeft(unit), CancellationToken.None), "all below the floor is deleted");
        await stop.CancelAsync();
        await loop;
        await database.ReplayAsync(new ReplayMoment(Events, null), replayed, archive, null, CancellationToken.None);
    }

    private void Kill(string point, int times)
    {
        using Process process = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!, [Support.Program.Assembly, "store", "retain", _fixture.Library, _fixture.KeyPath, point, $"{times}", Archive, Replayed])
        { RedirectStandardError = true })!;
        string said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 137, $"exit {process.ExitCode}: {said}");
    }
}
