using System.Runtime.InteropServices;
using Auraed.Base;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Native;

/// <summary>The file operations whose order decides what a power cut leaves: sync a file, sync a directory, rename durably.</summary>
public static partial class DurableFiles
{
    private const int OpenReadOnly = 0;
    private const int OpenDirectory = 0x10000;
    private const int OpenCloseOnExec = 0x80000;
    private const int AtCurrentDirectory = -100;
    private const uint RenameNoReplace = 1;
    private const int NameExists = 17;
    private const int InvalidArgument = 22;
    private const int NoSuchCall = 38;

    /// <summary>Makes the file's content durable. Fault(Internal) when the disk refuses; never tried twice, as a second try may claim what the first lost.</summary>
    public static void SyncFile(string path) => Sync(path, OpenReadOnly | OpenCloseOnExec);

    /// <summary>Makes an open file's content durable, without what only tells of it (fdatasync). Fault(Internal) when the disk refuses; never tried twice.</summary>
    public static void SyncData(SafeFileHandle file, string path)
    {
        if (fdatasync(file) != 0)
        {
            throw new Fault(FaultKind.Internal, $"cannot make {path} durable: {Marshal.GetLastPInvokeErrorMessage()}", hint: "check the disk: dmesg") { Reason = "DISK_FAILED" };
        }
    }

    /// <summary>Makes names created, renamed or removed in the directory durable.</summary>
    public static void SyncDirectory(string path) => Sync(path, OpenReadOnly | OpenDirectory | OpenCloseOnExec);

    /// <summary>Renames over <paramref name="target"/> so that after a power cut one of the two complete files stands under that name.</summary>
    public static void Publish(string source, string target)
    {
        SyncFile(source);
        File.Move(source, target, overwrite: true);
        SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
    }

    /// <summary>
    /// Renames a synced file to a name that nobody has, in the same directory; false, with nothing changed, when it is taken. The directory is for the caller to
    /// sync: many names share one.
    /// </summary>
    public static bool TryPublishNew(string source, string target)
    {
        if (renameat2(AtCurrentDirectory, source, AtCurrentDirectory, target, RenameNoReplace) == 0)
        {
            return true;
        }

        switch (Marshal.GetLastPInvokeError())
        {
            case NameExists:
                return false;
            case InvalidArgument or NoSuchCall:
                // A file system without that call: a second link fails on a taken name as well.
                break;
            default:
                throw new Fault(FaultKind.Internal, $"cannot rename {source} to {target}: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        if (link(source, target) != 0)
        {
            return Marshal.GetLastPInvokeError() == NameExists
                ? false
                : throw new Fault(FaultKind.Internal, $"cannot rename {source} to {target}: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        File.Delete(source);
        return true;
    }

    /// <summary>Opens a file to read it without a lock; .NET's own open would take a shared one and fail on a file that is locked.</summary>
    public static SafeFileHandle OpenUnlocked(string path)
    {
        var descriptor = open(path, OpenReadOnly | OpenCloseOnExec, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Failed(Marshal.GetLastPInvokeError());
    }

    /// <summary>With the error number, as the runtime's own calls throw it.</summary>
    internal static IOException Failed(int error) => new(Marshal.GetPInvokeErrorMessage(error), error);

    private static void Sync(string path, int flags)
    {
        var descriptor = open(path, flags, 0);
        if (descriptor < 0)
        {
            throw new Fault(FaultKind.Internal, $"cannot open {path} to make it durable: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        var failed = fsync(descriptor) != 0;
        var cause = Marshal.GetLastPInvokeErrorMessage();
        _ = close(descriptor);
        if (failed)
        {
            throw new Fault(FaultKind.Internal, $"cannot make {path} durable: {cause}", hint: "check the disk: dmesg");
        }
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int renameat2(int fromDirectory, string from, int toDirectory, string to, uint flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int link(string from, string to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(SafeFileHandle file);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
