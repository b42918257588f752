using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>Files that lose their beginning while others append to them: the content goes, the offsets stay.</summary>
public static partial class FileHoles
{
    private const int KeepSize = 1;
    private const int PunchHole = 2;
    private const int SeekData = 3;

    /// <summary>Gives back the space of the range. False on a file system that cannot (ext4, xfs, btrfs and tmpfs can).</summary>
    public static bool TryPunch(SafeHandle file, long offset, long length) => fallocate((int)file.DangerousGetHandle(), PunchHole | KeepSize, offset, length) == 0;

    /// <summary>Where the file's content begins behind its hole; the end when it has none left.</summary>
    public static long FirstData(SafeHandle file, long end)
    {
        long offset = lseek((int)file.DangerousGetHandle(), 0, SeekData);
        return offset < 0 ? end : offset;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(int descriptor, int mode, long offset, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(int descriptor, long offset, int whence);
}
