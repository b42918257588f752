using System.Buffers;
using Auraed.Base;

namespace Auraed.Store.Assets;

/// <summary>
/// Room for the frames of a batch, which the next batch uses again: frames are too long for the collector to make and drop hundreds of megabytes of them for one download. What it
/// has handed out is good until it is cleared or disposed.
/// </summary>
public sealed class FrameRoom : IDisposable
{
    private byte[] _bytes = [];
    private int _length;

    public void Clear() => _length = 0;

    /// <summary>Copies a frame in. False when it does not fit behind those that are there; alone, any fits.</summary>
    public bool TryAdd(ReadOnlySpan<byte> frame, out ReadOnlyMemory<byte> copy)
    {
        copy = default;
        if (frame.Length > _bytes.Length - _length)
        {
            if (_length > 0)
            {
                return false;
            }

            Dispose();
            _bytes = ArrayPool<byte>.Shared.Rent(Math.Max(frame.Length, Limits.AssetReadBytes));
        }

        frame.CopyTo(_bytes.AsSpan(_length));
        copy = _bytes.AsMemory(_length, frame.Length);
        _length += frame.Length;
        return true;
    }

    public void Dispose()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        (_bytes, _length) = ([], 0);
    }
}
