using System.Security.Cryptography;

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

    /// <summary>As casync's <c>--digest=</c> says it.</summary>
    public static string ToText(this ChunkDigest digest) => digest == ChunkDigest.Sha256 ? "sha256" : "sha512-256";
}
