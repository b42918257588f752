namespace Auraed.Store.Events;

/// <summary>Named positions in the log, inside one unit of work.</summary>
/// <param name="prepare">The unit's own: its statements are compiled once per connection.</param>
public readonly struct CursorRows(Func<string, Statement> prepare)
{
    private const string Select =
        "SELECT row_id, tenant, name, filter, frontier, last_lease, lease_time, in_flight_max, deliveries_max, create_time FROM event_cursor ";

    public CursorRows(ReadUnit unit)
        : this(unit.Prepare)
    {
    }

    public CursorRows(WriteUnit unit)
        : this(unit.Prepare)
    {
    }

    /// <summary>
    /// The lowest event that any cursor may still hand out, parked ones included: what retention may not prune, nor anything after it. Null without a cursor.
    /// An event at or after it need not exist yet.
    /// </summary>
    public static long? LowestNeeded(ReadUnit unit) => LowestNeeded(unit.Prepare);

    /// <summary>The same inside a unit that prunes.</summary>
    internal static long? LowestNeeded(Func<string, Statement> prepare)
    {
        Statement row = prepare(
            "SELECT min(coalesce((SELECT min(sequence) FROM event_delivery WHERE cursor = row_id), frontier + 1)) FROM event_cursor");
        row.Step();
        long? lowest = row.IsNull(0) ? null : row.Integer(0);
        row.Reset();
        return lowest;
    }

    public StoredCursor? Find(string tenant, string name)
    {
        Statement row = prepare(Select + "WHERE tenant = ? AND name = ?");
        row.Text(0, tenant);
        row.Text(1, name);
        StoredCursor? found = row.Step() ? Read(row) : null;
        row.Reset();
        return found;
    }

    /// <summary>A tenant's, by name.</summary>
    public List<StoredCursor> List(string tenant)
    {
        Statement rows = prepare(Select + "WHERE tenant = ? ORDER BY name");
        rows.Text(0, tenant);
        var found = new List<StoredCursor>();
        while (rows.Step())
        {
            found.Add(Read(rows));
        }

        return found;
    }

    public int Count(string tenant)
    {
        Statement row = prepare("SELECT count(*) FROM event_cursor WHERE tenant = ?");
        row.Text(0, tenant);
        row.Step();
        int count = (int)row.Integer(0);
        row.Reset();
        return count;
    }

    public CursorCounts Counts(StoredCursor cursor)
    {
        Statement row = prepare(
            "SELECT min(iif(state < 3, sequence, NULL)), count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2), count(*) FILTER (WHERE state = 3) "
            + "FROM event_delivery WHERE cursor = ?");
        row.Integer(0, cursor.RowId);
        row.Step();
        var counts = new CursorCounts(row.IsNull(0) ? cursor.Frontier : row.Integer(0) - 1, (int)row.Integer(1), (int)row.Integer(2), (int)row.Integer(3));
        row.Reset();
        return counts;
    }

    /// <summary>The tenant has none of this name.</summary>
    public void Insert(StoredCursor cursor)
    {
        Statement insert = prepare(
            "INSERT INTO event_cursor (row_id, tenant, name, filter, frontier, last_lease, lease_time, in_flight_max, deliveries_max, create_time) "
            + "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        insert.Integer(0, cursor.RowId);
        insert.Text(1, cursor.Tenant);
        insert.Text(2, cursor.Name);
        insert.Blob(3, cursor.Filter);
        insert.Integer(4, cursor.Frontier);
        insert.Integer(5, cursor.LastLease);
        insert.Integer(6, cursor.LeaseTime);
        insert.Integer(7, cursor.InFlightMax);
        insert.Integer(8, cursor.DeliveriesMax);
        insert.Integer(9, cursor.CreateTime);
        _ = insert.Execute();
    }

    public void Advance(StoredCursor cursor, long frontier, long lease)
    {
        Statement update = prepare("UPDATE event_cursor SET frontier = ?, last_lease = ? WHERE row_id = ?");
        update.Integer(0, frontier);
        update.Integer(1, lease);
        update.Integer(2, cursor.RowId);
        _ = update.Execute();
    }

    /// <summary>With its deliveries.</summary>
    public void Delete(StoredCursor cursor)
    {
        Statement delete = prepare("DELETE FROM event_cursor WHERE row_id = ?");
        delete.Integer(0, cursor.RowId);
        _ = delete.Execute();
    }

    private static StoredCursor Read(Statement row) => new(
        row.Integer(0), row.Text(1), row.Text(2), row.Blob(3).ToArray(), row.Integer(4), row.Integer(5), row.Integer(6), (int)row.Integer(7), (int)row.Integer(8), row.Integer(9));
}
