using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks.Stores;
using Auraed.Domain.Assets;
using Auraed.Domain.Records;
using Auraed.Store;
using Google.Protobuf;

namespace Auraed.Tests.Faults;

/// <summary>
/// The process that is killed while assets come, go, are archived, restored, collected and scrubbed, all at once and without a grace. It says what it has put, and what it is about to
/// delete, and kills itself when it reaches the named point for the n-th time.
/// </summary>
internal static class AssetChild
{
    /// <summary>Every step between two writes of an upload, an archiving, a restoring, a collection and a scrub, and the steps of the writer below them.</summary>
    public static readonly string[] Points =
    [
        "upload.unit", "upload.durable", "upload.checked", "upload.visible", "collect.uploads", "collect.leases", "collect.loose", "collect.released", "collect.condemned",
        "collect.removed", "scrub.step", "archive.flushed", "archive.noted", "archive.copied", "archive.recorded", "archive.evicted", "restore.unit", "restore.recorded",
        "chunkstore.synced", "chunkstore.published", "unit.done", "commit.before", "commit.after", "group.answered", "checkpoint.before", "checkpoint.after",
    ];

    private static readonly Lock Saying = new();

    /// <param name="arguments">key file, crash point, which time, seed, library directories.</param>
    public static int Run(string[] arguments)
    {
        var (key, point, seed) = (arguments[0], arguments[1], int.Parse(arguments[3], CultureInfo.InvariantCulture));
        var times = int.Parse(arguments[2], CultureInfo.InvariantCulture);
        var reached = 0;
        CrashPoint.Hook = name =>
        {
            if (name == point && Interlocked.Increment(ref reached) == times)
            {
                Process.GetCurrentProcess().Kill();
                Thread.CurrentThread.Join();
            }
        };
        Task.WhenAll(arguments[4..].Select((directory, file) => WorkAsync(new DatabaseOptions { Directory = directory, KeyPath = key, Durability = Support.StoreFixture.Named }, file, seed + (3 * file)))).GetAwaiter().GetResult();
        return 0;
    }

    /// <summary>Blobs that share some of their chunks with each other.</summary>
    public static byte[] Blob(int number)
    {
        var shared = new byte[150_000];
        new Random(number % 3).NextBytes(shared);
        var own = new byte[20_000 + (number * 17_000)];
        new Random(1000 + number).NextBytes(own);
        return [.. shared, .. own];
    }

    public const int Blobs = 8;

    private static async Task WorkAsync(DatabaseOptions options, int file, int seed)
    {
        await Task.Yield();
        await using var database = Database.Open(options);
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        await using var assets = new AssetLibrary(database, records, TimeProvider.System, Backends(options.Directory));
        Say("ready");
        await Task.WhenAll(
            PutAsync(assets, file, "default", new Random(seed)),
            PutAsync(assets, file, "acme", new Random(seed + 1)),
            ForeverAsync(() => assets.CollectAsync(new GarbageCollectRequest { Grace = new Google.Protobuf.WellKnownTypes.Duration() }, null, CancellationToken.None)),
            ArchiveAsync(assets, new Random(seed + 2)),
            ForeverAsync(() => assets.ScrubAsync(new ScrubRequest { ChunkCountMax = 8 }, null, null, CancellationToken.None)));
    }

    /// <summary>A directory beside the file.</summary>
    public static IReadOnlyList<ArchiveBackend> Backends(string library) => [new ArchiveBackend("cold", StoreLocation.Parse(library + ".cold"), new StoreOptions(), IsReadOnly: false)];

    private static async Task ArchiveAsync(AssetLibrary assets, Random random)
    {
        while (true)
        {
            var tenant = random.Next(2) == 0 ? "default" : "acme";
            var list = (await assets.ListAsync(new ListAssetsRequest { Tenant = tenant }, CancellationToken.None)).Assets;
            if (list.Count == 0)
            {
                await Task.Yield();
                continue;
            }

            var asset = list[random.Next(list.Count)];
            try
            {
                if (asset.Backend.Length == 0)
                {
                    await assets.ArchiveAsync("tester", new ArchiveAssetRequest { Tenant = tenant, Asset = asset.Asset.Id }, null, CancellationToken.None);
                }
                else
                {
                    await assets.RestoreAsync("tester", new RestoreAssetRequest { Tenant = tenant, Asset = asset.Asset.Id }, null, CancellationToken.None);
                }

                Say("moved");
            }
            catch (Fault fault) when (fault.Kind is FaultKind.NotFound or FaultKind.Aborted or FaultKind.Precondition or FaultKind.Unavailable)
            {
                // It was deleted meanwhile, or a collection is freeing the file.
            }
        }
    }

    private static async Task ForeverAsync(Func<Task> work)
    {
        while (true)
        {
            await work();
        }
    }

    private static async Task PutAsync(AssetLibrary assets, int file, string tenant, Random random)
    {
        while (true)
        {
            var number = random.Next(Blobs);
            var bytes = Blob(number);
            try
            {
                var put = await assets.UploadAsync("tester", Steps(assets, tenant, number, bytes).GetAsyncEnumerator(), CancellationToken.None);
                Say($"put {file} {tenant} {put.Asset.Id} {put.Asset.Sha256}");
                if (random.Next(2) == 0)
                {
                    Say($"deleting {file} {tenant} {put.Asset.Id}");
                    await assets.DeleteAsync("tester", new DeleteAssetRequest { Tenant = tenant, Asset = put.Asset.Id }, CancellationToken.None);
                }
            }
            catch (Fault fault) when (fault.Kind == FaultKind.Aborted)
            {
                // A chunk was collected between the look and the reference, as there is no grace: the next turn goes on with the upload.
            }
        }
    }

    /// <summary>Goes on with what an earlier process left.</summary>
    private static async IAsyncEnumerable<UploadRequest> Steps(AssetLibrary assets, string tenant, int number, byte[] bytes)
    {
        var id = $"blob-{number}";
        long durable = 0;
        try
        {
            durable = (await assets.GetUploadAsync(new GetUploadRequest { Tenant = tenant, UploadId = id }, CancellationToken.None)).DurableSize;
        }
        catch (Fault fault) when (fault.Kind == FaultKind.NotFound)
        {
            // It begins.
        }

        yield return new UploadRequest { Header = new UploadHeader { Tenant = tenant, UploadId = id, Offset = durable } };
        const int piece = 60_000;
        for (var place = (int)durable; place < bytes.Length; place += piece)
        {
            yield return new UploadRequest { Data = ByteString.CopyFrom(bytes.AsSpan(place, Math.Min(piece, bytes.Length - place))) };
        }

        yield return new UploadRequest { Commit = new UploadCommit { Size = bytes.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)) } };
    }

    private static void Say(string line)
    {
        lock (Saying)
        {
            Console.Out.WriteLine(line);
            Console.Out.Flush();
        }
    }
}
