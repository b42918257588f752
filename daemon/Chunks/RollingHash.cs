using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Auraed.Chunks;

/// <summary>
/// The 32-bit cyclic polynomial over a window of 48 bytes b0..b47 (b47 the newest): the exclusive or over i of table[b_i] rotated left by 47 - i. The hash
/// at position p covers the bytes p - 48 to p - 1.
/// </summary>
internal static class RollingHash
{
    public const int WindowBytes = 48;

    // What leaves has been rotated 48 times, which on 32 bits is 16.
    private const int LeavingRotation = WindowBytes % 32;

    private static readonly uint OfZeros = Seed(new byte[WindowBytes], WindowBytes);

    /// <summary>The hash at <paramref name="position"/>, which is at least 48, from nothing.</summary>
    public static uint Seed(ReadOnlySpan<byte> data, int position)
    {
        var hash = 0u;
        foreach (var value in data.Slice(position - WindowBytes, WindowBytes))
        {
            hash = BitOperations.RotateLeft(hash, 1) ^ BuzhashTable.Values[value];
        }

        return hash;
    }

    /// <summary>The first boundary after <paramref name="from"/> (at least 48) and up to <paramref name="to"/>; -1 when there is none.</summary>
    public static int FindBoundary(ReadOnlySpan<byte> data, int from, int to, Discriminator discriminator)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, WindowBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to, data.Length);
        var zerosEnd = !discriminator.IsBoundary(OfZeros);
        // Made once, as it is cleared when it is made.
        Span<uint> room = to - from >= WideHash.BlockBytes && WideHash.IsSupported ? stackalloc uint[WideHash.RoomNumbers] : [];
        while (to - from >= WideHash.BlockBytes)
        {
            if (zerosEnd && data[from] == 0 && data[from - WindowBytes] == 0)
            {
                // Of 48 zeros comes the same hash for ever: the next other byte is the first that can change it.
                var zeros = data[(from - WindowBytes)..to].IndexOfAnyExcept((byte)0);
                var skipped = zeros < 0 ? to - from : zeros - WindowBytes;
                if (skipped > 0)
                {
                    from += skipped;
                    continue;
                }
            }

            if (room.IsEmpty)
            {
                break;
            }

            var clean = WideHash.CountWithoutBoundary(data, from, discriminator, room);
            from += clean;
            if (clean < WideHash.BlockBytes)
            {
                return Roll(data, from, Math.Min(to, from + WideHash.LaneBytes), discriminator);
            }
        }

        return from < to ? Roll(data, from, to, discriminator) : -1;
    }

    /// <summary>One byte after the other, two to a step: of the two hashes the later one does not wait for the earlier.</summary>
    internal static int Roll(ReadOnlySpan<byte> data, int from, int to, Discriminator discriminator)
    {
        var hash = Seed(data, from);
        // Both ends were checked by the caller, and the table has 256 numbers: no index needs a check of its own.
        ref var entering = ref MemoryMarshal.GetReference(data);
        ref var leaving = ref Unsafe.Subtract(ref entering, WindowBytes);
        ref var table = ref MemoryMarshal.GetReference(BuzhashTable.Values);
        nint position = from;
        for (nint last = to - 1; position < last; position += 2)
        {
            var first = BitOperations.RotateLeft(Unsafe.Add(ref table, (nint)Unsafe.Add(ref leaving, position)), LeavingRotation)
                ^ Unsafe.Add(ref table, (nint)Unsafe.Add(ref entering, position));
            var second = BitOperations.RotateLeft(Unsafe.Add(ref table, (nint)Unsafe.Add(ref leaving, position + 1)), LeavingRotation)
                ^ Unsafe.Add(ref table, (nint)Unsafe.Add(ref entering, position + 1));
            var between = BitOperations.RotateLeft(hash, 1) ^ first;
            hash = BitOperations.RotateLeft(hash, 2) ^ BitOperations.RotateLeft(first, 1) ^ second;
            if (discriminator.IsBoundary(between))
            {
                return (int)position + 1;
            }

            if (discriminator.IsBoundary(hash))
            {
                return (int)position + 2;
            }
        }

        if (position < to)
        {
            var change = BitOperations.RotateLeft(Unsafe.Add(ref table, (nint)Unsafe.Add(ref leaving, position)), LeavingRotation)
                ^ Unsafe.Add(ref table, (nint)Unsafe.Add(ref entering, position));
            if (discriminator.IsBoundary(BitOperations.RotateLeft(hash, 1) ^ change))
            {
                return to;
            }
        }

        return -1;
    }
}
