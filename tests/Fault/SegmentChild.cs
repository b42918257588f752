using System.Diagnostics;
using System.Globalization;
using Auraed.Domain.Assets;
using Auraed.Domain.Events;
using Auraed.Domain.Records;
using Auraed.EventLog;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Faults;

/// <summary>The process that is killed while it archives the log to assets and prunes it.</summary>
internal static class SegmentChild
{
    /// <param name="arguments">library directory, key file, crash point, which time.</param>
    public static int Run(string[] arguments)
    {
        var (point, times, reached) = (arguments[2], int.Parse(arguments[3], CultureInfo.InvariantCulture), 0);
        CrashPoint.Hook = name =>
        {
            if (name == point && Interlocked.Increment(ref reached) == times)
            {
                Process.GetCurrentProcess().Kill();
                Thread.CurrentThread.Join();
            }
        };
        RunAsync(new DatabaseOptions { Directory = arguments[0], KeyPath = arguments[1], Durability = Support.StoreFixture.Named }).GetAwaiter().GetResult();
        return 0;
    }

    private static async Task RunAsync(DatabaseOptions options)
    {
        await using var database = Database.Open(options);
        await RetainAsync(database);
    }

    /// <summary>What the child does, and the one that comes after it; the library of assets is answered by its checks.</summary>
    public static async Task RetainAsync(Database database, Func<AssetLibrary, Task>? check = null)
    {
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        await using var assets = new AssetLibrary(database, records, TimeProvider.System);
        using var keeper = new LogKeeper(database, TimeProvider.System, TimeSpan.Zero);
        using var retention = new LogRetention(database, keeper, TimeProvider.System) { Assets = new SegmentAssets(database, assets) };
        await retention.ArchiveAsync(ArchiveTarget.Assets, isWhole: false, null, CancellationToken.None);
        await retention.PruneAsync(default, isDryRun: false, null, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var loop = retention.RunAsync(default, default, fault => throw fault, stop.Token);
        await Eventually.HoldsAsync(() => database.ReadAsync(unit => !Auraed.Store.Segments.Pruning.IsLeft(unit), CancellationToken.None), "all below the floor is deleted");
        await stop.CancelAsync();
        await loop;
        await (check?.Invoke(assets) ?? Task.CompletedTask);
    }
}
