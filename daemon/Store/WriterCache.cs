using System.Diagnostics;
using Auraed.Base;
using Auraed.Native;

namespace Auraed.Store;

/// <summary>How many pages the writer's connection keeps: fewer while a large ingest goes by, whose pages would take the place of all others and are not wanted again.</summary>
/// <param name="connection">The writer's; only who has its turn calls.</param>
internal sealed class WriterCache(Connection connection)
{
    private long _bulkSeen;
    private bool _isSmall;

    /// <param name="hadBulk">A part of a large ingest was in the group.</param>
    public void AfterGroup(bool hadBulk)
    {
        if (hadBulk)
        {
            _bulkSeen = Stopwatch.GetTimestamp();
        }

        if (hadBulk != _isSmall && (hadBulk || Stopwatch.GetElapsedTime(_bulkSeen) >= Limits.StoreIngestRest))
        {
            _isSmall = hadBulk;
            connection.Execute($"PRAGMA cache_size = -{(hadBulk ? Limits.StoreWriteCacheBulkKibibytes : Limits.StoreWriteCacheKibibytes)}");
            if (hadBulk)
            {
                NativeHeap.Trim();
            }
        }
    }
}
