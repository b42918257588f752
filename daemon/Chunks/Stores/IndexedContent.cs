using System.Buffers;
using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>
/// The content of an index as a stream, in order, each chunk checked where it comes from. A few chunks are fetched ahead of the reader, as many as the bounds on what is in flight
/// allow. Faults as of <see cref="StoreRouter.FetchAsync"/>. One reader; disposing ends what is being fetched.
/// </summary>
public sealed class IndexedContent : Stream
{
    private readonly AssetIndex _index;
    private readonly IndexedChunks _chunks;
    private readonly CancellationTokenSource _end;
    private readonly Queue<Task<(byte[] Content, int Length)>> _ahead = new();
    private readonly int _aheadMax;
    private int _next;
    private (byte[] Content, int Length) _chunk = ([], 0);
    private int _place;

    /// <param name="name">What the asset or its index is called, for faults.</param>
    public IndexedContent(AssetIndex index, string name, StoreRouter router, CancellationToken cancel)
    {
        _index = index;
        _chunks = new IndexedChunks(name, (id, target, token) => router.FetchAsync(id, index.Digest, target, token));
        _end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _aheadMax = AssetTransfer.ConcurrencyFor(index.Sizes, router.FetchesMax);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => _index.Length;

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_place == _chunk.Length)
        {
            for (; _ahead.Count < _aheadMax && _next < _index.Count; _next++)
            {
                _ahead.Enqueue(FetchAsync(_index[_next]));
            }

            if (_ahead.Count == 0)
            {
                return 0;
            }

            Return();
            _chunk = await _ahead.Dequeue().WaitAsync(cancellationToken);
            _place = 0;
        }

        var count = Math.Min(buffer.Length, _chunk.Length - _place);
        _chunk.Content.AsMemory(_place, count).CopyTo(buffer);
        _place += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        foreach (var fetch in _ahead)
        {
            await ((Task)fetch).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _ahead.Clear();
        Return();
        _end.Dispose();
        await base.DisposeAsync();
    }

    private async Task<(byte[] Content, int Length)> FetchAsync(AssetChunk chunk)
    {
        var content = ArrayPool<byte>.Shared.Rent(chunk.Length);
        try
        {
            await _chunks.ReadAsync(chunk.Id, chunk.Offset, content.AsMemory(0, chunk.Length), _end.Token);
            return (content, chunk.Length);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(content);
            throw;
        }
    }

    private void Return()
    {
        if (_chunk.Content.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_chunk.Content);
            _chunk = ([], 0);
            _place = 0;
        }
    }
}
