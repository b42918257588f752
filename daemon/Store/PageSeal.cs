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

/// <summary>
/// The seal of every page, checked without the engine, so that a wrong key and a damaged page are told apart before anything is opened.
/// A page of SQLCipher 4, 4096 bytes:
/// <code>
/// offset  bytes  content
///      0     16  salt of the file (page 1 only; on other pages ciphertext begins at 0)
///     16   4000  ciphertext, AES-256-CBC (page 1; 4016 bytes on others)
///   4016     16  initialisation vector
///   4032     64  HMAC-SHA512 over ciphertext, vector and the page's number (4 bytes, little-endian)
/// </code>
/// The HMAC's key is PBKDF2-HMAC-SHA512(raw key, salt with every byte XOR 3a, 2 rounds, 32 bytes).
/// </summary>
internal static class PageSeal
{
    public const int SaltBytes = 16;
    private const int SealBytes = 64;
    private const byte SaltMask = 0x3a;
    private const int KeyBytes = 32;
    private const int PagesLookedAtMax = 64;

    /// <summary>Reads the first page and, if that is not the key's, up to 64 others spread over the file.</summary>
    public static SealVerdict Judge(string path, StoreKey key)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        Span<byte> page = stackalloc byte[DatabaseFile.PageBytes];
        if (file.ReadAtLeast(page, page.Length, throwOnEndOfStream: false) < page.Length)
        {
            return SealVerdict.NoPage;
        }

        Span<byte> sealKey = stackalloc byte[KeyBytes];
        KeyOf(key, page[..SaltBytes], sealKey);
        try
        {
            if (Holds(page, 1, sealKey))
            {
                return SealVerdict.Whole;
            }

            var count = file.Length / DatabaseFile.PageBytes;
            var step = Math.Max(1, count / PagesLookedAtMax);
            for (var number = 2L; number <= count; number += step)
            {
                file.Position = (number - 1) * DatabaseFile.PageBytes;
                file.ReadExactly(page);
                if (Holds(page, (uint)number, sealKey))
                {
                    return SealVerdict.FirstPageDamaged;
                }
            }

            return SealVerdict.NoPage;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(sealKey);
        }
    }

    /// <summary>The numbers of pages whose seal does not hold, at most <paramref name="countMax"/>; a page of zeros alone is one that was never written.</summary>
    public static List<long> Damaged(string path, StoreKey key, int countMax, Action<long, long>? progress)
    {
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

            if (!Holds(page, (uint)number, sealKey) && page.ContainsAnyExcept((byte)0))
            {
                damaged.Add(number);
            }

            progress?.Invoke(number, count);
        }

        CryptographicOperations.ZeroMemory(sealKey);
        return damaged;
    }

    private static void KeyOf(StoreKey key, ReadOnlySpan<byte> salt, Span<byte> sealKey)
    {
        Span<byte> masked = stackalloc byte[SaltBytes];
        for (var index = 0; index < SaltBytes; index++)
        {
            masked[index] = (byte)(salt[index] ^ SaltMask);
        }

        Rfc2898DeriveBytes.Pbkdf2(key.Raw, masked, sealKey, 2, HashAlgorithmName.SHA512);
    }

    private static bool Holds(ReadOnlySpan<byte> page, uint number, ReadOnlySpan<byte> sealKey)
    {
        var start = number == 1 ? SaltBytes : 0;
        var end = page.Length - SealBytes;
        Span<byte> sealedBytes = stackalloc byte[DatabaseFile.PageBytes];
        page[start..end].CopyTo(sealedBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(sealedBytes[(end - start)..], number);
        Span<byte> expected = stackalloc byte[SealBytes];
        HMACSHA512.HashData(sealKey, sealedBytes[..(end - start + 4)], expected);
        return CryptographicOperations.FixedTimeEquals(expected, page[end..]);
    }
}
