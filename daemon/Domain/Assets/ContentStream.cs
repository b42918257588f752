using System.Buffers;
using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Store.Assets;

namespace Auraed.Domain.Assets;

/// <summary>
/// A content for a reader of streams: from its first byte to its last, each chunk checked by its id, hashed on the way. A read holds its thread until the file or the
/// backend has answered. Faults are those of <see cref="ContentReader"/>.
/// </summary>
/// <param name="what">For faults, as "asset 12ab...".</param>
internal sealed class ContentStream(ContentReader reader, StoredContent content, string what, CancellationToken cancel) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Queue<LoadedChunk> _loaded = new();
    private readonly FrameRoom _room = new();
    private byte[] _chunk = ArrayPool<byte>.Shared.Rent(Limits.AssetChunkBytesMax);
    private long _offset;
    private int _start;
    private int _end;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => content.Size;

    public override long Position
    {
        get => _offset - (_end - _start);
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty || (_start == _end && !TryInflate()))
        {
            return 0;
        }

        int count = Math.Min(buffer.Length, _end - _start);
        _chunk.AsSpan(_start, count).CopyTo(buffer);
        _hash.AppendData(buffer[..count]);
        _start += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>Reads what is left; answers the SHA-256 of all bytes.</summary>
    public byte[] Finish()
    {
        byte[] rest = ArrayPool<byte>.Shared.Rent(Limits.SegmentReadBytes);
        while (Read(rest) > 0)
        {
            // Only the hash is wanted.
        }

        ArrayPool<byte>.Shared.Return(rest);
        return _hash.GetHashAndReset();
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (_chunk.Length > 0)
        {
            _hash.Dispose();
            _room.Dispose();
            ArrayPool<byte>.Shared.Return(_chunk);
            _chunk = [];
        }

        base.Dispose(disposing);
    }

    private bool TryInflate()
    {
        if (_offset >= content.Size)
        {
            return false;
        }

        if (_loaded.Count == 0)
        {
            foreach (LoadedChunk loaded in reader.ReadAsync(content, _offset, _room, what, cancel).GetAwaiter().GetResult())
            {
                _loaded.Enqueue(loaded);
            }
        }

        LoadedChunk chunk = _loaded.Dequeue();
        Chunks.ChunkFile file = ChunkFiles.Rent();
        (_start, _end) = (0, ContentReader.Inflate(file, chunk, _chunk, what));
        ChunkFiles.Return(file);
        _offset = chunk.End;
        return true;
    }
}
