using System.Buffers;
using System.Diagnostics;
using Auraed.Base;

namespace Auraed.Chunks;

/// <summary>Reads bytes at an offset into the whole buffer, and returns how many there were; fewer only at the end.</summary>
public delegate int ReadAt(long offset, Span<byte> buffer);

/// <summary>
/// Indexes content that can be read anywhere, on many cores, exactly as one core would. The content is divided into spans, and each is cut as if a chunk began at
/// its start. A cut depends on nothing before its chunk, so from the first chunk on that begins where one of the span before ends, the two go on alike: up to
/// there the former span is cut on, and from there the later span's chunks are taken.
/// </summary>
public static class ParallelChunker
{
    /// <summary>Their ids are made together.</summary>
    private const int ChunksAtOnce = 32;

    /// <param name="read">Called from all workers at once.</param>
    /// <param name="progress">Told how many more bytes are indexed, from all workers; null for nobody.</param>
    /// <param name="spanBytes">At least the greatest chunk; 0 for the usual.</param>
    public static AssetIndex Index(
        ReadAt read, long length, ChunkSizes sizes, ChunkDigest digest, int workers, Action<long>? progress = null, int spanBytes = 0, CancellationToken cancel = default)
    {
        spanBytes = Math.Max(spanBytes == 0 ? Limits.ChunkingSpanBytes : spanBytes, sizes.Max);
        var spans = new List<(int Length, ChunkId Id)>[(length + spanBytes - 1) / spanBytes];
        var work = new Work(read, length, sizes, digest);
        try
        {
            Parallel.For(0, spans.Length, new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancel }, span =>
            {
                var start = (long)span * spanBytes;
                var end = Math.Min(start + spanBytes, length);
                spans[span] = [];
                work.Cut(start, end, spans[span], cancel);
                progress?.Invoke(end - start);
            });
        }
        catch (AggregateException failure)
        {
            // Spans that fail do so for one reason: a read.
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure.InnerExceptions[0]);
            throw new UnreachableException();
        }

        return work.Join(spans, spanBytes, cancel);
    }

    private sealed class Work(ReadAt read, long length, ChunkSizes sizes, ChunkDigest digest)
    {
        /// <summary>The chunks from <paramref name="start"/> on; the last is the first that ends at <paramref name="end"/> or later. Returns where that is.</summary>
        public long Cut(long start, long end, List<(int Length, ChunkId Id)> chunks, CancellationToken cancel)
        {
            using var reader = new Reader(read, length, sizes, start);
            var lengths = new int[ChunksAtOnce];
            var ids = new ChunkId[ChunksAtOnce];
            while (start < end)
            {
                cancel.ThrowIfCancellationRequested();
                var some = reader.Next(end - start, lengths, out var count);
                digest.Compute(some, lengths.AsSpan(0, count), ids);
                for (var chunk = 0; chunk < count; chunk++)
                {
                    chunks.Add((lengths[chunk], ids[chunk]));
                }

                start += some.Length;
            }

            return start;
        }

        public AssetIndex Join(List<(int Length, ChunkId Id)>[] spans, int spanBytes, CancellationToken cancel)
        {
            var builder = new AssetIndex.Builder(sizes, digest);
            for (var span = 0; span < spans.Length; span++)
            {
                // What is indexed so far reaches into this span; it may even reach past it.
                var end = Math.Min((long)(span + 1) * spanBytes, length);
                var position = (long)span * spanBytes;
                var next = 0;
                while (builder.Length < end)
                {
                    while (next < spans[span].Count && position < builder.Length)
                    {
                        position += spans[span][next++].Length;
                    }

                    if (position == builder.Length && next < spans[span].Count)
                    {
                        Append(builder, spans[span], next);
                        break;
                    }

                    var one = new List<(int Length, ChunkId Id)>(1);
                    Cut(builder.Length, builder.Length + 1, one, cancel);
                    Append(builder, one, 0);
                }

                spans[span] = [];
            }

            Invariant.Hold(builder.Length == length);
            return builder.Build();
        }

        private static void Append(AssetIndex.Builder builder, List<(int Length, ChunkId Id)> chunks, int from)
        {
            for (var chunk = from; chunk < chunks.Count; chunk++)
            {
                builder.Add(chunks[chunk].Length, chunks[chunk].Id);
            }
        }
    }

    /// <summary>Chunks one after the other, from a start on.</summary>
    private sealed class Reader(ReadAt read, long length, ChunkSizes sizes, long offset) : IDisposable
    {
        private readonly int _wanted = Math.Max(sizes.Max, RollingHash.WindowBytes);
        private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(2 * Math.Max(sizes.Max, RollingHash.WindowBytes), Limits.ChunkingReadBytes));
        private long _offset = offset;
        private int _start;
        private int _end;

        private bool IsShort => _end - _start < _wanted && _offset < length;

        /// <summary>The next chunks, one behind the other, as many as are in the buffer; none begins more than <paramref name="bytes"/> further on.</summary>
        public ReadOnlySpan<byte> Next(long bytes, Span<int> lengths, out int count)
        {
            if (IsShort)
            {
                Fill();
            }

            var first = _start;
            count = 0;
            do
            {
                lengths[count] = ChunkCut.Find(_buffer.AsSpan(_start.._end), sizes);
                _start += lengths[count++];
            }
            while (count < lengths.Length && _start - first < bytes && _start < _end && !IsShort);

            return _buffer.AsSpan(first.._start);
        }

        public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

        private void Fill()
        {
            _buffer.AsSpan(_start.._end).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
            var wanted = (int)Math.Min(_buffer.Length - _end, length - _offset);
            var count = read(_offset, _buffer.AsSpan(_end, wanted));
            if (count != wanted)
            {
                throw new Fault(FaultKind.Precondition, $"the content became shorter while it was read: it ended at {_offset + count}, not {length}");
            }

            _end += count;
            _offset += count;
        }
    }
}
