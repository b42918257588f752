using System.Runtime.InteropServices;
using Auraed.Base;
using Auraed.Native;

namespace Auraed.Store;

/// <summary>The advisory lock of a library directory: one daemon, or one tool that swaps its file. The kernel gives it up with the process.</summary>
public sealed class LibraryLock : IDisposable
{
    private const string Name = "aurae.lock";
    private readonly SafeHandle _file;

    private LibraryLock(SafeHandle file) => _file = file;

    /// <summary>Fault(Precondition) when another process holds it.</summary>
    public static LibraryLock Take(string directory)
    {
        try
        {
            return DurableFiles.TryLock(Path.Combine(directory, Name)) is { } file
                ? new LibraryLock(file)
                : throw new Fault(FaultKind.Precondition, $"the library directory {directory} is in use by another process", hint: "stop the other daemon, or give this one its own --library-dir") { Reason = "LIBRARY_LOCKED" };
        }
        catch (IOException refused)
        {
            throw new Fault(FaultKind.Precondition, $"the library directory {directory} cannot be written: {refused.Message}", hint: $"mount it writable and check the owner of {directory}", cause: refused) { Reason = "READ_ONLY" };
        }
    }

    public void Dispose()
    {
        if (!_file.IsClosed)
        {
            DurableFiles.Unlock(_file);
        }
    }
}
