using System.Text;

namespace Auraed.Store.Records;

/// <summary>A statement in the making. Values go in as parameters, never as text, so that a caller's words are never SQL and like shapes share one prepared statement.</summary>
internal sealed class SqlText
{
    private readonly StringBuilder _text = new(512);

    public List<SqlValue> Values { get; } = [];

    public SqlText Add(string sql)
    {
        _text.Append(sql);
        return this;
    }

    public SqlText Add(SqlValue value)
    {
        _text.Append('?');
        Values.Add(value);
        return this;
    }

    public SqlText Add(SqlExpression expression)
    {
        _text.Append(expression.Sql);
        Values.AddRange(expression.Values);
        return this;
    }

    public void Bind(Statement statement)
    {
        for (int index = 0; index < Values.Count; index++)
        {
            Values[index].Bind(statement, index);
        }
    }

    public override string ToString() => _text.ToString();
}

/// <summary>A piece of SQL with the values of its parameters, in their order.</summary>
internal readonly record struct SqlExpression(string Sql, IReadOnlyList<SqlValue> Values)
{
    public SqlExpression(string sql)
        : this(sql, [])
    {
    }
}
