using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Auraed.Base;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Native;

/// <summary>Who owns a file and who asks, which .NET has no calls for.</summary>
internal static partial class FileOwner
{
    private const int AtCurrentDirectory = -100;
    private const uint StatxUserId = 0x8;
    private const uint StatxGroupId = 0x10;
    private const int StatxBytes = 256;

    /// <summary>Offset of stx_uid in struct statx, which is the same on every architecture.</summary>
    private const int UserIdOffset = 20;
    private const int GroupIdOffset = 24;

    /// <summary>A user or group id that changes nothing.</summary>
    private const uint Same = uint.MaxValue;

    public static uint EffectiveUserId() => geteuid();

    /// <summary>The user id that owns what the path leads to, links followed.</summary>
    public static uint Of(string path) => BinaryPrimitives.ReadUInt32LittleEndian(Look(path).AsSpan(UserIdOffset));

    /// <summary>
    /// Gives an open file the owner, group and mode of what the path leads to. An owner or group that the caller may not give away stays the caller's, and the mode then lends
    /// it to nobody (set-user-id, set-group-id). <see cref="IOException"/> when the mode cannot be set.
    /// </summary>
    public static void Copy(string source, SafeFileHandle target)
    {
        var looked = Look(source);
        var mode = File.GetUnixFileMode(source);
        var group = BinaryPrimitives.ReadUInt32LittleEndian(looked.AsSpan(GroupIdOffset));
        if (fchown(target, BinaryPrimitives.ReadUInt32LittleEndian(looked.AsSpan(UserIdOffset)), group) != 0)
        {
            mode &= ~UnixFileMode.SetUser;
            if (fchown(target, Same, group) != 0)
            {
                mode &= ~UnixFileMode.SetGroup;
            }
        }

        // Last: a change of owner takes bits of the mode away.
        File.SetUnixFileMode(target, mode);
    }

    private static byte[] Look(string path)
    {
        var buffer = new byte[StatxBytes];
        return statx(AtCurrentDirectory, path, 0, StatxUserId | StatxGroupId, buffer) == 0
            ? buffer
            : throw new Fault(FaultKind.Internal, $"cannot look at {path}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial int fchown(SafeFileHandle file, uint user, uint group);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, [Out] byte[] buffer);
}
