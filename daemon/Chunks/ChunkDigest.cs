using System.Security.Cryptography;
using Auraed.Native;

namespace Auraed.Chunks;

/// <summary>What ids are made with. An index says which by one of its flags.</summary>
public enum ChunkDigest
{
    /// <summary>What the daemon writes.</summary>
    Sha256,

    /// <summary>FIPS 180-4, section 5.3.6.2: what casync and desync take when nothing is said.</summary>
    Sha512Over256,
}

/// <summary>Computes ids; without an allocation.</summary>
public static class ChunkDigests
{
    private const int AtOnce = 32;

    public static ChunkId Compute(this ChunkDigest digest, ReadOnlySpan<byte> content)
    {
        Span<byte> bytes = stackalloc byte[ChunkId.Bytes];
        if (digest == ChunkDigest.Sha256)
        {
            SHA256.HashData(content, bytes);
        }
        else
        {
            Sha512Over256.Compute(content, bytes);
        }

        return new ChunkId(bytes);
    }

    /// <summary>Of chunks that stand one behind the other, which takes less time than each by itself.</summary>
    /// <param name="digest">What ids are made with.</param>
    /// <param name="contents">The chunks.</param>
    /// <param name="lengths">Bytes of each.</param>
    /// <param name="ids">As many as lengths.</param>
    public static void Compute(this ChunkDigest digest, ReadOnlySpan<byte> contents, ReadOnlySpan<int> lengths, Span<ChunkId> ids)
    {
        Span<byte> bytes = stackalloc byte[AtOnce * ChunkId.Bytes];
        for (var first = 0; first < lengths.Length; first += AtOnce)
        {
            var some = lengths[first..Math.Min(first + AtOnce, lengths.Length)];
            if (digest == ChunkDigest.Sha256)
            {
                DirectSha256.Hash(contents, some, bytes);
            }

            for (var place = 0; place < some.Length; place++)
            {
                ids[first + place] = digest == ChunkDigest.Sha256 ? new ChunkId(bytes.Slice(place * ChunkId.Bytes, ChunkId.Bytes)) : digest.Compute(contents[..some[place]]);
                contents = contents[some[place]..];
            }
        }
    }

    /// <summary>As casync's <c>--digest=</c> says it.</summary>
    public static string ToText(this ChunkDigest digest) => digest == ChunkDigest.Sha256 ? "sha256" : "sha512-256";
}
