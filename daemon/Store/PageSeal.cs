using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Auraed.Store;

/// <summary>What the pages of a file say about a key.</summary>
internal enum SealVerdict
{
    /// <summary>The first page carries the key's seal.</summary>
    Whole,
    /// <summary>The first page does not, others do: the key is right and the page is damaged.</summary>
    FirstPageDamaged,
    /// <summary>No page that was looked at carries it: another key, or no file of this kind.</summary>
    NoPage,
}

/// <summary>How the pages of a file are sealed. A file keeps the form that it was made with; a copy takes its source's.</summary>
internal enum SealForm
{
    /// <summary>HMAC-SHA256, 48 reserved bytes a page: what new files have. A processor's own SHA instructions make it twice to three times as fast as SHA-512.</summary>
    Sha256,
    /// <summary>HMAC-SHA512, 80 reserved bytes a page: SQLCipher's default, and what files of every file had before.</summary>
    Sha512,
}

/// <summary>
/// The seal of every page, checked without the engine, so that a wrong key and a damaged page are told apart before anything is opened.
/// A page of SQLCipher 4, 4096 bytes:
/// <code>
/// form     offset  bytes  content
/// both          0     16  salt of the file (page 1 only; on other pages ciphertext begins at 0)
/// SHA-256      16   4032  ciphertext, AES-256-CBC (page 1; 4048 bytes on others)
///            4048     16  initialisation vector
///            4064     32  HMAC-SHA256 over ciphertext, vector and the page's number (4 bytes, little-endian)
/// SHA-512      16   4000  ciphertext, AES-256-CBC (page 1; 4016 bytes on others)
///            4016     16  initialisation vector
///            4032     64  HMAC-SHA512 over the same
/// </code>
/// The HMAC's key is PBKDF2-HMAC-SHA512(raw key, salt with every byte XOR 3a, 2 rounds, 32 bytes) in both.
/// </summary>
internal static class PageSeal
{
    public const int SaltBytes = 16;
    private const byte SaltMask = 0x3a;
    private const int KeyBytes = 32;
    private const int VectorBytes = 16;
    private const int HeaderEnd = 96;
    private const int PagesLookedAtMax = 64;

    /// <summary>Reads the first page and, if that is not the key's, up to 64 others spread over the file.</summary>
    public static SealVerdict Judge(string path, StoreKey key) => Look(path, key).Verdict;

    /// <summary>The form of the first page that carries the key's seal; that of new files when none does, and then the engine refuses the file.</summary>
    public static SealForm FormOf(string path, StoreKey key) => Look(path, key).Form;

    /// <summary>The numbers of pages whose seal does not hold, at most <paramref name="countMax"/>; a page of zeros alone is one that was never written.</summary>
    public static List<long> Damaged(string path, StoreKey key, int countMax, Action<long, long>? progress)
    {
        var form = FormOf(path, key);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 20);
        var damaged = new List<long>();
        Span<byte> page = stackalloc byte[DatabaseFile.PageBytes];
        Span<byte> sealKey = stackalloc byte[KeyBytes];
        var count = file.Length / DatabaseFile.PageBytes;
        for (var number = 1L; number <= count && damaged.Count < countMax; number++)
        {
            file.ReadExactly(page);
            if (number == 1)
            {
                KeyOf(key, page[..SaltBytes], sealKey);
            }

            if (!Holds(page, (uint)number, sealKey, form) && page.ContainsAnyExcept((byte)0))
            {
                damaged.Add(number);
            }

            progress?.Invoke(number, count);
        }

