using System.Diagnostics;
using Auraed.Base;
using Auraed.Native;

namespace Auraed.Store;

/// <summary>
/// How many pages the writer's connection keeps: fewer while a large ingest goes by, whose pages would take the place of all others and are not wanted again, and more while commits are
/// large, as rows in random order find their pages there or have them read, checked and written once more.
/// </summary>
/// <param name="connection">The writer's; only who has its turn calls.</param>
internal sealed class WriterCache(Connection connection)
{
    private long _bulkSeen = long.MinValue / 2;
    private int _kibibytes = Limits.StoreWriteCacheKibibytes;

    /// <param name="hadBulk">A part of a large ingest was in the group.</param>
    /// <param name="isWide">Commits are large.</param>
    public void AfterGroup(bool hadBulk, bool isWide)
    {
        if (hadBulk)
        {
            _bulkSeen = Stopwatch.GetTimestamp();
        }

        var isSmall = hadBulk || Stopwatch.GetElapsedTime(_bulkSeen) < Limits.StoreIngestRest;
        var kibibytes = isSmall ? Limits.StoreWriteCacheBulkKibibytes : isWide ? Limits.StoreWriteCacheWideKibibytes : Limits.StoreWriteCacheKibibytes;
        if (kibibytes == _kibibytes)
        {
            return;
        }

        connection.Execute($"PRAGMA cache_size = -{kibibytes}");
        if (kibibytes < _kibibytes)
        {
            NativeHeap.Trim();
        }

        _kibibytes = kibibytes;
    }
}
