using Aurae.Schema;
using Auraed.Native;
using Auraed.Store.Journal;
using Auraed.Store.Records;

namespace Auraed.Store;

/// <summary>
/// One request's writes, in a savepoint of its own on the writer's thread. Lent to the work for the length of the call: neither it nor its
/// statements may be kept.
/// </summary>
public sealed class WriteUnit
{
    private readonly Connection _connection;
    private readonly HashSet<int> _written;
    private readonly RowMend _mend;

    internal WriteUnit(Connection connection, HashSet<int> written)
    {
        _connection = connection;
        _written = written;
        Events = new EventAppender(connection);
        _mend = new RowMend(connection);
        connection.Started = statement =>
        {
            foreach (var table in statement.Writes)
            {
                _written.Add(table);
            }
        };
    }

    /// <summary>The log that this request's events go to.</summary>
    public EventAppender Events { get; }

    /// <summary>The revision of everything this unit changes: the sequence of its first event.</summary>
    public long Revision { get; private set; }

    /// <summary>The one time of this unit, nanoseconds since 1970 UTC; never before an earlier unit's.</summary>
    public long Now { get; private set; }

    /// <summary>A statement of the writer's connection; the same text is compiled once.</summary>
    public Statement Prepare(string sql) => _connection.Prepare(sql);

    /// <summary>
    /// Before a row that may lie in or beside damaged pages is replaced or deleted. False when it must be left alone: the engine would end all writing over it.
    /// </summary>
    /// <param name="isReadable">It has just been read; otherwise its pages are written anew where the disk has lost them.</param>
    /// <param name="blob">The row's only value, as far as that is known: what is written anew, when it is what stood there.</param>
    public bool TryFree(string table, long row, bool isReadable, ReadOnlySpan<byte> blob) => _mend.TryFree(table, row, isReadable, blob);

    internal void Begin(long now)
    {
        Now = now;
        Revision = Events.Sequence + 1;
        Events.Begin(now);
    }
}

/// <summary>
/// One snapshot of everything that was committed when it began. Lent to the work for the length of the call.
/// </summary>
public sealed class ReadUnit
{
    private readonly Connection _connection;
    private EngineAhead? _ahead;
    private SnapshotGap? _gap;
    private bool _isFinding;

    internal ReadUnit(Connection connection)
    {
        _connection = connection;
        connection.Started = OnStarted;
    }

    /// <summary>Every table that this unit has read so far.</summary>
    internal HashSet<int> Tables { get; } = [];

    /// <summary>It was about to read what this snapshot may lack.</summary>
    internal bool WasBehind { get; private set; }

    /// <summary>A statement of this unit's connection; the same text is compiled once.</summary>
    public Statement Prepare(string sql) => _connection.Prepare(sql);

    /// <summary>A statement of a stranger: every access that the engine names while preparing it must be allowed by the guard.</summary>
    public Statement PrepareGuarded(string sql, Func<EngineAccess, bool> guard) => _connection.PrepareGuarded(sql, guard);

    /// <summary>
    /// From here to the unit's end, pages that lie one behind the other are read several at a time: for what reads long values or many rows in their order. The rest is as fast as without.
    /// </summary>
    public void ReadAhead() => (_ahead ??= new EngineAhead()).Begin(_connection.Handle);

    /// <param name="gap">The acknowledged rows that this snapshot may lack; null when it lacks none.</param>
    internal void Begin(SnapshotGap? gap)
    {
        Tables.Clear();
        _gap = gap;
        _isFinding = false;
        WasBehind = false;
    }

    /// <summary>Before its transaction ends.</summary>
    internal void End() => _ahead?.End();

    /// <summary>Before its connection is closed.</summary>
    internal void Close() => _ahead?.Dispose();

    /// <summary>
    /// The record, or null. What the snapshot lacks of its table does not matter unless it is this one: rows beneath a record change only together with its own.
    /// </summary>
    internal StoredRecord? Find(RecordTable table, string tenant, string name)
    {
        _isFinding = true;
        var found = new RecordRows(this).Find(table, tenant, name);
        _isFinding = false;
        var number = _connection.Tables.NumberOf(table.Name);
        RequireWhole(found is null ? _gap?.Has(number) : _gap?.Has(number, found.RowId));
        return found;
    }

    /// <summary>
    /// The last event that what this unit has read holds, 0 for none; after it has read. The snapshot may lack events of other tables: then it is the last one that was
    /// acknowledged when the reading began, as every table that was read is what it was then, or later.
    /// </summary>
    public long Revision()
    {
        _isFinding = true;
        var last = Records.EventRows.Bounds(this).Last;
        _isFinding = false;
        return Math.Max(last, _gap?.Durable ?? 0);
    }

    private void OnStarted(Statement statement)
    {
        foreach (var table in statement.Reads)
        {
            Tables.Add(table);
            RequireWhole(!_isFinding && _gap?.Has(table) == true);
        }
    }

    private void RequireWhole(bool? isBehind)
    {
        if (isBehind == true)
        {
            WasBehind = true;
            throw new BehindException();
        }
    }
}

/// <summary>Ends a unit of reading whose snapshot lacks what it is about to read; it is begun again on a later one.</summary>
internal sealed class BehindException : Exception;