        CryptographicOperations.ZeroMemory(sealKey);
        return damaged;
    }

    /// <summary>
    /// How many pages the file's own header counts (the SQLite file format: bytes 28 to 31 of page 1, true when 24 to 27 and 92 to 95 agree); null when it does not tell.
    /// </summary>
    public static long? PageCount(string path, StoreKey key)
    {
        var (verdict, form) = Look(path, key);
        if (verdict != SealVerdict.Whole)
        {
            return null;
        }

        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        Span<byte> page = stackalloc byte[DatabaseFile.PageBytes];
        Span<byte> header = stackalloc byte[HeaderEnd - SaltBytes];
        _ = RandomAccess.Read(file, page, 0);
        var raw = key.Raw.ToArray();
        using var cipher = Aes.Create();
        cipher.Key = raw;
        CryptographicOperations.ZeroMemory(raw);
        var vector = page.Length - (form == SealForm.Sha256 ? HMACSHA256.HashSizeInBytes : HMACSHA512.HashSizeInBytes) - VectorBytes;
        _ = cipher.DecryptCbc(page[SaltBytes..HeaderEnd], page.Slice(vector, VectorBytes), header, PaddingMode.None);
        return header[(24 - SaltBytes)..(28 - SaltBytes)].SequenceEqual(header[(92 - SaltBytes)..(96 - SaltBytes)])
            ? BinaryPrimitives.ReadUInt32BigEndian(header[(28 - SaltBytes)..])
            : null;
    }

    private static (SealVerdict Verdict, SealForm Form) Look(string path, StoreKey key)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        Span<byte> page = stackalloc byte[DatabaseFile.PageBytes];
        if (RandomAccess.Read(file, page, 0) < page.Length)
        {
            return (SealVerdict.NoPage, default);
        }

        Span<byte> sealKey = stackalloc byte[KeyBytes];
        KeyOf(key, page[..SaltBytes], sealKey);
        try
        {
            if (FormOf(page, 1, sealKey) is { } first)
            {
                return (SealVerdict.Whole, first);
            }

            var count = RandomAccess.GetLength(file) / DatabaseFile.PageBytes;
            var step = Math.Max(1, count / PagesLookedAtMax);
            for (var number = 2L; number <= count; number += step)
            {
                if (RandomAccess.Read(file, page, (number - 1) * DatabaseFile.PageBytes) == page.Length && FormOf(page, (uint)number, sealKey) is { } other)
                {
                    return (SealVerdict.FirstPageDamaged, other);
                }
            }

            return (SealVerdict.NoPage, default);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(sealKey);
        }
    }

    private static SealForm? FormOf(ReadOnlySpan<byte> page, uint number, ReadOnlySpan<byte> sealKey) =>
        Holds(page, number, sealKey, SealForm.Sha256) ? SealForm.Sha256
        : Holds(page, number, sealKey, SealForm.Sha512) ? SealForm.Sha512
        : null;

    private static void KeyOf(StoreKey key, ReadOnlySpan<byte> salt, Span<byte> sealKey)
    {
        Span<byte> masked = stackalloc byte[SaltBytes];
        for (var index = 0; index < SaltBytes; index++)
        {
            masked[index] = (byte)(salt[index] ^ SaltMask);
        }

        Rfc2898DeriveBytes.Pbkdf2(key.Raw, masked, sealKey, 2, HashAlgorithmName.SHA512);
    }

    private static bool Holds(ReadOnlySpan<byte> page, uint number, ReadOnlySpan<byte> sealKey, SealForm form)
    {
        var sealBytes = form == SealForm.Sha256 ? HMACSHA256.HashSizeInBytes : HMACSHA512.HashSizeInBytes;
        var start = number == 1 ? SaltBytes : 0;
        var end = page.Length - sealBytes;
        Span<byte> sealedBytes = stackalloc byte[DatabaseFile.PageBytes];
        page[start..end].CopyTo(sealedBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(sealedBytes[(end - start)..], number);
        Span<byte> expected = stackalloc byte[sealBytes];
        var message = sealedBytes[..(end - start + 4)];
        _ = form == SealForm.Sha256 ? HMACSHA256.HashData(sealKey, message, expected) : HMACSHA512.HashData(sealKey, message, expected);
        return CryptographicOperations.FixedTimeEquals(expected, page[end..]);
    }
}
