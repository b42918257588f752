using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>What the kernel gives one thread when others want the processor, too.</summary>
public static partial class ThreadPriorities
{
    private const int OfProcess = 0;

    /// <summary>Sets the calling thread's nice value (setpriority(2): on Linux it is each thread's own). A refusal leaves it as it was, which costs others some time and nothing else.</summary>
    public static void Lower(int niceness) => _ = setpriority(OfProcess, 0, niceness);

    [LibraryImport("libc")]
    private static partial int setpriority(int which, uint who, int niceness);
}
