using System.CommandLine;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Cli.Output;

namespace Auraed.Cli.Verbs;

/// <summary>Assets outside the file: archived to a backend and back, served by the origin.</summary>
internal static class AssetArchiveVerbs
{
    private static readonly Argument<string> Name = new("NAME") { Description = "As image-1: the index is /index/image-1.caibx." };

    private static readonly Option<string> Backend = new("--backend") { Description = "Where to; needed when there is more than one (auraed assets backends).", HelpName = "NAME" };

    public static IEnumerable<Command> Build(CliEnvironment environment) =>
    [
        new Verb("archive", "Move an asset's chunks to a backend and keep its index. Chunks that other assets keep stay; reading goes on, from the backend.",
            "auraed assets archive v1 --backend cold", "auraed assets archive v1  # the only backend")
            .With(AssetsVerbs.Asset, Backend, AssetsVerbs.Tenant).Calls(environment, ArchiveAsync),
        new Verb("restore", "Bring an archived asset's chunks back into the file.", "auraed assets restore v1").With(AssetsVerbs.Asset, AssetsVerbs.Tenant).Calls(environment, RestoreAsync),
        new Verb("backends", "List where assets can be archived to (the setting assets.backends_file), with what is there.", "auraed assets backends").Calls(environment, ListAsync),
        new Verb("publish", "Have the origin serve an asset of the default tenant to anybody, as /index/NAME.caibx with its chunks.",
            "auraed assets publish image-1 stable", "casync extract --store=http://host:8080 http://host:8080/index/image-1.caibx image")
            .With(Name, AssetsVerbs.Asset).Calls(environment, PublishAsync),
        new Verb("unpublish", "Take a publication back; caches of origin.purge_file are told.", "auraed assets unpublish image-1").With(Name).Calls(environment, UnpublishAsync),
    ];

    private static async Task ArchiveAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new ArchiveAssetRequest { Tenant = AssetsVerbs.TenantOf(invocation), Asset = invocation.Value(AssetsVerbs.Asset), Backend = invocation.Value(Backend) ?? "" };
        using var steps = new StepProgress(invocation);
        ArchiveAssetResult? result = null;
        await invocation.Daemon.StreamAsync($"archive asset {request.Asset}", options => AssetsVerbs.Client(invocation).Archive(request, options), Take, cancel);
        steps.End();
        invocation.Printer.Fields(
            ("asset", (result ?? throw Broken("archive")).Archive.Asset),
            ("backend", result.Archive.Backend),
            ("copied_chunks", result.CopiedChunkCount),
            ("copied", Cell.Bytes(result.CopiedSize)),
            ("freed_chunks", result.FreedChunkCount),
            ("freed", Cell.Bytes(result.FreedSize)));

        void Take(ArchiveAssetResponse message)
        {
            result = message.Result ?? result;
            steps.Tell(message.Progress);
        }
    }

    private static async Task RestoreAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new RestoreAssetRequest { Tenant = AssetsVerbs.TenantOf(invocation), Asset = invocation.Value(AssetsVerbs.Asset) };
        using var steps = new StepProgress(invocation);
        RestoreAssetResult? result = null;
        await invocation.Daemon.StreamAsync($"restore asset {request.Asset}", options => AssetsVerbs.Client(invocation).Restore(request, options), Take, cancel);
        steps.End();
        invocation.Printer.Fields(("restored_chunks", (result ?? throw Broken("restore")).RestoredChunkCount), ("restored", Cell.Bytes(result.RestoredSize)));

        void Take(RestoreAssetResponse message)
        {
            result = message.Result ?? result;
            steps.Tell(message.Progress);
        }
    }

    private static async Task ListAsync(Invocation invocation, CancellationToken cancel)
    {
        ListBackendsResponse backends = await invocation.Daemon.CallAsync("list backends", options => AssetsVerbs.Client(invocation).ListBackendsAsync(new ListBackendsRequest(), options), cancel);
        invocation.Printer.Rows(
            backends.Backends,
            new Column<AssetBackend>("name", backend => backend.Name),
            new Column<AssetBackend>("location", backend => backend.Location),
            new Column<AssetBackend>("read_only", backend => backend.ReadOnly),
            new Column<AssetBackend>("chunks", backend => backend.ChunkCount),
            new Column<AssetBackend>("archived_chunks", backend => backend.ArchivedChunkCount),
            new Column<AssetBackend>("archived", backend => Cell.Bytes(backend.ArchivedSize)));
    }

    private static async Task PublishAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new PublishAssetRequest { Name = invocation.Value(Name), Asset = invocation.Value(AssetsVerbs.Asset) };
        AssetPublication made = await invocation.Daemon.CallAsync($"publish {request.Asset}", options => AssetsVerbs.Client(invocation).PublishAsync(request, options), cancel);
        invocation.Printer.Fields(("name", made.Name), ("asset", made.Asset), ("path", $"/index/{made.Name}.caibx"));
    }

    private static async Task UnpublishAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new UnpublishAssetRequest { Name = invocation.Value(Name) };
        await AssetsVerbs.NamedAsync("asset_publication", invocation.Daemon.CallAsync($"unpublish {request.Name}", options => AssetsVerbs.Client(invocation).UnpublishAsync(request, options), cancel));
        invocation.Printer.Fields(("removed", request.Name));
    }

    private static Fault Broken(string what) => new(FaultKind.Unavailable, $"cannot {what}: the daemon's answer broke off");
}
