using Auraed.Base;
using Auraed.Store.Events;
using Auraed.Store.Proof;

namespace Auraed.Store.Segments;

/// <summary>
/// Raises the log's floor and deletes what is below it. The floor is one row, written first: from then on the events below it are gone for every reader, and
/// deleting them is housekeeping that any later start can finish.
/// </summary>
internal static class Pruning
{
    /// <summary>
    /// Raises the floor to an event that ends an archived segment. Fault(Aborted) when a cursor still needs an event up to there: it may have come since the
    /// floor was decided on.
    /// </summary>
    public static LogFloor Raise(WriteUnit unit, long sequence)
    {
        LogFloor floor = FloorRow.Read(unit.Prepare);
        Invariant.Hold(sequence > floor.Sequence && sequence % TreeNodes.BlockLeaves == 0 && sequence <= ArchiveRows.Last(unit.Prepare));
        if (CursorRows.LowestNeeded(unit.Prepare) is { } needed && needed <= sequence)
        {
            throw new Fault(FaultKind.Aborted, $"a cursor needs event {needed}, which was to be pruned", hint: "prune again") { Reason = "CURSOR_BEHIND" };
        }

        var nodes = new TreeNodes(unit.Prepare);
        foreach (long size in CheckpointsWithin(unit.Prepare, floor.Sequence, sequence))
        {
            KeepBlock(unit.Prepare, nodes, (size - 1) / TreeNodes.BlockLeaves);
        }

        Statement last = unit.Prepare("SELECT hash FROM event WHERE sequence = ?");
        last.Integer(0, sequence);
        byte[] hash = last.Step() ? last.Blob(0).ToArray() : throw EventsPage.Missing(sequence);
        last.Reset();
        var raised = new LogFloor(sequence, hash, nodes.Peaks(sequence));
        FloorRow.Write(unit.Prepare, raised);
        return raised;
    }

    /// <summary>Deletes some of the events below the floor; 0 when none is left.</summary>
    public static int Sweep(WriteUnit unit)
    {
        Statement delete = unit.Prepare(
            "DELETE FROM event WHERE sequence IN (SELECT sequence FROM event WHERE sequence <= coalesce((SELECT sequence FROM event_floor), 0) ORDER BY sequence LIMIT ?)");
        delete.Integer(0, Limits.PruneBatchEventsMax);
        return delete.Execute();
    }

    /// <summary>True while events below the floor are there.</summary>
    public static bool IsLeft(ReadUnit unit)
    {
        Statement row = unit.Prepare("SELECT 1 FROM event WHERE sequence <= coalesce((SELECT sequence FROM event_floor), 0) LIMIT 1");
        bool isLeft = row.Step();
        row.Reset();
        return isLeft;
    }

    private static List<long> CheckpointsWithin(Func<string, Statement> prepare, long above, long to)
    {
        Statement rows = prepare("SELECT DISTINCT size FROM event_checkpoint WHERE size > ? AND size < ? AND size % 256 <> 0");
        rows.Integer(0, above);
        rows.Integer(1, to);
        var sizes = new List<long>();
        while (rows.Step())
        {
            sizes.Add(rows.Integer(0));
        }

        return sizes;
    }

    private static void KeepBlock(Func<string, Statement> prepare, TreeNodes nodes, long position)
    {
        Statement insert = prepare("INSERT INTO event_block (position, leaves) VALUES (?, ?) ON CONFLICT (position) DO NOTHING");
        insert.Integer(0, position);
        insert.Blob(1, nodes.Block(position));
        _ = insert.Execute();
    }
}
