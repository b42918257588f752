using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Auraed.Base;

namespace Auraed.Native;

/// <summary>
/// Pages for keys: outside the collector's heap (never copied by it), locked against swapping, left out of core dumps, emptied in
/// forked children, and wiped before they are given back.
/// </summary>
public sealed unsafe partial class LockedMemory : IDisposable
{
    private const int ProtectReadWrite = 0x3;
    private const int MapPrivateAnonymous = 0x22;
    private const int AdviseDontDump = 16;
    private const int AdviseWipeOnFork = 18;

    private readonly nuint _mappedBytes;
    private readonly int _length;
    private byte* _start;

    public LockedMemory(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        var page = (nuint)Environment.SystemPageSize;
        _length = length;
        _mappedBytes = ((nuint)length + page - 1) / page * page;
        var start = mmap(0, _mappedBytes, ProtectReadWrite, MapPrivateAnonymous, -1, 0);
        if (start == -1)
        {
            throw new Fault(FaultKind.Exhausted, $"memory for a key could not be mapped: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        _start = (byte*)start;
        if (mlock(start, _mappedBytes) != 0)
        {
            var cause = Marshal.GetLastPInvokeErrorMessage();
            Dispose();
            throw new Fault(FaultKind.Exhausted, $"memory for a key could not be locked: {cause}", hint: "raise the limit on locked memory: LimitMEMLOCK= in the unit, or ulimit -l");
        }

        // Older kernels lack these two; the lock above is the part that must hold.
        _ = madvise(start, _mappedBytes, AdviseDontDump);
        _ = madvise(start, _mappedBytes, AdviseWipeOnFork);
    }

    ~LockedMemory() => Free();

    /// <summary>The bytes; the span must not outlive this object.</summary>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_start == null, this);
            return new Span<byte>(_start, _length);
        }
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_start == null)
        {
            return;
        }

        CryptographicOperations.ZeroMemory(new Span<byte>(_start, (int)_mappedBytes));
        _ = munlock((nint)_start, _mappedBytes);
        _ = munmap((nint)_start, _mappedBytes);
        _start = null;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint mmap(nint address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int munmap(nint address, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mlock(nint address, nuint length);

    [LibraryImport("libc")]
    private static partial int munlock(nint address, nuint length);

    [LibraryImport("libc")]
    private static partial int madvise(nint address, nuint length, int advice);
}
