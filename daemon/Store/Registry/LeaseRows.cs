using System.Globalization;

namespace Auraed.Store.Registry;

/// <summary>A lease as its row holds it.</summary>
/// <param name="RowId">Of the entry.</param>
/// <param name="Ttl">Nanoseconds.</param>
/// <param name="Deadline">A reading of the lease clock, in ticks of 100 ns; null when the entry has no row yet.</param>
/// <param name="IsGraced">A start has prolonged it, and nobody has renewed it since.</param>
public sealed record StoredLease(string Tenant, string Id, long RowId, long Ttl, long? Deadline, bool IsGraced);

/// <summary>
/// Leases of registry entries, and the clock that they are read by. No event tells of them. The clock stands in meta under registry_clock, as text:
/// <code>
/// "TICKS WALL"    TICKS  the clock's reading, in units of 100 ns of the daemon's running time
///                 WALL   when it was written, nanoseconds since 1970 UTC
/// </code>
/// </summary>
public static class LeaseRows
{
    private const string ClockKey = "registry_clock";

    public static void Put(WriteUnit unit, long rowId, long deadline, bool isGraced)
    {
        Statement statement = unit.Prepare(
            "INSERT INTO registry_lease (entry, deadline, graced) VALUES (?, ?, ?) ON CONFLICT (entry) DO UPDATE SET deadline = excluded.deadline, graced = excluded.graced");
        statement.Integer(0, rowId);
        statement.Integer(1, deadline);
        statement.Integer(2, isGraced ? 1 : 0);
        _ = statement.Execute();
    }

    /// <summary>Sets the deadline of a lease that is there; one whose entry is gone is passed over.</summary>
    public static void Renew(WriteUnit unit, long rowId, long deadline)
    {
        Statement statement = unit.Prepare("UPDATE registry_lease SET deadline = ?, graced = 0 WHERE entry = ?");
        statement.Integer(0, deadline);
        statement.Integer(1, rowId);
        _ = statement.Execute();
        CrashPoint.Reach("lease.renewed");
    }

    public static void Remove(WriteUnit unit, long rowId)
    {
        Statement statement = unit.Prepare("DELETE FROM registry_lease WHERE entry = ?");
        statement.Integer(0, rowId);
        _ = statement.Execute();
    }

    /// <summary>Every entry that has a lease.</summary>
    public static List<StoredLease> All(ReadUnit unit)
    {
        Statement statement = unit.Prepare(
            "SELECT e.tenant, e.id, e.row_id, e.ttl, l.deadline, l.graced FROM registry_entry e LEFT JOIN registry_lease l ON l.entry = e.row_id WHERE e.ttl IS NOT NULL");
        var leases = new List<StoredLease>();
        while (statement.Step())
        {
            leases.Add(new StoredLease(
                statement.Text(0), statement.Text(1), statement.Integer(2), statement.Integer(3), statement.IsNull(4) ? null : statement.Integer(4), statement.Integer(5) != 0));
        }

        return leases;
    }

    /// <summary>The clock's last reading and when it was taken; zeroes before the first.</summary>
    public static (long Ticks, long Wall) Clock(ReadUnit unit)
    {
        Statement statement = unit.Prepare("SELECT value FROM meta WHERE key = ?");
        statement.Text(0, ClockKey);
        string[] parts = statement.Step() ? statement.Text(0).Split(' ') : ["0", "0"];
        statement.Reset();
        return (long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    public static void SetClock(WriteUnit unit, long ticks)
    {
        Statement statement = unit.Prepare("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
        statement.Text(0, ClockKey);
        statement.Text(1, string.Create(CultureInfo.InvariantCulture, $"{ticks} {unit.Now}"));
        _ = statement.Execute();
    }
}
