using Aurae.Schema;
using Google.Protobuf;

namespace Auraed.Store.Records;

/// <summary>Records of one table and tenant that fit a filter, in an order, from a place on.</summary>
public sealed class RecordQuery
{
    public required RecordTable Table { get; init; }

    public required string Tenant { get; init; }

    public FilterNode? Filter { get; init; }

    /// <summary>Labels that all must be there with these values.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = LabelText.None;

    public required RecordOrder Order { get; init; }

    /// <summary>The sort keys of the last record of the page before; null for the first page.</summary>
    public IReadOnlyList<SqlValue>? After { get; init; }

    public required int CountMax { get; init; }

    public required int BytesMax { get; init; }

    /// <summary>Reads one page.</summary>
    public RecordPage Read(ReadUnit unit)
    {
        RecordSql sql = RecordSql.Of(Table);
        SqlText text = Write(sql);
        Statement statement = unit.Prepare(text.ToString());
        text.Bind(statement);
        var rows = new RecordRows(unit);
        var records = new List<StoredRecord>();
        List<SqlValue>? keys = null;
        long bytes = 0;
        while (statement.Step())
        {
            if (records.Count == CountMax || bytes >= BytesMax)
            {
                statement.Reset();
                return new RecordPage(records, keys);
            }

            StoredRecord record = RecordRows.Read(sql, Tenant, statement);
            keys = Keys(statement, statement.ColumnCount - Order.Terms.Count);
            rows.AddChildren(sql, record);
            records.Add(record);
            bytes += record.Body.CalculateSize();
        }

        return new RecordPage(records, null);
    }

    private SqlText Write(RecordSql sql)
    {
        SqlText text = new SqlText().Add("SELECT ").Add(sql.Columns);
        foreach (OrderTerm term in Order.Terms)
        {
            text.Add(", ").Add(term.Field.Expression);
        }

        text.Add(" FROM ").Add(Table.Name).Add(" WHERE tenant = ").Add(SqlValue.Text(Tenant));
        foreach ((string key, string value) in Labels)
        {
            text.Add(" AND json_extract(labels, ").Add(SqlValue.Text(RecordField.JsonPath([key], "labels"))).Add(") = ").Add(SqlValue.Text(value));
        }

        if (Filter is not null)
        {
            text.Add(" AND ");
            new FilterSql(Table, text, "filter").Add(Filter);
        }

        if (After is not null)
        {
            text.Add(" AND ");
            Order.AddAfter(text, After);
        }

        Order.AddOrderBy(text);
        return text.Add(" LIMIT ").Add(SqlValue.Integer(CountMax + 1));
    }

    private static List<SqlValue> Keys(Statement statement, int first)
    {
        var keys = new List<SqlValue>();
        for (int index = first; index < statement.ColumnCount; index++)
        {
            keys.Add(statement.ColumnStorage(index) switch
            {
                1 => SqlValue.Integer(statement.Integer(index)),
                2 => SqlValue.Real(statement.Real(index)),
                3 => SqlValue.Text(statement.Text(index)),
                4 => SqlValue.Blob(statement.Blob(index).ToArray()),
                _ => SqlValue.Null,
            });
        }

        return keys;
    }
}

/// <param name="Next">The sort keys that the next page starts behind; null on the last.</param>
public sealed record RecordPage(List<StoredRecord> Records, List<SqlValue>? Next);
