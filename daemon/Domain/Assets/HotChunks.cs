using Auraed.Base;
using Auraed.Chunks;

namespace Auraed.Domain.Assets;

/// <summary>A chunk and how often it was asked for.</summary>
/// <param name="Count">Never too low; too high by no more than the count of the rarest one that is kept.</param>
public readonly record struct HotChunk(ChunkId Id, long Count);

/// <summary>
/// The chunks that are asked for most, in bounded memory: Metwally's "space-saving" sketch. Who comes when all places are taken takes the place of the rarest, and
/// its count. Since the daemon started.
/// </summary>
internal sealed class HotChunks(int countMax = Limits.OriginHotChunksMax)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ChunkId, long> _counts = [];
    private readonly SortedSet<(long Count, ChunkId Id)> _order = [];

    public void Count(ChunkId id)
    {
        lock (_gate)
        {
            if (!_counts.TryGetValue(id, out var count) && _counts.Count == countMax)
            {
                var rarest = _order.Min;
                _order.Remove(rarest);
                _counts.Remove(rarest.Id);
                count = rarest.Count;
            }
            else
            {
                _order.Remove((count, id));
            }

            _counts[id] = count + 1;
            _order.Add((count + 1, id));
        }
    }

    /// <summary>The most wanted first.</summary>
    public IReadOnlyList<HotChunk> Read(int count)
    {
        lock (_gate)
        {
            return [.. _order.Reverse().Take(count).Select(entry => new HotChunk(entry.Id, entry.Count))];
        }
    }
}
