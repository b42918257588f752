using System.Buffers.Binary;
using Auraed.Base;

namespace Auraed.Store.Journal;

/// <summary>Told of one record.</summary>
internal delegate void JournalRecordHandler(in RecordHeader header, ReadOnlySpan<byte> changes);

/// <summary>
/// Reads one epoch's journal from its files. What does not open at the end is a torn tail and passed over; before anything that opens, or in a file that was cut, it is damage:
/// Fault(Corrupt), which names the group after which the journal cannot be read. A file that cannot be read is a Fault CANNOT_OPEN or DISK_FAILED.
/// </summary>
internal sealed class JournalReader : IDisposable
{
    private readonly IReadOnlyList<SegmentName> _names;
    private readonly byte[] _databaseId;
    private readonly JournalCipher? _cipher;
    private readonly byte[]? _salt;
    private readonly byte[] _tag = new byte[JournalFormat.TagBytes];
    private byte[] _changes = [];
    private long _number;
    private long _sequence;

    /// <summary>After <see cref="Read"/>: bytes of the record that was on its way when the journal ended, and does not open. 0 when none was.</summary>
    public long TailBytes { get; private set; }

    /// <param name="names">The segments of one epoch, in order.</param>
    public JournalReader(IReadOnlyList<SegmentName> names, StoreKey key, byte[] databaseId, long epoch)
    {
        _names = names;
        _databaseId = databaseId;
        foreach (var name in names)
        {
            var bytes = Bytes(name.Path, JournalFormat.SegmentHeaderBytes);
            if (SegmentHeader.Read(bytes) is { } header && header.Epoch == epoch)
            {
                var cipher = new JournalCipher(key, databaseId, epoch, header.Salt);
                if (cipher.Opens(bytes, header.Number))
                {
                    (_cipher, _salt) = (cipher, header.Salt);
                    return;
                }

                cipher.Dispose();
            }
        }
    }

    /// <summary>Hands on every record in order, and returns how many there were.</summary>
    public long Read(JournalRecordHandler handler)
    {
        var count = 0L;
        for (var index = 0; index < _names.Count; index++)
        {
            var bytes = Bytes(_names[index].Path);
            if (HeaderOf(bytes, _names[index]) is not { } header)
            {
                // The last one may have been cut off in the making.
                if (index < _names.Count - 1 || _cipher is null || AnyOpens(bytes, JournalFormat.SegmentHeaderBytes, _names[index].Number))
                {
                    throw Damaged($"the header of {_names[index].Path} is damaged");
                }

                return count;
            }

            if (index > 0 && !header.TagBefore.AsSpan().SequenceEqual(_tag))
            {
                throw Damaged($"{_names[index - 1].Path} does not end where {_names[index].Path} goes on");
            }

            header.Tag.CopyTo(_tag, 0);
            var end = Walk(bytes, header.Number, handler, ref count);
            TailBytes = index == _names.Count - 1 ? Tail(bytes.AsSpan((int)Math.Min(end, bytes.Length))) : 0;
            if (AnyOpens(bytes, end, header.Number))
            {
                throw Damaged($"{_names[index].Path} is damaged at byte {end}, and groups that were acknowledged follow");
            }

            if (bytes.Length < header.Bytes)
            {
                throw Damaged(
                    $"{_names[index].Path} has {bytes.Length} of its {header.Bytes} bytes, as of a copy that broke off, and nobody knows what was in the rest",
                    $"; to give up the rest instead: truncate -s {header.Bytes} {_names[index].Path}");
            }
        }

        return count;
    }

    /// <summary>True when these files hold no record, whole or not.</summary>
    public bool IsEmpty() => _names.All(name => Bytes(name.Path) is var bytes && (_cipher is null ? !bytes.AsSpan(Math.Min(JournalFormat.SegmentHeaderBytes, bytes.Length)).ContainsAnyExcept((byte)0) : !AnyOpens(bytes, JournalFormat.SegmentHeaderBytes, name.Number)));

    public void Dispose() => _cipher?.Dispose();

