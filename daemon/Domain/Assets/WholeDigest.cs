using System.Security.Cryptography;

namespace Auraed.Domain.Assets;

/// <summary>
/// The SHA-256 of a whole blob, made while its bytes pass by. Bytes that did not pass by, because they were durable already, are read back, once, when a digest is
/// really needed. Invariant: what is hashed is the blob's first <see cref="Position"/> bytes.
/// </summary>
internal sealed class WholeDigest : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public long Position { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        _hash.AppendData(bytes);
        Position += bytes.Length;
    }

    /// <summary>In lower-case hexadecimal digits; nothing can be added any more.</summary>
    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();
}
