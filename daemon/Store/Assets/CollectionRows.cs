namespace Auraed.Store.Assets;

/// <summary>What a collector reads and removes, each call a bounded piece of work.</summary>
public static class CollectionRows
{
    /// <summary>Numbers of the oldest and newest chunk, and of the newest part; zeros when there is none.</summary>
    public static (long FirstChunk, long LastChunk, long LastPart) Bounds(ReadUnit unit)
    {
        Statement select = unit.Prepare("SELECT (SELECT coalesce(min(number), 0) FROM chunk), (SELECT coalesce(max(number), 0) FROM chunk), (SELECT coalesce(max(number), 0) FROM content_part)");
        _ = select.Step();
        var bounds = (select.Integer(0), select.Integer(1), select.Integer(2));
        select.Reset();
        return bounds;
    }

    /// <summary>
    /// Removes parts of contents that belong to nothing, and the contents after their last part; those that caches are still to be told of stay (<see cref="WithdrawalRows"/>).
    /// Answers rows removed; 0 when nothing is left.
    /// </summary>
    public static int RemoveLoose(WriteUnit unit, int partsMax)
    {
        Statement select = unit.Prepare($"SELECT number FROM content WHERE asset IS NULL AND upload IS NULL AND number NOT IN ({WithdrawalRows.Contents}) ORDER BY number LIMIT 1");
        if (!select.Step())
        {
            return 0;
        }

        long content = select.Integer(0);
        select.Reset();
        Statement parts = unit.Prepare("DELETE FROM content_part WHERE number IN (SELECT number FROM content_part WHERE content = ? ORDER BY offset LIMIT ?)");
        parts.Integer(0, content);
        parts.Integer(1, partsMax);
        int removed = parts.Execute();
        if (removed == partsMax)
        {
            return removed;
        }

        Statement delete = unit.Prepare("DELETE FROM content WHERE number = ?");
        delete.Integer(0, content);
        return removed + delete.Execute();
    }

    /// <summary>Marks parts of a tenant's contents from a place on; answers the place to go on from, or null at the end. What belongs to nothing any more is passed over.</summary>
    /// <param name="onlyKept">Passes over archived assets too, and over what is withdrawn: of that the ids are needed and not the bytes.</param>
    public static (long Content, long Offset)? Mark(ReadUnit unit, long holder, (long Content, long Offset) from, LiveChunks live, int partsMax, bool onlyKept = false)
    {
        Statement select = unit.Prepare(
            "SELECT p.content, p.offset, p.chunk_min, p.chunk_max, p.entries FROM content_part AS p WHERE p.content = ? AND p.offset >= ? ORDER BY p.offset LIMIT ?");
        int left = partsMax;
        for (long? content = from.Content == 0 ? NextContent(unit, holder, 0, onlyKept) : from.Content; content is { } number; content = NextContent(unit, holder, number, onlyKept))
        {
            select.Integer(0, number);
            select.Integer(1, number == from.Content ? from.Offset : 0);
            select.Integer(2, left);
            long last = 0;
            int before = left;
            while (select.Step())
            {
                left--;
                last = select.Integer(1);
                if (select.Integer(3) >= live.Low && select.Integer(2) < live.High)
                {
                    live.Mark(select.Blob(4));
                }
            }

            if (left == 0 && before > 0)
            {
                return (number, last + 1);
            }
        }

        return null;
    }

    /// <summary>Chunks that the tenant is said to hold though no part of it refers to them; from a number on, at most so many rows looked at.</summary>
    public static (List<long> Stale, long? Next) FindStale(ReadUnit unit, long holder, long from, LiveChunks live, int rowsMax)
    {
        Statement select = unit.Prepare("SELECT chunk FROM chunk_holder WHERE holder = ? AND chunk >= ? AND chunk < ? ORDER BY chunk LIMIT ?");
        select.Integer(0, holder);
        return Find(select, from, live, rowsMax);
    }

    /// <summary>Chunks that no part refers to.</summary>
    /// <param name="alsoCondemned">False leaves out those that are condemned already.</param>
    public static (List<long> Dead, long? Next) FindDead(ReadUnit unit, long from, LiveChunks live, bool alsoCondemned, int rowsMax)
    {
        Statement select = unit.Prepare("SELECT number FROM chunk WHERE number >= ?2 AND number < ?3 AND (?1 OR number NOT IN (SELECT number FROM chunk_condemned)) ORDER BY number LIMIT ?4");
        select.Integer(0, alsoCondemned ? 1 : 0);
        return Find(select, from, live, rowsMax);
    }

    private static (List<long> Found, long? Next) Find(Statement select, long from, LiveChunks live, int rowsMax)
    {
        select.Integer(1, from);
        select.Integer(2, live.High);
        select.Integer(3, rowsMax);
        var found = new List<long>();
        int rows = 0;
        long last = from;
        while (select.Step())
        {
            rows++;
            last = select.Integer(0);
            if (!live[last])
            {
                found.Add(last);
            }
        }

        return (found, rows == rowsMax ? last + 1 : null);
    }

