using System.Buffers;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Store;
using Auraed.Store.Assets;

namespace Auraed.Domain.Assets;

/// <summary>
/// Plain bytes into chunks: cut here, then hashed, and compressed where they are new, a batch at a time on all cores. What another tenant has is not compressed
/// again, and counts as new to this one all the same.
/// </summary>
internal sealed class PlainIntake(UploadSession session, WholeDigest whole, Database database) : IDisposable
{
    // With one chunk of the usual greatest size it fills a buffer of 2 MiB.
    private const int BatchBytes = 7 * 256 * 1024;

    private readonly Chunker _chunker = new(session.Plan.Sizes);
    private readonly byte[] _batch = ArrayPool<byte>.Shared.Rent(BatchBytes + session.Plan.Sizes.Max);
    private readonly List<Piece> _pieces = [];
    private int _length;

    // The hash of what is durable is caught up once, at the commit.
    private readonly bool _hashes = session.Length == 0;

    public async Task AddAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        if (bytes.Length > Limits.AssetDataBytesMax)
        {
            throw Fault.Invalid("data", $"data has {bytes.Length} bytes, at most {Limits.AssetDataBytesMax}");
        }

        while (!bytes.IsEmpty)
        {
            bytes = bytes[_chunker.Write(bytes.Span)..];
            await TakeAsync(cancel).ConfigureAwait(false);
        }
    }

    public async Task CompleteAsync(CancellationToken cancel)
    {
        _chunker.Complete();
        await TakeAsync(cancel).ConfigureAwait(false);
        await StoreAsync(cancel).ConfigureAwait(false);
    }

    public void Dispose()
    {
        _chunker.Dispose();
        ArrayPool<byte>.Shared.Return(_batch);
    }

    private async Task TakeAsync(CancellationToken cancel)
    {
        while (_chunker.TryRead(out ReadOnlyMemory<byte> chunk))
        {
            chunk.CopyTo(_batch.AsMemory(_length));
            _pieces.Add(new Piece { Offset = _length, Length = chunk.Length });
            _length += chunk.Length;
            if (_length >= BatchBytes || _pieces.Count >= Limits.AssetPlainPiecesMax)
            {
                await StoreAsync(cancel).ConfigureAwait(false);
            }
        }
    }

    private async Task StoreAsync(CancellationToken cancel)
    {
        if (_pieces.Count == 0)
        {
            return;
        }

        // The whole's digest is one long sum, so it goes beside the chunks' digests.
        Parallel.For(-1, _pieces.Count, index =>
        {
            if (index < 0)
            {
                if (_hashes)
                {
                    whole.Append(_batch.AsSpan(0, _length));
                }
            }
            else
            {
                Piece piece = _pieces[index];
                piece.Id = ChunkDigest.Sha256.Compute(_batch.AsSpan(piece.Offset, piece.Length));
            }
        });
        await database.ReadAsync(unit => Find(unit), cancel).ConfigureAwait(false);
        Parallel.ForEach(_pieces.Where(piece => piece.Known is null), Compress);
        foreach (Piece piece in _pieces)
        {
            if (piece.Known is { } known)
            {
                await session.AddAsync(known).ConfigureAwait(false);
                continue;
            }

            piece.Frame.AsSpan(0, piece.FrameLength).CopyTo(session.FrameRoom.Span);
            ArrayPool<byte>.Shared.Return(piece.Frame);
            await session.AddAsync(piece.Id, piece.Length, piece.FrameLength).ConfigureAwait(false);
        }

        _pieces.Clear();
        _length = 0;
    }

    private bool Find(ReadUnit unit)
    {
        var rows = new ChunkRows(unit);
        Span<byte> id = stackalloc byte[ChunkId.Bytes];
        foreach (Piece piece in _pieces)
        {
            piece.Id.CopyTo(id);
            piece.Known = rows.Find(id) is { IsSound: true } found ? found : null;
        }

        return true;
    }

    private void Compress(Piece piece)
    {
        ChunkFile file = ChunkFiles.Rent();
        piece.Frame = ArrayPool<byte>.Shared.Rent(ChunkFile.BytesMax(piece.Length));
        piece.FrameLength = file.Write(_batch.AsSpan(piece.Offset, piece.Length), piece.Frame);
        ChunkFiles.Return(file);
    }

    private sealed class Piece
    {
        public int Offset { get; init; }

        public int Length { get; init; }

        public ChunkId Id { get; set; }

        public StoredChunk? Known { get; set; }

        public byte[] Frame { get; set; } = [];

        public int FrameLength { get; set; }
    }
}
