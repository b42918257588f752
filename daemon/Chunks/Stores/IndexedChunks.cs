using Auraed.Base;
using Auraed.Chunks.Extraction;

namespace Auraed.Chunks.Stores;

/// <summary>Fetches the chunks of one asset's index; whatever is wrong with one names the chunk, where it came from, and the asset.</summary>
/// <param name="name">What the asset or its index is called, for faults.</param>
public sealed class IndexedChunks(string name, FetchChunk fetch)
{
    /// <summary>Fills <paramref name="content"/>, which is as long as the index says that the chunk is. Faults as of the fetch; Fault(Corrupt) when the chunk has another length.</summary>
    /// <param name="offset">Where the asset has the chunk first.</param>
    public async Task ReadAsync(ChunkId id, long offset, Memory<byte> content, CancellationToken cancel)
    {
        int length;
        try
        {
            length = await fetch(id, content, cancel);
        }
        catch (Fault fault)
        {
            throw new Fault(fault.Kind, $"asset {name} lacks {content.Length} bytes at {offset}: {fault.Message}", fault.Field, fault.Hint, fault) { RetryAfter = fault.RetryAfter };
        }

        if (length != content.Length)
        {
            throw new Fault(FaultKind.Corrupt, $"index of {name} gives chunk {id} {content.Length} bytes, and it has {length}");
        }
    }
}
