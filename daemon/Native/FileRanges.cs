using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Native;

/// <summary>What a file system can do with parts of files without moving bytes. False means that it cannot: then bytes are moved.</summary>
public static partial class FileRanges
{
    // _IOW(0x94, 13, struct file_clone_range) of linux/fs.h.
    private const nuint CloneRange = 0x4020940d;
    private const int KeepSize = 1;
    private const int PunchHole = 2;
    private const int Interrupted = 4;
    private const int InvalidArgument = 22;
    private const int NoSuchCall = 38;
    private const int NotSupported = 95;
    private const uint WriteBack = 2;

    /// <summary>Lets a range of one file share its blocks with another (a reflink). Offsets and length are whole blocks of the file system.</summary>
    public static bool TryClone(SafeFileHandle source, long sourceOffset, SafeFileHandle target, long targetOffset, long length)
    {
        var added = false;
        source.DangerousAddRef(ref added);
        try
        {
            var range = new Range { Source = source.DangerousGetHandle(), SourceOffset = (ulong)sourceOffset, Length = (ulong)length, TargetOffset = (ulong)targetOffset };
            return ioctl(target, CloneRange, in range) == 0;
        }
        finally
        {
            source.DangerousRelease();
        }
    }

    /// <summary>Makes a range read as zeros and gives its blocks back.</summary>
    public static bool TryPunchHole(SafeFileHandle file, long offset, long length) => fallocate(file, PunchHole | KeepSize, offset, length) == 0;

    /// <summary>
    /// Makes a range the file's own blocks, zeros where nothing was written, and the file as long as the range reaches. False where the file system has no such call. IOException with the
    /// system's error number when it refuses, as for want of space; the file may have grown then. (.NET's own preallocation throws that away.)
    /// </summary>
    public static bool TryReserve(SafeFileHandle file, long offset, long length)
    {
        while (fallocate(file, 0, offset, length) != 0)
        {
            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted:
                    break;
                case NotSupported or NoSuchCall or InvalidArgument:
                    return false;
                case var error:
                    throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
            }
        }

        return true;
    }

    /// <summary>
    /// Has the kernel begin to write a range to the disk, so that a sync at the end finds little left to do (SYNC_FILE_RANGE_WRITE). It makes nothing durable and tells no error:
    /// the sync does both.
    /// </summary>
    public static void StartWriteBack(SafeFileHandle file, long offset, long length) => _ = sync_file_range(file, offset, length, WriteBack);

    // struct file_clone_range of linux/fs.h.
    [StructLayout(LayoutKind.Sequential)]
    private struct Range
    {
        public long Source;
        public ulong SourceOffset;
        public ulong Length;
        public ulong TargetOffset;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(SafeFileHandle file, nuint request, in Range range);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc")]
    private static partial int sync_file_range(SafeFileHandle file, long offset, long length, uint flags);
}
