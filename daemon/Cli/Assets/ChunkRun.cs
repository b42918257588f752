using System.Buffers;
using System.Runtime.InteropServices;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Native;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Cli.Assets;

/// <summary>
/// Chunks that follow one another in an asset, on their way into a fresh file: inflated side by side, checked together, and written at once. Nothing that is not what its id says is written.
/// </summary>
/// <param name="first">The chunk of the index that is added first.</param>
/// <param name="place">Where they came from, for faults.</param>
/// <param name="progress">Told of bytes that are written.</param>
internal sealed class ChunkRun(AssetIndex index, int first, SafeFileHandle file, string place, Action<long> progress) : IDisposable
{
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(Limits.AssetRunBytes + index.Sizes.Max);
    private readonly ChunkFile _codec = ClientCodecs.Rent();
    private readonly List<int> _lengths = [];
    private readonly int _begin = first;
    private int _first = first;
    private int _length;

    private int Next => _first + _lengths.Count;

    /// <summary>Fault(Corrupt) when it is damaged; false when it is not as long as the index says.</summary>
    public bool TryAdd(ReadOnlySpan<byte> frame)
    {
        var chunk = index[Next];
        if (!_codec.TryInflate(frame, _buffer.AsSpan(_length, index.Sizes.Max), out var length, out var wrong))
        {
            throw Damaged(chunk.Id, wrong);
        }

        if (length != chunk.Length)
        {
            var found = ChunkDigest.Sha256.Compute(_buffer.AsSpan(_length, length));
            return found == chunk.Id ? false : throw Damaged(chunk.Id, ChunkFile.Other(length, ChunkDigest.Sha256, found));
        }

        _lengths.Add(length);
        _length += length;
        if (_length >= Limits.AssetRunBytes)
        {
            WriteRun();
        }

        return true;
    }

    /// <summary>All that is left; who fills the end of a piece of the file has the disk begin with it. What another writes later in it is left to the sync.</summary>
    public void Write()
    {
        WriteRun();
        var end = index[_first - 1].End;
        end -= end % Limits.WriteBackBytes;
        if (end > index[_begin].Offset)
        {
            var start = index[_begin].Offset;
            start -= start % Limits.WriteBackBytes;
            FileRanges.StartWriteBack(file, start, end - start);
        }
    }

    public void Dispose()
    {
        ClientCodecs.Return(_codec);
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    private void WriteRun()
    {
        Check();
        var from = 0;
        var to = 0;
        foreach (var length in _lengths)
        {
            // A fresh file reads as zeros where nothing was written, and needs no block there.
            if (!_buffer.AsSpan(to, length).ContainsAnyExcept((byte)0))
            {
                Write(from, to);
                from = to + length;
            }

            to += length;
        }

        Write(from, to);
        progress(_length);
        _first = Next;
        _lengths.Clear();
        _length = 0;
    }

    private void Write(int from, int to)
    {
        if (to > from)
        {
            RandomAccess.Write(file, _buffer.AsSpan(from..to), index[_first].Offset + from);
        }
    }

    private void Check()
    {
        var ids = new ChunkId[_lengths.Count];
        ChunkDigest.Sha256.Compute(_buffer, CollectionsMarshal.AsSpan(_lengths), ids);
        for (var chunk = 0; chunk < ids.Length; chunk++)
        {
            var id = index[_first + chunk].Id;
            if (ids[chunk] != id)
            {
                throw Damaged(id, ChunkFile.Other(_lengths[chunk], ChunkDigest.Sha256, ids[chunk]));
            }
        }
    }

    private Fault Damaged(ChunkId id, string wrong) => new(FaultKind.Corrupt, $"chunk {id} of {place} {wrong}");
}
