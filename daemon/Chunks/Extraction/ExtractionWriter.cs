using System.Buffers;
using Auraed.Base;
using Auraed.Chunks.Stores;
using Auraed.Native;
using Auraed.Store;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Chunks.Extraction;

/// <summary>Does the jobs of a plan on one file, many at a time. A job reads its chunk from the nearest place that has it, checks it, and writes it where it belongs.</summary>
internal sealed class ExtractionWriter(
    AssetIndex index, string assetName, FetchChunk fetch, SafeFileHandle file, ExtractionPlan plan, bool isFresh, Action<long>? progress)
{
    // A file system that shares blocks has them of this size, or of a part of it.
    private const int BlockBytes = 4096;

    private readonly IndexedChunks _chunks = new(assetName, fetch);
    private long _fetched;
    private long _seeded;
    private long _cloned;
    private long _kept;
    private long _repeated;
    private long _holes;
    private long _chunksFetched;
    private volatile bool _canClone = true;

    public ExtractionSummary Summary => new(_fetched, _seeded, _cloned, _kept, _repeated, _holes, _chunksFetched);

    public async Task RunAsync(int workersMax, CancellationToken cancel)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = AssetTransfer.ConcurrencyFor(index.Sizes, workersMax), CancellationToken = cancel };
        await Parallel.ForEachAsync(plan.Jobs, parallel, async (job, token) =>
        {
            if (!job.IsConsistent)
            {
                throw new Fault(FaultKind.Corrupt, $"index of {assetName} gives chunk {job.Id} two lengths");
            }

            if (plan.IsZeros(job))
            {
                WriteHoles(job);
                return;
            }

            var buffer = ArrayPool<byte>.Shared.Rent(job.Length);
            try
            {
                await WriteAsync(job, buffer.AsMemory(0, job.Length), token);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }

            CrashPoint.Reach("extract.chunk");
        });
    }

    private async Task WriteAsync(ExtractionJob job, Memory<byte> content, CancellationToken cancel)
    {
        var kept = isFresh ? -1 : FindKept(job, content.Span);
        if (kept < 0)
        {
            if (TrySeed(job, content.Span))
            {
                Count(ref _seeded, job.Length);
            }
            else
            {
                await _chunks.ReadAsync(job.Id, job.FirstOffset, content, cancel);
                Write(content.Span, job.FirstOffset);
                Interlocked.Increment(ref _chunksFetched);
                Count(ref _fetched, job.Length);
            }

            kept = 0;
        }
        else
        {
            Count(ref _kept, job.Length);
        }

        Repeat(job, kept, content.Span);
    }

    /// <summary>Which of the places holds the chunk already, 0 for the first; -1 for none. Its content is then in the buffer.</summary>
    private int FindKept(ExtractionJob job, Span<byte> content)
    {
        for (var place = 0; place <= job.MoreOffsets.Count; place++)
        {
            if (Holds(job, place == 0 ? job.FirstOffset : job.MoreOffsets[place - 1], content))
            {
                return place;
            }
        }

        return -1;
    }

    private bool Holds(ExtractionJob job, long offset, Span<byte> content) =>
        SeedFile.ReadAll(file, offset, content) == content.Length
        // Where nothing was written yet there are zeros, and this chunk is none: no need to hash them.
        && content.ContainsAnyExcept((byte)0) && index.Digest.Compute(content) == job.Id;

    private bool TrySeed(ExtractionJob job, Span<byte> content)
    {
        if (!plan.TryFindSeed(job.Id, out var seed, out var offset, out var length) || length != job.Length
            || SeedFile.ReadAll(seed.File, offset, content) != length || index.Digest.Compute(content) != job.Id)
        {
            return false;
        }

        var cloned = _canClone ? Clone(seed.File, offset, job.FirstOffset, length) : 0;
        if (cloned == 0)
        {
            Write(content, job.FirstOffset);
            return true;
        }

        var head = Aligned(job.FirstOffset) - job.FirstOffset;
        Write(content[..(int)head], job.FirstOffset);
        Write(content[(int)(head + cloned)..], job.FirstOffset + head + cloned);
        // The seed may have changed between its check and the clone.
        if (SeedFile.ReadAll(file, job.FirstOffset, content) != length || index.Digest.Compute(content) != job.Id)
        {
            return false;
        }

        Interlocked.Add(ref _cloned, cloned);
        return true;
    }

    /// <summary>Shares the whole blocks within the chunk, when they lie alike in both files. Returns their bytes, 0 when there are none or it cannot be done.</summary>
    private long Clone(SafeFileHandle seed, long from, long to, int length)
    {
        if ((from - to) % BlockBytes != 0)
        {
            return 0;
        }

        var head = Aligned(to) - to;
        var bytes = (length - head) / BlockBytes * BlockBytes;
        if (bytes <= 0)
        {
            return 0;
        }

        if (FileRanges.TryClone(seed, from + head, file, to + head, bytes))
        {
            return bytes;
        }

        // Two file systems, or one that cannot: asking for every chunk would be in vain.
        _canClone = false;
        return 0;
    }

    private void Repeat(ExtractionJob job, int done, Span<byte> content)
    {
        if (job.MoreOffsets.Count == 0)
        {
            return;
        }

        byte[]? room = null;
        for (var place = 0; place <= job.MoreOffsets.Count; place++)
        {
            var offset = place == 0 ? job.FirstOffset : job.MoreOffsets[place - 1];
            if (place == done)
            {
                continue;
            }

            if (!isFresh && place > done && Holds(job, offset, (room ??= new byte[content.Length])))
            {
                Count(ref _kept, job.Length);
                continue;
            }

            Write(content, offset);
            Count(ref _repeated, job.Length);
        }
    }

    private void WriteHoles(ExtractionJob job)
    {
        foreach (var offset in job.MoreOffsets.Prepend(job.FirstOffset))
        {
            if (!isFresh && !FileRanges.TryPunchHole(file, offset, job.Length))
            {
                Write(new byte[job.Length], offset);
            }

            Count(ref _holes, job.Length);
        }
    }

    private void Write(ReadOnlySpan<byte> content, long offset) => RandomAccess.Write(file, content, offset);

    private void Count(ref long counter, int bytes)
    {
        Interlocked.Add(ref counter, bytes);
        progress?.Invoke(bytes);
    }

    private static long Aligned(long offset) => (offset + BlockBytes - 1) / BlockBytes * BlockBytes;
}
