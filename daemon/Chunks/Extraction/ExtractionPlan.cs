namespace Auraed.Chunks.Extraction;

/// <summary>What is to be done for an asset: one job for each chunk that it has, with all the places where it stands.</summary>
internal sealed class ExtractionPlan
{
    private readonly Dictionary<ChunkId, (SeedFile Seed, long Offset, int Length)> _seeded = [];
    private readonly HashSet<(ChunkId Id, int Length)> _zeros = [];

    public ExtractionPlan(AssetIndex index, IReadOnlyList<SeedFile> seeds)
    {
        var jobs = new Dictionary<ChunkId, ExtractionJob>();
        var ordered = new List<ExtractionJob>();
        for (var position = 0; position < index.Count; position++)
        {
            var chunk = index[position];
            if (!jobs.TryGetValue(chunk.Id, out var job))
            {
                job = new ExtractionJob(chunk);
                jobs.Add(chunk.Id, job);
                ordered.Add(job);
            }
            else
            {
                job.Repeat(chunk);
            }
        }

        Jobs = ordered;
        foreach (var seed in seeds)
        {
            for (var position = 0; position < seed.Index.Count; position++)
            {
                var chunk = seed.Index[position];
                if (jobs.ContainsKey(chunk.Id))
                {
                    _seeded.TryAdd(chunk.Id, (seed, chunk.Offset, chunk.Length));
                }
            }
        }

        AddZeros(index);
    }

    /// <summary>In the order in which the chunks first stand in the asset.</summary>
    public IReadOnlyList<ExtractionJob> Jobs { get; }

    /// <summary>False also for zeros of another length than the index gives them: its chunk is fetched, and found to be another.</summary>
    public bool IsZeros(ExtractionJob job) => _zeros.Contains((job.Id, job.Length));

    public bool TryFindSeed(ChunkId id, out SeedFile seed, out long offset, out int length)
    {
        var isFound = _seeded.TryGetValue(id, out var place);
        (seed, offset, length) = place;
        return isFound;
    }

    // Zeros have no boundary: a run of them is chunks of the greatest size, and one that ends with the asset is shorter.
    private void AddZeros(AssetIndex index)
    {
        if (index.Count == 0)
        {
            return;
        }

        var zeros = new byte[index.Sizes.Max];
        foreach (var length in (int[])[zeros.Length, index[index.Count - 1].Length])
        {
            _zeros.Add((index.Digest.Compute(zeros.AsSpan(0, length)), length));
        }
    }
}

/// <summary>One chunk and the offsets where it stands. Most stand in one place.</summary>
internal sealed class ExtractionJob(AssetChunk first)
{
    private List<long>? _more;

    public ChunkId Id => first.Id;

    public int Length => first.Length;

    public long FirstOffset => first.Offset;

    /// <summary>Offsets after the first.</summary>
    public IReadOnlyList<long> MoreOffsets => (IReadOnlyList<long>?)_more ?? [];

    /// <summary>False when it says another length than before, which only an index that lies does.</summary>
    public bool IsConsistent { get; private set; } = true;

    public void Repeat(AssetChunk chunk)
    {
        IsConsistent &= chunk.Length == first.Length;
        (_more ??= []).Add(chunk.Offset);
    }
}
