using System.Security.Cryptography;
using Auraed.Native;

namespace Auraed.Store.Proof;

/// <summary>
/// The hashes of RFC 6962, section 2.1: a leaf is SHA-256(00 || data), a node is SHA-256(01 || left || right), and the tree of nothing is SHA-256 of
/// nothing. The data of a leaf is the hash of its event, which covers all events before it: tree and chain hold each other.
/// </summary>
internal static class MerkleHash
{
    public const int Bytes = 32;

    public static byte[] Empty { get; } = SHA256.HashData([]);

    public static void Leaf(ReadOnlySpan<byte> data, Span<byte> hash)
    {
        Span<byte> input = stackalloc byte[1 + Bytes];
        if (data.Length > Bytes)
        {
            input = new byte[1 + data.Length];
        }

        input[0] = 0;
        data.CopyTo(input[1..]);
        DirectSha256.Hash(input[..(1 + data.Length)], hash);
    }

    /// <summary>The node's hash, written to <paramref name="hash"/>, which may be one of the two.</summary>
    public static void Node(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, Span<byte> hash)
    {
        Span<byte> input = stackalloc byte[1 + (2 * Bytes)];
        input[0] = 1;
        left.CopyTo(input[1..]);
        right.CopyTo(input[(1 + Bytes)..]);
        DirectSha256.Hash(input, hash);
    }

    public static byte[] Node(byte[] left, byte[] right)
    {
        var hash = new byte[Bytes];
        Node(left.AsSpan(), right, hash);
        return hash;
    }
}
