namespace Auraed.Store.Events;

/// <summary>The last event of each application stream, which is what applications appended about one subject of a tenant.</summary>
public static class StreamRows
{
    /// <summary>0 when nothing was ever appended to it.</summary>
    public static long Last(WriteUnit unit, string tenant, string subject)
    {
        Statement row = unit.Prepare("SELECT sequence FROM event_stream WHERE tenant = ? AND subject = ?");
        row.Text(0, tenant);
        row.Text(1, subject);
        long last = row.Step() ? row.Integer(0) : 0;
        row.Reset();
        return last;
    }

    public static void Advance(WriteUnit unit, string tenant, string subject, long sequence) => Advance(unit.Prepare, tenant, subject, sequence);

    internal static void Advance(Func<string, Statement> prepare, string tenant, string subject, long sequence)
    {
        Statement upsert = prepare(
            "INSERT INTO event_stream (tenant, subject, sequence) VALUES (?, ?, ?) ON CONFLICT (tenant, subject) DO UPDATE SET sequence = excluded.sequence");
        upsert.Text(0, tenant);
        upsert.Text(1, subject);
        upsert.Integer(2, sequence);
        _ = upsert.Execute();
    }
}
