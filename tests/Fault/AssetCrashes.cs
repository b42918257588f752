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
/// Files cut off by kill -9 two hundred times while uploads, deletions, archivings, restorings, collections and scrubs run on them side by side, so that every cut is in the midst of each of them.
/// A process has several files, as most of its time is its start: the kill comes at a named point of one of them, and wherever the others happen to be. Each file goes on from kill to kill.
/// </summary>
public sealed class AssetCrashes : IDisposable
{
    private const int Files = 6;

    // Each point once, and at any moment after every three of them.
    private static readonly int Kills = AssetChild.Points.Length * 4 / 3;
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(60);
    private readonly StoreFixture[] _fixtures = [.. Enumerable.Range(0, Files).Select(_ => new StoreFixture())];
    private readonly Random _random;
    private readonly HashSet<(string Tenant, string Id)>[] _present = [.. Enumerable.Range(0, Files).Select(_ => new HashSet<(string, string)>())];
    private int _moved;

    public AssetCrashes(ITestOutputHelper output) => _random = Seeds.Random(output);

    public void Dispose()
    {
        foreach (var fixture in _fixtures)
        {
            fixture.Dispose();
        }
    }

    [Fact]
    public async Task No_asset_is_damaged_no_live_chunk_lost_and_no_dead_one_outlives_two_collections()
    {
        var (put, next) = (0, 0);
        for (var kill = 0; kill < Kills; kill++)
        {
            var atAnyMoment = kill % 4 == 3;
            var point = atAnyMoment ? "none" : AssetChild.Points[next++];
            // Assets move between the file and the backend far less often than units are written.
            var times = 1 + _random.Next(point.StartsWith("archive", StringComparison.Ordinal) || point.StartsWith("restore", StringComparison.Ordinal) ? 2 : 12);
            put += await KillAsync(point, times, atAnyMoment);
            for (var file = 0; file < Files; file++)
            {
                await HoldsAsync(file, isThorough: (kill + file) % 4 == 0);
            }
        }

        Assert.Equal(AssetChild.Points.Length, next);
        Assert.True(Kills * Files >= 200);
        Assert.True(put > Kills * Files / 10, $"{put} assets were put between {Kills} kills of {Files} files");
        Assert.True(_moved > Kills * Files / 20, $"{_moved} assets were archived or restored between {Kills} kills of {Files} files");
    }

    /// <summary>Runs the child until it is dead; answers how many assets it put.</summary>
    private async Task<int> KillAsync(string point, int times, bool atAnyMoment)
    {
        using var process = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!, [Support.Program.Assembly, "assets", _fixtures[0].KeyPath, point, $"{times}", $"{_random.Next()}", .. _fixtures.Select(fixture => fixture.Library)])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var put = 0;
        var wait = _random.Next(60);
        while (await process.StandardOutput.ReadLineAsync().WaitAsync(TimeMax) is { } line)
        {
            put += Note(line) ? 1 : 0;
            // Not every point is passed by what happens to be in the file.
            if ((atAnyMoment && line == "ready") || put == 5 * Files)
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
            case ["put", var file, var tenant, { Length: 64 } id, { Length: 64 }]:
                _present[int.Parse(file, null)].Add((tenant, id));
                return true;
            case ["deleting", var file, var tenant, { Length: 64 } id]:
                _present[int.Parse(file, null)].Remove((tenant, id));
                return false;
            case ["moved"]:
                _moved++;
                return false;
            default:
                return false;
        }
    }

    /// <summary>What was said to be there is there and sound; what nothing refers to is gone after two collections.</summary>
    private async Task HoldsAsync(int file, bool isThorough)
    {
        var fixture = _fixtures[file];
        await using var database = fixture.Open();
        var before = await database.VerifyAsync(null, CancellationToken.None);
        Assert.True(before.IsSound, string.Join("; ", before.Findings));
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        await using var assets = new AssetLibrary(database, records, TimeProvider.System, AssetChild.Backends(fixture.Library));
        foreach (var (tenant, id) in _present[file])
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
        await assets.DownloadAsync(
            new DownloadRequest { Asset = archived.Asset.Id },
            message =>
            {
                hash.AppendData(message.Data.Span);
                return Task.CompletedTask;
            },
            CancellationToken.None);

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
