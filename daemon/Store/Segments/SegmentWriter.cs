using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using Auraed.Base;
using Auraed.Store.Proof;

namespace Auraed.Store.Segments;

/// <summary>
/// Writes events first to last of the log as a segment: a file that holds them with all that it takes to check them offline, given the server's
/// certificate. Version 1, integers big-endian, hashes SHA-256, the tree that of RFC 6962 (<see cref="MerkleHash"/>):
/// <code>
/// bytes  content
///     8  magic: "AURAESEG"
///     4  version: 1
///     4  n, length of the checkpoint
///     n  a checkpoint (<see cref="Checkpoint"/>) of at least `last` events
///     8  first: sequence of the first event
///     8  last: sequence of the last event
///    32  hash of the event before the first; zero when the first is event 1
///  32*l  peaks of the tree of events 1 to first - 1, the largest first; l is the number of bits set in first - 1
///  32*r  the complete subtrees that take the tree from `last` leaves to the checkpoint's size, from left to right, each as large as can be
/// then each event:
///     4  m, length of its encoding
///     m  its canonical encoding (<see cref="EventHash"/>)
///    32  its hash: SHA-256(hash of the event before || encoding)
///    32  mark, behind an event whose sequence is a multiple of 256, when the 256 events up to it are all in the segment: root of their tree
/// </code>
/// Nothing follows the last event. The events' hashes are the tree's leaves; with the peaks before them and the subtrees behind them they give the
/// checkpoint's root. The marks give it too, so that they tell which 256 events are not what was signed when events and hashes were changed together.
/// </summary>
internal sealed class SegmentWriter
{
    public const int Version = 1;
    private const int PartRowsMax = 4096;

    private readonly long _first;
    private readonly long _last;
    private readonly Checkpoint _checkpoint;
    private long _next;
    private byte[] _buffer = new byte[4096];
    private CompactRange _block = new();

    public SegmentWriter(long first, long last, Checkpoint checkpoint)
    {
        Invariant.Hold(first >= 1 && first <= last && last <= checkpoint.Size);
        (_first, _last, _checkpoint, _next) = (first, last, checkpoint, first);
    }

    public static ReadOnlySpan<byte> Magic => "AURAESEG"u8;

    /// <summary>Events written so far.</summary>
    public long Done => _next - _first;

    public void WriteHeader(Func<string, Statement> prepare, IBufferWriter<byte> output)
    {
        LogFloor floor = FloorRow.Read(prepare);
        if (_first <= floor.Sequence)
        {
            throw new Fault(FaultKind.OutOfRange, $"event {_first} is no longer kept: the oldest is {floor.Sequence + 1}", "from_sequence", "take it from the archives")
            {
                Reason = "EVENTS_BELOW_FLOOR",
                Facts = new Dictionary<string, string> { ["floor"] = (floor.Sequence + 1).ToString(System.Globalization.CultureInfo.InvariantCulture) },
            };
        }

        var nodes = new TreeNodes(prepare);
        byte[] note = _checkpoint.Note;
        output.Write(Magic);
        WriteInteger(output, Version);
        WriteInteger(output, note.Length);
        output.Write(note);
        WriteLong(output, _first);
        WriteLong(output, _last);
        output.Write(_first == floor.Sequence + 1 ? floor.Hash : HashOf(prepare, _first - 1));
        output.Write(nodes.Peaks(_first - 1));
        foreach ((int level, long position) in CompactRange.Between(_last, _checkpoint.Size))
        {
            output.Write(nodes.Node(level, position));
        }
    }

    /// <summary>Writes about a MiB of the events that follow; false when all are written.</summary>
    public bool WritePart(Func<string, Statement> prepare, IBufferWriter<byte> output)
    {
        if (_next > _last)
        {
            return false;
        }

        Statement rows = prepare($"SELECT {EventHash.Columns} FROM event WHERE sequence BETWEEN ? AND ? ORDER BY sequence LIMIT ?");
        rows.Integer(0, _next);
        rows.Integer(1, _last);
        rows.Integer(2, PartRowsMax);
        Span<byte> leaf = stackalloc byte[MerkleHash.Bytes];
        long before = _next;
        for (long bytes = 0; bytes < Limits.SegmentPartBytes && rows.Step(); _next++)
        {
            if (rows.Integer(0) != _next)
            {
                throw EventsPage.Missing(_next);
            }

            int length = EventHash.Encode(rows, ref _buffer, 0);
            WriteInteger(output, length);
            output.Write(_buffer.AsSpan(0, length));
            output.Write(rows.Blob(9));
            MerkleHash.Leaf(rows.Blob(9), leaf);
            _block.Append(leaf);
            bytes += length + 4 + EventHash.HashBytes;
            if (_next % TreeNodes.BlockLeaves == 0)
            {
                if (_block.Count == TreeNodes.BlockLeaves)
                {
                    output.Write(_block.Root());
                }

                _block = new CompactRange();
            }
        }

        rows.Reset();
        return _next > before ? true : throw EventsPage.Missing(_next);
    }

    /// <summary>Bytes of what stands around the events of the header: peaks before, subtrees behind.</summary>
    public static (int Before, int Behind) HashesAround(long first, long last, long size) =>
        (BitOperations.PopCount((ulong)(first - 1)) * MerkleHash.Bytes, CompactRange.Between(last, size).Count() * MerkleHash.Bytes);

    private static byte[] HashOf(Func<string, Statement> prepare, long sequence)
    {
        if (sequence == 0)
        {
            return new byte[EventHash.HashBytes];
        }

        Statement row = prepare("SELECT hash FROM event WHERE sequence = ?");
        row.Integer(0, sequence);
        byte[] hash = row.Step() ? row.Blob(0).ToArray() : throw EventsPage.Missing(sequence);
        row.Reset();
        return hash;
    }

    private static void WriteInteger(IBufferWriter<byte> output, int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(4), value);
        output.Advance(4);
    }

    private static void WriteLong(IBufferWriter<byte> output, long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(output.GetSpan(8), value);
        output.Advance(8);
    }
}
