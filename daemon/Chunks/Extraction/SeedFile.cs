using Auraed.Base;
using Auraed.Native;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Chunks.Extraction;

/// <summary>A file that was cut as the asset was, to find the asset's chunks in it. What it says is checked again when it is used.</summary>
internal sealed class SeedFile : IDisposable
{
    private SeedFile(SafeFileHandle file, AssetIndex index)
    {
        File = file;
        Index = index;
    }

    public SafeFileHandle File { get; }

    public AssetIndex Index { get; }

    /// <summary>Fault(Invalid) when it cannot be read. A block device is as good as a file.</summary>
    public static SeedFile Open(string path, ChunkSizes sizes, ChunkDigest digest, int workers, CancellationToken cancel)
    {
        SafeFileHandle? file = null;
        try
        {
            // Whoever writes to it may go on: a lock would only promise what a check has to show anyway.
            file = DurableFiles.OpenUnlocked(path);
            var index = ParallelChunker.Index((offset, buffer) => ReadAll(file, offset, buffer), LengthOf(file), sizes, digest, workers, cancel: cancel);
            return new SeedFile(file, index);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new Fault(FaultKind.Invalid, $"seed {path} cannot be read: {cause.Message}", "seed", $"leave it out, or check it: ls -l {path}", cause);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    /// <summary>Fills the buffer from the file, or as much of it as there is.</summary>
    public static int ReadAll(SafeFileHandle file, long offset, Span<byte> buffer)
    {
        var done = 0;
        for (var count = 1; count > 0 && done < buffer.Length; done += count)
        {
            count = RandomAccess.Read(file, buffer[done..], offset + done);
        }

        return done;
    }

    /// <summary>Bytes of a file, or of a block device.</summary>
    public static long LengthOf(SafeFileHandle file)
    {
        var length = RandomAccess.GetLength(file);
        if (length > 0)
        {
            return length;
        }

        // A device has no length of a file; where its end lies, it tells to who seeks it.
        using var stream = new FileStream(new SafeFileHandle(file.DangerousGetHandle(), ownsHandle: false), FileAccess.Read, bufferSize: 0);
        return stream.CanSeek ? stream.Seek(0, SeekOrigin.End) : 0;
    }

    public void Dispose() => File.Dispose();
}
