using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Native;

/// <summary>
/// The kernel's trace files (Documentation/trace/ftrace.rst), mounted for the holder of a descriptor alone: no path leads there, so it needs no mounted
/// tracefs, and processes that are started inherit nothing. Takes CAP_SYS_ADMIN and a kernel with tracing.
/// </summary>
public static partial class TraceFiles
{
    private const uint CloseOnExec = 1;
    private const uint CreateCommand = 6;
    private const int OpenNonBlocking = 0x800;
    private const int OpenCloseOnExec = 0x80000;

    /// <summary>The root of the file system; null when the kernel refuses, with its reason.</summary>
    public static SafeFileHandle? TryMount(out string reason)
    {
        reason = string.Empty;
        using var context = new SafeFileHandle(fsopen("tracefs", CloseOnExec), ownsHandle: true);
        if (!context.IsInvalid && fsconfig(context, CreateCommand, 0, 0, 0) == 0)
        {
            var root = new SafeFileHandle(fsmount(context, CloseOnExec, 0), ownsHandle: true);
            if (!root.IsInvalid)
            {
                return root;
            }

            root.Dispose();
        }

        reason = Marshal.GetLastPInvokeErrorMessage();
        return null;
    }

    /// <summary>A path to the file for as long as the root is held.</summary>
    public static string PathOf(SafeFileHandle root, string file) => $"/proc/self/fd/{root.DangerousGetHandle()}/{file}";

    /// <summary>For <see cref="Read"/> that never waits. IOException when it cannot be opened.</summary>
    public static SafeFileHandle OpenPipe(string path)
    {
        int descriptor = open(path, OpenNonBlocking | OpenCloseOnExec, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw new IOException($"{path} cannot be read: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>Bytes read; 0 or less when there is nothing now.</summary>
    public static int Read(SafeFileHandle pipe, byte[] buffer) => (int)read(pipe, buffer, (nuint)buffer.Length);

    // glibc has wrappers from 2.36 on, Debian 12's version.
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int fsopen(string type, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsconfig(SafeHandle context, uint command, nint key, nint value, int auxiliary);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsmount(SafeHandle context, uint flags, uint attributes);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(SafeHandle descriptor, [Out] byte[] buffer, nuint count);
}
