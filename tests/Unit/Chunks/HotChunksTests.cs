using Auraed.Chunks;
using Auraed.Domain.Assets;

namespace Auraed.Tests.Unit.Chunks;

/// <summary>Few places are enough to know which chunks are wanted most.</summary>
public class HotChunksTests
{
    [Fact]
    public void The_most_wanted_are_kept_and_counted_never_too_low()
    {
        var ids = Enumerable.Range(0, 200).Select(number => ChunkDigest.Sha256.Compute([(byte)number])).ToArray();
        var hot = new HotChunks(countMax: 40);
        var random = new Random(3);
        var real = new Dictionary<ChunkId, long>();
        for (var request = 0; request < 20_000; request++)
        {
            // The first five get half of all requests.
            var id = ids[random.Next(2) == 0 ? random.Next(5) : random.Next(200)];
            hot.Count(id);
            real[id] = real.GetValueOrDefault(id) + 1;
        }

        var hottest = hot.Read(5);
        Assert.Equal(ids.Take(5).Order(), hottest.Select(chunk => chunk.Id).Order());
        Assert.All(hottest, chunk => Assert.InRange(chunk.Count, real[chunk.Id], real[chunk.Id] + (20_000 / 40)));
        Assert.Equal(40, hot.Read(1000).Count);
    }
}
