using System.Numerics;
using System.Runtime.CompilerServices;

namespace Auraed.Chunks;

/// <summary>
/// casync's test for the end of a chunk, hash mod d == d - 1, without a division. That is to say that d divides hash + 1; with d = odd * 2^k it
/// does if and only if (hash + 1) * odd^-1 mod 2^32, rotated right by k, is at most (2^32 - 1) / d. The one hash whose successor wraps to 0 would
/// pass, and is right only where d is a power of two; elsewhere the range begins at 1.
/// </summary>
public readonly struct Discriminator
{
    private readonly uint _inverse;
    private readonly uint _rangeFirst;
    private readonly uint _rangeLength;
    private readonly int _rotation;

    public Discriminator(uint value)
    {
        ArgumentOutOfRangeException.ThrowIfZero(value);
        Value = value;
        _rotation = BitOperations.TrailingZeroCount(value);
        _inverse = InverseOf(value >> _rotation);
        _rangeFirst = BitOperations.IsPow2(value) ? 0u : 1u;
        _rangeLength = (uint.MaxValue / value) - _rangeFirst;
    }

    public uint Value { get; }

    internal uint Inverse => _inverse;

    internal int Rotation => _rotation;

    /// <summary>A rotated product is in the range when it is at most <see cref="RangeLength"/> after this is taken off.</summary>
    internal uint RangeFirst => _rangeFirst;

    internal uint RangeLength => _rangeLength;

    /// <summary>
    /// casync's formula in its order of operations, IEEE doubles, truncated, then held within min and max. Above an average of 9324560 the quotient is
    /// negative, which casync reads as huge.
    /// </summary>
    public static uint ValueOf(int min, int average, int max)
    {
        var quotient = average / ((-1.42888852e-7 * average) + 1.33237515);
        var value = quotient < 0 || quotient > max ? max : (int)quotient;
        return (uint)Math.Max(value, min);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsBoundary(uint hash) => BitOperations.RotateRight((hash + 1) * _inverse, _rotation) - _rangeFirst <= _rangeLength;

    /// <summary>The inverse of an odd number modulo 2^32, by Newton's iteration: each step doubles the bits that are right, three at first.</summary>
    private static uint InverseOf(uint odd)
    {
        var inverse = odd;
        for (var step = 0; step < 4; step++)
        {
            inverse *= 2 - (odd * inverse);
        }

        return inverse;
    }
}
