using Auraed.Base;
using Auraed.Chunks;
using Auraed.Native;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Cli.Assets;

/// <summary>A file or a block device that is read anywhere, from many threads.</summary>
internal sealed class BlobFile : IDisposable
{
    private readonly SafeFileHandle _file;

    private BlobFile(SafeFileHandle file, long length)
    {
        _file = file;
        Length = length;
    }

    public long Length { get; }

    public static BlobFile Open(string path)
    {
        try
        {
            var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, FileOptions.SequentialScan);
            return new BlobFile(file, Chunks.Extraction.SeedFile.LengthOf(file));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new Fault(cause is FileNotFoundException or DirectoryNotFoundException ? FaultKind.NotFound : FaultKind.Denied, $"{path} cannot be read: {cause.Message}", "file", $"check it: ls -l {path}", cause);
        }
    }

    /// <summary>Fills the buffer, or as much of it as there is.</summary>
    public int Read(long offset, Span<byte> buffer)
    {
        var done = 0;
        for (var count = 1; count > 0 && done < buffer.Length; done += count)
        {
            count = RandomAccess.Read(_file, buffer[done..], offset + done);
        }

        return done;
    }

    /// <summary>Writes a small file whole: beside its place, synced, and then renamed.</summary>
    public static async Task WriteAsync(string path, byte[] bytes, CancellationToken cancel)
    {
        var whole = Path.GetFullPath(path);
        var partial = whole + ".partial";
        try
        {
            await File.WriteAllBytesAsync(partial, bytes, cancel);
            DurableFiles.Publish(partial, whole);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Denied, $"{path} cannot be written: {cause.Message}", "index", cause: cause);
        }
    }

    public void Dispose() => _file.Dispose();
}

/// <summary>A whole asset into a new file, in one stream.</summary>
internal static class DownloadFile
{
    public static async Task WriteAsync(AssetFetch fetch, string id, AssetIndex index, string partial, string target, Action<long> progress, CancellationToken cancel)
    {
        try
        {
            const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
            new FileStream(partial, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode }).Dispose();
            using (var file = DurableFiles.TryLock(partial) ?? throw new Fault(FaultKind.Precondition, $"{target} is written by another run", hint: "wait for it to end"))
            {
                RandomAccess.SetLength(file, index.Length);
                await fetch.FillAsync(id, index, file, progress, cancel);
            }

            DurableFiles.Publish(partial, target);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Denied, $"{target} cannot be written: {cause.Message}", "file", $"check the disk: df {Path.GetDirectoryName(target)}", cause);
        }
    }
}

/// <summary>Adds up what many threads have done, for one that tells it.</summary>
internal sealed class SharedCount(Output.Progress progress)
{
    private readonly Lock _gate = new();

    public void Add(long count)
    {
        lock (_gate)
        {
            progress.Advance(count);
        }
    }
}
