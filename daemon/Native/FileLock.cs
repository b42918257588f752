using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Native;

/// <summary>
/// An open file and its exclusive advisory lock (flock(2)), which the kernel gives up with the process. The runtime's own FileStream is no help here, as it takes
/// locks of the same kind for sharing modes.
/// </summary>
public sealed partial class FileLock : IDisposable
{
    private const int OpenReadWrite = 2;
    private const int OpenCreate = 0x40;
    private const int OpenNoFollow = 0x20000;
    private const int OpenCloseOnExec = 0x80000;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int LockRelease = 8;
    private const int WouldBlock = 11;

    private FileLock(SafeFileHandle file) => File = file;

    /// <summary>For reading and writing.</summary>
    public SafeFileHandle File { get; }

    /// <summary>Opens or makes the file and takes its lock; null when another process (or another open of this one) holds it. IOException when it cannot be opened.</summary>
    /// <param name="mode">Of the file when it is made, less the process' mask.</param>
    /// <param name="mayBeLink">Where nobody but us is to have put anything, a symbolic link is refused (ELOOP): it would have us write to what it leads to.</param>
    public static FileLock? TryTake(string path, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, bool mayBeLink = true)
    {
        var descriptor = open(path, OpenReadWrite | OpenCreate | OpenCloseOnExec | (mayBeLink ? 0 : OpenNoFollow), (int)mode);
        if (descriptor < 0)
        {
            throw DurableFiles.Failed(Marshal.GetLastPInvokeError());
        }

        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        if (flock(file, LockExclusive | LockNonBlocking) == 0)
        {
            return new FileLock(file);
        }

        var error = Marshal.GetLastPInvokeError();
        file.Dispose();
        return error == WouldBlock ? null : throw DurableFiles.Failed(error);
    }

    /// <summary>Gives the lock up before the file is closed: a child that is between fork and exec shares the open file, and would hold the lock on.</summary>
    public void Dispose()
    {
        if (!File.IsClosed)
        {
            _ = flock(File, LockRelease);
            File.Dispose();
        }
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle file, int operation);
}
