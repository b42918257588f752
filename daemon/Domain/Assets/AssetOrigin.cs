using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Stores;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Store.Records;
using ChunkSizes = Auraed.Chunks.ChunkSizes;

namespace Auraed.Domain.Assets;

/// <summary>A published index.</summary>
/// <param name="Id">The asset's id, which is the SHA-256 of the index' bytes.</param>
/// <param name="Bytes">How long the index is.</param>
/// <param name="Pieces">The index, piece by piece; Fault(Aborted) when the asset goes meanwhile.</param>
public sealed record PublishedIndex(string Id, long Bytes, IAsyncEnumerable<byte[]> Pieces);

/// <summary>A published chunk.</summary>
/// <param name="File">Its file, which holds what its id says.</param>
/// <param name="Tag">The SHA-256 of the file: mending, or another backend, gives other bytes for the same content.</param>
public sealed record PublishedChunk(ReadOnlyMemory<byte> File, string Tag);

/// <summary>
/// What anybody may read: assets of the default tenant with an <see cref="AssetPublication"/>, as index NAME.caibx, and their chunks. A chunk that no published asset has is not there, whoever
/// holds it; when a publication goes, so does what it showed, with the next request.
/// </summary>
public sealed class AssetOrigin
{
    private readonly Database _database;
    private readonly ContentReader _reader;
    private readonly AssetIndexes _indexes;
    private readonly HotChunks _hot = new();
    private volatile PublishedChunks _published = PublishedChunks.None;

    internal AssetOrigin(Database database, ContentReader reader)
    {
        _database = database;
        _reader = reader;
        _indexes = new AssetIndexes(reader);
    }

    /// <summary>The chunks that were asked for most since the start.</summary>
    public IReadOnlyList<HotChunk> Hottest(int count) => _hot.Read(count);

    /// <summary>
    /// The chunk; null when it is not published. One that is archived comes from its backend. Fault(Corrupt) when it is damaged: a cache would keep it for ever.
    /// </summary>
    public async Task<PublishedChunk?> FindChunkAsync(ChunkId id, CancellationToken cancel)
    {
        const string what = "the published assets";
        byte[] digest = id.ToByteArray();
        int size = 0;
        ReadOnlyMemory<byte>? found = await _reader.FrameAsync(
            id,
            what,
            unit =>
            {
                StoredChunk? chunk = new ChunkRows(unit).Find(digest) is { } known && Published(unit).Contains(known.Number) ? known : null;
                size = chunk?.Size ?? 0;
                return chunk;
            },
            cancel).ConfigureAwait(false);
        if (found is not { } file)
        {
            return null;
        }

        Check(new LoadedChunk(0, size, id, file), what);
        _hot.Count(id);
        return new PublishedChunk(file, Convert.ToHexStringLower(SHA256.HashData(file.Span)));
    }

    /// <summary>Null when nothing is published under the name.</summary>
    public async Task<PublishedIndex?> FindIndexAsync(IndexName name, CancellationToken cancel)
    {
        string text = name.ToString();
        if (!text.EndsWith(IndexName.Extension, StringComparison.Ordinal))
        {
            return null;
        }

        string publicName = text[..^IndexName.Extension.Length];
        var found = await _database.ReadAsync(
            unit => PublicationRows.Find(unit, RecordNames.DefaultTenant, publicName) is { } publication
                ? AssetCatalog.Open(unit, new AssetName(RecordNames.DefaultTenant, publication.Asset, IsId: true))
                : ((StoredRecord Asset, StoredContent Content)?)null,
            cancel).ConfigureAwait(false);
        if (found is not { } open)
        {
            return null;
        }

        var asset = (Asset)open.Asset.Body;
        var isSound = ChunkSizes.TryCreate(asset.ChunkSizeMin, asset.ChunkSizeAvg, asset.ChunkSizeMax, out ChunkSizes sizes);
        Invariant.Hold(isSound);
        return new PublishedIndex(open.Asset.Name, AssetIndexFormat.BytesOf(open.Content.ChunkCount), _indexes.ReadAsync(open.Content, sizes, "asset " + open.Asset.Name, cancel));
    }

    private static void Check(LoadedChunk chunk, string what)
    {
        ChunkFile codec = ChunkFiles.Rent();
        byte[] content = ArrayPool<byte>.Shared.Rent(chunk.Size);
        try
        {
            _ = ContentReader.Inflate(codec, chunk, content, what);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(content);
            ChunkFiles.Return(codec);
        }
    }

    /// <summary>The chunks that an event withdrew and that no published asset has.</summary>
    /// <param name="sequence">Of the event by which a publication ended or moved.</param>
    /// <param name="asset">What it published, for an event that nothing was noted with: its chunks are known as long as it is there. Null when the event does not tell.</param>
    internal async IAsyncEnumerable<ChunkId> WithdrawnAsync(long sequence, string? asset, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (await _database.ReadAsync(unit => Withdrawn(unit, sequence, asset), cancel).ConfigureAwait(false) is not { } content)
        {
            yield break;
        }

        for (long offset = 0; offset < content.Size;)
        {
            (List<ChunkId> ids, long next) = await _database.ReadAsync(unit => Withdrawn(unit, content, offset), cancel).ConfigureAwait(false);
            foreach (ChunkId id in ids)
            {
                yield return id;
            }

            if (next == offset)
            {
                yield break;
            }

            offset = next;
        }
    }

    private static StoredContent? Withdrawn(ReadUnit unit, long sequence, string? asset) =>
        WithdrawalRows.Find(unit, sequence) is { } number ? new ContentRows(unit).Find(number)
        : asset is not null && new RecordRows(unit).Find(AssetTables.Assets, RecordNames.DefaultTenant, asset) is { } record ? new ContentRows(unit).OfAsset(record.RowId)
        : null;

    private (List<ChunkId> Ids, long Next) Withdrawn(ReadUnit unit, StoredContent content, long offset)
    {
        var ids = new List<ChunkId>();
        PublishedChunks published = Published(unit);
        var rows = new ChunkRows(unit);
        Span<byte> id = stackalloc byte[ChunkId.Bytes];
        foreach (PlacedChunk chunk in new ContentRows(unit).Read(content.Number, offset, 1))
        {
            offset = chunk.Offset + chunk.Entry.Size;
            if (!published.Contains(chunk.Entry.Number) && rows.TryReadId(chunk.Entry.Number, id))
            {
                ids.Add(new ChunkId(id));
            }
        }

        return (ids, offset);
    }

    private PublishedChunks Published(ReadUnit unit)
    {
        long[] assets = PublishedChunks.AssetsOf(PublicationRows.Read(unit, RecordNames.DefaultTenant, Limits.OriginPublicationsMax));
        PublishedChunks published = _published;
        if (!published.Assets.AsSpan().SequenceEqual(assets))
        {
            // Two requests may both read them; the answer of each is that of its own snapshot.
            _published = published = PublishedChunks.Read(unit, assets);
        }

        return published;
    }
}
