using Auraed.Base;
using Auraed.Native;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Cli.Assets;

/// <summary>A file or a block device that is read anywhere, from many threads.</summary>
internal sealed class BlobFile : IDisposable
{
    /// <summary>ELOOP.</summary>
    private const int LoopOfLinks = 40;

    private readonly SafeFileHandle _file;

    private BlobFile(SafeFileHandle file, long length)
    {
        _file = file;
        Length = length;
    }

    public long Length { get; }

    public static BlobFile Open(string path)
    {
        if (Directory.Exists(path))
        {
            throw Fault.Invalid("file", $"{path} is a directory, and an asset is one file", $"tar c {path} | auraed assets put - --title {Path.GetFileName(Path.TrimEndingDirectorySeparator(path))}.tar");
        }

        try
        {
            var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, FileOptions.SequentialScan);
            return new BlobFile(file, Chunks.Extraction.SeedFile.LengthOf(file));
        }
        catch (Exception cause) when (FileFaults.Is(cause))
        {
            throw Unreadable(path, cause);
        }
    }

    /// <summary>A pipe or a character device: to be read once, from its beginning.</summary>
    public static Stream OpenStream(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception cause) when (FileFaults.Is(cause))
        {
            throw Unreadable(path, cause);
        }
    }

    private static Fault Unreadable(string path, Exception cause) => cause switch
    {
        FileNotFoundException or DirectoryNotFoundException => new Fault(FaultKind.NotFound, $"there is no file {path}", "file", $"ls -l {Path.GetDirectoryName(Path.GetFullPath(path))}", cause),
        { HResult: LoopOfLinks } => new Fault(FaultKind.NotFound, $"there is no file {path}: its links lead back to one another", "file", $"namei -l {path}", cause),
        _ => new Fault(FaultKind.Denied, $"{path} cannot be read: {cause.Message}", "file", $"ls -l {path}", cause),
    };

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

    /// <summary>Refuses what no file can be written to, before the work for it begins.</summary>
    /// <param name="named">The path as it was typed.</param>
    /// <param name="path">The same with its links followed.</param>
    public static void Check(string named, string path, string field)
    {
        if (Directory.Exists(path))
        {
            throw Fault.Invalid(field, $"{named} is a directory", $"name a file in it: {Path.Combine(named, "NAME")}");
        }

        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory && !Directory.Exists(directory))
        {
            if (File.Exists(directory))
            {
                throw Fault.Invalid(field, $"{named} cannot be written: {directory} is a file", "name a file in a directory");
            }

            throw Fault.NotFound($"{named} cannot be written: there is no directory {directory}", $"mkdir -p {directory}");
        }
    }

    /// <summary>Writes a small file whole: beside its place, synced, and then renamed.</summary>
    public static async Task WriteAsync(string path, byte[] bytes, CancellationToken cancel)
    {
        var whole = Path.GetFullPath(path);
        var partial = whole + ".partial";
        try
        {
            // Made anew: what lies there may be a link to somewhere else.
            File.Delete(partial);
            await using (var file = new FileStream(partial, FileMode.CreateNew, FileAccess.Write))
            {
                await file.WriteAsync(bytes, cancel);
            }

            DurableFiles.Publish(partial, whole);
        }
        catch (Exception cause) when (FileFaults.Is(cause))
        {
            File.Delete(partial);
            throw FileFaults.OfWriting($"{path} cannot be written", path, cause, "index");
        }
    }

    public void Dispose() => _file.Dispose();
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
