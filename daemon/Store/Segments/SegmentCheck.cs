using Auraed.Base;
using Auraed.Store.Proof;

namespace Auraed.Store.Segments;

/// <summary>What a check of a segment found. No findings: every event is the one that the checkpoint signs.</summary>
/// <param name="Events">Events that were looked at.</param>
/// <param name="Head">The hash of the last event.</param>
internal sealed record SegmentReport(SegmentHeader? Header, long Events, byte[] Head, IReadOnlyList<string> Findings)
{
    public bool IsSound => Findings.Count == 0;

    /// <summary>Fault(Corrupt) unless the segment that has just been written is sound.</summary>
    public void Require(long first, long last)
    {
        if (!IsSound)
        {
            throw new Fault(FaultKind.Corrupt, $"the segment of events {first} to {last} is not sound and does not count: {Findings[0]}", hint: "auraed verify, and check the disk of the archive") { Reason = "SEGMENT_DAMAGED" };
        }
    }

    /// <summary>Why what was read cannot stand for the segment that is on record; null when it can.</summary>
    /// <param name="bytes">How many were read.</param>
    /// <param name="digest">Their SHA-256.</param>
    public string? FindOther(ArchivedSegment segment, long bytes, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> lastHash) =>
        bytes != segment.Bytes || !digest.SequenceEqual(segment.Digest) ? "it is not the file that was archived"
        : !IsSound ? Findings[0]
        : Header!.First != segment.First || Header.Last != segment.Last ? "it holds other events"
        : !lastHash.SequenceEqual(Head) ? "it is not of this log"
        : null;
}

/// <summary>
/// Checks a segment against its checkpoint, and that against a key: offline, in one pass, in memory that does not grow with it. Every finding names the
/// events that it is about.
/// </summary>
internal sealed class SegmentCheck(SegmentReader reader, CheckpointKey? key)
{
    private const int FindingsMax = 20;
    private const long EventsPerProgress = 65_536;

    /// <summary>After so many in a row, where an event begins is not known any more.</summary>
    private const int MalformedMax = 2;

    private readonly List<string> _findings = [];
    private readonly List<string> _blocks = [];
    private readonly SegmentHeader _header = reader.Header;
    private readonly CompactRange _tree = CompactRange.From(reader.Header.First - 1, reader.Header.Before);
    private readonly CompactRange _marks = CompactRange.From(reader.Header.First - 1, reader.Header.Before);
    private CompactRange _block = new();
    private byte[] _buffer = new byte[4096];
    private readonly byte[] _head = [.. reader.Header.Previous];
    private byte[]? _computed;
    private bool _isDense = true;
    private int _malformed;
    private long _expected = reader.Header.First;
    private long _count;

    /// <summary>Checks a file with a key; null leaves the signature unchecked. What is wrong with the file as a whole is a finding, too.</summary>
    public static SegmentReport OfFile(string path, CheckpointKey? key, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        try
        {
            using SegmentReader reader = SegmentReader.Open(path);
            return new SegmentCheck(reader, key).Run(progress, cancel);
        }
        catch (Fault fault) when (fault.Reason == "SEGMENT_DAMAGED")
        {
            return Unreadable(fault);
        }
    }

    /// <summary>As of a file; the stream stays open, and may not be at its end.</summary>
    /// <param name="name">For findings.</param>
    public static SegmentReport OfStream(Stream stream, string name, CheckpointKey? key, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        try
        {
            var reader = new SegmentReader(stream, name);
            return new SegmentCheck(reader, key).Run(progress, cancel);
        }
        catch (Fault fault) when (fault.Reason == "SEGMENT_DAMAGED")
        {
            return Unreadable(fault);
        }
    }

    private static SegmentReport Unreadable(Fault fault) => new(null, 0, [], [fault.Message]);

    public SegmentReport Run(Action<StoreProgress>? progress, CancellationToken cancel)
    {
        CheckSignature();
        long total = _header.Last - _header.First + 1;
        try
        {
            while (_findings.Count < FindingsMax && _malformed < MalformedMax && _expected <= _header.Last && reader.Next(out ReadOnlySpan<byte> encoding, out ReadOnlySpan<byte> hash))
            {
                CheckEvent(encoding, hash);
                if (_count % EventsPerProgress == 0)
                {
                    cancel.ThrowIfCancellationRequested();
                    progress?.Invoke(new StoreProgress("events", _count, total));
                }
            }

            progress?.Invoke(new StoreProgress("events", _count, total));
            CheckEnd();
        }
        catch (Fault fault) when (fault.Reason == "SEGMENT_DAMAGED")
        {
            Find($"events: from {_expected} on they cannot be read: {fault.Message}");
        }

        return new SegmentReport(_header, _count, [.. _head], _findings);
    }

    private void CheckSignature()
    {
        if (key is not null && !key.IsSignerOf(_header.Checkpoint))
        {
            Find($"checkpoint of {_header.Checkpoint.Size} events: it is signed by another key than the certificate's");
        }
        else if (key?.Verifies(_header.Checkpoint) == false)
        {
            Find($"checkpoint of {_header.Checkpoint.Size} events: its signature is forged");
        }
    }

