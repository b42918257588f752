using System.Security.Cryptography;
using Auraed.Native;

namespace Auraed.Tests.Unit;

public sealed class DirectSha256Tests
{
    [Fact]
    public void It_hashes_what_the_runtime_hashes_at_every_length_around_its_blocks()
    {
        var data = new byte[100_000];
        new Random(1).NextBytes(data);
        Span<byte> hash = stackalloc byte[DirectSha256.HashBytes];
        foreach (var length in Enumerable.Range(0, 300).Append(data.Length))
        {
            DirectSha256.Hash(data.AsSpan(0, length), hash);
            Assert.Equal(Convert.ToHexString(SHA256.HashData(data.AsSpan(0, length))), Convert.ToHexString(hash));
        }
    }

    [Fact]
    public void The_output_may_lie_in_the_input_and_must_hold_the_hash()
    {
        var data = new byte[100];
        var expected = SHA256.HashData(data);
        DirectSha256.Hash(data, data.AsSpan(50));
        Assert.Equal(expected, data[50..82]);
        Assert.Throws<ArgumentException>(() => DirectSha256.Hash(data, new byte[31]));
    }
}
