using System.Globalization;
using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Chunks;

namespace Auraed.Tests.Unit.Chunks;

/// <summary>Chunks end where casync's end, however their bytes arrive. SEED= repeats a run.</summary>
public class ChunkerTests
{
    private static readonly int Seed = int.TryParse(Environment.GetEnvironmentVariable("SEED"), CultureInfo.InvariantCulture, out var given) ? given : Environment.TickCount;

    public static TheoryData<string> Vectors => [.. Directory.GetFiles(CasyncInputs.VectorPath(""), "*.caibx").Select(path => Path.GetFileName(path))];

    [Fact]
    public void The_inputs_of_the_vectors_are_those_that_casync_read()
    {
        var lines = File.ReadAllLines(CasyncInputs.VectorPath("inputs.sha256.txt"));
        Assert.Equal(16, lines.Length);
        foreach (var parts in lines.Select(line => line.Split(' ')))
        {
            var input = CasyncInputs.Make(parts[2]);
            Assert.Equal(string.Join(" ", parts), string.Join(" ", Convert.ToHexStringLower(SHA256.HashData(input)), input.Length.ToString(CultureInfo.InvariantCulture), parts[2]));
        }
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Every_index_of_casync_is_reproduced_byte_for_byte(string vector)
    {
        var expected = File.ReadAllBytes(CasyncInputs.VectorPath(vector));
        var (input, sizes) = Read(vector);
        Assert.Equal(expected, InOneSpan(input, sizes).ToByteArray());
        var random = new Random(Seed);
        foreach (var step in new[] { 1 << 20, 4097, 97 })
        {
            Assert.Equal(expected, Streamed(input, sizes, () => random.Next(1, step)).ToByteArray());
        }

        foreach (var span in new[] { 0, sizes.Max, sizes.Max + 777, 3 * sizes.Max })
        {
            Assert.Equal(expected, Parallel(input, sizes, span).ToByteArray());
        }
    }

    [Fact]
    public void Spans_join_exactly_whatever_the_content_and_the_sizes()
    {
        var random = new Random(Seed);
        foreach (var name in new[] { "mixed-6m", "repeat-4m", "zero-5m", "ver-b-4m", "text-3m" })
        {
            var input = CasyncInputs.Make(name);
            for (var round = 0; round < 4; round++)
            {
                var average = random.Next(200, 40_000);
                var sizes = ChunkSizes.Create(random.Next(1, average), average, random.Next(average, 4 * average));
                var expected = InOneSpan(input, sizes);
                var span = random.Next(sizes.Max, input.Length);
                Assert.True(expected.ToByteArray().AsSpan().SequenceEqual(Parallel(input, sizes, span).ToByteArray()), $"SEED={Seed} {name} {sizes} span {span}");
                Assert.True(expected.ToByteArray().AsSpan().SequenceEqual(Streamed(input, sizes, () => random.Next(1, 200_000)).ToByteArray()), $"SEED={Seed} {name} {sizes}");
            }
        }
    }

    [Fact]
    public void Boundaries_are_those_of_the_plain_rule()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 60; round++)
        {
            var input = new byte[random.Next(48, 60_000)];
            random.NextBytes(input);
            var hole = random.Next(input.Length);
            input.AsSpan(hole, random.Next(input.Length - hole)).Clear();
            var discriminator = new Discriminator((uint)random.Next(1, round % 2 == 0 ? 100 : 100_000));
            for (var from = 48; from < input.Length;)
            {
                var expected = PlainBoundary(input, from, discriminator.Value);
                Assert.True(expected == RollingHash.FindBoundary(input, from, input.Length, discriminator), $"SEED={Seed} round {round} from {from}");
                Assert.True(expected == RollingHash.Roll(input, from, input.Length, discriminator), $"SEED={Seed} round {round} from {from}");
                from = expected < 0 ? input.Length : Math.Max(expected, from + (input.Length / 40));
            }
        }
    }

    /// <summary>Which of the two a binary takes depends on what it was compiled for; both are to find what the rolling hash finds.</summary>
    [Fact]
    public void Lanes_are_searched_alike_by_four_and_by_eight()
    {
        var random = new Random(7);
        var rows = new uint[WideHash.RoomNumbers];
        var data = new byte[RollingHash.WindowBytes + WideHash.BlockBytes];
        var found = 0;
        for (var turn = 0; turn < 400; turn++)
        {
            random.NextBytes(data);
            // From a boundary in every lane to hardly any, odd, even and powers of two.
            var discriminator = new Discriminator((uint)random.Next(1, 1 << random.Next(2, 18)));
            var expected = Enumerable.Range(0, WideHash.BlockBytes / WideHash.LaneBytes).Select(lane => RollingHash.WindowBytes + (lane * WideHash.LaneBytes))
                .TakeWhile(from => RollingHash.Roll(data, from, from + WideHash.LaneBytes, discriminator) < 0).Count();
            expected = expected * WideHash.LaneBytes == WideHash.BlockBytes ? -1 : expected;
            found += expected < 0 ? 0 : 1;
            WideHash.LookUp(data, RollingHash.WindowBytes, rows);
            Assert.Equal(expected, WideHash.FindByFour(rows, discriminator));
            if (System.Runtime.Intrinsics.X86.Avx2.IsSupported)
            {
                Assert.Equal(expected, WideHash.FindByEight(rows, discriminator));
            }
        }

        Assert.InRange(found, 100, 390);
    }

    [Fact]
    public void The_test_without_a_division_is_the_one_with_it()
    {
        var random = new Random(Seed);
        uint[] hashes = [0, 1, uint.MaxValue, uint.MaxValue - 1, 0x7FFF_FFFF, 0x8000_0000];
        for (var round = 0; round < 20_000; round++)
        {
            var value = (uint)random.NextInt64(1, round % 3 == 0 ? 65 : 134_217_729);
            var discriminator = new Discriminator(value);
            var multiple = (uint)((random.NextInt64((uint.MaxValue / value) + 1L) * value) - 1);
            foreach (var hash in hashes.Append(multiple).Append(multiple + 1).Append((uint)random.NextInt64(1L << 32)))
            {
                Assert.True(hash % value == value - 1 == discriminator.IsBoundary(hash), $"SEED={Seed} {hash} % {value}");
            }
        }
    }

    [Theory]
    [InlineData(16384, 65536, 262144, 49535)]
    [InlineData(1024, 4096, 16384, 3075)]
    [InlineData(250, 1000, 4000, 750)]
    [InlineData(1048576, 4194304, 16777216, 5721670)]
    [InlineData(60000, 65536, 70000, 60000)]
    [InlineData(2097152, 8388608, 33554432, 33554432)]
    [InlineData(2331140, 9324561, 37298244, 37298244)]
    [InlineData(4194304, 16777216, 67108864, 67108864)]
    public void The_discriminator_is_casyncs(int min, int average, int max, uint expected) => Assert.Equal(expected, Discriminator.ValueOf(min, average, max));

    [Theory]
    [InlineData("64K", "16384:65536:262144")]
    [InlineData("65536", "16384:65536:262144")]
    [InlineData("3", "1:3:12")]
    [InlineData("128M", "33554432:134217728:134217728")]
    [InlineData("60000:65536:70000", "60000:65536:70000")]
    [InlineData("1K:4K:16K", "1024:4096:16384")]
    public void Sizes_follow_casyncs_rules(string text, string expected) => Assert.Equal(expected, ChunkSizes.Parse(text).ToString());

    [Fact]
    public void Missing_sizes_follow_from_given_ones()
    {
        Assert.Equal("16384:65536:262144", ChunkSizes.Create(16384, null, 262144).ToString());
        Assert.Equal("1000:4000:16000", ChunkSizes.Create(1000, null, null).ToString());
        Assert.Equal("1000:4000:16000", ChunkSizes.Create(null, null, 16000).ToString());
        Assert.Equal(ChunkSizes.Default, ChunkSizes.Create(null, null, null));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("1:2")]
    [InlineData("1::3")]
    [InlineData("4:3:5")]
    [InlineData("4:6:5")]
    [InlineData("129M")]
    [InlineData("64k")]
    [InlineData("99999999999999999999")]
    public void Sizes_that_are_none_are_refused_by_name(string text)
    {
        var fault = Assert.Throws<Fault>(() => ChunkSizes.Parse(text, "sizes"));
        Assert.Equal((FaultKind.Invalid, "sizes"), (fault.Kind, fault.Field));
    }

    [Fact]
    public void Equal_sizes_cut_by_length_alone()
    {
        var index = InOneSpan(CasyncInputs.Make("rand-16385"), ChunkSizes.Create(4096, 4096, 4096));
        Assert.Equal([4096, 4096, 4096, 4096, 1], Enumerable.Range(0, index.Count).Select(chunk => index[chunk].Length));
    }

    [Fact]
    public void Cutting_allocates_nothing_per_chunk()
    {
        var input = CasyncInputs.Make("rand-1m");
        var sizes = ChunkSizes.Parse("1K:4K:16K");
        using var chunker = new Chunker(sizes);
        CountAll(chunker, input);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var chunks = CountAll(chunker, input);
        Assert.True(chunks > 200);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024);
    }

    [Fact]
    public void Content_that_becomes_shorter_while_it_is_indexed_is_an_error()
    {
        var fault = Assert.Throws<Fault>(() => ParallelChunker.Index((_, _) => 0, 1000, ChunkSizes.Default, ChunkDigest.Sha256, workers: 2));
        Assert.Equal(FaultKind.Precondition, fault.Kind);
    }

    private static int CountAll(Chunker chunker, byte[] input)
    {
        var count = 0;
        for (var offset = 0; offset < input.Length;)
        {
            offset += chunker.Write(input.AsSpan(offset));
            while (chunker.TryRead(out var chunk))
            {
                _ = ChunkDigest.Sha256.Compute(chunk.Span);
                count++;
            }
        }

        return count;
    }

    private static int PlainBoundary(byte[] input, int from, uint discriminator)
    {
        for (var position = from + 1; position <= input.Length; position++)
        {
            if (RollingHash.Seed(input, position) % discriminator == discriminator - 1)
            {
                return position;
            }
        }

        return -1;
    }

    private static AssetIndex InOneSpan(ReadOnlySpan<byte> input, ChunkSizes sizes)
    {
        var builder = new AssetIndex.Builder(sizes);
        while (input.Length > 0)
        {
            var length = ChunkCut.Find(input, sizes);
            builder.Add(length, ChunkDigest.Sha256.Compute(input[..length]));
            input = input[length..];
        }

        return builder.Build();
    }

    private static AssetIndex Streamed(byte[] input, ChunkSizes sizes, Func<int> step)
    {
        var builder = new AssetIndex.Builder(sizes);
        using var chunker = new Chunker(sizes);
        for (var offset = 0; offset < input.Length;)
        {
            offset += chunker.Write(input.AsSpan(offset, Math.Min(step(), input.Length - offset)));
            Drain();
        }

        chunker.Complete();
        Drain();
        Assert.Equal(input.Length, chunker.Length);
        return builder.Build();

        void Drain()
        {
            while (chunker.TryRead(out var chunk))
            {
                builder.Add(chunk.Length, ChunkDigest.Sha256.Compute(chunk.Span));
            }
        }
    }

    private static AssetIndex Parallel(byte[] input, ChunkSizes sizes, int span) =>
        ParallelChunker.Index(
            (offset, buffer) =>
            {
                input.AsSpan((int)offset, buffer.Length).CopyTo(buffer);
                return buffer.Length;
            },
            input.Length, sizes, ChunkDigest.Sha256, workers: 2, spanBytes: span);

    private static (byte[] Input, ChunkSizes Sizes) Read(string vector)
    {
        var parts = vector.Split('.');
        var sizes = parts[0] switch
        {
            "def-sha256" => ChunkSizes.Default,
            "4k-sha256" => ChunkSizes.Parse("4K"),
            "clamp-sha256" => ChunkSizes.Parse("60000:65536:70000"),
            _ => throw new ArgumentOutOfRangeException(nameof(vector), vector, null),
        };
        return (CasyncInputs.Make(parts[1]), sizes);
    }
}
