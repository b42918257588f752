namespace Auraed.Base;

/// <summary>Chunks.</summary>
public static partial class Limits
{
    /// <summary>casync's own bound on a chunk's content; no index that declares more is read.</summary>
    public const int ChunkBytesMax = 128 * 1024 * 1024;

    /// <summary>An index file as a whole: 6.7 million chunks, which at the usual 64 KiB is an asset of 400 GiB.</summary>
    public const int AssetIndexBytesMax = 256 * 1024 * 1024;

    /// <summary>What one worker of a parallel chunking takes at a time: some thousand chunks, of which a few at its end are cut twice.</summary>
    public const int ChunkingSpanBytes = 64 * 1024 * 1024;

    /// <summary>What a worker of a parallel chunking reads at a time: far less than a processor's cache, far more than a call costs.</summary>
    public const int ChunkingReadBytes = 1024 * 1024;
}
