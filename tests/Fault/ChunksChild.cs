using System.Diagnostics;
using Auraed.Chunks.Extraction;
using Auraed.Chunks.Stores;
using Auraed.Store;
using Auraed.Tests.Support;
using Auraed.Tests.Unit.Chunks;

namespace Auraed.Tests.Faults;

/// <summary>The process that is killed while it extracts an asset, or writes one into a store.</summary>
internal static class ChunksChild
{
    /// <param name="arguments">job, directory, crash point (or none), which time.</param>
    public static int Run(string[] arguments)
    {
        var (job, directory, point, times) = (arguments[0], arguments[1], arguments[2], int.Parse(arguments[3], null));
        var reached = 0;
        CrashPoint.Hook = name =>
        {
            if (name == point && Interlocked.Increment(ref reached) == times)
            {
                Process.GetCurrentProcess().Kill();
                Thread.CurrentThread.Join();
            }
        };
        (job == "extract" ? ExtractAsync(directory) : PushAsync(directory)).GetAwaiter().GetResult();
        return 0;
    }

    private static async Task ExtractAsync(string directory)
    {
        var store = new DirectoryStore(Path.Combine(directory, "store"));
        await using var router = new StoreRouter([new RoutedStore(store, StoreErrorPolicy.Stop)], null, TimeProvider.System);
        var index = await router.FetchIndexAsync(IndexName.Parse("b.caibx", "index"), default);
        await new AssetExtraction(index, "b", (id, target, cancel) => router.FetchAsync(id, index.Digest, target, cancel), new ExtractionOptions())
            .RunAsync(Path.Combine(directory, "out", "file"), null, default);
    }

    private static async Task PushAsync(string directory)
    {
        await using var store = new DirectoryStore(Path.Combine(directory, "pushed"));
        await new TestAsset(CasyncInputs.Make("rand-1m")).PushAsync(store, "r.caibx");
    }
}
