using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit.Chunks;

/// <summary>
/// The inputs of the conformance vectors. Block i of a stream is SHA-256(label, 0, i as 64 bits little-endian); blocks follow each other and are cut.
/// </summary>
public static class CasyncInputs
{
    private const int MiB = 1024 * 1024;

    public static string VectorPath(string file) => Repository.Path("tests", "Vectors", "casync", file);

    public static byte[] Make(string name) => name switch
    {
        "empty-0" => [],
        "rand-1" => Stream(name, 1),
        "rand-47" => Stream(name, 47),
        "rand-48" => Stream(name, 48),
        "rand-49" => Stream(name, 49),
        "rand-16383" => Stream(name, 16383),
        "rand-16k" => Stream(name, 16384),
        "rand-16385" => Stream(name, 16385),
        "rand-1m" => Stream(name, MiB),
        "rand-20m" => Stream(name, 20 * MiB),
        "zero-5m" => new byte[5 * MiB],
        "repeat-4m" => Repeat(Stream("repeat", 100003), 4 * MiB),
        "text-3m" => Text(3 * MiB),
        "ver-a-4m" => Stream("versioned", 4 * MiB),
        "ver-b-4m" => VersionB(),
        "mixed-6m" => [.. Stream("mixA", 700001), .. new byte[3 * MiB], .. Stream("mixB", 1500007), .. new byte[123457], .. Stream("mixC", 900001)],
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };

    public static byte[] Stream(string label, int length)
    {
        var bytes = new byte[(length + 31) / 32 * 32];
        byte[] seed = [.. Encoding.ASCII.GetBytes(label), 0, .. new byte[8]];
        for (var block = 0; block < bytes.Length / 32; block++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(seed.AsSpan(^8..), block);
            SHA256.HashData(seed, bytes.AsSpan(block * 32));
        }

        return bytes[..length];
    }

    private static byte[] Repeat(byte[] period, int length)
    {
        var bytes = new byte[length];
        for (var offset = 0; offset < length; offset += period.Length)
        {
            period.AsSpan(0, Math.Min(period.Length, length - offset)).CopyTo(bytes.AsSpan(offset));
        }

        return bytes;
    }

    private static byte[] Text(int length)
    {
        var text = new StringBuilder();
        for (var line = 0; text.Length < length; line++)
        {
            text.Append($"{line:D8} the quick brown fox jumps over the lazy dog\n");
        }

        return Encoding.ASCII.GetBytes(text.ToString(0, length));
    }

    private static byte[] VersionB()
    {
        var bytes = new List<byte>(Make("ver-a-4m"));
        bytes.RemoveRange(3 * MiB, 5000);
        bytes.RemoveRange(2 * MiB, 64);
        bytes.InsertRange(2 * MiB, Stream("patch", 64));
        bytes.InsertRange(MiB, Stream("insert", 4099));
        bytes.Insert(100, (byte)'!');
        return [.. bytes];
    }
}
