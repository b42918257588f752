using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>
/// SHA-256 of short inputs by the block function of the cipher library that the engine brings, without the envelope around it: finding the algorithm and
/// making a context anew for each call costs several times what hashing an event does.
/// </summary>
public static unsafe partial class DirectSha256
{
    public const int HashBytes = 32;

    /// <summary>Eight words of state, the length in bits, sixteen words of data, two counters: 112 bytes; the rest is room.</summary>
    private const int ContextBytes = 128;

    /// <summary>Writes the hash of <paramref name="data"/>; the output may be part of the input.</summary>
    public static void Hash(ReadOnlySpan<byte> data, Span<byte> hash)
    {
        if (hash.Length < HashBytes)
        {
            throw new ArgumentException($"{hash.Length} bytes hold no hash", nameof(hash));
        }

        ulong* context = stackalloc ulong[ContextBytes / sizeof(ulong)];
        fixed (byte* input = data, output = hash)
        {
            _ = SHA256_Init(context);
            _ = SHA256_Update(context, input, (nuint)data.Length);
            _ = SHA256_Final(output, context);
        }
    }

    [LibraryImport("e_sqlite3")]
    private static partial int SHA256_Init(void* context);

    [LibraryImport("e_sqlite3")]
    private static partial int SHA256_Update(void* context, byte* data, nuint length);

    [LibraryImport("e_sqlite3")]
    private static partial int SHA256_Final(byte* hash, void* context);
}
