using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>A decompression context that is used again and again: one thread at a time, no allocation per frame.</summary>
public sealed unsafe partial class ZstdDecompressor : IDisposable
{
    private readonly ContextHandle _context;

    public ZstdDecompressor()
    {
        _context = ZSTD_createDCtx();
        if (_context.IsInvalid)
        {
            throw Zstd.OutOfMemory();
        }
    }

    /// <summary>
    /// Inflates one frame into a target that is as long as the content may be at most. A frame that declares more is refused before a byte is
    /// inflated, one that declares nothing when it would leave the target; so is whatever is not exactly one frame. False says why.
    /// </summary>
    public bool TryDecompress(ReadOnlySpan<byte> frame, Span<byte> target, out int length, out string wrong)
    {
        length = 0;
        if (!Zstd.IsSingleFrame(frame, out var declared, out wrong))
        {
            return false;
        }

        if (declared > target.Length)
        {
            wrong = $"declares {declared} bytes where at most {target.Length} may be";
            return false;
        }

        fixed (byte* from = frame)
        fixed (byte* to = target)
        {
            var written = ZSTD_decompressDCtx(_context, to, (nuint)target.Length, from, (nuint)frame.Length);
            if (Zstd.IsError(written))
            {
                wrong = $"cannot be inflated to at most {target.Length} bytes ({Zstd.ErrorName(written)})";
                return false;
            }

            length = (int)written;
            return true;
        }
    }

    public void Dispose() => _context.Dispose();

    internal sealed class ContextHandle() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle() => !Zstd.IsError(ZSTD_freeDCtx(handle));
    }

    [LibraryImport("libzstd")]
    private static partial ContextHandle ZSTD_createDCtx();

    [LibraryImport("libzstd")]
    private static partial nuint ZSTD_freeDCtx(nint context);

    [LibraryImport("libzstd")]
    private static partial nuint ZSTD_decompressDCtx(ContextHandle context, byte* target, nuint targetBytes, byte* source, nuint sourceBytes);
}
