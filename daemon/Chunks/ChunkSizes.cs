using System.Globalization;
using Auraed.Base;

namespace Auraed.Chunks;

/// <summary>
/// How long chunks are: at least <see cref="Min"/> but for the last one, at most <see cref="Max"/>, and <see cref="Average"/> in the mean. The
/// rules by which missing ones follow from given ones are casync's, and so is <see cref="Discriminator"/>. Always within limits and in order.
/// </summary>
public sealed record ChunkSizes
{
    private const int SpreadFactor = 4;

    private ChunkSizes(int min, int average, int max)
    {
        Min = min;
        Average = average;
        Max = max;
        Boundary = new Discriminator(Discriminator.ValueOf(min, average, max));
    }

    /// <summary>16 KiB, 64 KiB, 256 KiB: what casync and desync take when nothing is said.</summary>
    public static ChunkSizes Default { get; } = new(16 * 1024, 64 * 1024, 256 * 1024);

    public int Min { get; }

    public int Average { get; }

    public int Max { get; }

    /// <summary>Which hashes end a chunk.</summary>
    public Discriminator Boundary { get; }

    /// <summary>All three are one: the content is cut by length alone.</summary>
    public bool IsFixed => Min == Max;

    /// <summary>The three as an index declares them. False when one is out of bounds or they are out of order.</summary>
    public static bool TryCreate(ulong min, ulong average, ulong max, out ChunkSizes sizes)
    {
        if (min < 1 || max > Limits.ChunkBytesMax || average < min || average > max)
        {
            sizes = Default;
            return false;
        }

        sizes = min == (ulong)Default.Min && average == (ulong)Default.Average && max == (ulong)Default.Max ? Default : new ChunkSizes((int)min, (int)average, (int)max);
        return true;
    }

    /// <summary>Fills in what is null. Fault(Invalid) names <paramref name="field"/>.</summary>
    public static ChunkSizes Create(int? min, int? average, int? max, string field = "chunk_size")
    {
        long mean = average ?? (min, max) switch
        {
            ({ } low, { } high) => (long)Math.Round(Math.Pow(2, (Math.Log2(low) + Math.Log2(high)) / 2)),
            ({ } low, null) => (long)low * SpreadFactor,
            (null, { } high) => high / SpreadFactor,
            _ => Default.Average,
        };
        long low2 = min ?? Math.Max(mean / SpreadFactor, 1);
        long high2 = max ?? Math.Min(mean * SpreadFactor, Limits.ChunkBytesMax);
        if (low2 < 1 || high2 < 1 || !TryCreate((ulong)low2, (ulong)Math.Max(mean, 0), (ulong)high2, out var sizes))
        {
            throw Fault.Invalid(field, $"{field} {low2}:{mean}:{high2} is not 1 <= min <= average <= max <= {Limits.ChunkBytesMax}", $"take the usual {Default}");
        }

        return sizes;
    }

    /// <summary><c>AVG</c> or <c>MIN:AVG:MAX</c>, each a number of bytes with K or M behind it for KiB and MiB. Fault(Invalid) names the field.</summary>
    public static ChunkSizes Parse(string text, string field = "chunk_size")
    {
        var parts = text.Split(':');
        return parts.Length switch
        {
            1 => Create(null, ParseBytes(parts[0]), null, field),
            3 => Create(ParseBytes(parts[0]), ParseBytes(parts[1]), ParseBytes(parts[2]), field),
            _ => throw Wrong(),
        };

        int ParseBytes(string part)
        {
            var factor = part.EndsWith('K') ? 1024 : part.EndsWith('M') ? 1024 * 1024 : 1;
            return long.TryParse(factor == 1 ? part : part[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                && count is > 0 and <= Limits.ChunkBytesMax && count * factor <= Limits.ChunkBytesMax ? (int)(count * factor) : throw Wrong();
        }

        Fault Wrong() => Fault.Invalid(field, $"{field} '{text}' is neither AVG nor MIN:AVG:MAX, of 1 to 128M each", "as in 64K or 16K:64K:256K");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Min}:{Average}:{Max}");
}
