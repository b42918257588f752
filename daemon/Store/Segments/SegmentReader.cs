using System.Buffers.Binary;
using Auraed.Base;
using Auraed.Store.Proof;

namespace Auraed.Store.Segments;

/// <summary>What stands before the events of a segment.</summary>
/// <param name="Previous">The hash of the event before the first.</param>
/// <param name="Before">Peaks of the tree up to there.</param>
/// <param name="Behind">Subtrees from the last event to the checkpoint's size.</param>
internal sealed record SegmentHeader(Checkpoint Checkpoint, long First, long Last, byte[] Previous, byte[] Before, byte[] Behind);

/// <summary>
/// Reads a segment event by event, in memory that does not grow with it. It knows the layout and no hashes; what does not fit the layout is a
/// Fault(Corrupt) that says where.
/// </summary>
internal sealed class SegmentReader : IDisposable
{
    private readonly string _name;
    private readonly Stream _stream;
    private byte[] _buffer = new byte[Limits.SegmentReadBytes];
    private int _start;
    private int _end;
    private long _offset;

    public SegmentReader(Stream stream, string name)
    {
        _stream = stream;
        _name = name;
        Header = ReadHeader();
    }

    public SegmentHeader Header { get; }

    /// <summary>Bytes read so far.</summary>
    public long Offset => _offset;

    /// <summary>Fault(NotFound) or Fault(Invalid) when there is no segment under that name.</summary>
    public static SegmentReader Open(string path)
    {
        FileStream stream;
        try
        {
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Fault.NotFound($"{path} does not exist");
        }

        try
        {
            return new SegmentReader(stream, path);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The next event's encoding and hash, valid until the next call; false at the end of the file.</summary>
    public bool Next(out ReadOnlySpan<byte> encoding, out ReadOnlySpan<byte> hash)
    {
        encoding = default;
        hash = default;
        if (Ahead() == 0)
        {
            return false;
        }

        long at = _offset;
        int length = BinaryPrimitives.ReadInt32BigEndian(Take(4, "an event's length"));
        if (length is < EventHash.FixedBytes or > Limits.SegmentEventBytesMax)
        {
            throw Broken($"the length of an event at byte {at} is {length}");
        }

        ReadOnlySpan<byte> both = Take(length + EventHash.HashBytes, "the event", at);
        encoding = both[..length];
        hash = both[length..];
        return true;
    }

    /// <summary>True when a mark follows this event.</summary>
    public bool HasMark(long sequence) => sequence % TreeNodes.BlockLeaves == 0 && sequence - TreeNodes.BlockLeaves >= Header.First - 1;

    /// <summary>The mark behind the last event of a block.</summary>
    public ReadOnlySpan<byte> NextMark() => Take(MerkleHash.Bytes, "a mark");

    /// <summary>The sequence of an encoding whose lengths all fit; 0 when they do not.</summary>
    public static long SequenceOf(ReadOnlySpan<byte> encoding)
    {
        if (encoding[0] != EventHash.Version)
        {
            return 0;
        }

        ReadOnlySpan<byte> rest = encoding[25..];
        for (int field = 0; field < 6; field++)
        {
            if (rest.Length < 4)
            {
                return 0;
            }

            uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            rest = rest[4..];
            if (length == uint.MaxValue && field == 2)
            {
                continue;
            }

            if (length > (uint)rest.Length)
            {
                return 0;
            }

            rest = rest[(int)length..];
        }

        return rest.Length == 0 ? BinaryPrimitives.ReadInt64BigEndian(encoding[1..]) : 0;
    }

    public void Dispose() => _stream.Dispose();

    private SegmentHeader ReadHeader()
    {
        if (Ahead() < SegmentWriter.Magic.Length || !Take(SegmentWriter.Magic.Length, "").SequenceEqual(SegmentWriter.Magic))
        {
            throw Fault.Invalid("file", $"{_name} is not a segment of an event log", "auraed events export makes one");
        }

        int version = BinaryPrimitives.ReadInt32BigEndian(Take(4, "the version"));
        if (version != SegmentWriter.Version)
        {
            throw new Fault(FaultKind.Precondition, $"{_name} is a segment of version {version}, and this binary reads version {SegmentWriter.Version}", hint: "use the release that wrote it, or a newer one") { Reason = "SEGMENT_VERSION" };
        }

        int noteBytes = BinaryPrimitives.ReadInt32BigEndian(Take(4, "the checkpoint's length"));
        if (noteBytes is < 0 or > Checkpoint.NoteBytesMax)
        {
            throw Broken($"the checkpoint's length is {noteBytes}");
        }

        Checkpoint checkpoint;
        try
        {
            checkpoint = Checkpoint.Parse(Take(noteBytes, "the checkpoint"));
        }
        catch (Fault malformed)
        {
            throw Broken(malformed.Message);
        }

        long first = BinaryPrimitives.ReadInt64BigEndian(Take(8, "the first sequence"));
        long last = BinaryPrimitives.ReadInt64BigEndian(Take(8, "the last sequence"));
        if (first < 1 || last < first || last > checkpoint.Size)
        {
            throw Broken($"events {first} to {last} are not within the {checkpoint.Size} that its checkpoint signs");
        }

        byte[] previous = Take(EventHash.HashBytes, "the hash before").ToArray();
        (int before, int behind) = SegmentWriter.HashesAround(first, last, checkpoint.Size);
        return new SegmentHeader(checkpoint, first, last, previous, Take(before, "the peaks").ToArray(), Take(behind, "the subtrees").ToArray());
    }

    /// <summary>Bytes that are there to be taken, as far as the buffer holds; 0 at the end.</summary>
    private int Ahead()
    {
        if (_start == _end)
        {
            (_start, _end) = (0, _stream.ReadAtLeast(_buffer, _buffer.Length, throwOnEndOfStream: false));
        }

        return _end - _start;
    }

    /// <param name="what">What is taken, and where that begins, for the one case in which it is not all there.</param>
    private ReadOnlySpan<byte> Take(int count, string what, long at = -1)
    {
        if (_end - _start < count)
        {
            if (_buffer.Length < count)
            {
                byte[] larger = new byte[count + Limits.SegmentReadBytes];
                _buffer.AsSpan(_start, _end - _start).CopyTo(larger);
                _buffer = larger;
            }
            else
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            }

            (_start, _end) = (0, _end - _start);
            _end += _stream.ReadAtLeast(_buffer.AsSpan(_end), count - _end, throwOnEndOfStream: false);
            if (_end < count)
            {
                throw Broken($"it ends at byte {_offset + _end}, within {what}{(at < 0 ? "" : $" at byte {at}")}");
            }
        }

        ReadOnlySpan<byte> taken = _buffer.AsSpan(_start, count);
        _start += count;
        _offset += count;
        return taken;
    }

    private Fault Broken(string what) => new(FaultKind.Corrupt, $"{_name} is damaged: {what}", hint: "take another copy of the segment") { Reason = "SEGMENT_DAMAGED" };
}
