using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Extraction;
using Auraed.Native;

namespace Auraed.Cli.Assets;

/// <summary>An asset into a file: in one stream when nothing is there that could spare a byte, else chunk by chunk.</summary>
/// <param name="progress">Told how many more bytes stand where they belong, from many threads.</param>
internal sealed class AssetDownload(AssetFetch fetch, Asset asset, Action<long> progress)
{
    public async Task<ExtractionSummary> RunAsync(string target, ExtractionOptions options, CancellationToken cancel)
    {
        var path = AssetExtraction.Resolve(target);
        Check(target, path, options.IsInPlace);
        var index = await fetch.IndexAsync(asset, cancel);
        var extraction = new AssetExtraction(index, asset.Id, fetch.Fetcher(index.Sizes.Max), options);
        var partial = extraction.PartialPathOf(path);
        try
        {
            if (options.Seeds.Count > 0 || File.Exists(path) || File.Exists(partial))
            {
                return await extraction.RunAsync(path, progress, cancel);
            }

            await WriteNewAsync(index, partial, path, cancel);
            return new ExtractionSummary(Fetched: index.Length, Seeded: 0, Cloned: 0, Kept: 0, Repeated: 0, Holes: 0, ChunksFetched: index.Count);
        }
        catch (Fault fault) when (CutOff.Is(fault))
        {
            throw CutOff.Explain(fault, "what was written is kept");
        }
    }

    /// <summary>What no download can end well in is refused before a byte is asked for.</summary>
    private static void Check(string target, string path, bool isInPlace)
    {
        BlobFile.Check(target, path, "file");
        switch (FileStamp.KindOf(path))
        {
            case FileKind.Stream:
                throw Fault.Invalid("file", $"{target} is a pipe or a character device, which cannot be written out of order", $"'-' writes to standard output: auraed assets get ASSET - >{target}");
            case FileKind.BlockDevice when !isInPlace:
                throw Fault.Invalid("file", $"{target} is a block device, and would be replaced by a file", "--in-place writes into the device");
        }
    }

    /// <summary>What it leaves when it breaks off is what an extraction goes on with.</summary>
    private async Task WriteNewAsync(AssetIndex index, string partial, string path, CancellationToken cancel)
    {
        try
        {
            const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
            new FileStream(partial, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode }).Dispose();
            using (var held = FileLock.TryTake(partial, mayBeLink: false) ?? throw new Fault(FaultKind.Precondition, $"{path} is written by another run", hint: "wait for it to end"))
            {
                RandomAccess.SetLength(held.File, index.Length);
                await fetch.FillAsync(asset.Id, index, held.File, progress, cancel);
            }

            DurableFiles.Publish(partial, path);
        }
        catch (Exception cause) when (FileFaults.Is(cause))
        {
            throw FileFaults.OfWriting($"asset {asset.Id} cannot be written to {path}", path, cause, "file");
        }
    }
}
