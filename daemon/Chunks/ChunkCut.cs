using Auraed.Base;

namespace Auraed.Chunks;

/// <summary>Where the chunk ends that begins with the first byte given. It depends on nothing before that byte.</summary>
public static class ChunkCut
{
    /// <summary>The length of the first chunk of <paramref name="data"/>, which is all that is left, or at least <see cref="ChunkSizes.Max"/> of it. 0 for no data.</summary>
    public static int Find(ReadOnlySpan<byte> data, ChunkSizes sizes)
    {
        var tested = 0;
        return Find(data, sizes, ref tested, isLast: true);
    }

    /// <summary>The length of the first chunk, or 0 when its end needs more data.</summary>
    /// <param name="data">What there is of the chunk, and maybe more, from its first byte on.</param>
    /// <param name="tested">0 at first; then as it was left, while the same chunk goes on. What has been looked at is not looked at again.</param>
    /// <param name="isLast">No more data will come.</param>
    public static int Find(ReadOnlySpan<byte> data, ChunkSizes sizes, ref int tested, bool isLast)
    {
        var first = sizes.IsFixed ? sizes.Max : Math.Max(sizes.Min, RollingHash.WindowBytes);
        if (data.Length < first)
        {
            return isLast ? data.Length : 0;
        }

        if (sizes.IsFixed)
        {
            return first;
        }

        var position = tested;
        if (position < first)
        {
            position = first;
            if (position >= sizes.Max || sizes.Boundary.IsBoundary(RollingHash.Seed(data, position)))
            {
                return position;
            }
        }

        var end = Math.Min(data.Length, sizes.Max);
        Invariant.Hold(position <= end);
        var cut = position < end ? RollingHash.FindBoundary(data, position, end, sizes.Boundary) : -1;
        if (cut > 0)
        {
            return cut;
        }

        tested = end;
        return end == sizes.Max || isLast ? end : 0;
    }
}
