using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>
/// What a launcher asks of the kernel about itself before it becomes another program. Every call answers 0 or the error's number. For a process that
/// does nothing else: several change the calling thread alone, and that thread must be the one that calls <see cref="Execute"/>.
/// </summary>
public static unsafe partial class LaunchCalls
{
    private const int OpenWrite = 1;
    private const int OpenReadWrite = 2;
    private const int OpenCreate = 0x40;
    private const int OpenAppend = 0x400;
    private const int OpenCloseOnExec = 0x80000;
    private const int OpenNoFollow = 0x20000;
    private const int OpenPathOnly = 0x200000;
    private const int OpenDirectoryOnly = 0x10000;
    private const int DescriptorFlags = 2;
    private const int NoEntry = 2;
    private const int LogMode = 0b110_100_000;
    private const int CloneFiles = 0x200;
    private const int CloneMounts = 0x0002_0000;
    private const ulong MountRecursive = 0x4000;
    private const ulong MountPrivate = 1 << 18;
    private const ulong MountNoSetUser = 2;
    private const ulong MountNoDevices = 4;
    private const ulong MountNoExecute = 8;
    private const int SetNoNewPrivileges = 38;
    private const int SetMask = 2;
    private const int ChildEnded = 17;
    private const nint IgnoreSignal = 1;
    private const int SignalMax = 64;
    private const int InvalidArgument = 22;

    /// <summary>Means "as it is" to the kernel: taken for an id, it would leave the program root.</summary>
    private const uint NoId = uint.MaxValue;
    private const int SignalSetBytes = 128;
    private const uint RangeCloseOnExec = 4;

    /// <summary>A session and process group of its own, without a terminal.</summary>
    public static int NewSession() => setsid() >= 0 ? 0 : Marshal.GetLastPInvokeError();

    public static int Unshare(int flags) => Of(unshare(flags));

    /// <summary>Joins namespaces of the process; <paramref name="flags"/> as of clone(2).</summary>
    public static int Join(int processDescriptor, int flags)
    {
        // A thread may change its mounts only when it shares its working directory with no other.
        int error = (flags & CloneMounts) != 0 ? Of(unshare(CloneFiles)) : 0;
        return error != 0 ? error : Of(setns(processDescriptor, flags));
    }

    /// <summary>Nothing mounted here from now on is seen outside, nor the other way.</summary>
    public static int PrivateMounts() => Of(mount("none", "/", null, MountRecursive | MountPrivate, 0));

    public static int MountProcesses() => Of(mount("proc", "/proc", "proc", MountNoSetUser | MountNoDevices | MountNoExecute, 0));

    public static int SetHostName(string name) => Of(sethostname(name, (nuint)System.Text.Encoding.UTF8.GetByteCount(name)));

    public static int SetBound(int resource, ulong soft, ulong hard)
    {
        ulong* bound = stackalloc ulong[2] { soft, hard };
        return Of(setrlimit(resource, bound));
    }

    public static ulong HardBound(int resource)
    {
        ulong* bound = stackalloc ulong[2] { 0, 0 };
        _ = getrlimit(resource, bound);
        return bound[1];
    }

    /// <summary>Writes a text to an existing file of the kernel's in one call.</summary>
    public static int WriteFile(string path, string text)
    {
        int descriptor = open(path, OpenWrite | OpenCloseOnExec, 0);
        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        fixed (byte* start = bytes)
        {
            int error = write(descriptor, start, (nuint)bytes.Length) >= 0 ? 0 : Marshal.GetLastPInvokeError();
            _ = close(descriptor);
            return error;
        }
    }