    /// <summary>Takes what is still stale from the tenant. Answers how many.</summary>
    public static int Release(WriteUnit unit, long holder, IEnumerable<long> stale, LiveChunks live)
    {
        live.CatchUp(unit);
        var holders = new HolderRows(unit);
        var chunks = new ChunkRows(unit);
        var gone = default(HolderSums);
        foreach (long number in stale)
        {
            if (!live[number] && chunks.Find(number) is { } chunk && holders.Holds(holder, number))
            {
                holders.Release(holder, number);
                gone = new HolderSums(gone.ChunkCount + 1, gone.Size + chunk.Size, gone.StoredSize + chunk.StoredSize);
            }
        }

        _ = holders.Add(holder, new HolderSums(-gone.ChunkCount, -gone.Size, -gone.StoredSize));
        return (int)gone.ChunkCount;
    }

    /// <summary>Condemns what is still dead. Answers how many.</summary>
    public static int Condemn(WriteUnit unit, IEnumerable<long> dead, LiveChunks live)
    {
        live.CatchUp(unit);
        Statement insert = unit.Prepare("INSERT INTO chunk_condemned (number, time) SELECT number, ? FROM chunk WHERE number = ? ON CONFLICT DO NOTHING");
        int condemned = 0;
        foreach (long number in dead)
        {
            if (!live[number])
            {
                insert.Integer(0, unit.Now);
                insert.Integer(1, number);
                condemned += insert.Execute();
            }
        }

        return condemned;
    }

    /// <summary>Chunks that were condemned at that time or before; from a number on, at most so many rows looked at.</summary>
    public static (List<long> Expired, long? Next) FindExpired(ReadUnit unit, long from, long until, int rowsMax)
    {
        Statement select = unit.Prepare("SELECT number, time FROM chunk_condemned WHERE number >= ? ORDER BY number LIMIT ?");
        select.Integer(0, from);
        select.Integer(1, rowsMax);
        var expired = new List<long>();
        int rows = 0;
        long last = from;
        while (select.Step())
        {
            rows++;
            last = select.Integer(0);
            if (select.Integer(1) <= until)
            {
                expired.Add(last);
            }
        }

        return (expired, rows == rowsMax ? last + 1 : null);
    }

    /// <summary>
    /// Removes those of the chunks that are still condemned since that time or before. No part can refer to one: that would have rescued it. One whose bytes the disk has lost goes
    /// too, unless what leads to them is lost: that stays, and what the engine cannot remove without it.
    /// </summary>
    /// <param name="unreadable">Those whose bytes cannot be read.</param>
    public static (int Count, long StoredSize) Remove(WriteUnit unit, IEnumerable<long> expired, List<long> unreadable, long until)
    {
        var rows = new ChunkRows(unit);
        Statement select = unit.Prepare("SELECT c.stored_size FROM chunk_condemned AS d JOIN chunk AS c ON c.number = d.number WHERE d.number = ? AND d.time <= ?");
        Statement delete = unit.Prepare("DELETE FROM chunk WHERE number = ?");
        var (count, size) = (0, 0L);
        foreach (long number in expired)
        {
            select.Integer(0, number);
            select.Integer(1, until);
            long? stored = select.Step() ? select.Integer(0) : null;
            select.Reset();
            bool isReadable = !unreadable.Contains(number);
            if (stored is not null && !rows.TryFree(number, isReadable, default))
            {
                _ = !isReadable && ScrubRows.Note(unit, number, ScrubRows.Lost);
            }
            else if (stored is not null)
            {
                delete.Integer(0, number);
                count += delete.Execute();
                size += stored.Value;
            }
        }

        return (count, size);
    }

    private static long? NextContent(ReadUnit unit, long holder, long after, bool onlyKept)
    {
        Statement select = unit.Prepare(onlyKept
            ? "SELECT c.number FROM content AS c WHERE c.holder = ? AND c.number > ? AND (c.upload IS NOT NULL OR c.asset IS NOT NULL AND NOT EXISTS (SELECT 1 FROM asset AS a JOIN asset_archive AS x ON x.tenant = a.tenant AND x.id = a.id WHERE a.row_id = c.asset)) ORDER BY c.number LIMIT 1"
            : $"SELECT number FROM content WHERE holder = ? AND number > ? AND (asset IS NOT NULL OR upload IS NOT NULL OR number IN ({WithdrawalRows.Contents})) ORDER BY number LIMIT 1");
        select.Integer(0, holder);
        select.Integer(1, after);
        long? number = select.Step() ? select.Integer(0) : null;
        select.Reset();
        return number;
    }
}
