using System.Buffers;
using Auraed.Base;

namespace Auraed.Chunks;

/// <summary>
/// Cuts a stream of bytes into chunks as they come:
/// <code>
/// while ((count = stream.Read(chunker.GetSpan())) > 0)
/// {
///     chunker.Advance(count);
///     while (chunker.TryRead(out var chunk)) { ... }
/// }
/// chunker.Complete();
/// while (chunker.TryRead(out var chunk)) { ... }
/// </code>
/// Invariants: holds at most two chunks of the greatest size, in one buffer for its whole life; every byte is looked at once. Of one thread at a time.
/// </summary>
public sealed class Chunker : IDisposable
{
    // Enough to read that a move of what is left of a chunk is rare.
    private const int ReadBytesMin = 64 * 1024;

    private readonly ChunkSizes _sizes;
    private byte[] _buffer;
    private int _start;
    private int _end;
    private int _tested;
    private bool _isComplete;

    public Chunker(ChunkSizes sizes)
    {
        _sizes = sizes;
        // A window that is longer than the greatest chunk still fits.
        _buffer = ArrayPool<byte>.Shared.Rent((2 * Math.Max(sizes.Max, RollingHash.WindowBytes)) + ReadBytesMin);
    }

    /// <summary>Bytes that were written so far.</summary>
    public long Length { get; private set; }

    /// <summary>Where to put the next bytes: never empty once <see cref="TryRead"/> has answered false. The last chunk read is gone after this call.</summary>
    public Memory<byte> GetMemory()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_buffer.Length - _end < ReadBytesMin && _start > 0)
        {
            _buffer.AsSpan(_start.._end).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        return _buffer.AsMemory(_end);
    }

    /// <inheritdoc cref="GetMemory"/>
    public Span<byte> GetSpan() => GetMemory().Span;

    /// <summary>Says how many bytes were put there.</summary>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _buffer.Length - _end);
        Invariant.Hold(!_isComplete);
        _end += count;
        Length += count;
    }

    /// <summary>Copies as many bytes as there is room for and returns how many; read chunks, then come with the rest.</summary>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        var target = GetSpan();
        var count = Math.Min(bytes.Length, target.Length);
        bytes[..count].CopyTo(target);
        Advance(count);
        return count;
    }

    /// <summary>No more bytes will come; what is left is the last chunk.</summary>
    public void Complete() => _isComplete = true;

    /// <summary>The next chunk, valid until <see cref="GetMemory"/> or <see cref="Write"/>. False when more bytes are needed, or when it was the last.</summary>
    public bool TryRead(out ReadOnlyMemory<byte> chunk)
    {
        var length = ChunkCut.Find(_buffer.AsSpan(_start.._end), _sizes, ref _tested, _isComplete);
        chunk = _buffer.AsMemory(_start, length);
        if (length == 0)
        {
            return false;
        }

        _start += length;
        _tested = 0;
        return true;
    }

    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }
}