    /// <summary>Makes what the path names, opened for appending, the descriptor; null for /dev/null.</summary>
    public static int OpenAs(int descriptor, string? path)
    {
        int opened = path is null ? open("/dev/null", OpenReadWrite, 0) : open(path, OpenWrite | OpenCreate | OpenAppend | OpenNoFollow, LogMode);
        if (opened < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        if (opened == descriptor)
        {
            return 0;
        }

        int error = dup2(opened, descriptor) >= 0 ? 0 : Marshal.GetLastPInvokeError();
        _ = close(opened);
        return error;
    }

    public static int SetGroups(ReadOnlySpan<uint> groups)
    {
        fixed (uint* start = groups)
        {
            return Of(setgroups((nuint)groups.Length, start));
        }
    }

    public static int SetGroup(uint id) => id == NoId ? InvalidArgument : Of(setresgid(id, id, id));

    public static int SetUser(uint id) => id == NoId ? InvalidArgument : Of(setresuid(id, id, id));

    public static int NoNewPrivileges() => Of(prctl(SetNoNewPrivileges, 1, 0, 0, 0));

    public static int ChangeDirectory(string path) => Of(chdir(path));

    public static void SetFileMask(int mask) => _ = umask((uint)mask);

    /// <summary>No signal is ignored, handled or blocked.</summary>
    public static void ResetSignals()
    {
        for (int number = 1; number <= SignalMax; number++)
        {
            _ = signal(number, 0);
        }

        byte* none = stackalloc byte[SignalSetBytes];
        new Span<byte>(none, SignalSetBytes).Clear();
        _ = sigprocmask(SetMask, none, null);
    }

    /// <summary>All descriptors from <paramref name="first"/> on close when the program is executed.</summary>
    public static int CloseOnExecute(int first) => Of(close_range((uint)first, uint.MaxValue, RangeCloseOnExec));

    /// <summary>Closes all descriptors from <paramref name="first"/> on.</summary>
    public static int Close(int first) => Of(close_range((uint)first, uint.MaxValue, 0));

    /// <summary>Becomes the program; returns only with an error.</summary>
    public static int Execute(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
    {
        using var argv = new NativeStrings(arguments);
        using var envp = new NativeStrings(environment);
        _ = execve(path, argv.Pointers, envp.Pointers);
        return Marshal.GetLastPInvokeError();
    }

    /// <summary>A descriptor that stands for the directory and reads nothing, or the error's number below zero.</summary>
    public static int OpenDirectory(string path)
    {
        int descriptor = open(path, OpenPathOnly | OpenDirectoryOnly | OpenNoFollow | OpenCloseOnExec, 0);
        return descriptor >= 0 ? descriptor : -Marshal.GetLastPInvokeError();
    }

    /// <summary>
    /// Becomes a program in the directory, which the caller need not be able to reach by a path. A script's interpreter finds it through the descriptor, which stays open
    /// for that alone.
    /// </summary>
    public static int ExecuteIn(int directory, string name, IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
    {
        using var argv = new NativeStrings(arguments);
        using var envp = new NativeStrings(environment);
        _ = execveat(directory, name, argv.Pointers, envp.Pointers, 0);
        int error = Marshal.GetLastPInvokeError();
        if (error != NoEntry || fcntl(directory, DescriptorFlags, 0) != 0)
        {
            return error;
        }

        _ = execveat(directory, name, argv.Pointers, envp.Pointers, 0);
        return Marshal.GetLastPInvokeError();
    }

    /// <summary>Bytes read, 0 at the end, negative on an error.</summary>
    public static int Read(int descriptor, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return (int)read(descriptor, start, (nuint)buffer.Length);
        }
    }

    public static int Write(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            return (int)write(descriptor, start, (nuint)bytes.Length);
        }
    }

    /// <summary>Does nothing for ever, but for what process 1 of a table must: with SIGCHLD ignored the kernel reaps what is left to it.</summary>
    public static void StayAsFirst()
    {
        _ = signal(ChildEnded, IgnoreSignal);
        while (true)
        {
            _ = pause();
        }
    }

    private static int Of(int result) => result == 0 ? 0 : Marshal.GetLastPInvokeError();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int descriptor, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mount(string source, string target, string? type, ulong flags, nint data);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sethostname(string name, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, ulong* bound);

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, ulong* bound);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int dup2(int descriptor, int target);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setgroups(nuint count, uint* groups);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setresgid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setresuid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nuint second, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int chdir(string path);

    [LibraryImport("libc")]
    private static partial uint umask(uint mask);

    [LibraryImport("libc")]
    private static partial nint signal(int number, nint handler);

    [LibraryImport("libc")]
    private static partial int sigprocmask(int how, byte* set, byte* old);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close_range(uint first, uint last, uint flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int execve(string path, byte** arguments, byte** environment);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int execveat(int directory, string path, byte** arguments, byte** environment, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc")]
    private static partial int pause();
}
