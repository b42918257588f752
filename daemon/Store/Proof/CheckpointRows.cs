namespace Auraed.Store.Proof;

/// <summary>The checkpoints that are kept with the log.</summary>
internal static class CheckpointRows
{
    /// <summary>The newest, or null.</summary>
    public static Checkpoint? Last(Func<string, Statement> prepare) => One(prepare("SELECT note FROM event_checkpoint ORDER BY number DESC LIMIT 1"));

    /// <summary>The oldest that covers this event, or null. Older ones of a key that was replaced come after those of the present one.</summary>
    public static Checkpoint? Covering(Func<string, Statement> prepare, long sequence, CheckpointKey? key)
    {
        Statement rows = prepare("SELECT note FROM event_checkpoint WHERE size >= ? ORDER BY size, number");
        rows.Integer(0, sequence);
        Checkpoint? covering = null;
        while (rows.Step())
        {
            Checkpoint found = Checkpoint.Parse(rows.Blob(0));
            if (key is null || key.IsSignerOf(found))
            {
                covering = found;
                break;
            }
        }

        rows.Reset();
        return covering;
    }

    /// <summary>Of exactly this size, or null; the newest of several.</summary>
    public static Checkpoint? OfSize(Func<string, Statement> prepare, long size)
    {
        Statement row = prepare("SELECT note FROM event_checkpoint WHERE size = ? ORDER BY number DESC LIMIT 1");
        row.Integer(0, size);
        return One(row);
    }

    /// <summary>Newest first, of sizes below <paramref name="below"/>.</summary>
    public static List<Checkpoint> Below(Func<string, Statement> prepare, long below, int countMax)
    {
        Statement rows = prepare("SELECT note FROM event_checkpoint WHERE size < ? ORDER BY size DESC, number DESC LIMIT ?");
        rows.Integer(0, below);
        rows.Integer(1, countMax);
        var found = new List<Checkpoint>();
        while (rows.Step())
        {
            found.Add(Checkpoint.Parse(rows.Blob(0)));
        }

        return found;
    }

    public static void Insert(Func<string, Statement> prepare, Checkpoint checkpoint)
    {
        Statement insert = prepare("INSERT INTO event_checkpoint (size, time, note) VALUES (?, ?, ?)");
        insert.Integer(0, checkpoint.Size);
        insert.Integer(1, checkpoint.Time);
        insert.Blob(2, checkpoint.Note);
        _ = insert.Execute();
    }

    private static Checkpoint? One(Statement row)
    {
        Checkpoint? found = row.Step() ? Checkpoint.Parse(row.Blob(0)) : null;
        row.Reset();
        return found;
    }
}
