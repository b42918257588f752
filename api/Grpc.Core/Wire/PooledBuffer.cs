using System.Buffers;

namespace Grpc.Core.Internal;

/// <summary>A growing buffer from the shared pool; Dispose gives it back.</summary>
internal sealed class PooledBuffer : IBufferWriter<byte>, IDisposable
{
    private const int FirstBytes = 4096;

    private byte[] _bytes = [];

    public int WrittenCount { get; private set; }
    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, WrittenCount);
    public ReadOnlySpan<byte> WrittenSpan => _bytes.AsSpan(0, WrittenCount);

    public void Advance(int count) => WrittenCount += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(1, sizeHint));
        return _bytes.AsMemory(WrittenCount);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(1, sizeHint));
        return _bytes.AsSpan(WrittenCount);
    }

    public void Dispose()
    {
        WrittenCount = 0;
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    private void Reserve(int count)
    {
        if (_bytes.Length - WrittenCount >= count)
            return;
        var grown = ArrayPool<byte>.Shared.Rent(Math.Max(FirstBytes, checked(Math.Max(WrittenCount * 2, WrittenCount + count))));
        WrittenSpan.CopyTo(grown);
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = grown;
    }
}
