using System.Security.Cryptography;
using Auraed.Base;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Store.Journal;

/// <summary>
/// Writes one epoch's journal. Invariants: one record is on its way at a time; a record that <see cref="Append"/> has returned from is durable; no
/// number is used twice, whatever failed; a segment goes only when <see cref="Drop"/> is told that the database holds all of it durably.
/// </summary>
internal sealed class JournalAppender : IDisposable
{
    private readonly JournalFiles _files;
    private readonly string _directory;
    private readonly byte[] _databaseId;
    private readonly byte[] _salt = RandomNumberGenerator.GetBytes(JournalFormat.SaltBytes);
    private readonly JournalCipher _cipher;
    private readonly int _segmentBytes;
    private readonly byte[] _tag = new byte[JournalFormat.TagBytes];
    private readonly List<Segment> _segments = [];
    private SafeFileHandle? _file;
    private byte[]? _zeros;
    private long _offset;
    private long _usedTo;
    private long _number;
    private uint _segmentNumber;
    private int _spares;

    /// <summary>Makes the first segment durable; nothing else of the directory is touched.</summary>
    public JournalAppender(JournalFiles files, string directory, StoreKey key, byte[] databaseId, long epoch, int segmentBytes)
    {
        _files = files;
        _directory = directory;
        _databaseId = databaseId;
        _segmentBytes = segmentBytes;
        Epoch = epoch;
        _cipher = new JournalCipher(key, databaseId, epoch, _salt);
        Switch(0);
    }

    public long Epoch { get; }

    /// <summary>Of all segments.</summary>
    public long Bytes { get; private set; }

    /// <summary>Written so far, headers included.</summary>
    public long BytesWritten { get; private set; }

    public int SegmentCount => _segments.Count;

    /// <summary>The next number; used up by asking.</summary>
    public long NextNumber() => ++_number;

    /// <summary>
    /// Seals the record, whose first bytes are room for its header, in place, and makes it durable. Fault(Exhausted) DISK_FULL when there is no
    /// room for it, and then nothing of it counts; any other fault leaves open what the disk holds.
    /// </summary>
    public void Append(Span<byte> record, in RecordHeader header)
    {
        var offset = JournalFormat.Align(_offset);
        if (offset + record.Length > _segments[^1].Bytes)
        {
            Switch(record.Length);
            offset = _offset;
        }

        header.Write(record);
        _tag.CopyTo(record[40..]);
        _cipher.Seal(record, header.Number, _segments[^1].Number, offset);
        CrashPoint.Reach("journal.append");
        UseBlocks(offset + record.Length);
        _files.Write(_file!, _segments[^1].Path, record, offset);
        CrashPoint.Reach("journal.written");
        _files.Sync(_file!, _segments[^1].Path);
        CrashPoint.Reach("journal.synced");
        record.Slice(JournalFormat.RecordSealedBytes, JournalFormat.TagBytes).CopyTo(_tag);
        _offset = offset + record.Length;
        BytesWritten += record.Length;
        _segments[^1].Last = header.Number;
    }

    /// <summary>
    /// Writes zeros ahead of the record over blocks that were only reserved so far, many at once. The first write to such a block makes the next sync wait for the
    /// file system's own journal, and with it for whatever else is on its way to that disk; a sync of blocks in use waits for its own bytes alone.
    /// </summary>
    private void UseBlocks(long end)
    {
        while (end > _usedTo)
        {
            var bytes = (int)Math.Min(Limits.StoreJournalAheadBytes, _segments[^1].Bytes - _usedTo);
            _zeros ??= new byte[Limits.StoreJournalAheadBytes];
            _files.Write(_file!, _segments[^1].Path, _zeros.AsSpan(0, bytes), _usedTo);
            _usedTo += bytes;
        }
    }

