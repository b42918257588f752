using Auraed.Store.Proof;

namespace Auraed.Store.Segments;

/// <summary>A segment that is about to be archived.</summary>
/// <param name="Parts">Its bytes, in order; each part is good until the next is asked for.</param>
/// <param name="Key">Signed its checkpoint; null leaves the signature unchecked.</param>
/// <param name="Time">Of archiving, nanoseconds since 1970 UTC.</param>
internal sealed record SegmentDraft(long First, long Last, IAsyncEnumerable<ReadOnlyMemory<byte>> Parts, CheckpointKey? Key, long Time);

/// <summary>
/// Where archived segments are put and found again; all that archiving knows of a place. Invariant: what is on record in <c>event_archive</c> was durable there,
/// was read back and verified.
/// </summary>
internal interface ISegmentPlace
{
    /// <summary>
    /// Writes the segment, makes it durable, reads it back, verifies it, and puts it on record. Not idempotent; killed at any step, it leaves nothing that counts.
    /// Fault(Corrupt) when it is not sound, Fault(Exhausted) when there is no room.
    /// </summary>
    Task<ArchivedSegment> PlaceAsync(SegmentDraft draft, Action<StoreProgress>? progress, CancellationToken cancel);

    /// <summary>What is wrong with a segment of this place, as it is now; null when it is what was archived and ends with this hash.</summary>
    Task<string?> FindWrongAsync(ArchivedSegment segment, byte[] lastHash, Action<StoreProgress>? progress, CancellationToken cancel);
}
