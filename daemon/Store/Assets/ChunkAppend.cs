using Auraed.Base;

namespace Auraed.Store.Assets;

/// <summary>A chunk on its way into a content.</summary>
/// <param name="Id">32 bytes.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="Frame">The bytes as one zstd frame, checked against the id; empty when the chunk is there already.</param>
/// <param name="Number">Of the chunk that is there; 0 when it came with a frame.</param>
public readonly record struct IncomingChunk(ReadOnlyMemory<byte> Id, int Size, ReadOnlyMemory<byte> Frame, long Number);

/// <summary>What an append did.</summary>
/// <param name="Content">The content as it is now.</param>
/// <param name="Added">Chunks that the tenant did not hold before.</param>
/// <param name="Sums">All that the tenant holds now.</param>
/// <param name="Gone">Places in the batch of chunks that are not in the file any more, or known to be damaged; then nothing was written.</param>
public sealed record AppendResult(StoredContent Content, HolderSums Added, HolderSums Sums, IReadOnlyList<int> Gone);

/// <summary>
/// Appends chunks to an upload's content in one unit of work: new chunks, the part that refers to them, what the tenant holds. Invariants: a chunk is never
/// without a part that refers to it from its first moment on; a chunk that a part refers to is not condemned.
/// </summary>
public static class ChunkAppend
{
    /// <summary>The reason of a fault that no more chunks of such sizes mend.</summary>
    public const string TooManyChunks = "TOO_MANY_CHUNKS";

    /// <summary>Fault(Invalid) when the content would have more chunks than an asset may.</summary>
    /// <param name="unit">The writer's.</param>
    /// <param name="upload">Fault(Aborted) when it is gone, or is not at <paramref name="offset"/> because another call goes on with it.</param>
    /// <param name="offset">Where the first chunk begins.</param>
    /// <param name="chunks">In the order of the content; at least one.</param>
    public static AppendResult Run(WriteUnit unit, long upload, long offset, ReadOnlySpan<IncomingChunk> chunks)
    {
        var contents = new ContentRows(unit);
        if (!new UploadRows(unit).Touch(upload, unit.Now) || contents.OfUpload(upload) is not { } content || content.Size != offset)
        {
            throw new Fault(FaultKind.Aborted, "the upload was given up, or another call goes on with it", hint: "ask GetUpload how far it is, and go on from there") { Reason = "UPLOAD_MOVED" };
        }

        if (content.ChunkCount + chunks.Length > Limits.AssetChunksCountMax)
        {
            throw new Fault(
                FaultKind.Invalid, $"an asset has at most {Limits.AssetChunksCountMax} chunks, and this upload has more", "header.chunk_sizes",
                "take larger chunks, as in auraed assets put FILE --chunk-size 256K")
            { Reason = TooManyChunks };
        }

        var rows = new ChunkRows(unit);
        var holders = new HolderRows(unit);
        List<int>? gone = null;
        for (int index = 0; index < chunks.Length; index++)
        {
            IncomingChunk chunk = chunks[index];
            if (chunk.Frame.IsEmpty && (rows.Find(chunk.Number) is not { IsSound: true } found || found.Size != chunk.Size))
            {
                (gone ??= []).Add(index);
            }
        }

        if (gone is not null)
        {
            return new AppendResult(content, default, default, gone);
        }

        bool rescues = IsAnyCondemned(unit);
        var added = default(HolderSums);
        var entries = new PartEntry[chunks.Length];
        for (int index = 0; index < chunks.Length; index++)
        {
            IncomingChunk chunk = chunks[index];
            StoredChunk stored = chunk.Frame.IsEmpty ? rows.Find(chunk.Number)!.Value : rows.Add(chunk.Id.Span, chunk.Size, chunk.Frame.Span);
            if (rescues)
            {
                Rescue(unit, stored.Number);
            }

            if (holders.Hold(content.Holder, stored.Number))
            {
                added = new HolderSums(added.ChunkCount + 1, added.Size + stored.Size, added.StoredSize + stored.StoredSize);
            }

            entries[index] = new PartEntry(stored.Number, stored.Size);
        }

        HolderSums sums = holders.Add(content.Holder, added);
        return new AppendResult(contents.Append(content, entries), added, sums, []);
    }

    private static bool IsAnyCondemned(WriteUnit unit)
    {
        Statement select = unit.Prepare("SELECT 1 FROM chunk_condemned LIMIT 1");
        bool isAny = select.Step();
        select.Reset();
        return isAny;
    }

    private static void Rescue(WriteUnit unit, long number)
    {
        Statement delete = unit.Prepare("DELETE FROM chunk_condemned WHERE number = ?");
        delete.Integer(0, number);
        _ = delete.Execute();
    }
}
