using System.Security.Cryptography;
using System.Text;
using Auraed.Base;
using Auraed.Native;
using Auraed.Store;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Chunks.Extraction;

/// <summary>
/// Writes an asset to a file. What is there already, what seeds hold, and zeros are not fetched; every byte was checked by its chunk's id when it was written. A new file
/// grows beside its place as <c>.NAME.DIGEST.partial</c> (a NAME too long for that is shortened) and takes the name when it is whole and synced; what an interrupted run left of it is used by
/// the next one. Two runs for one file at a time are refused.
/// </summary>
public sealed class AssetExtraction(AssetIndex index, string assetName, FetchChunk fetch, ExtractionOptions options)
{
    private const UnixFileMode NewFile = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    // Of a file that replaces one, until it has that one's owner and mode: what others may not read they may not read half made either.
    private const UnixFileMode HiddenFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const int DigestCharacters = 16;

    /// <param name="target">A path; links are followed.</param>
    /// <param name="progress">Told how many more bytes stand where they belong, from many threads; null for nobody.</param>
    public async Task<ExtractionSummary> RunAsync(string target, Action<long>? progress, CancellationToken cancel)
    {
        var path = Resolve(target);
        var isThere = File.Exists(path);
        if (Directory.Exists(path))
        {
            throw Fault.Invalid("target", $"{path} is a directory", "name a file in it");
        }

        try
        {
            return options.IsInPlace && isThere
                ? await ChangeAsync(path, progress, cancel)
                : await ReplaceAsync(path, isThere, progress, cancel);
        }
        catch (Exception cause) when (FileFaults.Is(cause))
        {
            throw FileFaults.OfWriting($"asset {assetName} cannot be written to {path}", path, cause);
        }
    }

    /// <summary>Where a new file of this asset grows until it is whole.</summary>
    public string PartialPathOf(string target)
    {
        var path = Resolve(target);
        var tail = $".{index.FileDigest().ToString()[..DigestCharacters]}.partial";
        return Path.Combine(Path.GetDirectoryName(path)!, $".{Fitted(Path.GetFileName(path), Limits.FileNameBytesMax - 1 - tail.Length)}{tail}");
    }

    /// <summary>The name, or, of one that is longer, its beginning and a digest that tells it from others that begin alike.</summary>
    private static string Fitted(string name, int bytesMax)
    {
        if (Encoding.UTF8.GetByteCount(name) <= bytesMax)
        {
            return name;
        }

        var digest = "." + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..DigestCharacters];
        var (bytes, characters) = (digest.Length, 0);
        foreach (var rune in name.EnumerateRunes())
        {
            if ((bytes += rune.Utf8SequenceLength) > bytesMax)
            {
                break;
            }

            characters += rune.Utf16SequenceLength;
        }

        return name[..characters] + digest;
    }

    private async Task<ExtractionSummary> ReplaceAsync(string path, bool isThere, Action<long>? progress, CancellationToken cancel)
    {
        var partial = PartialPathOf(path);
        if (!Directory.Exists(Path.GetDirectoryName(partial)))
        {
            throw Fault.NotFound($"there is no directory {Path.GetDirectoryName(partial)}", $"mkdir -p {Path.GetDirectoryName(partial)}");
        }

        using var held = Lock(partial, isThere ? HiddenFile : NewFile, mayBeLink: false);
        var file = held.File;
        if (isThere)
        {
            // It may be there since nothing was to be replaced.
            File.SetUnixFileMode(file, HiddenFile);
        }

        var isFresh = RandomAccess.GetLength(file) == 0;
        RandomAccess.SetLength(file, index.Length);
        // The file that goes holds most of the one that comes, as a rule.
        var summary = await FillAsync(file, isThere ? [.. options.Seeds, path] : options.Seeds, isFresh, progress, cancel);
        if (isThere)
        {
            FileOwner.Copy(path, file);
        }

        CrashPoint.Reach("extract.filled");
        DurableFiles.Publish(partial, path);
        CrashPoint.Reach("extract.published");
        return summary;
    }

    private async Task<ExtractionSummary> ChangeAsync(string path, Action<long>? progress, CancellationToken cancel)
    {
        using var held = Lock(path, NewFile, mayBeLink: true);
        var file = held.File;
        var isDevice = (File.GetAttributes(path) & FileAttributes.Device) != 0 || (RandomAccess.GetLength(file) == 0 && SeedFile.LengthOf(file) > 0);
        var room = SeedFile.LengthOf(file);
        if (isDevice && room < index.Length)
        {
            throw new Fault(FaultKind.Exhausted, $"asset {assetName} has {index.Length} bytes, and {path} has room for {room}");
        }

        if (!isDevice && room < index.Length)
        {
            RandomAccess.SetLength(file, index.Length);
        }

        var summary = await FillAsync(file, options.Seeds, isFresh: false, progress, cancel);
        if (!isDevice)
        {
            RandomAccess.SetLength(file, index.Length);
        }

        DurableFiles.SyncFile(path);
        return summary;
    }

    private async Task<ExtractionSummary> FillAsync(SafeFileHandle file, IReadOnlyList<string> seedPaths, bool isFresh, Action<long>? progress, CancellationToken cancel)
    {
        var seeds = new List<SeedFile>();
        try
        {
            foreach (var seed in seedPaths)
            {
                seeds.Add(SeedFile.Open(seed, index.Sizes, index.Digest, options.SeedWorkersMax, cancel));
            }

            var writer = new ExtractionWriter(index, assetName, fetch, file, new ExtractionPlan(index, seeds), isFresh, progress);
            await writer.RunAsync(options.WorkersMax, cancel);
            return writer.Summary;
        }
        finally
        {
            seeds.ForEach(seed => seed.Dispose());
        }
    }

    private static FileLock Lock(string path, UnixFileMode mode, bool mayBeLink) =>
        FileLock.TryTake(path, mode, mayBeLink) ?? throw new Fault(FaultKind.Precondition, $"{path} is in use by another run", hint: "wait for it to end");

    /// <summary>Where a path leads to when its links are followed; the last one may lead to nothing yet.</summary>
    public static string Resolve(string target)
    {
        var path = Path.GetFullPath(target);
        return new FileInfo(path).LinkTarget is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
    }
}
