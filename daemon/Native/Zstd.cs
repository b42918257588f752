using System.Runtime.InteropServices;
using Auraed.Base;

namespace Auraed.Native;

/// <summary>
/// What libzstd says of one frame before it is inflated, and the calls that the two contexts share. Frames as of RFC 8878, section 3.1.
/// </summary>
public static unsafe partial class Zstd
{
    /// <summary>A frame that does not say how long its content is; writers that stream leave it out.</summary>
    public const long LengthUnknown = -1;

    // The first field of a frame, little-endian; skippable frames (section 3.1.2) begin with another.
    private const uint FrameMagic = 0xFD2FB528;
    private const int MagicBytes = 4;

    private const ulong ContentSizeUnknown = ulong.MaxValue;
    private const ulong ContentSizeError = ulong.MaxValue - 1;

    /// <summary>Room that a frame of so many bytes takes at worst.</summary>
    public static int FrameBytesMax(int contentLength) => checked((int)ZSTD_compressBound((nuint)contentLength));

    /// <summary>
    /// True when the bytes are one frame from the first to the last, no skippable one, and <paramref name="contentLength"/> is what it declares or
    /// <see cref="LengthUnknown"/>. Only headers are read. <paramref name="wrong"/> says what it is otherwise.
    /// </summary>
    public static bool IsSingleFrame(ReadOnlySpan<byte> bytes, out long contentLength, out string wrong)
    {
        contentLength = LengthUnknown;
        if (bytes.Length < MagicBytes || MemoryMarshal.Read<uint>(bytes) != FrameMagic)
        {
            wrong = "does not begin with a zstd frame";
            return false;
        }

        fixed (byte* start = bytes)
        {
            var frameBytes = ZSTD_findFrameCompressedSize(start, (nuint)bytes.Length);
            if (ZSTD_isError(frameBytes) != 0)
            {
                wrong = $"is a damaged or cut zstd frame ({ErrorName(frameBytes)})";
                return false;
            }

            if (frameBytes != (nuint)bytes.Length)
            {
                wrong = $"has {(nuint)bytes.Length - frameBytes} bytes after its zstd frame";
                return false;
            }

            var declared = ZSTD_getFrameContentSize(start, (nuint)bytes.Length);
            if (declared == ContentSizeError || (declared != ContentSizeUnknown && declared > long.MaxValue))
            {
                wrong = "has a damaged zstd frame header";
                return false;
            }

            contentLength = declared == ContentSizeUnknown ? LengthUnknown : (long)declared;
            wrong = "";
            return true;
        }
    }

    internal static bool IsError(nuint code) => ZSTD_isError(code) != 0;

    internal static string ErrorName(nuint code) => Marshal.PtrToStringUTF8(ZSTD_getErrorName(code)) ?? "unknown error";

    internal static Fault OutOfMemory() => new(FaultKind.Exhausted, "no memory for a zstd context");

    [LibraryImport("libzstd")]
    private static partial nuint ZSTD_compressBound(nuint length);

    [LibraryImport("libzstd")]
    private static partial uint ZSTD_isError(nuint code);

    [LibraryImport("libzstd")]
    private static partial nint ZSTD_getErrorName(nuint code);

    [LibraryImport("libzstd")]
    private static partial nuint ZSTD_findFrameCompressedSize(byte* source, nuint length);

    [LibraryImport("libzstd")]
    private static partial ulong ZSTD_getFrameContentSize(byte* source, nuint length);
}
