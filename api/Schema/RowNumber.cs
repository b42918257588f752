using Google.Protobuf.WellKnownTypes;

namespace Aurae.Schema;

/// <summary>Numbers and times as columns hold them.</summary>
public static class RowNumber
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Nanoseconds since 1970 UTC: the years 1678 to 2262.</summary>
    public static long Nanoseconds(Timestamp value, string path) => value.Nanos is < 0 or >= (int)NanosecondsPerSecond
        ? throw new FieldValueException(path, $"{path}: nanos is from 0 to 999999999")
        : Join(value.Seconds, value.Nanos, path);

    /// <summary>Nanoseconds, up to 292 years either way.</summary>
    public static long Nanoseconds(Duration value, string path) =>
        value.Nanos is <= -(int)NanosecondsPerSecond or >= (int)NanosecondsPerSecond || (value.Seconds > 0 && value.Nanos < 0) || (value.Seconds < 0 && value.Nanos > 0)
            ? throw new FieldValueException(path, $"{path}: nanos has the sign of seconds and is less than a second")
            : Join(value.Seconds, value.Nanos, path);

    public static Timestamp Timestamp(long nanoseconds)
    {
        var (seconds, rest) = Math.DivRem(nanoseconds, NanosecondsPerSecond);
        return rest < 0
            ? new Timestamp { Seconds = seconds - 1, Nanos = (int)(rest + NanosecondsPerSecond) }
            : new Timestamp { Seconds = seconds, Nanos = (int)rest };
    }

    public static Duration Duration(long nanoseconds) =>
        new() { Seconds = nanoseconds / NanosecondsPerSecond, Nanos = (int)(nanoseconds % NanosecondsPerSecond) };

    /// <summary>The value itself; SQLite turns NaN into NULL, so that no column holds it.</summary>
    public static double Real(double value, string path) =>
        double.IsNaN(value) ? throw new FieldValueException(path, $"{path} is not a number") : value;

    /// <summary>The length of a vector in bytes: none, or as many elements as the field declares.</summary>
    public static ReadOnlySpan<byte> Vector(ReadOnlySpan<byte> value, int dimensions, string path) =>
        value.Length == 0 || value.Length == dimensions * sizeof(float)
            ? value
            : throw new FieldValueException(path, $"{path} holds {value.Length} bytes; {dimensions} elements of 4 bytes are wanted");

    private static long Join(long seconds, int nanoseconds, string path)
    {
        var sum = (Int128)seconds * NanosecondsPerSecond + nanoseconds;
        return sum >= long.MinValue && sum <= long.MaxValue ? (long)sum : throw new FieldValueException(path, $"{path} is out of range");
    }
}
