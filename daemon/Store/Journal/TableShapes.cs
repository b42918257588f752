using System.Text;

namespace Auraed.Store.Journal;

/// <summary>What the journal must know of a table to tell its rows.</summary>
/// <param name="Name">As in the schema.</param>
/// <param name="Number">As <see cref="TableVersions"/> numbers it.</param>
/// <param name="Columns">All of them, in the table's order.</param>
/// <param name="Key">The columns of the primary key by number, in the table's order; null where rows are known by their number.</param>
internal sealed record TableShape(string Name, int Number, IReadOnlyList<string> Columns, int[]? Key)
{
    private readonly byte[] _name = Encoding.UTF8.GetBytes(Name);

    /// <summary>True when its rows are looked at one by one, by row number (<see cref="ReadUnit.Find"/>).</summary>
    public bool IsRecord { get; } = Key is null && Columns.Contains("row_id");

    public ReadOnlySpan<byte> Utf8 => _name;
}

/// <summary>
/// The tables of the open schema whose rows the journal can tell: ordinary ones and those that full-text indexes keep their own rows in. Left out, and
/// so committed at once whenever they change, are tables with generated columns and the engine's own.
/// </summary>
internal sealed class TableShapes
{
    private const string RowNumber = "_rowid_";
    private const int TurnsMax = 4;
    private readonly List<TableShape> _shapes = [];

    public TableShapes(Connection connection) => Load(connection);

    /// <summary>Null for a table that the journal cannot tell.</summary>
    public TableShape? Find(ReadOnlySpan<byte> name)
    {
        for (var index = 0; index < _shapes.Count; index++)
        {
            var shape = _shapes[index];
            if (name.SequenceEqual(shape.Utf8))
            {
                if (index < TurnsMax)
                {
                    return shape;
                }

                // A few tables take turns: those asked for last stand first.
                _shapes.RemoveAt(index);
                _shapes.Insert(0, shape);
                return shape;
            }
        }

        return null;
    }

    /// <summary>Anew, after the schema has changed.</summary>
    public void Load(Connection connection)
    {
        _shapes.Clear();
        var tables = new List<(string Name, bool HasRowNumbers)>();
        var list = connection.Prepare("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'");
        while (list.Step())
        {
            tables.Add((list.Text(0), list.Integer(1) == 0));
        }

        foreach (var (name, hasRowNumbers) in tables)
        {
            if (ShapeOf(connection, name, hasRowNumbers) is { } shape)
            {
                _shapes.Add(shape);
            }
        }

        connection.EndUnit();
    }

    private static TableShape? ShapeOf(Connection connection, string name, bool hasRowNumbers)
    {
        var columns = new List<string>();
        var key = new List<int>();
        var isTold = true;
        var rows = connection.Prepare("SELECT name, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid");
        rows.Text(0, name);
        while (rows.Step())
        {
            if (rows.Integer(1) != 0)
            {
                key.Add(columns.Count);
            }

            columns.Add(rows.Text(0));
            isTold &= rows.Integer(2) == 0 && !(hasRowNumbers && string.Equals(columns[^1], RowNumber, StringComparison.OrdinalIgnoreCase));
        }

        return isTold ? new TableShape(name, connection.Tables.NumberOf(name), columns, hasRowNumbers ? null : [.. key]) : null;
    }
}