    private void CheckEvent(ReadOnlySpan<byte> encoding, ReadOnlySpan<byte> hash)
    {
        long sequence = SegmentReader.SequenceOf(encoding);
        _count++;
        _malformed = sequence == 0 ? _malformed + 1 : 0;
        bool isExpected = sequence == _expected;
        if (!isExpected)
        {
            FindOutOfPlace(sequence, reader.Offset);
        }

        int length = EventHash.HashBytes + encoding.Length;
        if (_buffer.Length < length)
        {
            _buffer = new byte[2 * length];
        }

        encoding.CopyTo(_buffer.AsSpan(EventHash.HashBytes));
        Span<byte> computed = stackalloc byte[EventHash.HashBytes];
        EventHash.Chain(_head, _buffer.AsSpan(0, length), computed);
        bool isSame = hash.SequenceEqual(computed);
        if (!isSame && _computed is not null)
        {
            Span<byte> other = stackalloc byte[EventHash.HashBytes];
            EventHash.Chain(_computed, _buffer.AsSpan(0, length), other);
            isSame = hash.SequenceEqual(other);
        }

        if (!isSame && isExpected)
        {
            Find($"events: {sequence} is not what was written, or its hash is not");
        }

        _computed = isSame ? null : computed.ToArray();
        hash.CopyTo(_head);
        if (_isDense)
        {
            Grow(hash, computed);
        }
        else if (reader.HasMark(_expected))
        {
            _ = reader.NextMark();
        }

        _expected++;
    }

    /// <summary>
    /// Adds the leaf to its block, and a whole block to the tree, so that each node is hashed once; its mark goes to the tree of the marks. At the segment's ends,
    /// where blocks are not whole, the leaf goes to both.
    /// </summary>
    private void Grow(ReadOnlySpan<byte> hash, Span<byte> leaf)
    {
        MerkleHash.Leaf(hash, leaf);
        bool isInWholeBlock = BlockEnd(_expected) <= _header.Last && BlockEnd(_expected) - TreeNodes.BlockLeaves >= _header.First - 1;
        if (!isInWholeBlock)
        {
            _tree.Append(leaf);
            _marks.Append(leaf);
            return;
        }

        _block.Append(leaf);
        if (!reader.HasMark(_expected))
        {
            return;
        }

        ReadOnlySpan<byte> root = _block.Root();
        ReadOnlySpan<byte> mark = reader.NextMark();
        if (!mark.SequenceEqual(root))
        {
            _blocks.Add($"events: what is in {_expected - TreeNodes.BlockLeaves + 1} to {_expected} is not what was signed, chained anew or not");
        }

        _tree.Append(TreeNodes.LevelMin, root);
        _marks.Append(TreeNodes.LevelMin, mark);
        _block = new CompactRange();
    }

    private static long BlockEnd(long sequence) => (sequence + TreeNodes.BlockLeaves - 1) / TreeNodes.BlockLeaves * TreeNodes.BlockLeaves;

    private void FindOutOfPlace(long sequence, long offset)
    {
        _isDense = false;
        if (sequence <= 0 || sequence > _header.Last)
        {
            Find(sequence == 0
                ? $"events: {_expected} is not well-formed, before byte {offset} of the file"
                : $"events: {sequence} stands where {_expected} is expected");
        }
        else if (sequence > _expected)
        {
            Find(sequence == _expected + 1 ? $"events: {_expected} is missing, {sequence} follows" : $"events: {_expected} to {sequence - 1} are missing, {sequence} follows");
            _expected = sequence;
        }
        else
        {
            Find($"events: {sequence} stands where {_expected} is expected");
            _expected = sequence;
        }
    }

    private void CheckEnd()
    {
        if (_findings.Count >= FindingsMax)
        {
            return;
        }

        if (_malformed >= MalformedMax)
        {
            Find($"events: from {_expected} on they cannot be read");
        }
        else if (_expected <= _header.Last)
        {
            Find($"events: {_expected} to {_header.Last} are missing at the end of the file");
        }
        else if (reader.Next(out _, out _))
        {
            Find($"events: more follow {_header.Last}, the last one");
        }
        else if (_isDense)
        {
            CheckRoot();
        }
    }

    private void CheckRoot()
    {
        int index = 0;
        foreach ((int level, _) in CompactRange.Between(_header.Last, _header.Checkpoint.Size))
        {
            ReadOnlySpan<byte> subtree = _header.Behind.AsSpan(index++ * MerkleHash.Bytes, MerkleHash.Bytes);
            _tree.Append(level, subtree);
            _marks.Append(level, subtree);
        }

        byte[] root = _header.Checkpoint.Root;
        if (root.AsSpan().SequenceEqual(_tree.Root()))
        {
            // The events are those that were signed; a mark that differs was itself changed.
            _blocks.ForEach(block => Find(block.Replace("events: what is in", "mark of events", StringComparison.Ordinal).Replace(", chained anew or not", string.Empty, StringComparison.Ordinal)));
        }
        else if (_blocks.Count > 0 && root.AsSpan().SequenceEqual(_marks.Root()))
        {
            _blocks.ForEach(Find);
        }
        else
        {
            Find($"events: what is in {_header.First} to {_header.Last}, or the proof around it, is not what the checkpoint of {_header.Checkpoint.Size} events signs");
        }
    }

    private void Find(string finding)
    {
        if (_findings.Count < FindingsMax)
        {
            _findings.Add(finding);
        }
    }
}
