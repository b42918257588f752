using Auraed.Base;
using Auraed.Native;

namespace Auraed.Store;

/// <summary>The advisory lock of a library directory: one daemon, or one tool that swaps its file. The kernel gives it up with the process.</summary>
public sealed class LibraryLock : IDisposable
{
    private const string Name = "aurae.lock";
    private readonly FileStream _file;

    private LibraryLock(FileStream file) => _file = file;

    /// <summary>Fault(Precondition) when another process holds it.</summary>
    public static LibraryLock Take(string directory)
    {
        var path = Path.Combine(directory, Name);
        FileStream file;
        try
        {
            file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.ReadWrite | FileShare.Delete,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                BufferSize = 0,
            });
        }
        catch (Exception refused) when (refused is UnauthorizedAccessException or IOException)
        {
            throw new Fault(FaultKind.Precondition, $"the library directory {directory} cannot be written: {refused.Message}", hint: $"mount it writable and check the owner of {directory}", cause: refused) { Reason = "READ_ONLY" };
        }

        if (DurableFiles.TryLock(file.SafeFileHandle))
        {
            return new LibraryLock(file);
        }

        file.Dispose();
        throw new Fault(FaultKind.Precondition, $"the library directory {directory} is in use by another process", hint: "stop the other daemon, or give this one its own --library-dir") { Reason = "LIBRARY_LOCKED" };
    }

    public void Dispose() => _file.Dispose();
}
