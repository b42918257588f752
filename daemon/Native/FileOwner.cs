using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Auraed.Base;

namespace Auraed.Native;

/// <summary>Who owns a file and who asks, which .NET has no calls for.</summary>
internal static partial class FileOwner
{
    private const int AtCurrentDirectory = -100;
    private const uint StatxUserId = 0x8;
    private const int StatxBytes = 256;

    /// <summary>Offset of stx_uid in struct statx, which is the same on every architecture.</summary>
    private const int UserIdOffset = 20;

    public static uint EffectiveUserId() => geteuid();

    /// <summary>The user id that owns what the path leads to, links followed.</summary>
    public static uint Of(string path)
    {
        var buffer = new byte[StatxBytes];
        if (statx(AtCurrentDirectory, path, 0, StatxUserId, buffer) != 0)
        {
            throw new Fault(FaultKind.Internal, $"cannot look at {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        return BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(UserIdOffset));
    }

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, [Out] byte[] buffer);
}
