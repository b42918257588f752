using System.CommandLine;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Extraction;
using Auraed.Chunks.Stores;
using Auraed.Cli.Assets;
using Auraed.Cli.Output;
using Auraed.Native;
using ChunkSizes = Auraed.Chunks.ChunkSizes;

namespace Auraed.Cli.Verbs;

/// <summary>Bytes into the daemon and out of it, and between it and casync's stores.</summary>
internal static class AssetTransferVerbs
{
    private const string Standard = "-";

    private static readonly Argument<string> Source = new("FILE") { Description = "What to upload: a file, a block device, or '-' for standard input." };

    private static readonly Argument<string> Target = new("FILE") { Description = "Where to write it; '-' for standard output." };

    private static readonly Argument<string> IndexFile = new("INDEX") { Description = "A .caibx file, or the name of one within the stores." };

    private static readonly Option<string> Title = new("--title") { Description = "What it is called. [default: the file's name]", HelpName = "TEXT" };

    private static readonly Option<string> MediaType = new("--media-type") { Description = "As application/octet-stream.", HelpName = "TYPE" };

    private static readonly Option<string> Tag = new("--tag") { Description = "A name that the asset gets, or that moves to it.", HelpName = "NAME" };

    private static readonly Option<string[]> Label = new("--label") { Description = "As tier=web; may be given again.", HelpName = "KEY=VALUE" };

    private static readonly Option<string> Sizes = new("--chunk-size") { Description = "AVG or MIN:AVG:MAX, with K and M. [default: 16K:64K:256K]", HelpName = "SIZE" };

    private static readonly Option<string[]> Seed = new("--seed") { Description = "A file that may hold parts of it, so that they are not fetched; may be given again.", HelpName = "FILE" };

    private static readonly Option<bool> InPlace = new("--in-place") { Description = "Change the file that is there, chunk by chunk, instead of replacing it." };

    private static readonly Option<string[]> Store = new("--store")
    {
        Description = "casync's store: a directory, http(s)://, sftp:// or s3+http(s)://. Given again for import: asked in that order.",
        HelpName = "STORE",
        Required = true,
    };

    private static readonly Option<string> Index = new("--index") { Description = "Where the .caibx goes: a file, or a name within the store when it has no slash and the store is remote.", HelpName = "FILE", Required = true };

    public static IEnumerable<Command> Build(CliEnvironment environment) =>
    [
        new Verb("put", "Upload a blob. What the daemon has already is not sent; interrupted, the same command goes on.",
            "auraed assets put rootfs.img --tag stable", "tar c etc | auraed assets put - --title etc.tar", "auraed assets put /dev/vdb --chunk-size 256K")
            .With(Source, Title, MediaType, Tag, Label, Sizes, AssetsVerbs.Tenant).Calls(environment, PutAsync),
        new Verb("get", "Write an asset to a file. It takes its name when it is whole; interrupted, the same command goes on.",
            "auraed assets get stable rootfs.img", "auraed assets get stable - | tar t", "auraed assets get v2 new.img --seed old.img", "auraed assets get v2 /dev/vdb --in-place")
            .With(AssetsVerbs.Asset, Target, Seed, InPlace, AssetsVerbs.Tenant).Calls(environment, GetAsync),
        new Verb("export", "Write an asset as casync's index and store, which casync and desync extract. Chunks that are there are not written again.",
            "auraed assets export stable --store ./default.castr --index rootfs.caibx", "auraed assets export stable --store sftp://mirror/srv/store --index rootfs.caibx")
            .With([AssetsVerbs.Asset, Store, Index, AssetsVerbs.Tenant, .. StoreArguments.All]).Calls(environment, ExportAsync),
        new Verb("import", "Take in what casync or desync made. Only chunks that the daemon lacks are fetched.",
            "auraed assets import rootfs.caibx --store ./default.castr --tag stable", "auraed assets import rootfs.caibx --store https://mirror.example/store",
            "auraed assets import rootfs.caibx --store /srv/near.castr --store sftp://mirror/srv/store --store-error next --cache ./cache.castr")
            .With([IndexFile, Store, Title, MediaType, Tag, Label, AssetsVerbs.Tenant, .. StoreArguments.ForReading]).Calls(environment, ImportAsync),
    ];

