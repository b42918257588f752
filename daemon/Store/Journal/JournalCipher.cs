using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Auraed.Store.Journal;

/// <summary>
/// Seals and opens what <see cref="JournalFormat"/> draws, with the key of one epoch: HKDF-SHA256 of the journal key, the epoch's salt as salt, and as
/// info the label <c>auraed/v1/journal/epoch</c>, the database's id and the epoch in 8 bytes. Used by one thread.
/// </summary>
internal sealed class JournalCipher : IDisposable
{
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const uint NonceOfHeader = 1;
    private const uint NonceOfRecord = 0;
    private readonly AesGcm _cipher;

    public JournalCipher(StoreKey key, ReadOnlySpan<byte> databaseId, long epoch, ReadOnlySpan<byte> salt)
    {
        var label = "auraed/v1/journal/epoch"u8;
        Span<byte> info = stackalloc byte[label.Length + JournalFormat.IdBytes + sizeof(long)];
        label.CopyTo(info);
        databaseId.CopyTo(info[label.Length..]);
        BinaryPrimitives.WriteInt64LittleEndian(info[^sizeof(long)..], epoch);
        Span<byte> derived = stackalloc byte[KeyBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key.Journal, derived, salt, info);
        _cipher = new AesGcm(derived, JournalFormat.TagBytes);
        CryptographicOperations.ZeroMemory(derived);
    }

    /// <summary>Puts the tag into a segment's header.</summary>
    public void Seal(Span<byte> header, uint segment)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        Nonce(nonce, NonceOfHeader, segment);
        _cipher.Encrypt(nonce, default, default, header.Slice(JournalFormat.SegmentSealedBytes, JournalFormat.TagBytes), header[..JournalFormat.SegmentSealedBytes]);
    }

    public bool Opens(ReadOnlySpan<byte> header, uint segment)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        Nonce(nonce, NonceOfHeader, segment);
        return Try(nonce, default, header.Slice(JournalFormat.SegmentSealedBytes, JournalFormat.TagBytes), default, header[..JournalFormat.SegmentSealedBytes]);
    }

    /// <summary>Seals a record in its place: header without tag, then the changes.</summary>
    public void Seal(Span<byte> record, long number, uint segment, long offset)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        Nonce(nonce, NonceOfRecord, number);
        Span<byte> bound = stackalloc byte[JournalFormat.RecordSealedBytes + 12];
        Bind(record, segment, offset, bound);
        var changes = record[JournalFormat.RecordHeaderBytes..];
        _cipher.Encrypt(nonce, changes, changes, record.Slice(JournalFormat.RecordSealedBytes, JournalFormat.TagBytes), bound);
    }

    /// <summary>Opens a record into <paramref name="changes"/>, which is as long as its changes are. False when it is not what was written there.</summary>
    public bool TryOpen(ReadOnlySpan<byte> record, long number, uint segment, long offset, Span<byte> changes)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        Nonce(nonce, NonceOfRecord, number);
        Span<byte> bound = stackalloc byte[JournalFormat.RecordSealedBytes + 12];
        Bind(record, segment, offset, bound);
        return Try(
            nonce, record.Slice(JournalFormat.RecordHeaderBytes, changes.Length), record.Slice(JournalFormat.RecordSealedBytes, JournalFormat.TagBytes), changes, bound);
    }

    public void Dispose() => _cipher.Dispose();

    private static void Nonce(Span<byte> nonce, uint of, long number)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(nonce, of);
        BinaryPrimitives.WriteInt64LittleEndian(nonce[4..], number);
    }

    private static void Bind(ReadOnlySpan<byte> record, uint segment, long offset, Span<byte> bound)
    {
        record[..JournalFormat.RecordSealedBytes].CopyTo(bound);
        BinaryPrimitives.WriteUInt32LittleEndian(bound[JournalFormat.RecordSealedBytes..], segment);
        BinaryPrimitives.WriteInt64LittleEndian(bound[(JournalFormat.RecordSealedBytes + 4)..], offset);
    }

    private bool Try(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> tag, Span<byte> plain, ReadOnlySpan<byte> bound)
    {
        try
        {
            _cipher.Decrypt(nonce, sealedBytes, tag, plain, bound);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }
}
