using Auraed.Base;

namespace Auraed.Chunks.Extraction;

/// <summary>Puts a chunk's content into the target, checked by its id, and returns its length. Called from many threads.</summary>
public delegate Task<int> FetchChunk(ChunkId id, Memory<byte> target, CancellationToken cancel);

/// <summary>How an asset is written to a file.</summary>
public sealed record ExtractionOptions
{
    /// <summary>Files that may hold parts of the asset. What stands in them is checked when it is used; one that changes meanwhile costs a fetch, and nothing else.</summary>
    public IReadOnlyList<string> Seeds { get; init; } = [];

    /// <summary>
    /// Changes the file that is there, chunk by chunk, and leaves what is right already. Until the end it is neither the old one nor the new one; run again, it goes on. Without
    /// this a new file is made beside it and takes its name when it is whole.
    /// </summary>
    public bool IsInPlace { get; init; }

    /// <summary>Chunks that are fetched or copied at a time.</summary>
    public int WorkersMax { get; init; } = Limits.StoreFetchesDefault;

    /// <summary>Threads that cut seeds.</summary>
    public int SeedWorkersMax { get; init; } = 1;
}

/// <summary>Where the bytes of an extracted file came from; together they are its length.</summary>
/// <param name="Fetched">From the stores.</param>
/// <param name="Seeded">Copied from seeds.</param>
/// <param name="Cloned">Shared with seeds, block by block; part of <paramref name="Seeded"/>.</param>
/// <param name="Kept">That were there already.</param>
/// <param name="Repeated">Of chunks that came once and stand in more than one place.</param>
/// <param name="Holes">Zeros, which take no block.</param>
/// <param name="ChunksFetched">Number of chunks that the stores were asked for.</param>
public sealed record ExtractionSummary(long Fetched, long Seeded, long Cloned, long Kept, long Repeated, long Holes, long ChunksFetched)
{
    public long Total => Fetched + Seeded + Kept + Repeated + Holes;
}
