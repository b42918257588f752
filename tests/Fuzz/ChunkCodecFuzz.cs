using System.Globalization;
using Auraed.Chunks;
using Auraed.Tests.Unit.Chunks;

namespace Auraed.Tests.Fuzz;

/// <summary>Whatever the bytes, the decoders of indexes and chunk files answer, and what they accept is right. SEED= repeats a run.</summary>
public class ChunkCodecFuzz
{
    private static readonly int Seed = int.TryParse(Environment.GetEnvironmentVariable("SEED"), CultureInfo.InvariantCulture, out var given) ? given : Environment.TickCount;

    [Fact]
    public void An_index_that_is_accepted_is_in_order_and_writes_the_same_bytes()
    {
        var random = new Random(Seed);
        var start = File.ReadAllBytes(CasyncInputs.VectorPath("def-sha256.rand-1m.caibx"));
        var accepted = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = Mutate(random, start);
            if (!AssetIndex.TryParse(bytes, out var index, out var wrong))
            {
                Assert.NotEqual("", wrong);
                continue;
            }

            accepted++;
            Assert.True(bytes.AsSpan().SequenceEqual(index.ToByteArray()), $"SEED={Seed} round {round}");
            for (var chunk = 0; chunk < index.Count; chunk++)
            {
                Assert.True(index[chunk].Length > 0 && index[chunk].Length <= index.Sizes.Max, $"SEED={Seed} round {round}");
            }
        }

        Assert.True(accepted > 100, $"SEED={Seed}: only {accepted} were indexes");
    }

    [Fact]
    public void A_chunk_file_that_is_accepted_holds_the_content()
    {
        var random = new Random(Seed);
        var content = CasyncInputs.Make("text-3m")[..20_000];
        var id = ChunkDigest.Sha256.Compute(content);
        using var files = new ChunkFile();
        var file = new byte[ChunkFile.BytesMax(content.Length)];
        file = file[..files.Write(content, file)];
        var target = new byte[64 * 1024];
        for (var round = 0; round < 20_000; round++)
        {
            if (files.TryRead(Mutate(random, file), id, ChunkDigest.Sha256, target, out var length, out var wrong))
            {
                Assert.True(content.AsSpan().SequenceEqual(target.AsSpan(0, length)), $"SEED={Seed} round {round}");
            }
            else
            {
                Assert.NotEqual("", wrong);
            }
        }
    }

    private static byte[] Mutate(Random random, byte[] start)
    {
        var bytes = start.ToList();
        for (var change = random.Next(1, 4); change > 0; change--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes.RemoveRange(at, Math.Min(random.Next(1, 50), bytes.Count - at)); break;
                case 3: bytes.InsertRange(at, start.Take(random.Next(1, 50))); break;
                default: bytes.InsertRange(at / 40 * 40, start.Skip(64).Take(40)); break;
            }

            if (bytes.Count == 0)
            {
                return [];
            }
        }

        return [.. bytes];
    }
}
