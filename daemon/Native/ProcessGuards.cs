using System.Runtime.InteropServices;
using Auraed.Base;

namespace Auraed.Native;

/// <summary>What the process asks of the kernel about itself: no dumps of its memory, private files, enough descriptors.</summary>
public static partial class ProcessGuards
{
    private const int SetDumpable = 4;
    private const int ResourceCore = 4;
    private const int ResourceOpenFiles = 7;
    private const int SetDescriptorFlags = 2;
    private const int CloseOnExec = 1;

    /// <summary>The effective user id.</summary>
    public static uint UserId => geteuid();

    /// <summary>The effective group id.</summary>
    public static uint GroupId => getegid();

    /// <summary>No core dump, no ptrace by others of the same user, and new files are the owner's alone. For the whole process, for good.</summary>
    public static void Apply()
    {
        var none = default(ResourceLimit);
        if (prctl(SetDumpable, 0, 0, 0, 0) != 0 || setrlimit(ResourceCore, in none) != 0)
        {
            throw new Fault(FaultKind.Internal, $"core dumps cannot be switched off: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        _ = umask(0b000_111_111);
    }

    /// <summary>Raises the soft limit of open files to the hard one: every connection takes a descriptor.</summary>
    public static void RaiseOpenFiles()
    {
        if (getrlimit(ResourceOpenFiles, out var limit) == 0 && limit.Soft < limit.Hard)
        {
            limit.Soft = limit.Hard;
            _ = setrlimit(ResourceOpenFiles, in limit);
        }
    }

    /// <summary>Keeps an inherited descriptor from the processes that the daemon starts. False when there is no such descriptor.</summary>
    public static bool TryCloseOnExec(int descriptor) => fcntl(descriptor, SetDescriptorFlags, CloseOnExec) == 0;

    private struct ResourceLimit
    {
        public nuint Soft;
        public nuint Hard;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nuint second, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, in ResourceLimit limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, out ResourceLimit limit);

    [LibraryImport("libc")]
    private static partial uint umask(uint mask);

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial uint getegid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, int argument);
}
