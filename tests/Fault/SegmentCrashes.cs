using System.Diagnostics;
using System.Security.Cryptography;
using Aurae.Assets.V0;
using Auraed.Domain.Assets;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Faults;

/// <summary>A process killed at every step of archiving the log to assets and pruning it: no event is lost, and the next one finishes.</summary>
public sealed class SegmentCrashes : IDisposable
{
    private const int Events = 3000;
    private const long Archived = Events / 256 * 256;

    // asset.created and event_segment.created.
    private const int OfArchiving = 2;
    private readonly StoreFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData("upload.unit", 1)]
    [InlineData("archive.written", 1)]
    [InlineData("upload.durable", 1)]
    [InlineData("archive.verified", 1)]
    [InlineData("upload.checked", 1)]
    [InlineData("upload.visible", 1)]
    [InlineData("archive.recorded", 1)]
    [InlineData("prune.verified", 1)]
    [InlineData("prune.raised", 1)]
    [InlineData("prune.batch", 2)]
    public async Task A_kill_loses_no_event_and_the_next_run_finishes(string point, int times)
    {
        await using (var database = _fixture.Open())
        {
            await database.WriteAsync(
                unit =>
                {
                    for (var number = 0; number < Events; number++)
                    {
                        unit.Events.Append("default", "tester", null, "test.created", $"{number}", new byte[number % 60]);
                    }

                    return 0;
                },
                CancellationToken.None);
        }

        Kill(point, times);
        await using (var database = _fixture.Open())
        {
            await SoundAsync(database);
            // What lets events be pruned, what keeps them, and they themselves come together.
            var rows = await TableRows.TextAsync(database, "SELECT (SELECT count(*) FROM event_archive) || (SELECT count(*) FROM event_segment) || (SELECT count(*) FROM asset)");
            Assert.Contains(rows, (string[])["000", "111"]);
            await SegmentChild.RetainAsync(database, assets => CheckAsync(database, assets));
            await SoundAsync(database);
        }
    }

    private static async Task CheckAsync(Database database, AssetLibrary assets)
    {
        Assert.Equal("111", await TableRows.TextAsync(database, "SELECT (SELECT count(*) FROM event_archive) || (SELECT count(*) FROM event_segment) || (SELECT count(*) FROM asset)"));
        Assert.Equal($"{Events + OfArchiving - Archived}", await TableRows.TextAsync(database, "SELECT count(*) FROM event"));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var id = await TableRows.TextAsync(database, "SELECT asset FROM event_segment");
        await assets.DownloadAsync(
            new DownloadRequest { Asset = id },
            message =>
            {
                hash.AppendData(message.Data.Span);
                return Task.CompletedTask;
            },
            CancellationToken.None);

        Assert.Equal(await TableRows.TextAsync(database, "SELECT hex(digest) FROM event_archive"), Convert.ToHexString(hash.GetHashAndReset()));
    }

    private static async Task SoundAsync(Database database)
    {
        var report = await database.VerifyAsync(null, CancellationToken.None);
        Assert.True(report.IsSound, string.Join('\n', report.Findings));
    }

    private void Kill(string point, int times)
    {
        using var process = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!, [Support.Program.Assembly, "segments", _fixture.Library, _fixture.KeyPath, point, $"{times}"])
        { RedirectStandardError = true })!;
        var said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 137, $"exit {process.ExitCode}: {said}");
    }
}
