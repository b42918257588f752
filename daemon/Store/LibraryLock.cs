using System.Text;
using Auraed.Base;
using Auraed.Native;

namespace Auraed.Store;

/// <summary>The advisory lock of a library directory: one daemon, or one tool that swaps its file. It holds the process's number; the kernel gives the lock up with the process.</summary>
public sealed class LibraryLock : IDisposable
{
    private const string Name = "aurae.lock";
    private readonly FileLock _lock;

    private LibraryLock(FileLock held) => _lock = held;

    /// <summary>Fault(Precondition) when another process holds it.</summary>
    public static LibraryLock Take(string directory)
    {
        try
        {
            var path = Path.Combine(directory, Name);
            if (FileLock.TryTake(path) is { } held)
            {
                RandomAccess.SetLength(held.File, 0);
                RandomAccess.Write(held.File, Encoding.ASCII.GetBytes($"{Environment.ProcessId}\n"), 0);
                return new LibraryLock(held);
            }

            // Whoever holds the lock has written its number there, or is about to.
            var holder = ReadHolder(path);
            throw new Fault(FaultKind.Precondition, $"the library directory {directory} is in use by another process" + (holder is "" ? "" : $" (pid {holder})"), hint: "stop the other daemon, or give this one its own --library-dir") { Reason = "LIBRARY_LOCKED" };
        }
        catch (IOException refused)
        {
            throw new Fault(FaultKind.Precondition, $"the library directory {directory} cannot be written: {refused.Message}", hint: $"mount it writable and check the owner of {directory}", cause: refused) { Reason = "READ_ONLY" };
        }
    }

    private static string ReadHolder(string path)
    {
        Span<byte> written = stackalloc byte[16];
        using var file = DurableFiles.OpenUnlocked(path);
        return Encoding.ASCII.GetString(written[..RandomAccess.Read(file, written, 0)]).Trim();
    }

    public void Dispose() => _lock.Dispose();
}
