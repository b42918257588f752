namespace Auraed.Store.Assets;

/// <summary>What a tenant holds: its chunks once each, whoever else has them.</summary>
public readonly record struct HolderSums(long ChunkCount, long Size, long StoredSize);

/// <summary>
/// Which tenant can see which chunks. Invariants: a tenant holds every chunk that a part of its contents refers to; the sums are those of
/// the chunks held, in the transaction that changes them.
/// </summary>
/// <param name="prepare">The unit's own.</param>
public readonly struct HolderRows(Func<string, Statement> prepare)
{
    public HolderRows(ReadUnit unit)
        : this(unit.Prepare)
    {
    }

    public HolderRows(WriteUnit unit)
        : this(unit.Prepare)
    {
    }

    /// <summary>The tenant's number; null while it has never held anything.</summary>
    public long? Find(string tenant)
    {
        Statement select = prepare("SELECT number FROM asset_holder WHERE tenant = ?");
        select.Text(0, tenant);
        long? number = select.Step() ? select.Integer(0) : null;
        select.Reset();
        return number;
    }

    public long FindOrAdd(string tenant)
    {
        if (Find(tenant) is { } number)
        {
            return number;
        }

        Statement insert = prepare("INSERT INTO asset_holder (tenant) VALUES (?) RETURNING number");
        insert.Text(0, tenant);
        _ = insert.Step();
        long made = insert.Integer(0);
        insert.Reset();
        return made;
    }

    public bool Holds(long holder, long chunk)
    {
        Statement select = prepare("SELECT 1 FROM chunk_holder WHERE holder = ? AND chunk = ?");
        select.Integer(0, holder);
        select.Integer(1, chunk);
        bool holds = select.Step();
        select.Reset();
        return holds;
    }

    /// <summary>True when the tenant did not hold it before. The sums are for <see cref="Add(long, HolderSums)"/>.</summary>
    public bool Hold(long holder, long chunk)
    {
        Statement insert = prepare("INSERT INTO chunk_holder (holder, chunk) VALUES (?, ?) ON CONFLICT DO NOTHING");
        insert.Integer(0, holder);
        insert.Integer(1, chunk);
        return insert.Execute() > 0;
    }

    public void Release(long holder, long chunk)
    {
        Statement delete = prepare("DELETE FROM chunk_holder WHERE holder = ? AND chunk = ?");
        delete.Integer(0, holder);
        delete.Integer(1, chunk);
        _ = delete.Execute();
    }

    /// <summary>Adds to the sums, or takes away; answers what they are then.</summary>
    public HolderSums Add(long holder, HolderSums change)
    {
        Statement update = prepare("UPDATE asset_holder SET chunk_count = chunk_count + ?, size = size + ?, stored_size = stored_size + ? WHERE number = ? RETURNING chunk_count, size, stored_size");
        update.Integer(0, change.ChunkCount);
        update.Integer(1, change.Size);
        update.Integer(2, change.StoredSize);
        update.Integer(3, holder);
        _ = update.Step();
        var sums = new HolderSums(update.Integer(0), update.Integer(1), update.Integer(2));
        update.Reset();
        return sums;
    }

    /// <summary>Every tenant that has held something, by number.</summary>
    public List<(long Number, string Tenant, HolderSums Sums)> All()
    {
        Statement select = prepare("SELECT number, tenant, chunk_count, size, stored_size FROM asset_holder ORDER BY number");
        var all = new List<(long, string, HolderSums)>();
        while (select.Step())
        {
            all.Add((select.Integer(0), select.Text(1), new HolderSums(select.Integer(2), select.Integer(3), select.Integer(4))));
        }

        return all;
    }
}
