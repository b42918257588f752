using Auraed.Base;
using Auraed.Store.Proof;
using Auraed.Store.Segments;

namespace Auraed.Store.Replay;

/// <summary>
/// All events from the first on: those below the log's floor out of archived segments, the rest out of the log. Every one is held to the chain, over the
/// seam too; at one that does not fit, reading ends with Fault(Corrupt).
/// </summary>
internal sealed class ReplaySource : IDisposable
{
    private readonly Connection _log;
    private readonly Queue<string> _archives;
    private readonly long _floor;
    private readonly byte[] _head = new byte[EventHash.HashBytes];
    private byte[] _buffer = new byte[4096];
    private SegmentReader? _segment;
    private Statement? _rows;
    private int _length;

    /// <param name="log">In a read transaction that the caller holds.</param>
    /// <param name="archives">A directory of segments; null for those that are recorded, where they still are.</param>
    public ReplaySource(Connection log, string? archives)
    {
        _log = log;
        _floor = FloorRow.Read(log.Prepare).Sequence;
        IReadOnlyList<string> recorded = [.. ArchiveRows.After(log.Prepare, 0).Select(segment => segment.Path).Where(File.Exists)];
        if (_floor > 0 && archives is null && recorded.Count == 0)
        {
            throw new Fault(FaultKind.Precondition, $"events 1 to {_floor} are not in the log any more, only in its archive", "archive", "--archive DIR, the directory that they were archived to; auraed assets get brings segments that are assets into one") { Reason = "ARCHIVE_NEEDED" };
        }

        _archives = new Queue<string>(_floor == 0 ? [] : archives is null ? recorded : SegmentFiles.In(archives));
        Last = log.QueryInteger("SELECT coalesce(max(sequence), 0) FROM event");
    }

    /// <summary>The newest event.</summary>
    public long Last { get; }

    /// <summary>The event that was read last; 0 before the first.</summary>
    public long Sequence { get; private set; }

    /// <summary>Valid until the next call.</summary>
    public ReadOnlySpan<byte> Encoding => _buffer.AsSpan(EventHash.HashBytes, _length);

    public ReadOnlySpan<byte> Hash => _head;

    /// <summary>False at the end of the log.</summary>
    public bool Next()
    {
        ReadOnlySpan<byte> stored;
        if (Sequence < _floor)
        {
            stored = NextArchived();
        }
        else
        {
            _rows ??= Rows();
            if (!_rows.Step())
            {
                return false;
            }

            _length = EventHash.Encode(_rows, ref _buffer, EventHash.HashBytes);
            stored = _rows.Blob(9);
        }

        Sequence++;
        Span<byte> hash = stackalloc byte[EventHash.HashBytes];
        EventHash.Chain(_head, _buffer.AsSpan(0, EventHash.HashBytes + _length), hash);
        if (SegmentReader.SequenceOf(Encoding) != Sequence || !stored.SequenceEqual(hash))
        {
            throw new Fault(FaultKind.Corrupt, $"event {Sequence} is missing, or is not what was written", hint: "auraed verify") { Reason = "EVENT_CHAIN_BROKEN" };
        }

        hash.CopyTo(_head);
        return true;
    }

    public void Dispose() => _segment?.Dispose();

    private Statement Rows()
    {
        _segment?.Dispose();
        _segment = null;
        Statement rows = _log.Prepare($"SELECT {EventHash.Columns} FROM event WHERE sequence > ? ORDER BY sequence");
        rows.Integer(0, _floor);
        return rows;
    }

    private ReadOnlySpan<byte> NextArchived()
    {
        while (true)
        {
            while (_segment is null || _segment.Header.Last <= Sequence)
            {
                _segment?.Dispose();
                _segment = _archives.TryDequeue(out string? path)
                    ? SegmentReader.Open(path)
                    : throw new Fault(FaultKind.Precondition, $"event {Sequence + 1} is in no segment of the archive, and the log begins with {_floor + 1}", "archive", "give the directory that holds all segments") { Reason = "ARCHIVE_NEEDED" };
            }

            if (!_segment.Next(out ReadOnlySpan<byte> encoding, out ReadOnlySpan<byte> hash))
            {
                throw new Fault(FaultKind.Corrupt, $"a segment of the archive ends before event {Sequence + 1}", hint: "auraed events verify of the segments") { Reason = "SEGMENT_DAMAGED" };
            }

            long sequence = SegmentReader.SequenceOf(encoding);
            _length = encoding.Length;
            if (_buffer.Length < EventHash.HashBytes + _length)
            {
                _buffer = new byte[2 * (EventHash.HashBytes + _length)];
            }

            encoding.CopyTo(_buffer.AsSpan(EventHash.HashBytes));
            if (_segment.HasMark(sequence))
            {
                byte[] kept = hash.ToArray();
                _ = _segment.NextMark();
                hash = kept;
            }

            // Segments may overlap.
            if (sequence > Sequence || sequence == 0)
            {
                return hash;
            }
        }
    }
}
