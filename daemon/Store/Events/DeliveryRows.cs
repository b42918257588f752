namespace Auraed.Store.Events;

/// <summary>
/// What one cursor has handed out, inside one unit of work. Only what is not settled has a row: an acknowledgement deletes it, so rows are as few as events
/// may be out at a time.
/// </summary>
/// <param name="prepare">The unit's own: its statements are compiled once per connection.</param>
/// <param name="cursor">The cursor's row id.</param>
public readonly struct DeliveryRows(Func<string, Statement> prepare, long cursor)
{
    private const string Columns = "SELECT sequence, state, lease, consumer, due, deliveries FROM event_delivery ";

    /// <summary>How many are leased or wait.</summary>
    public int CountOpen()
    {
        Statement row = Bound("SELECT count(*) FROM event_delivery WHERE cursor = ? AND state IN (1, 2)");
        row.Step();
        int count = (int)row.Integer(0);
        row.Reset();
        return count;
    }

    /// <summary>When the next that is leased or waits comes due; null when there is none.</summary>
    public long? NextDue()
    {
        Statement row = Bound("SELECT min(due) FROM (SELECT min(due) AS due FROM event_delivery WHERE cursor = ?1 AND state = 1 UNION ALL SELECT min(due) FROM event_delivery WHERE cursor = ?1 AND state = 2)");
        row.Step();
        long? due = row.IsNull(0) ? null : row.Integer(0);
        row.Reset();
        return due;
    }

    /// <summary>Those to be handed out again: their lease has run out, or they were given back; in order.</summary>
    public List<StoredDelivery> Due(long now, int countMax)
    {
        Statement rows = Bound(Columns + "WHERE cursor = ? AND state IN (1, 2) AND due <= ? ORDER BY sequence LIMIT ?");
        rows.Integer(1, now);
        rows.Integer(2, countMax);
        return ReadAll(rows);
    }

    public List<StoredDelivery> Parked(long after, int countMax)
    {
        Statement rows = Bound(Columns + "WHERE cursor = ? AND state = 3 AND sequence > ? ORDER BY sequence LIMIT ?");
        rows.Integer(1, after);
        rows.Integer(2, countMax);
        return ReadAll(rows);
    }

    /// <summary>All that one lease still holds.</summary>
    public List<StoredDelivery> Leased(long lease)
    {
        Statement rows = Bound(Columns + "WHERE cursor = ? AND state = 1 AND lease = ? ORDER BY sequence");
        rows.Integer(1, lease);
        return ReadAll(rows);
    }

    public StoredDelivery? Find(long sequence)
    {
        Statement row = Bound(Columns + "WHERE cursor = ? AND sequence = ?");
        row.Integer(1, sequence);
        return ReadAll(row) is [var only] ? only : null;
    }

    public void Insert(StoredDelivery delivery)
    {
        Statement insert = Bound("INSERT INTO event_delivery (cursor, sequence, state, lease, consumer, due, deliveries) VALUES (?, ?, ?, ?, ?, ?, ?)");
        insert.Integer(1, delivery.Sequence);
        insert.Integer(2, (int)delivery.State);
        insert.Integer(3, delivery.Lease);
        insert.Text(4, delivery.Consumer);
        insert.Integer(5, delivery.Due);
        insert.Integer(6, delivery.Deliveries);
        _ = insert.Execute();
    }

    /// <summary>Writes a delivery over its row.</summary>
    public void Update(StoredDelivery delivery)
    {
        Statement update = prepare("UPDATE event_delivery SET state = ?, lease = ?, consumer = ?, due = ?, deliveries = ? WHERE cursor = ? AND sequence = ?");
        update.Integer(0, (int)delivery.State);
        update.Integer(1, delivery.Lease);
        update.Text(2, delivery.Consumer);
        update.Integer(3, delivery.Due);
        update.Integer(4, delivery.Deliveries);
        update.Integer(5, cursor);
        update.Integer(6, delivery.Sequence);
        _ = update.Execute();
    }

    public void Delete(long sequence)
    {
        Statement delete = Bound("DELETE FROM event_delivery WHERE cursor = ? AND sequence = ?");
        delete.Integer(1, sequence);
        _ = delete.Execute();
    }

    /// <summary>What is out and what waits; parked ones stay.</summary>
    public void DeleteOpen() => Bound("DELETE FROM event_delivery WHERE cursor = ? AND state IN (1, 2)").Execute();

    private static List<StoredDelivery> ReadAll(Statement rows)
    {
        var found = new List<StoredDelivery>();
        while (rows.Step())
        {
            found.Add(new StoredDelivery(rows.Integer(0), (DeliveryState)rows.Integer(1), rows.Integer(2), rows.Text(3), rows.Integer(4), (int)rows.Integer(5)));
        }

        return found;
    }

    private Statement Bound(string sql)
    {
        Statement statement = prepare(sql);
        statement.Integer(0, cursor);
        return statement;
    }
}
