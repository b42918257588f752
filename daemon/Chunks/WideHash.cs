using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Auraed.Chunks;

/// <summary>
/// The rolling hash of 4 KiB as eight lanes of 512 bytes that roll side by side, to learn whether there is a boundary among them. A number of the
/// table is looked up once for each byte, not once for entering and once for leaving: the lookups are kept, and 48 rows later they leave.
///
///     row r, lane l: the table's number of byte from + l * 512 + r - 48;  rows 0..47 are the window before the lane
///
/// The lanes are one vector with AVX2, and two with SSE4.1: a binary that is compiled ahead of time for every x86-64 asks the processor for SSE4.1, and takes AVX2 as absent.
/// </summary>
internal static class WideHash
{
    public const int LaneBytes = 512;
    public const int BlockBytes = LaneBytes * Lanes;

    /// <summary>32-bit numbers of working room.</summary>
    public const int RoomNumbers = Rows * Lanes;

    private const int Lanes = 8;

    // What turns an unsigned comparison into one of signed numbers, which is all that there is.
    private const uint Sign = 0x8000_0000;
    private const int Rows = RollingHash.WindowBytes + LaneBytes;

    public static bool IsSupported => Sse41.IsSupported;

    /// <summary>
    /// <see cref="BlockBytes"/> when none of the positions <paramref name="from"/> + 1 to <paramref name="from"/> + 4096 is a boundary; else the start, relative
    /// to <paramref name="from"/>, of the first lane that has one.
    /// </summary>
    /// <param name="rows">Room to work in: <see cref="RoomNumbers"/>, whatever is in there.</param>
    public static int CountWithoutBoundary(ReadOnlySpan<byte> data, int from, Discriminator discriminator, Span<uint> rows)
    {
        LookUp(data, from, rows);
        var found = Avx2.IsSupported ? FindByEight(rows, discriminator) : FindByFour(rows, discriminator);
        return found < 0 ? BlockBytes : found * LaneBytes;
    }

