using System.Diagnostics;
using System.Security.Cryptography;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Domain.Assets;
using Auraed.Domain.Events;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Events;
using Auraed.Tests.Support;
using Google.Protobuf;

namespace Auraed.Tests.Faults;

/// <summary>The process that is killed while it tells caches what is withdrawn: it publishes an asset, takes it back, and goes on telling.</summary>
internal static class PurgeChild
{
    public const string Tag = "a";

    public static byte[] Content { get; } = AssetChild.Blob(7);

    /// <param name="arguments">library directory, key file, file of the caches, crash point.</param>
    public static int Run(string[] arguments)
    {
        var point = arguments[3];
        CrashPoint.Hook = name =>
        {
            if (name == point)
            {
                Process.GetCurrentProcess().Kill();
                Thread.CurrentThread.Join();
            }
        };
        WorkAsync(new DatabaseOptions { Directory = arguments[0], KeyPath = arguments[1], Durability = Support.StoreFixture.Named }, arguments[2]).GetAwaiter().GetResult();
        return 0;
    }

    private static async Task WorkAsync(DatabaseOptions options, string caches)
    {
        await using var database = Database.Open(options);
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        await using var assets = new AssetLibrary(database, records, TimeProvider.System);
        var telling = TellAsync(database, records, caches, CancellationToken.None);
        await Eventually.HoldsAsync(async () => await FrontierAsync(database) is not null, "the cursor");
        var put = await assets.UploadAsync("tester", Steps().GetAsyncEnumerator(), CancellationToken.None);
        await assets.PublishAsync("tester", new PublishAssetRequest { Name = Tag, Asset = put.Asset.Id }, CancellationToken.None);
        await assets.UnpublishAsync("tester", new UnpublishAssetRequest { Name = Tag }, CancellationToken.None);
        await telling;
    }

    /// <summary>Tells the caches of a file, as the daemon does, until cancelled.</summary>
    public static Task TellAsync(Database database, RecordStore records, string caches, CancellationToken cancel)
    {
        var tail = new Events(database, TimeProvider.System).Tail;
        return new OriginPurge(database, new Cursors(database, tail, records.CursorGates, TimeProvider.System), tail, new AssetLibrary(database, records, TimeProvider.System).Origin, TimeProvider.System)
            .RunAsync(caches, fault => throw fault, cancel);
    }

    /// <summary>How far the caches were told; null before there is a cursor.</summary>
    public static Task<long?> FrontierAsync(Database database) => database.ReadAsync(
        unit => new CursorRows(unit).Find(RecordNames.DefaultTenant, OriginPurge.Cursor)?.Frontier, CancellationToken.None);

    private static async IAsyncEnumerable<UploadRequest> Steps()
    {
        await Task.Yield();
        yield return new UploadRequest { Header = new UploadHeader() };
        yield return new UploadRequest { Data = ByteString.CopyFrom(Content) };
        yield return new UploadRequest { Commit = new UploadCommit { Size = Content.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(Content)) } };
    }
}
