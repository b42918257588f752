namespace Auraed.Store.Assets;

/// <summary>Bytes that go from the file because backends have them and only archived assets refer to them.</summary>
public static class EvictionRows
{
    /// <summary>False when there is nothing that could go.</summary>
    public static bool IsAny(ReadUnit unit)
    {
        Statement select = unit.Prepare("SELECT 1 FROM chunk_copy AS c JOIN chunk AS k ON k.number = c.number WHERE k.resident = 1 LIMIT 1");
        bool isAny = select.Step();
        select.Reset();
        return isAny;
    }

    /// <summary>Chunks with a copy, and bytes in the file, that no asset in the file refers to; from a number on, at most so many rows looked at.</summary>
    public static (List<long> Idle, long? Next) Find(ReadUnit unit, long from, LiveChunks kept, int rowsMax)
    {
        Statement select = unit.Prepare("SELECT c.number, k.resident FROM chunk_copy AS c JOIN chunk AS k ON k.number = c.number WHERE c.number >= ? AND c.number < ? ORDER BY c.number LIMIT ?");
        select.Integer(0, from);
        select.Integer(1, kept.High);
        select.Integer(2, rowsMax);
        var idle = new List<long>();
        int rows = 0;
        long last = from;
        while (select.Step())
        {
            rows++;
            bool isFirst = rows == 1 || select.Integer(0) != last;
            last = select.Integer(0);
            if (isFirst && select.Integer(1) != 0 && !kept[last])
            {
                idle.Add(last);
            }
        }

        // Rows of one chunk, one for each backend, may stand on both sides of the bound: the chunk is looked at again, which changes nothing.
        return (idle, rows == rowsMax && last > from ? last : null);
    }

    /// <summary>
    /// Removes the bytes of chunks that no asset in the file has come to refer to meanwhile, and that have a copy. Answers how many, and their bytes. Those stay that the disk has lost
    /// together with what leads to them.
    /// </summary>
    /// <param name="unreadable">Those whose bytes cannot be read.</param>
    public static (int Count, long StoredSize) Run(WriteUnit unit, IEnumerable<long> idle, List<long> unreadable, LiveChunks kept)
    {
        kept.CatchUp(unit);
        var rows = new ChunkRows(unit);
        Statement update = unit.Prepare("UPDATE chunk SET resident = 0 WHERE number = ?1 AND resident = 1 AND EXISTS (SELECT 1 FROM chunk_copy WHERE number = ?1) RETURNING stored_size");
        Statement delete = unit.Prepare("DELETE FROM chunk_body WHERE number = ?");
        var (count, size) = (0, 0L);
        foreach (long number in idle)
        {
            if (kept[number] || !rows.TryFree(number, !unreadable.Contains(number), default))
            {
                continue;
            }

            update.Integer(0, number);
            if (update.Step())
            {
                count++;
                size += update.Integer(0);
                update.Reset();
                delete.Integer(0, number);
                _ = delete.Execute();
                ScrubRows.Clear(unit, number);
            }
            else
            {
                update.Reset();
            }
        }

        return (count, size);
    }
}
