using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>
/// What tells that a file is the one that was looked at before, unchanged: nobody sets the change time, which moves with every write and every change of mode or owner.
/// </summary>
/// <param name="Changed">Nanoseconds since 1970.</param>
public readonly partial record struct FileStamp(ulong Device, ulong Inode, long Size, long Changed)
{
    private const int AtCurrentDirectory = -100;
    private const int NoFollow = 0x100;
    private const uint Wanted = 0x1 | 0x80 | 0x100 | 0x200;
    private const int StatxBytes = 256;
    private const int ModeOffset = 28;
    private const int RegularFile = 0x8000;
    private const int BlockDevice = 0x6000;
    private const int DirectoryFile = 0x4000;
    private const int KindMask = 0xF000;

    /// <summary>Null when the path names no regular file; a link is none.</summary>
    public static FileStamp? Of(string path)
    {
        // struct statx, the same on every architecture: u64 inode at 32, u64 size at 40, ctime (i64 seconds, u32 nanoseconds) at 96, u32 device at 136 and 140.
        var buffer = new byte[StatxBytes];
        if (statx(AtCurrentDirectory, path, NoFollow, Wanted, buffer) != 0 || (BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(ModeOffset)) & KindMask) != RegularFile)
        {
            return null;
        }

        return new FileStamp(
            BinaryPrimitives.ReadUInt64LittleEndian(buffer.AsSpan(136)),
            BinaryPrimitives.ReadUInt64LittleEndian(buffer.AsSpan(32)),
            BinaryPrimitives.ReadInt64LittleEndian(buffer.AsSpan(40)),
            (BinaryPrimitives.ReadInt64LittleEndian(buffer.AsSpan(96)) * 1_000_000_000) + BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(104)));
    }

    /// <summary>What a path leads to, links followed; null for nothing.</summary>
    public static FileKind? KindOf(string path)
    {
        var buffer = new byte[StatxBytes];
        if (statx(AtCurrentDirectory, path, 0, Wanted, buffer) != 0)
        {
            return null;
        }

        return (BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(ModeOffset)) & KindMask) switch
        {
            RegularFile => FileKind.Regular,
            DirectoryFile => FileKind.Directory,
            BlockDevice => FileKind.BlockDevice,
            _ => FileKind.Stream,
        };
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, [Out] byte[] buffer);
}

/// <summary>How a file can be read.</summary>
public enum FileKind
{
    /// <summary>Anywhere.</summary>
    Regular,
    /// <summary>Anywhere; its length is fixed.</summary>
    BlockDevice,
    /// <summary>Once, from its beginning: a pipe, a terminal.</summary>
    Stream,
    /// <summary>It holds names.</summary>
    Directory,
}
