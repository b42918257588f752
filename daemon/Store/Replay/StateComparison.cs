using Aurae.Schema;
using Auraed.Base;

namespace Auraed.Store.Replay;

/// <summary>
/// The tables of two databases, row beside row in the order of their keys: memory does not grow with them. A difference names table, tenant, id and field.
/// </summary>
internal sealed class StateComparison(Connection kept, Connection folded, Action<StoreProgress>? progress, CancellationToken cancel)
{
    private const int BlobStorage = 4;
    private const int RealStorage = 2;
    private const long RowsPerProgress = 4096;
    private readonly List<string> _differences = [];
    private long _rows;

    /// <summary>Differences in all; those beyond the first are counted only.</summary>
    public long Count { get; private set; }

    public IReadOnlyList<string> Run()
    {
        foreach (RecordTable table in Tables.All)
        {
            Compare(table.Name, "row_id", 1, Describe(table));
            foreach (ChildTable child in table.Children)
            {
                Compare(child.Name, "parent, ordinal", 2, row => $"{child.Name} {row.Integer(1)} of {Parent(table, row.Integer(0))}");
            }
        }

        Compare("event_stream", "tenant, subject", 2, row => $"event_stream '{row.Text(1)}' of tenant '{row.Text(0)}'");
        progress?.Invoke(new StoreProgress("comparing", _rows, _rows));
        return _differences;
    }

    /// <summary>Columns of the key come first, so that a row can be told by them.</summary>
    private void Compare(string table, string key, int keyColumns, Func<Statement, string> describe)
    {
        string sql = $"SELECT {key}, * FROM \"{table}\" ORDER BY {key}";
        (Statement left, Statement right) = (kept.Prepare(sql), folded.Prepare(sql));
        (bool hasLeft, bool hasRight) = (left.Step(), right.Step());
        while (hasLeft || hasRight)
        {
            int order = !hasLeft ? 1 : !hasRight ? -1 : Order(left, right, keyColumns);
            if (order < 0)
            {
                Differ($"{describe(left)} is in the table, and the log has no such record");
            }
            else if (order > 0)
            {
                Differ($"{describe(right)} is not in the table, and the log has it");
            }
            else
            {
                CompareRow(left, right, keyColumns, describe);
            }

            hasLeft = order <= 0 ? left.Step() : hasLeft;
            hasRight = order >= 0 ? right.Step() : hasRight;
            if (++_rows % RowsPerProgress == 0)
            {
                cancel.ThrowIfCancellationRequested();
                progress?.Invoke(new StoreProgress("comparing", _rows, 0));
            }
        }
    }

    private void CompareRow(Statement left, Statement right, int keyColumns, Func<Statement, string> describe)
    {
        for (int column = keyColumns; column < left.ColumnCount; column++)
        {
            int storage = left.ColumnStorage(column);
            bool isSame = storage == right.ColumnStorage(column)
                && (storage == RealStorage ? left.Real(column).Equals(right.Real(column)) : left.Blob(column).SequenceEqual(right.Blob(column)));
            if (!isSame)
            {
                Differ($"{describe(left)} differs in {left.ColumnName(column)}: the table has {Shown(left, column)}, the log {Shown(right, column)}");
            }
        }
    }

    private static int Order(Statement left, Statement right, int keyColumns)
    {
        for (int column = 0; column < keyColumns; column++)
        {
            bool isNumber = left.ColumnStorage(column) == 1;
            int order = isNumber ? left.Integer(column).CompareTo(right.Integer(column)) : left.Blob(column).SequenceCompareTo(right.Blob(column));
            if (order != 0)
            {
                return order;
            }
        }

        return 0;
    }

    private static Func<Statement, string> Describe(RecordTable table)
    {
        (int tenant, int id) = (-1, -1);
        return row =>
        {
            for (int column = 1; tenant < 0 || id < 0; column++)
            {
                string name = row.ColumnName(column);
                (tenant, id) = (name == "tenant" && tenant < 0 ? column : tenant, name == "id" && id < 0 ? column : id);
            }

            return $"{table.Name} '{row.Text(id)}' of tenant '{row.Text(tenant)}'";
        };
    }

    private string Parent(RecordTable table, long rowId)
    {
        foreach (Connection side in (Connection[])[kept, folded])
        {
            Statement row = side.Prepare($"SELECT tenant, id FROM \"{table.Name}\" WHERE row_id = ?");
            row.Integer(0, rowId);
            string? found = row.Step() ? $"{table.Name} '{row.Text(1)}' of tenant '{row.Text(0)}'" : null;
            row.Reset();
            if (found is not null)
            {
                return found;
            }
        }

        return $"{table.Name} of row {rowId}";
    }

    /// <summary>What a secret may be is not printed: only texts that are short and of a column that is none.</summary>
    private static string Shown(Statement row, int column)
    {
        bool isSecret = Tables.All.Any(table => table.Columns.Concat(table.Children.SelectMany(child => child.Columns)).Any(known => known.IsSecret && known.Name == row.ColumnName(column)));
        return row.IsNull(column) ? "nothing"
            : isSecret || row.ColumnStorage(column) == BlobStorage ? $"{row.Blob(column).Length} bytes"
            : row.Text(column) is { Length: > 60 } text ? $"'{text[..60]}...'" : $"'{row.Text(column)}'";
    }

    private void Differ(string difference)
    {
        if (++Count <= Limits.ReplayDifferencesMax)
        {
            _differences.Add(difference);
        }
    }
}
