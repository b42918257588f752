using System.Text;
using Auraed.Store;
using Auraed.Store.Journal;
using Auraed.Tests.Support;

namespace Auraed.Tests.Golden;

/// <summary>The bytes of the journal, as they are on disks already.</summary>
public class JournalBytes
{
    private static readonly byte[] Id = [.. Enumerable.Range(0, 16).Select(value => (byte)value)];
    private static readonly byte[] Salt = [.. Enumerable.Range(16, 16).Select(value => (byte)value)];

    [Fact]
    public void A_segments_header_is_these_bytes()
    {
        using var key = Key();
        using var cipher = new JournalCipher(key, Id, 7, Salt);
        var bytes = new byte[JournalFormat.SegmentHeaderBytes];
        new SegmentHeader(3, Id, 7, Salt, new byte[16], 4096, new byte[16]).Write(bytes);
        cipher.Seal(bytes, 3);
        Support.Golden.Verify(Text(bytes), "segment");
        var read = SegmentHeader.Read(bytes);
        Assert.Equal((3u, 7L, 4096L), (read!.Number, read.Epoch, read.Bytes));
        Assert.True(cipher.Opens(bytes, 3));
        Assert.False(cipher.Opens(bytes, 4));
    }

    [Fact]
    public void A_segments_header_of_the_first_version_is_these_bytes_and_is_read()
    {
        using var key = Key();
        using var cipher = new JournalCipher(key, Id, 7, Salt);
        var bytes = new byte[JournalFormat.SegmentHeaderBytes];
        new SegmentHeader(3, Id, 7, Salt, new byte[16], 0, new byte[16]).Write(bytes);
        bytes[8] = 1;
        cipher.Seal(bytes, 3);
        Support.Golden.Verify(Text(bytes), "segment-1");
        Assert.Equal(0, SegmentHeader.Read(bytes)!.Bytes);
        bytes[72] = 1;
        Assert.Null(SegmentHeader.Read(bytes));
        bytes[8] = 3;
        Assert.Null(SegmentHeader.Read(bytes));
    }

    [Fact]
    public void A_record_is_these_bytes_and_opens_nowhere_else()
    {
        using var key = Key();
        using var cipher = new JournalCipher(key, Id, 7, Salt);
        var changes = "what changed"u8;
        var record = new byte[JournalFormat.RecordHeaderBytes + changes.Length];
        changes.CopyTo(record.AsSpan(JournalFormat.RecordHeaderBytes));
        new RecordHeader(changes.Length, 11, 10, 100, 102).Write(record);
        cipher.Seal(record, 11, 3, 128);
        Support.Golden.Verify(Text(record), "record");
        Assert.True(RecordHeader.TryRead(record, out var header));
        Assert.Equal(new RecordHeader(changes.Length, 11, 10, 100, 102), header);
        var opened = new byte[changes.Length];
        Assert.True(cipher.TryOpen(record, 11, 3, 128, opened));
        Assert.Equal(changes.ToArray(), opened);
        Assert.False(cipher.TryOpen(record, 11, 3, 192, opened));
        Assert.False(cipher.TryOpen(record, 11, 4, 128, opened));
        Assert.False(cipher.TryOpen(record, 12, 3, 128, opened));
        using var other = new JournalCipher(key, Id, 8, Salt);
        Assert.False(other.TryOpen(record, 11, 3, 128, opened));
    }

    private static StoreKey Key()
    {
        using var server = ServerKey.Parse(Encoding.ASCII.GetBytes(StoreFixture.KeyPem), "test");
        return new StoreKey(server);
    }

    private static string Text(byte[] bytes) => string.Join('\n', Convert.ToHexStringLower(bytes).Chunk(32).Select(line => new string(line))) + "\n";
}
