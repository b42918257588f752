using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Auraed.Base;

namespace Auraed.Store;

/// <summary>
/// Looks at a log that a crash left, before the engine does. The engine takes the first frame whose checksum fails for the end of the log,
/// and would drop acknowledged commits behind a flipped bit without a word. As every commit is synced before the next begins, a whole later
/// commit behind a broken frame proves that the frame was durable: that is damage and not a torn tail. (Damage in the very last commit looks
/// like a torn tail and cannot be told from it.)
/// <code>
/// header, 32 bytes, integers big-endian: magic 377f0682, version, page size, checkpoint number, salt 1, salt 2, checksum (8 bytes)
/// frame, 24 + 4096 bytes: page number, pages after a commit (0: no commit), salt 1, salt 2, checksum (8 bytes), page
/// </code>
/// A checksum covers the header's first 24 bytes, or the frame's first 8 and its page, and goes on from the one before; its words are
/// little-endian, its two halves stored big-endian.
/// </summary>
internal static class LogProbe
{
    private const uint Magic = 0x377f0682;
    private const int HeaderBytes = 32;
    private const int FrameHeaderBytes = 24;
    private const int FrameBytes = FrameHeaderBytes + DatabaseFile.PageBytes;

    /// <summary>Fault(Corrupt) when a commit that was acknowledged is damaged.</summary>
    public static void Check(string logPath)
    {
        var info = new FileInfo(logPath);
        if (!info.Exists || info.Length < HeaderBytes + FrameBytes)
        {
            return;
        }

        using var file = new FileStream(logPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 20);
        Span<byte> header = stackalloc byte[HeaderBytes];
        file.ReadExactly(header);
        ulong sum = 0;
        Sum(header[..24], ref sum);
        if (BinaryPrimitives.ReadUInt32BigEndian(header) != Magic || sum != BinaryPrimitives.ReadUInt64BigEndian(header[24..]))
        {
            throw Damaged(logPath, 0);
        }

        Frames(file, BinaryPrimitives.ReadUInt64BigEndian(header[16..]), sum, logPath);
    }

    private static void Frames(FileStream file, ulong salt, ulong sum, string logPath)
    {
        var frame = new byte[FrameBytes];
        var broken = 0L;
        var commits = 0;
        for (var number = 1L; file.ReadAtLeast(frame, FrameBytes, throwOnEndOfStream: false) == FrameBytes; number++)
        {
            Sum(frame.AsSpan(0, 8), ref sum);
            Sum(frame.AsSpan(FrameHeaderBytes), ref sum);
            var stored = BinaryPrimitives.ReadUInt64BigEndian(frame.AsSpan(16));
            var ofThisLog = BinaryPrimitives.ReadUInt64BigEndian(frame.AsSpan(8)) == salt;
            var whole = ofThisLog && sum == stored;
            if (!whole && broken == 0)
            {
                broken = number;
            }

            // From the first break on, a commit that ends whole and has another one before it was begun after that one was synced.
            if (broken > 0 && BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(4)) != 0 && (ofThisLog || number == broken))
            {
                if (whole && commits > 0)
                {
                    throw Damaged(logPath, broken);
                }

                commits++;
            }

            sum = stored;
        }
    }

    private static Fault Damaged(string logPath, long frame) =>
        new(FaultKind.Corrupt, $"{logPath} is damaged at frame {frame}, and commits that were acknowledged follow; nothing was changed", hint: "auraed restore of the last backup, or copy both files aside first") { Reason = "LOG_DAMAGED" };

    /// <summary>The high half is the first sum, the low half the second.</summary>
    private static void Sum(ReadOnlySpan<byte> bytes, ref ulong sum)
    {
        var (first, second) = ((uint)(sum >> 32), (uint)sum);
        var words = MemoryMarshal.Cast<byte, uint>(bytes);
        for (var index = 0; index < words.Length; index += 2)
        {
            first += words[index] + second;
            second += words[index + 1] + first;
        }

        sum = ((ulong)first << 32) | second;
    }
}
