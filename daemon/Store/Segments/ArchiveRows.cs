namespace Auraed.Store.Segments;

/// <summary>A segment that was written, synced and verified.</summary>
/// <param name="Path">Of the file, or "asset:" with the asset's id.</param>
/// <param name="Digest">SHA-256 of its bytes.</param>
/// <param name="Time">Of archiving, nanoseconds since 1970 UTC.</param>
internal sealed record ArchivedSegment(long First, long Last, string Path, long Bytes, byte[] Digest, long Time);

/// <summary>What is archived, one segment behind the other.</summary>
internal static class ArchiveRows
{
    /// <summary>The last event that is archived; 0 when none is.</summary>
    public static long Last(Func<string, Statement> prepare)
    {
        Statement row = prepare("SELECT coalesce(max(last), 0) FROM event_archive");
        row.Step();
        long last = row.Integer(0);
        row.Reset();
        return last;
    }

    /// <summary>Those that end after this event, in order.</summary>
    public static List<ArchivedSegment> After(Func<string, Statement> prepare, long sequence)
    {
        Statement rows = prepare("SELECT first, last, path, bytes, digest, time FROM event_archive WHERE last > ? ORDER BY first");
        rows.Integer(0, sequence);
        var found = new List<ArchivedSegment>();
        while (rows.Step())
        {
            found.Add(new ArchivedSegment(rows.Integer(0), rows.Integer(1), rows.Text(2), rows.Integer(3), rows.Blob(4).ToArray(), rows.Integer(5)));
        }

        return found;
    }

    public static int Insert(Func<string, Statement> prepare, ArchivedSegment segment)
    {
        Statement insert = prepare("INSERT INTO event_archive (first, last, path, bytes, digest, time) VALUES (?, ?, ?, ?, ?, ?)");
        insert.Integer(0, segment.First);
        insert.Integer(1, segment.Last);
        insert.Text(2, segment.Path);
        insert.Integer(3, segment.Bytes);
        insert.Blob(4, segment.Digest);
        insert.Integer(5, segment.Time);
        return insert.Execute();
    }
}
