using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>The C library's heap of this process: page caches, sorters, compressors. The collector's own heap is not in it.</summary>
public static partial class NativeHeap
{
    /// <summary>Bytes that are allocated now, large mapped blocks included. Takes some microseconds.</summary>
    public static long AllocatedBytes
    {
        get
        {
            var state = mallinfo2();
            return (long)(state.ArenaAllocated + state.MappedBytes);
        }
    }

    /// <summary>Gives free pages back to the system; for after something large.</summary>
    public static void Trim() => _ = malloc_trim(0);

    [LibraryImport("libc")]
    private static partial Malloc mallinfo2();

    [LibraryImport("libc")]
    private static partial int malloc_trim(nuint pad);

    // struct mallinfo2 of malloc.h, in its order.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Malloc
    {
        public readonly nuint ArenaBytes;
        public readonly nuint FreeChunks;
        public readonly nuint FastChunks;
        public readonly nuint MappedChunks;
        public readonly nuint MappedBytes;
        public readonly nuint Unused;
        public readonly nuint FastFreeBytes;
        public readonly nuint ArenaAllocated;
        public readonly nuint ArenaFree;
        public readonly nuint Releasable;
    }
}
