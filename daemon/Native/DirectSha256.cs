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

    /// <summary>
    /// Hashes messages that stand one behind the other, several at a time (packaging/native/lanes.c): with the processor's instructions for SHA it takes two thirds of the time that one
    /// after the other does. Of each, 32 bytes go to <paramref name="hashes"/>.
    /// </summary>
    public static void Hash(ReadOnlySpan<byte> messages, ReadOnlySpan<int> lengths, Span<byte> hashes)
    {
        long total = 0;
        foreach (var length in lengths)
        {
            total += length < 0 ? throw new ArgumentException($"{length} is no length", nameof(lengths)) : length;
        }

        if (total > messages.Length || hashes.Length / HashBytes < lengths.Length)
        {
            throw new ArgumentException($"{messages.Length} bytes hold no {lengths.Length} messages of {total} bytes, or {hashes.Length} not their hashes", nameof(lengths));
        }

        fixed (byte* input = messages, output = hashes)
        fixed (int* sizes = lengths)
        {
            auraed_sha256_pieces(input, sizes, lengths.Length, output);
        }
    }

    [LibraryImport("e_sqlite3")]
    private static partial void auraed_sha256_pieces(byte* messages, int* lengths, int count, byte* hashes);

    [LibraryImport("e_sqlite3")]
    private static partial int SHA256_Init(void* context);

    [LibraryImport("e_sqlite3")]
    private static partial int SHA256_Update(void* context, byte* data, nuint length);

    [LibraryImport("e_sqlite3")]
    private static partial int SHA256_Final(byte* hash, void* context);
}
