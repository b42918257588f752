using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Native;

/// <summary>A process by descriptor (pidfd): it names one process for good, readable once that has ended.</summary>
public static partial class ProcessDescriptor
{
    private const int IdTypeProcess = 1;
    private const int IdTypeDescriptor = 3;
    private const int GetSubreaper = 37;
    private const int WaitExited = 4;
    private const int NoHang = 1;
    private const int SignalInfoBytes = 128;
    private const int CodeExited = 1;
    private const int CodeDumped = 3;
    private const int NoSuchProcess = 3;

    // struct pidfd_info of <linux/pidfd.h>, its first version: mask at 0, exit_code at 60.
    private const int InfoBytes = 64;
    private const int ExitCodeOffset = 60;
    private const ulong InfoExit = 1 << 3;
    private const nuint GetInfo = 0xC040FF0B;

    /// <summary>Null when there is no such process.</summary>
    public static SafeFileHandle? TryOpen(int id)
    {
        int descriptor = pidfd_open(id, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : null;
    }

    /// <summary>False when it has ended.</summary>
    public static bool Signal(SafeHandle process, int signal) =>
        pidfd_send_signal(process, signal, 0, 0) == 0 || Marshal.GetLastPInvokeError() != NoSuchProcess;

    /// <summary>Collects a child that has ended: its status as of wait(2). Null while it runs, and for what is no child. ObjectDisposedException when it was let go of.</summary>
    public static int? TryReap(SafeHandle process)
    {
        var info = new byte[SignalInfoBytes];
        bool isHeld = false;
        try
        {
            // Held, so that the number is not another descriptor's meanwhile: its process would be collected instead.
            process.DangerousAddRef(ref isHeld);
            if (waitid(IdTypeDescriptor, (uint)process.DangerousGetHandle(), info, WaitExited | NoHang) != 0)
            {
                return null;
            }
        }
        finally
        {
            if (isHeld)
            {
                process.DangerousRelease();
            }
        }

        int signal = BinaryPrimitives.ReadInt32LittleEndian(info);
        int code = BinaryPrimitives.ReadInt32LittleEndian(info.AsSpan(8));
        int status = BinaryPrimitives.ReadInt32LittleEndian(info.AsSpan(24));
        return signal == 0 ? null : code == CodeExited ? (status & 0xff) << 8 : code == CodeDumped ? status | 0x80 : status;
    }

    /// <summary>Whether processes below this one that lose their parent become its children (PR_GET_CHILD_SUBREAPER).</summary>
    public static bool IsSubreaper => prctl(GetSubreaper, out int isSet, 0, 0, 0) == 0 && isSet != 0;

    /// <summary>Collects the child of that number if it has ended; its status is nobody's business.</summary>
    public static void Reap(int id) => _ = waitid(IdTypeProcess, (uint)id, new byte[SignalInfoBytes], WaitExited | NoHang);

    /// <summary>The status, as of wait(2), of a process that somebody else has reaped; the kernel tells it from Linux 6.15 on. Null when it does not.</summary>
    public static int? ExitOfOther(SafeHandle process)
    {
        var info = new byte[InfoBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(info, InfoExit);
        bool isTold = ioctl(process, GetInfo, info) == 0 && (BinaryPrimitives.ReadUInt64LittleEndian(info) & InfoExit) != 0;
        return isTold ? BinaryPrimitives.ReadInt32LittleEndian(info.AsSpan(ExitCodeOffset)) : null;
    }

    /// <summary>Signals every process of the group; false when it has none. Of 0 and 1, which kill(2) takes for the caller's own group and for everybody, nothing is asked.</summary>
    public static bool SignalGroup(int group, int signal) => group > 1 && kill(-group, signal) == 0;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int id, int signal);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, out int second, nuint third, nuint fourth, nuint fifth);

    // glibc has wrappers from 2.36 on, Debian 12's version.
    [LibraryImport("libc", SetLastError = true)]
    private static partial int pidfd_open(int id, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pidfd_send_signal(SafeHandle descriptor, int signal, nint information, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitid(int type, uint id, [Out] byte[] information, int options);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(SafeHandle descriptor, nuint request, [In, Out] byte[] argument);
}