    private static async Task PutAsync(Invocation invocation, CancellationToken cancel)
    {
        var path = invocation.Value(Source)!;
        var sizes = invocation.Value(Sizes) is { } text ? ChunkSizes.Parse(text, "chunk-size") : ChunkSizes.Default;
        if (sizes.Max > Limits.AssetChunkBytesMax)
        {
            throw Fault.Invalid("chunk-size", $"--chunk-size {sizes}: chunks have at most {Limits.AssetChunkBytesMax} bytes", "take an average of 512K or less");
        }

        if (path == Standard || FileStamp.KindOf(path) == FileKind.Stream)
        {
            await PutStreamAsync(invocation, path, sizes, cancel);
            return;
        }

        using var source = BlobFile.Open(path);
        ChunkBound.CheckLength(path, source.Length, sizes);
        AssetIndex index;
        using (var cutting = new Progress(invocation.Terminal, invocation.Environment.Time, "cut", source.Length))
        {
            var done = new SharedCount(cutting);
            index = ParallelChunker.Index(source.Read, source.Length, sizes, ChunkDigest.Sha256, Environment.ProcessorCount, done.Add, cancel: cancel);
        }

        ChunkBound.CheckCount(path, index.Count, index.Length);
        await SendAsync(invocation, index, Path.GetFileName(path), (chunk, target, _) => ValueTask.FromResult(source.Read(chunk.Offset, target.Span[..chunk.Length])), Environment.ProcessorCount + 1, cancel);
    }

    /// <summary>A pipe, by whatever name: it is read once, and what it brings is not gone on with.</summary>
    private static async Task PutStreamAsync(Invocation invocation, string path, ChunkSizes sizes, CancellationToken cancel)
    {
        if (path == Standard)
        {
            invocation.Environment.RequireInput("file", "auraed assets put - <FILE");
        }

        if (path == Standard && !Console.IsInputRedirected)
        {
            invocation.Warn("standard input is a terminal: what is typed is uploaded, up to ctrl-D");
        }

        using var input = path == Standard ? Console.OpenStandardInput() : BlobFile.OpenStream(path);
        var upload = new AssetStreamUpload(invocation.Daemon, AssetsVerbs.Client(invocation), sizes);
        Print(invocation, await upload.RunAsync(input, path == Standard ? "standard input" : path, Header(invocation, ""), Progress(invocation, "upload", null), cancel));
    }

    private static async Task SendAsync(Invocation invocation, AssetIndex index, string title, ReadChunk read, int readsMax, CancellationToken cancel)
    {
        var upload = new AssetUpload(invocation.Daemon, AssetsVerbs.Client(invocation), AssetsVerbs.TenantOf(invocation), index, read, readsMax);
        UploadSummary summary;
        using (var progress = Progress(invocation, "upload", index.Length))
        {
            summary = await upload.RunAsync(Header(invocation, title), (place, there) => Tell(progress, place, there), cancel);
        }

        if (summary.ResumedAt > 0)
        {
            invocation.Printer.Say($"went on at {Units.Bytes(summary.ResumedAt)}");
        }

        Print(invocation, summary.Response, summary.SentChunks, summary.SentBytes);
    }

    private static async Task GetAsync(Invocation invocation, CancellationToken cancel)
    {
        var fetch = new AssetFetch(invocation.Daemon, AssetsVerbs.Client(invocation), AssetsVerbs.TenantOf(invocation), invocation.Environment.Time);
        var asset = (await fetch.StatAsync(invocation.Value(AssetsVerbs.Asset)!, cancel)).Asset;
        var target = invocation.Value(Target)!;
        using var progress = Progress(invocation, "download", asset.Size);
        var done = new SharedCount(progress);
        if (target == Standard)
        {
            using var output = OpenOutput(invocation);
            await fetch.StreamAsync(asset, output, done.Add, cancel);
            return;
        }

        var options = new ExtractionOptions { Seeds = invocation.Value(Seed) ?? [], IsInPlace = invocation.Value(InPlace), SeedWorkersMax = Environment.ProcessorCount };
        var summary = await new AssetDownload(fetch, asset, done.Add).RunAsync(target, options, cancel);
        progress.Dispose();
        invocation.Printer.Fields(
            ("file", Path.GetFullPath(target)), ("size", Cell.Bytes(asset.Size)), ("fetched", Cell.Bytes(summary.Fetched)), ("seeded", Cell.Bytes(summary.Seeded)), ("kept", Cell.Bytes(summary.Kept)));
    }

