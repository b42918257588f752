using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Store.Assets;

namespace Auraed.Domain.Assets;

/// <summary>The index of a content, as the bytes of its .caibx file, in bounded pieces.</summary>
internal sealed class AssetIndexes(ContentReader reader)
{
    public async IAsyncEnumerable<byte[]> ReadAsync(StoredContent content, ChunkSizes sizes, string what, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        yield return AssetIndexFormat.Head(AssetIndexFormat.BlobFlags(ChunkDigest.Sha256), sizes);
        long count = 0;
        for (long offset = 0; offset < content.Size;)
        {
            List<LoadedChunk> chunks = await reader.ReadAsync(content, offset, room: null, what, cancel).ConfigureAwait(false);
            byte[] entries = new byte[chunks.Count * AssetIndexFormat.EntryBytes];
            for (int index = 0; index < chunks.Count; index++)
            {
                AssetIndexFormat.WriteEntry(entries.AsSpan(index * AssetIndexFormat.EntryBytes), chunks[index].End, chunks[index].Id);
            }

            count += chunks.Count;
            offset = chunks[^1].End;
            yield return entries;
        }

        Invariant.Hold(count == content.ChunkCount);
        yield return AssetIndexFormat.Tail(count);
    }

    /// <summary>The CAID: the SHA-256 of the index' bytes.</summary>
    public async Task<string> IdAsync(StoredContent content, ChunkSizes sizes, string what, CancellationToken cancel)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await foreach (byte[] piece in ReadAsync(content, sizes, what, cancel).ConfigureAwait(false))
        {
            hash.AppendData(piece);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
