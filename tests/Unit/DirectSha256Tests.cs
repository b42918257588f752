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

    /// <summary>Few and many, short ones among long ones: lanes end and are taken anew in every order.</summary>
    [Fact]
    public void Messages_side_by_side_have_the_hashes_that_each_has_by_itself()
    {
        var random = new Random(2);
        for (var round = 0; round < 500; round++)
        {
            var lengths = Enumerable.Range(0, random.Next(1, 14)).Select(_ => random.Next(4) == 0 ? 50 + random.Next(90) : random.Next(random.Next(1, 9000))).ToArray();
            var messages = new byte[lengths.Sum()];
            random.NextBytes(messages);
            var hashes = new byte[lengths.Length * DirectSha256.HashBytes];
            DirectSha256.Hash(messages, lengths, hashes);
            var start = 0;
            for (var message = 0; message < lengths.Length; message++)
            {
                var expected = SHA256.HashData(messages.AsSpan(start, lengths[message]));
                Assert.True(hashes.AsSpan(message * DirectSha256.HashBytes, DirectSha256.HashBytes).SequenceEqual(expected), $"{message} of {string.Join(' ', lengths)}");
                start += lengths[message];
            }
        }
    }

    /// <summary>FIPS 180-4's examples, as NIST publishes them.</summary>
    [Fact]
    public void Known_messages_have_the_published_hashes()
    {
        string[] messages = ["abc", "", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"];
        string[] expected =
        [
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ];
        var hashes = new byte[messages.Length * DirectSha256.HashBytes];
        DirectSha256.Hash(System.Text.Encoding.ASCII.GetBytes(string.Concat(messages)), messages.Select(message => message.Length).ToArray(), hashes);
        Assert.Equal(expected, hashes.Chunk(DirectSha256.HashBytes).Select(Convert.ToHexStringLower));
    }

    [Fact]
    public void Lengths_that_reach_beyond_the_messages_or_the_room_are_refused()
    {
        Assert.Throws<ArgumentException>(() => DirectSha256.Hash(new byte[10], [5, 6], new byte[64]));
        Assert.Throws<ArgumentException>(() => DirectSha256.Hash(new byte[10], [-1, 6], new byte[64]));
        Assert.Throws<ArgumentException>(() => DirectSha256.Hash(new byte[10], [5, 5], new byte[63]));
        Assert.Throws<ArgumentException>(() => DirectSha256.Hash(new byte[10], [int.MaxValue, int.MaxValue, 5], new byte[96]));
        DirectSha256.Hash([], [], []);
    }
}