    /// <summary>Standard output, where it can be that the bytes of an asset are meant to go there.</summary>
    private static Stream OpenOutput(Invocation invocation)
    {
        if (invocation.Terminal.IsInteractive)
        {
            throw Fault.Invalid("file", "standard output is a terminal, which an asset's bytes may upset", $"auraed assets get {invocation.Value(AssetsVerbs.Asset)} - | less, or name a file");
        }

        if (!StandardDescriptors.IsGiven(1))
        {
            throw Fault.Invalid("file", "standard output is closed", "name a file");
        }

        return invocation.IsGiven(Seed) || invocation.IsGiven(InPlace)
            ? throw Fault.Invalid("file", "--seed and --in-place go with a file, not with standard output", "leave them out, or name a file")
            : invocation.Environment.OpenOutput();
    }

    private static async Task ExportAsync(Invocation invocation, CancellationToken cancel)
    {
        var fetch = new AssetFetch(invocation.Daemon, AssetsVerbs.Client(invocation), AssetsVerbs.TenantOf(invocation), invocation.Environment.Time);
        var asset = (await fetch.StatAsync(invocation.Value(AssetsVerbs.Asset)!, cancel)).Asset;
        var index = await fetch.IndexAsync(asset, cancel);
        var place = invocation.Value(Store) is [var only] ? only : throw Fault.Invalid("store", "an export goes to one store");
        await using var store = StoreArguments.Open(invocation, place);
        var file = invocation.Value(Index)!;
        bool isWithin = place.Contains("://", StringComparison.Ordinal) && !file.Contains('/', StringComparison.Ordinal);
        IndexName? name = isWithin ? IndexName.Parse(file, "index") : null;
        if (name is null)
        {
            BlobFile.Check(file, file, "index");
        }

        TransferSummary summary;
        using (var progress = Progress(invocation, "export", asset.Size))
        {
            try
            {
                summary = await AssetTransfer.PushAsync(
                    index, name, (chunk, target, token) => fetch.FileAsync(asset.Id, chunk, target, token), store, Limits.StoreFetchesDefault, invocation.Environment.Time, new SharedCount(progress).Add, cancel);
            }
            catch (Fault fault) when (CutOff.Is(fault))
            {
                throw CutOff.Explain(fault, "chunks that the store has stay there");
            }
        }

        if (name is null)
        {
            await BlobFile.WriteAsync(file, index.ToByteArray(), cancel);
        }

        invocation.Printer.Fields(("index", file), ("store", place), ("chunks_written", summary.ChunksSent), ("written", Cell.Bytes(summary.BytesSent)), ("chunks_there", summary.ChunksThere));
    }

    private static async Task ImportAsync(Invocation invocation, CancellationToken cancel)
    {
        await using var router = StoreArguments.OpenRouter(invocation, invocation.Value(Store)!);
        try
        {
            await ImportAsync(invocation, router, cancel);
        }
        catch (Fault fault)
        {
            throw StoreArguments.Explain(fault, router);
        }
        finally
        {
            StoreArguments.WarnOfFaults(invocation, router);
        }
    }

    private static async Task ImportAsync(Invocation invocation, StoreRouter router, CancellationToken cancel)
    {
        var file = invocation.Value(IndexFile)!;
        var index = await FindIndexAsync(file, router, cancel);
        if (index.Sizes.Max > Limits.AssetChunkBytesMax || index.Digest != ChunkDigest.Sha256)
        {
            // Chunks by another digest, or longer than the daemon keeps them, are cut anew: the bytes are the same, the id is that of a SHA-256 index.
            var sizes = index.Sizes.Max > Limits.AssetChunkBytesMax ? ChunkSizes.Default : index.Sizes;
            ChunkBound.CheckLength(file, index.Length, sizes);
            await using var content = new IndexedContent(index, file, router, cancel);
            var stream = new AssetStreamUpload(invocation.Daemon, AssetsVerbs.Client(invocation), sizes);
            Print(invocation, await stream.RunAsync(content, file, Header(invocation, Path.GetFileName(file)), Progress(invocation, "import", index.Length), cancel));
            return;
        }

        ChunkBound.CheckCount(file, index.Count, index.Length);
        var chunks = new IndexedChunks(file, (id, target, token) => router.FetchAsync(id, index.Digest, target, token));
        await SendAsync(invocation, index.IsArchive ? Plain(index) : index, Path.GetFileName(file), ReadAsync, AssetTransfer.ConcurrencyFor(index.Sizes, router.FetchesMax), cancel);

        async ValueTask<int> ReadAsync(AssetChunk chunk, Memory<byte> target, CancellationToken token)
        {
            await chunks.ReadAsync(chunk.Id, chunk.Offset, target[..chunk.Length], token);
            return chunk.Length;
        }
    }