    /// <summary>Gives up segments that hold nothing after this group. What a fault leaves undone is for the next call.</summary>
    /// <param name="group">The last one that the database holds durably.</param>
    /// <param name="spares">Emptied segments that are kept for their blocks.</param>
    public void Drop(long group, int spares)
    {
        var count = _segments.Count;
        try
        {
            while (_segments.Count > 1 && _segments[0].Last <= group)
            {
                CrashPoint.Reach("journal.drop");
                DropFirst(spares);
            }

            for (; _spares > spares; _spares--)
            {
                _files.Delete(JournalFiles.SparePathOf(_directory, _spares - 1));
            }
        }
        finally
        {
            if (_segments.Count < count)
            {
                // Before a spare is written over, its old name must be gone for good.
                _files.SyncDirectory(_directory);
                CrashPoint.Reach("journal.dropped");
            }
        }
    }

    private void DropFirst(int spares)
    {
        if (_spares < spares && _segments[0].Bytes == _segmentBytes)
        {
            _files.Rename(_segments[0].Path, JournalFiles.SparePathOf(_directory, _spares));
            _spares++;
        }
        else
        {
            _files.Delete(_segments[0].Path);
        }

        Bytes -= _segments[0].Bytes;
        _segments.RemoveAt(0);
    }

    /// <summary>Removes the whole journal, when the database holds all of it durably.</summary>
    public void Remove()
    {
        Dispose();
        foreach (var segment in _segments)
        {
            _files.Delete(segment.Path);
            CrashPoint.Reach("journal.remove");
        }

        foreach (var spare in JournalFiles.SparePathsOf(_directory))
        {
            _files.Delete(spare);
        }

        _files.SyncDirectory(_directory);
        _segments.Clear();
    }

    public void Dispose()
    {
        _file?.Dispose();
        _cipher.Dispose();
    }

    /// <summary>Goes on in a new segment with room for a record of this length. When that fails, the one before is still the last.</summary>
    private void Switch(int recordBytes)
    {
        var number = ++_segmentNumber;
        var bytes = Math.Max(_segmentBytes, JournalFormat.Align(JournalFormat.SegmentHeaderBytes) + JournalFormat.Align(recordBytes));
        var path = JournalFiles.PathOf(_directory, Epoch, number);
        var spare = _spares > 0 && bytes == _segmentBytes ? JournalFiles.SparePathOf(_directory, _spares - 1) : null;
        Span<byte> header = stackalloc byte[JournalFormat.SegmentHeaderBytes];
        new SegmentHeader(number, _databaseId, Epoch, _salt, _tag, bytes, new byte[JournalFormat.TagBytes]).Write(header);
        _cipher.Seal(header, number);
        CrashPoint.Reach("journal.switch");
        var file = spare is null ? _files.Create(path, bytes) : _files.Open(spare);
        try
        {
            if (spare is null)
            {
                // A header says how long its file is: one that is shorter was cut, and never is what the power left.
                _files.Sync(file, path);
                CrashPoint.Reach("journal.created");
            }

            _files.Write(file, spare ?? path, header, 0);
            CrashPoint.Reach("journal.header");
            _files.Sync(file, spare ?? path);
            if (spare is not null)
            {
                _files.Rename(spare, path);
                _spares--;
            }

            CrashPoint.Reach("journal.named");
            _files.SyncDirectory(_directory);
        }
        catch
        {
            file.Dispose();
            if (spare is null)
            {
                // A later one would not follow this one.
                _files.Delete(path);
            }

            throw;
        }

        CrashPoint.Reach("journal.switched");
        _file?.Dispose();
        _file = file;
        _offset = JournalFormat.Align(JournalFormat.SegmentHeaderBytes);
        _usedTo = spare is null ? _offset : bytes;
        header.Slice(JournalFormat.SegmentSealedBytes, JournalFormat.TagBytes).CopyTo(_tag);
        _segments.Add(new Segment(path, number, bytes) { Last = _segments.Count == 0 ? 0 : _segments[^1].Last });
        Bytes += bytes;
        BytesWritten += JournalFormat.SegmentHeaderBytes;
    }

    private sealed class Segment(string path, uint number, long bytes)
    {
        public string Path { get; } = path;

        public uint Number { get; } = number;

        public long Bytes { get; } = bytes;

        /// <summary>The last group in it.</summary>
        public long Last { get; set; }
    }
}
