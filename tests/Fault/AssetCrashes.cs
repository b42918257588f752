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
/// A process killed two hundred times while uploads, deletions, archivings, restorings, collections and scrubs run in it side by side, so that every kill is in the midst of each of them. The file
/// goes on from kill to kill.
/// </summary>
public sealed class AssetCrashes : IDisposable
{
    private const int Kills = 200;
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(60);
    private readonly StoreFixture _fixture = new();
    private readonly Random _random;
    private readonly HashSet<(string Tenant, string Id)> _present = [];
    private int _moved;

    public AssetCrashes(ITestOutputHelper output) => _random = Seeds.Random(output);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task No_asset_is_damaged_no_live_chunk_lost_and_no_dead_one_outlives_two_collections()
    {
        var (put, moved) = (0, 0);
        for (var kill = 0; kill < Kills; kill++)
        {
            _moved = 0;
            var point = AssetChild.Points[kill % AssetChild.Points.Length];
            // Assets move between the file and the backend far less often than units are written.
            var times = 1 + _random.Next(point.StartsWith("archive", StringComparison.Ordinal) || point.StartsWith("restore", StringComparison.Ordinal) ? 2 : 12);
            put += await KillAsync(point, times, atAnyMoment: kill % 4 == 3);
            moved += _moved;
            await HoldsAsync(isThorough: kill % 4 == 0);
        }

        Assert.True(put > Kills / 10, $"{put} assets were put between {Kills} kills");
        Assert.True(moved > Kills / 20, $"{moved} assets were archived or restored between {Kills} kills");
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
            case ["moved"]:
                _moved++;
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
        await using var assets = new AssetLibrary(database, records, TimeProvider.System, AssetChild.Backends(_fixture.Library));
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
        Assert.Equal(0, await database.ReadAsync(CountIdle, CancellationToken.None));
        await ArchivedIsWholeAsync(assets);
        if (!isThorough)
        {
            return;
        }

        var after = await database.VerifyAsync(null, CancellationToken.None);
        Assert.True(after.IsSound, string.Join("; ", after.Findings));
    }

    /// <summary>One archived asset, read through its backend.</summary>
    private static async Task ArchivedIsWholeAsync(AssetLibrary assets)
    {
        var archived = (await assets.ListAsync(new ListAssetsRequest(), CancellationToken.None)).Assets.FirstOrDefault(asset => asset.Backend.Length > 0);
        if (archived is null)
        {
            return;
        }

        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        await foreach (var message in assets.DownloadAsync(new DownloadRequest { Asset = archived.Asset.Id }, CancellationToken.None))
        {
            hash.AppendData(message.Data.Span);
        }

        Assert.Equal(archived.Asset.Sha256, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>Chunks whose bytes are in the file though every asset that refers to them is archived.</summary>
    private static long CountIdle(ReadUnit unit)
    {
        var kept = new HashSet<long>();
        var archived = new HashSet<long>();
        var entries = new List<PartEntry>();
        var parts = unit.Prepare(
            "SELECT p.entries, EXISTS (SELECT 1 FROM asset AS a JOIN asset_archive AS x ON x.tenant = a.tenant AND x.id = a.id WHERE a.row_id = c.asset) FROM content_part AS p JOIN content AS c ON c.number = p.content");
        while (parts.Step())
        {
            entries.Clear();
            PartEntries.Decode(parts.Blob(0), entries);
            (parts.Integer(1) != 0 ? archived : kept).UnionWith(entries.Select(entry => entry.Number));
        }

        archived.ExceptWith(kept);
        var resident = unit.Prepare("SELECT resident FROM chunk WHERE number = ?");
        return archived.Count(number =>
        {
            resident.Integer(0, number);
            resident.Step();
            var isIdle = resident.Integer(0) != 0;
            resident.Reset();
            return isIdle;
        });
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