    private static async Task<AssetIndex> FindIndexAsync(string file, StoreRouter router, CancellationToken cancel)
    {
        if (Directory.Exists(file))
        {
            throw Fault.Invalid("index", $"{file} is a directory, and an index is a file", $"ls {file}/*.caibx");
        }

        // No path has a NUL in it; a name may be given one.
        if (!file.Contains('\0') && (File.Exists(file) || new FileInfo(file).LinkTarget is not null))
        {
            return await ReadIndexAsync(file, cancel);
        }

        if (!IndexName.TryParse(file, out var name))
        {
            throw Fault.NotFound($"there is no index file {file}, and no store can have an index of that name", "name a .caibx file, or one within the stores as NAME.caibx");
        }

        try
        {
            return await router.FetchIndexAsync(name, cancel);
        }
        catch (Fault fault) when (fault is { Kind: FaultKind.NotFound, Hint: null })
        {
            throw Fault.NotFound($"{fault.Message}, and there is no file {file}", $"ls -l {file}");
        }
    }

    private static async Task<AssetIndex> ReadIndexAsync(string file, CancellationToken cancel)
    {
        await using var source = BlobFile.OpenStream(file);
        using var bytes = new MemoryStream();
        var isSmall = !source.CanSeek || source.Length <= Limits.AssetIndexBytesMax;
        if (isSmall)
        {
            await source.CopyToAsync(bytes, cancel);
        }

        var wrong = "is larger than any index";
        return isSmall && AssetIndex.TryParse(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), out var index, out wrong)
            ? index
            : throw new Fault(FaultKind.Corrupt, $"index {file} {wrong}", "index", $"casync make and desync make write an index; to take in what the file holds: auraed assets put {file}");
    }

    /// <summary>An archive's bytes are a blob like others; its index says so then.</summary>
    private static AssetIndex Plain(AssetIndex archive)
    {
        var builder = new AssetIndex.Builder(archive.Sizes);
        for (var chunk = 0; chunk < archive.Count; chunk++)
        {
            builder.Add(archive[chunk].Length, archive[chunk].Id);
        }

        return builder.Build();
    }

    private static UploadHeader Header(Invocation invocation, string title)
    {
        if (invocation.Value(Tag) is "")
        {
            throw Fault.Invalid("tag", "--tag is empty", "leave it out, or give the asset a name: --tag stable");
        }

        var given = invocation.Value(Title);
        if (given?.Any(char.IsControl) == true)
        {
            throw Fault.Invalid("title", "--title holds a control character", "one line of text, as in --title rootfs.img");
        }

        var header = new UploadHeader
        {
            Tenant = AssetsVerbs.TenantOf(invocation),
            // A file's name may hold what no title may; ls shows it so, too.
            Title = given ?? string.Concat(title.Select(character => char.IsControl(character) ? '?' : character)),
            MediaType = invocation.Value(MediaType) ?? "",
            Tag = invocation.Value(Tag) ?? "",
        };
        foreach (var label in invocation.Value(Label) ?? [])
        {
            var parts = label.Split('=', 2);
            header.Labels[parts[0]] = parts.Length == 2 ? parts[1] : throw Fault.Invalid("label", $"--label {label} is not KEY=VALUE", "as in --label tier=web");
        }

        return header;
    }

    private static void Tell(Progress progress, long place, long there)
    {
        progress.Note = place > 0 ? $"{100 * there / place} % there already" : "";
        progress.Report(place);
    }

    private static Progress Progress(Invocation invocation, string what, long? total) => new(invocation.Terminal, invocation.Environment.Time, what, total);

    private static void Print(Invocation invocation, UploadResponse put, long? sentChunks = null, long? sentBytes = null) => invocation.Printer.Fields(
        ("id", put.Asset.Id),
        ("size", Cell.Bytes(put.Asset.Size)),
        ("sha256", put.Asset.Sha256),
        ("chunks", put.Asset.ChunkCount),
        ("sent_chunks", sentChunks ?? put.NewChunkCount),
        ("sent", Cell.Bytes(sentBytes ?? put.NewStoredSize)),
        ("existed", put.Existed));
}
