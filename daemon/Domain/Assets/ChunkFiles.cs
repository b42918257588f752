using System.Collections.Concurrent;
using Auraed.Chunks;

namespace Auraed.Domain.Assets;

/// <summary>Codecs that are lent out: each has two contexts of a megabyte, so they are used again, and kept are as many as there are cores.</summary>
internal static class ChunkFiles
{
    private static readonly ConcurrentBag<ChunkFile> Idle = [];

    public static ChunkFile Rent() => Idle.TryTake(out ChunkFile? file) ? file : new ChunkFile();

    public static void Return(ChunkFile file)
    {
        if (Idle.Count < Environment.ProcessorCount)
        {
            Idle.Add(file);
        }
        else
        {
            file.Dispose();
        }
    }
}