    private static byte[] Bytes(string path, long countMax = long.MaxValue)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            var bytes = new byte[Math.Min(file.Length, countMax)];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception refused) when (FileFaults.Is(refused))
        {
            throw refused is UnauthorizedAccessException
                ? new Fault(FaultKind.Precondition, $"{path} cannot be read: {refused.Message}", hint: $"check its owner: ls -l {path}", cause: refused) { Reason = "CANNOT_OPEN" }
                : new Fault(FaultKind.Internal, $"{path} cannot be read: {refused.Message}", hint: "check the disk: dmesg", cause: refused) { Reason = "DISK_FAILED" };
        }
    }

    private SegmentHeader? HeaderOf(byte[] bytes, SegmentName name) =>
        SegmentHeader.Read(bytes) is { } header && header.Number == name.Number && header.Epoch == name.Epoch && header.DatabaseId.AsSpan().SequenceEqual(_databaseId)
            && _salt is not null && header.Salt.AsSpan().SequenceEqual(_salt) && _cipher!.Opens(bytes.AsSpan(0, JournalFormat.SegmentHeaderBytes), header.Number)
            ? header
            : null;

    /// <summary>Goes from record to record; returns where the first one is that does not open.</summary>
    private long Walk(byte[] bytes, uint segment, JournalRecordHandler handler, ref long count)
    {
        var offset = JournalFormat.Align(JournalFormat.SegmentHeaderBytes);
        while (TryOpen(bytes, offset, segment, out var header))
        {
            var record = bytes.AsSpan((int)offset);
            if (!record.Slice(40, JournalFormat.TagBytes).SequenceEqual(_tag) || header.Number <= _number || header.NumberBefore >= header.Number)
            {
                throw Damaged($"group {header.Number} does not follow the one before it");
            }

            handler(header, _changes.AsSpan(0, header.Length));
            record.Slice(JournalFormat.RecordSealedBytes, JournalFormat.TagBytes).CopyTo(_tag);
            (_number, _sequence) = (header.Number, header.Sequence);
            count++;
            offset = JournalFormat.Align(offset + JournalFormat.RecordHeaderBytes + header.Length);
        }

        return offset;
    }

    /// <summary>A record names the one before it twice, by its tag and by its numbers; what is left of a segment's use before names others.</summary>
    private long Tail(ReadOnlySpan<byte> rest)
    {
        if (rest.Length < JournalFormat.RecordHeaderBytes)
        {
            return rest.Length < JournalFormat.RecordMagic.Length || rest.StartsWith(JournalFormat.RecordMagic) ? rest.TrimEnd((byte)0).Length : 0;
        }

        var isNext = rest.Slice(40, JournalFormat.TagBytes).SequenceEqual(_tag)
            || (_number > 0 && BinaryPrimitives.ReadInt64LittleEndian(rest[16..]) == _number && BinaryPrimitives.ReadInt64LittleEndian(rest[24..]) == _sequence);
        if (!isNext)
        {
            return 0;
        }

        return RecordHeader.TryRead(rest, out var header) ? JournalFormat.RecordHeaderBytes + header.Length : rest.TrimEnd((byte)0).Length;
    }

    private bool TryOpen(byte[] bytes, long offset, uint segment, out RecordHeader header)
    {
        header = default;
        if (offset >= bytes.Length || !RecordHeader.TryRead(bytes.AsSpan((int)offset), out header))
        {
            return false;
        }

        if (_changes.Length < header.Length)
        {
            _changes = new byte[header.Length];
        }

        return _cipher!.TryOpen(bytes.AsSpan((int)offset), header.Number, segment, offset, _changes.AsSpan(0, header.Length));
    }

    private bool AnyOpens(byte[] bytes, long from, uint segment)
    {
        for (var offset = JournalFormat.Align(from); offset < bytes.Length; offset += JournalFormat.RecordAlignment)
        {
            if (TryOpen(bytes, offset, segment, out _))
            {
                return true;
            }
        }

        return false;
    }

    private Fault Damaged(string what, string otherwise = "") => new(
        FaultKind.Corrupt, $"the journal is damaged: {what}; it can be read up to group {_number}, event {_sequence}; nothing was changed",
        hint: "copy the library directory aside; then put the segment back from a copy of the directory, or auraed restore of the last backup" + otherwise)
    {
        Reason = "JOURNAL_DAMAGED",
        Facts = new Dictionary<string, string> { ["sequence"] = _sequence.ToString(System.Globalization.CultureInfo.InvariantCulture) },
    };
}
