using System.Runtime.CompilerServices;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Assets;
using Google.Protobuf;

namespace Auraed.Domain.Assets;

/// <summary>What one asset has and another lacks. What is in both is known by a bit for each chunk's number, so memory does not grow with the assets but with the numbers they span.</summary>
internal sealed class Deltas(Database database)
{
    private const int IdsPerMessage = 1024;

    public async IAsyncEnumerable<DeltaResponse> ReadAsync(DeltaRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        AssetName to = AssetRequests.Name(request.Tenant, request.To, "to");
        AssetName? from = request.From.Length == 0 ? null : AssetRequests.Name(request.Tenant, request.From, "from");
        (StoredContent target, StoredContent? source, long lastChunk) = await database.ReadAsync(
            unit => (AssetCatalog.Open(unit, to).Content, from is { } name ? AssetCatalog.Open(unit, name).Content : (StoredContent?)null, CollectionRows.Bounds(unit).LastChunk),
            cancel).ConfigureAwait(false);
        var seen = new LiveChunks(0, checked((int)Math.Min(lastChunk + 1, int.MaxValue)), 0, null);
        for (long offset = 0; source is { } content && offset < content.Size;)
        {
            offset = await MarkAsync(content, offset, seen, cancel).ConfigureAwait(false);
        }

        var sum = new DeltaSum { ChunkCount = target.ChunkCount };
        for (long offset = 0; offset < target.Size;)
        {
            (DeltaResponse message, offset) = await NextAsync(target, offset, seen, sum, cancel).ConfigureAwait(false);
            if (message.Missing.Count > 0)
            {
                yield return message;
            }
        }

        yield return new DeltaResponse { Sum = sum };
    }

    private Task<long> MarkAsync(StoredContent content, long offset, LiveChunks seen, CancellationToken cancel) => database.ReadAsync(
        unit =>
        {
            List<PlacedChunk> chunks = Read(unit, content, offset);
            chunks.ForEach(chunk => seen.TryMark(chunk.Entry.Number));
            return chunks[^1].Offset + chunks[^1].Entry.Size;
        },
        cancel);

    private Task<(DeltaResponse Message, long Next)> NextAsync(StoredContent content, long offset, LiveChunks seen, DeltaSum sum, CancellationToken cancel) => database.ReadAsync(
        unit =>
        {
            var rows = new ChunkRows(unit);
            var message = new DeltaResponse();
            byte[] id = new byte[Chunks.ChunkId.Bytes];
            List<PlacedChunk> chunks = Read(unit, content, offset);
            foreach (PlacedChunk chunk in chunks)
            {
                if (seen.TryMark(chunk.Entry.Number) && rows.TryReadId(chunk.Entry.Number, id))
                {
                    sum.MissingChunkCount++;
                    sum.MissingSize += chunk.Entry.Size;
                    sum.MissingStoredSize += rows.Find(chunk.Entry.Number)?.StoredSize ?? 0;
                    message.Missing.Add(new Chunk { Id = ByteString.CopyFrom(id), Size = (uint)chunk.Entry.Size });
                }
            }

            return (message, chunks[^1].Offset + chunks[^1].Entry.Size);
        },
        cancel);

    private static List<PlacedChunk> Read(ReadUnit unit, StoredContent content, long offset) => new ContentRows(unit).Read(content.Number, offset, IdsPerMessage) is { Count: > 0 } chunks
        ? chunks
        : throw new Fault(FaultKind.Aborted, "an asset was deleted while it was read", hint: "auraed assets ls") { Reason = "ASSET_GONE" };
}