    internal static void LookUp(ReadOnlySpan<byte> data, int from, Span<uint> rows)
    {
        ref var table = ref MemoryMarshal.GetReference(BuzhashTable.Values);
        // Checks both ends once: what is read below lies between them.
        var block = data.Slice(from - RollingHash.WindowBytes, RollingHash.WindowBytes + BlockBytes);
        for (var lane = 0; lane < Lanes; lane++)
        {
            ref var source = ref Unsafe.Add(ref MemoryMarshal.GetReference(block), lane * LaneBytes);
            ref var target = ref Unsafe.Add(ref MemoryMarshal.GetReference(rows), lane);
            for (nint row = 0; row < Rows; row += sizeof(ulong))
            {
                // Indexes of the machine's own width: others would be widened one by one.
                var eight = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref source, row));
                ref var first = ref Unsafe.Add(ref target, row * Lanes);
                first = Unsafe.Add(ref table, (nint)(byte)eight);
                Unsafe.Add(ref first, 1 * Lanes) = Unsafe.Add(ref table, (nint)(byte)(eight >> 8));
                Unsafe.Add(ref first, 2 * Lanes) = Unsafe.Add(ref table, (nint)(byte)(eight >> 16));
                Unsafe.Add(ref first, 3 * Lanes) = Unsafe.Add(ref table, (nint)(byte)(eight >> 24));
                Unsafe.Add(ref first, 4 * Lanes) = Unsafe.Add(ref table, (nint)(byte)(eight >> 32));
                Unsafe.Add(ref first, 5 * Lanes) = Unsafe.Add(ref table, (nint)(byte)(eight >> 40));
                Unsafe.Add(ref first, 6 * Lanes) = Unsafe.Add(ref table, (nint)(byte)(eight >> 48));
                Unsafe.Add(ref first, 7 * Lanes) = Unsafe.Add(ref table, (nint)(eight >> 56));
            }
        }
    }

    /// <summary>The first lane with a boundary; -1 when no lane has one. With AVX2.</summary>
    internal static int FindByEight(ReadOnlySpan<uint> rows, Discriminator discriminator)
    {
        ref var first = ref MemoryMarshal.GetReference(rows);
        var hash = Vector256<uint>.Zero;
        for (var row = 0; row < RollingHash.WindowBytes; row++)
        {
            hash = Rotated(hash) ^ Vector256.LoadUnsafe(ref first, (nuint)(row * Lanes));
        }

        // The test of Discriminator, with both sides' sign bits turned.
        var inverse = Vector256.Create(discriminator.Inverse);
        var offset = Vector256.Create(discriminator.RangeFirst + Sign);
        var range = Vector256.Create((int)(discriminator.RangeLength ^ Sign));
        var right = Vector128.CreateScalar((uint)discriminator.Rotation);
        var left = Vector128.CreateScalar(32 - (uint)discriminator.Rotation);
        // Within each number its two halves change places: a rotation by 16. Written out here, as a call would push the loop's registers to the stack.
        var swap = Vector256.Create((byte)2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
        var none = Vector256<int>.AllBitsSet;
        for (nuint row = 0; row < LaneBytes; row++)
        {
            var leaving = Vector256.LoadUnsafe(ref first, row * Lanes);
            var entering = Vector256.LoadUnsafe(ref first, (row + RollingHash.WindowBytes) * Lanes);
            hash = Rotated(hash) ^ (Avx2.Shuffle(leaving.AsByte(), swap).AsUInt32() ^ entering);
            var product = Avx2.MultiplyLow(hash, inverse) + inverse;
            var quotient = Avx2.ShiftRightLogical(product, right) | Avx2.ShiftLeftLogical(product, left);
            none &= Avx2.CompareGreaterThan((quotient - offset).AsInt32(), range);
        }

        return FirstOf(~none.AsUInt32().ExtractMostSignificantBits());
    }

    /// <summary>The same in two halves of four lanes, with SSE4.1.</summary>
    internal static int FindByFour(ReadOnlySpan<uint> rows, Discriminator discriminator)
    {
        ref var first = ref MemoryMarshal.GetReference(rows);
        var (lower, upper) = (Vector128<uint>.Zero, Vector128<uint>.Zero);
        for (nuint row = 0; row < RollingHash.WindowBytes; row++)
        {
            lower = Rotated(lower) ^ Vector128.LoadUnsafe(ref first, row * Lanes);
            upper = Rotated(upper) ^ Vector128.LoadUnsafe(ref first, (row * Lanes) + (Lanes / 2));
        }

        var inverse = Vector128.Create(discriminator.Inverse);
        var offset = Vector128.Create(discriminator.RangeFirst + Sign);
        var range = Vector128.Create((int)(discriminator.RangeLength ^ Sign));
        var right = Vector128.CreateScalar((uint)discriminator.Rotation);
        var left = Vector128.CreateScalar(32 - (uint)discriminator.Rotation);
        var swap = Vector128.Create((byte)2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
        var (lowerNone, upperNone) = (Vector128<int>.AllBitsSet, Vector128<int>.AllBitsSet);
        for (nuint row = 0; row < LaneBytes; row++)
        {
            ref var leaving = ref Unsafe.Add(ref first, row * Lanes);
            ref var entering = ref Unsafe.Add(ref first, (row + RollingHash.WindowBytes) * Lanes);
            lower = Rotated(lower) ^ (Ssse3.Shuffle(Vector128.LoadUnsafe(ref leaving).AsByte(), swap).AsUInt32() ^ Vector128.LoadUnsafe(ref entering));
            upper = Rotated(upper) ^ (Ssse3.Shuffle(Vector128.LoadUnsafe(ref leaving, Lanes / 2).AsByte(), swap).AsUInt32() ^ Vector128.LoadUnsafe(ref entering, Lanes / 2));
            var lowerProduct = Sse41.MultiplyLow(lower, inverse) + inverse;
            var upperProduct = Sse41.MultiplyLow(upper, inverse) + inverse;
            var lowerQuotient = Sse2.ShiftRightLogical(lowerProduct, right) | Sse2.ShiftLeftLogical(lowerProduct, left);
            var upperQuotient = Sse2.ShiftRightLogical(upperProduct, right) | Sse2.ShiftLeftLogical(upperProduct, left);
            lowerNone &= Sse2.CompareGreaterThan((lowerQuotient - offset).AsInt32(), range);
            upperNone &= Sse2.CompareGreaterThan((upperQuotient - offset).AsInt32(), range);
        }

        return FirstOf((uint)~(Sse.MoveMask(lowerNone.AsSingle()) | (Sse.MoveMask(upperNone.AsSingle()) << (Lanes / 2))));
    }

    private static int FirstOf(uint lanes)
    {
        lanes &= (1u << Lanes) - 1;
        return lanes == 0 ? -1 : System.Numerics.BitOperations.TrailingZeroCount(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Rotated(Vector128<uint> hash) => (hash + hash) | Sse2.ShiftRightLogical(hash, 31);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Rotated(Vector256<uint> hash) => Avx2.ShiftLeftLogical(hash, 1) | Avx2.ShiftRightLogical(hash, 31);
}
