namespace Auraed.Store.Proof;

/// <summary>
/// Where the log begins. Events up to <paramref name="Sequence"/> are in archives only; what later events, proofs and checks need of them is here: the
/// hash of the last of them and the peaks of their tree.
/// </summary>
/// <param name="Sequence">A multiple of 256; 0 while nothing is pruned.</param>
internal sealed record LogFloor(long Sequence, byte[] Hash, byte[] Peaks)
{
    public static LogFloor None { get; } = new(0, new byte[EventHash.HashBytes], []);

    public CompactRange Range() => CompactRange.From(Sequence, Peaks);
}

/// <summary>The one row of event_floor.</summary>
internal static class FloorRow
{
    public static LogFloor Read(Func<string, Statement> prepare)
    {
        Statement row = prepare("SELECT sequence, hash, peaks FROM event_floor");
        LogFloor floor = row.Step() ? new LogFloor(row.Integer(0), row.Blob(1).ToArray(), row.Blob(2).ToArray()) : LogFloor.None;
        row.Reset();
        return floor;
    }

    public static void Write(Func<string, Statement> prepare, LogFloor floor)
    {
        Statement write = prepare("INSERT INTO event_floor (id, sequence, hash, peaks) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, peaks = excluded.peaks");
        write.Integer(0, floor.Sequence);
        write.Blob(1, floor.Hash);
        write.Blob(2, floor.Peaks);
        _ = write.Execute();
    }
}
