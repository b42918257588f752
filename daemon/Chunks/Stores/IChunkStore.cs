using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>
/// A place outside the daemon where chunk files and indexes lie. Safe for many callers at once. What it answers is not checked here: whoever reads a chunk
/// checks it by its id, and an index is parsed.
///
/// Faults say whose fault it is: Unavailable (the network or the other side, now; the same call may go through later), Denied (credentials), Precondition (the
/// store cannot do it, or is not what its location says), Corrupt (it answers what cannot be a chunk file). Each names the store.
/// </summary>
public interface IChunkStore : IAsyncDisposable
{
    /// <summary>The location without credentials, for messages.</summary>
    string Name { get; }

    /// <summary>
    /// Reads a chunk's file, as it was compressed, into <paramref name="target"/>, and returns its bytes; -1 when the store does not have it. Fault(Corrupt) when it is
    /// longer than the target, without reading it to its end.
    /// </summary>
    Task<int> ReadAsync(ChunkId id, Memory<byte> target, CancellationToken cancel);

    /// <summary>
    /// Whether the store has the chunk; as of now. Who wrote it may have been cut off before flushing: what is found is durable after <see cref="FlushAsync"/>, as what is written.
    /// </summary>
    Task<bool> HasAsync(ChunkId id, CancellationToken cancel);

    /// <summary>
    /// Keeps a chunk's file. Idempotent. Readers see the whole file or none. Durable after <see cref="FlushAsync"/>, as far as the store can promise that.
    /// </summary>
    /// <param name="replaces">The file that is there is damaged, and goes; otherwise it may stay.</param>
    Task WriteAsync(ChunkId id, ReadOnlyMemory<byte> file, bool replaces, CancellationToken cancel);

    /// <summary>False when it is known that what was flushed may be lost with the power of the store's host. Fault(Precondition) when there is no store yet.</summary>
    Task<bool> CanSyncAsync(CancellationToken cancel);

    /// <summary>
    /// Returns when every chunk that was written or found is as durable as the store can make it. An index is written after this, so that it never names what a power cut took. What its
    /// disk refuses is Fault(Internal), and not tried again: the next sync may claim what this one lost.
    /// </summary>
    Task FlushAsync(CancellationToken cancel);

    /// <summary>An index file's bytes; null when there is none of that name. At most <see cref="Limits.AssetIndexBytesMax"/>.</summary>
    Task<byte[]?> ReadIndexAsync(IndexName name, CancellationToken cancel);

    /// <summary>Keeps an index file, in the place of one that has the name. Durable when it returns, as far as the store can promise that.</summary>
    Task WriteIndexAsync(IndexName name, ReadOnlyMemory<byte> bytes, CancellationToken cancel);
}
