using System.Diagnostics;
using Aurae.Assets.V0;
using Auraed.Domain.Assets;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>
/// A process killed two hundred times while uploads, deletions, collections and scrubs run in it side by side, so that every kill is in the midst of each of them. The file
/// goes on from kill to kill.
/// </summary>
public sealed class AssetCrashes : IDisposable
{
    private const int Kills = 200;
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(60);
    private readonly StoreFixture _fixture = new();
    private readonly Random _random;
    private readonly HashSet<(string Tenant, string Id)> _present = [];

    public AssetCrashes(ITestOutputHelper output) => _random = Seeds.Random(output);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task No_asset_is_damaged_no_live_chunk_lost_and_no_dead_one_outlives_two_collections()
    {
        var put = 0;
        for (var kill = 0; kill < Kills; kill++)
        {
            put += await KillAsync(AssetChild.Points[kill % AssetChild.Points.Length], 1 + _random.Next(12), atAnyMoment: kill % 4 == 3);
            await HoldsAsync(isThorough: kill % 4 == 0);
        }

        Assert.True(put > Kills / 10, $"{put} assets were put between {Kills} kills");
    }

    /// <summary>Runs the child until it is dead; answers how many assets it put.</summary>
    private async Task<int> KillAsync(string point, int times, bool atAnyMoment)
    {
        using var process = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!, [Support.Program.Assembly, "assets", _fixture.Library, _fixture.KeyPath, atAnyMoment ? "none" : point, $"{times}", $"{_random.Next()}"])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var put = 0;
        var wait = _random.Next(60);
        while (await process.StandardOutput.ReadLineAsync().WaitAsync(TimeMax) is { } line)
        {
            put += Note(line) ? 1 : 0;
            // Not every point is passed by what happens to be in the file.
            if ((atAnyMoment && line == "ready") || put == 10)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(wait));
                process.Kill();
            }
        }

        await process.WaitForExitAsync().WaitAsync(TimeMax);
        const int killed = 128 + 9;
        Assert.True(process.ExitCode == killed, $"exit {process.ExitCode} at {point}: {await error}");
        return put;
    }

    private bool Note(string line)
    {
        switch (line.Split(' '))
        {
            case ["put", var tenant, { Length: 64 } id, { Length: 64 }]:
                _present.Add((tenant, id));
                return true;
            case ["deleting", var tenant, { Length: 64 } id]:
                _present.Remove((tenant, id));
                return false;
            default:
                return false;
        }
    }

    /// <summary>What was said to be there is there and sound; what nothing refers to is gone after two collections.</summary>
    private async Task HoldsAsync(bool isThorough)
    {
        await using var database = _fixture.Open();
        var before = await database.VerifyAsync(null, CancellationToken.None);
        Assert.True(before.IsSound, string.Join("; ", before.Findings));
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        using var assets = new AssetLibrary(database, records, TimeProvider.System);
        foreach (var (tenant, id) in _present)
        {
            Assert.Equal(id, (await assets.StatAsync(new StatAssetRequest { Tenant = tenant, Asset = id }, CancellationToken.None)).Asset.Id);
        }

        for (var round = 0; round < 2; round++)
        {
            await assets.CollectAsync(new GarbageCollectRequest { Grace = new Google.Protobuf.WellKnownTypes.Duration() }, null, CancellationToken.None);
        }

        var (chunks, live) = await database.ReadAsync(CountChunks, CancellationToken.None);
        Assert.Equal(live, chunks);
        if (!isThorough)
        {
            return;
        }

        var after = await database.VerifyAsync(null, CancellationToken.None);
        Assert.True(after.IsSound, string.Join("; ", after.Findings));
    }

    private static (long Chunks, long Live) CountChunks(ReadUnit unit)
    {
        var live = new HashSet<long>();
        var entries = new List<PartEntry>();
        var parts = unit.Prepare("SELECT entries FROM content_part");
        while (parts.Step())
        {
            entries.Clear();
            PartEntries.Decode(parts.Blob(0), entries);
            live.UnionWith(entries.Select(entry => entry.Number));
        }

        var count = unit.Prepare("SELECT count(*) FROM chunk");
        count.Step();
        var chunks = count.Integer(0);
        count.Reset();
        return (chunks, live.Count);
    }
}
