using Aurae.Schema;
using Auraed.Base;

namespace Auraed.Store.Records;

/// <summary>
/// From a filter's tree to a condition in SQL over one table.
/// A term about an unset field does not hold, whatever the operator; so NOT of it holds. The engine's third truth value is folded at each NOT.
/// </summary>
internal readonly struct FilterSql(RecordTable table, SqlText sql, string requestField)
{
    public void Add(FilterNode node)
    {
        switch (node)
        {
            case FilterAnd and:
                AddAll(and.Nodes, " AND ");
                break;
            case FilterOr or:
                AddAll(or.Nodes, " OR ");
                break;
            case FilterNot not:
                sql.Add("NOT coalesce(");
                Add(not.Node);
                sql.Add(", 0)");
                break;
            case FilterTerm term:
                AddTerm(term);
                break;
            default:
                throw new ArgumentException($"a filter node of type {node.GetType()}", nameof(node));
        }
    }

    private void AddAll(IReadOnlyList<FilterNode> nodes, string between)
    {
        sql.Add("(");
        for (int index = 0; index < nodes.Count; index++)
        {
            if (index > 0)
            {
                sql.Add(between);
            }

            Add(nodes[index]);
        }

        sql.Add(")");
    }

    private void AddTerm(FilterTerm term)
    {
        RecordField field = RecordField.Find(table, term.Path, requestField);
        if (field.Child is null)
        {
            AddComparison(field, term);
            return;
        }

        sql.Add("EXISTS (SELECT 1 FROM ").Add(field.Child.Name).Add(" c WHERE c.parent = ").Add(table.Name).Add(".row_id AND ");
        AddComparison(field, term);
        sql.Add(")");
    }

    private void AddComparison(RecordField field, FilterTerm term)
    {
        bool isNull = term.Literal is { IsQuoted: false, Text: "null" };
        if (isNull && (term.Operator is FilterOperator.Equal or FilterOperator.NotEqual))
        {
            sql.Add(term.Operator == FilterOperator.Equal ? "NOT " : string.Empty);
            AddPresence(field);
            return;
        }

        if (term.Literal is { IsAny: true } && term.Operator == FilterOperator.Has)
        {
            AddPresence(field);
            return;
        }

        switch (field.Shape)
        {
            case FieldShape.Labels:
                Require(term, FilterOperator.Has);
                sql.Add("json_type(labels, ").Add(SqlValue.Text(RecordField.JsonPath([term.Literal.Text], requestField))).Add(") IS NOT NULL");
                break;
            case FieldShape.Whole:
                throw Fault.Invalid(requestField, $"{requestField}: '{term.PathText}' is a whole message or list; ask for a part of it, or for its presence with :*");
            case FieldShape.List:
                Require(term, FilterOperator.Has);
                sql.Add("EXISTS (SELECT 1 FROM json_each(").Add(field.Expression).Add(") e WHERE ");
                AddDynamic(new SqlExpression("e.value"), FilterOperator.Equal, term.Literal);
                sql.Add(")");
                break;
            case FieldShape.Dynamic:
                AddDynamic(field.Expression, term.Operator, term.Literal);
                break;
            default:
                AddScalar(field, term);
                break;
        }
    }

    private void Require(FilterTerm term, FilterOperator only)
    {
        if (term.Operator != only)
        {
            throw Fault.Invalid(requestField, $"{requestField}: '{term.PathText}' holds many values; write {term.PathText}:{term.Literal.Text}");
        }
    }

    /// <summary>1 or 0, never the third value.</summary>
    private void AddPresence(RecordField field)
    {
        sql.Add("(");
        if (field.IsOwn || (field.Child is not null && field.Shape == FieldShape.Whole && field.Expression.Sql == "1"))
        {
            sql.Add("1");
        }
        else if (field.Shape is FieldShape.Whole or FieldShape.List)
        {
            sql.Add("coalesce(").Add(field.Expression).Add(", '') NOT IN ('', '[]', '{}')");
        }
        else if (field.IsNullable)
        {
            sql.Add(field.Expression).Add(" IS NOT NULL");
        }
        else
        {
            sql.Add(field.Expression).Add(field.Kind switch
            {
                FieldKind.String => " <> ''",
                FieldKind.Bytes => " <> x''",
                _ => " <> 0",
            });
        }

        sql.Add(")");
    }

    private void AddDynamic(SqlExpression expression, FilterOperator op, FilterLiteral literal)
    {
        if (literal.StartsOpen || literal.EndsOpen)
        {
            AddPattern(expression, op, literal);
            return;
        }

        SqlValue value = FilterLiterals.Guess(literal);
        if (op == FilterOperator.Has && value.Type == ColumnType.Text)
        {
            sql.Add("instr(").Add(expression).Add(", ").Add(value).Add(") > 0");
            return;
        }

        // The engine orders every number before every text: without the test of the class, 5 < "a" would hold.
        string storage = value.Type == ColumnType.Text ? "('text')" : "('integer', 'real')";
        sql.Add("(typeof(").Add(expression).Add(") IN ").Add(storage).Add(" AND ").Add(expression).Add(Symbol(op)).Add(value).Add(")");
    }

    private void AddScalar(RecordField field, FilterTerm term)
    {
        FilterLiteral literal = term.Literal;
        if (literal.StartsOpen || literal.EndsOpen)
        {
            if (field.Kind != FieldKind.String)
            {
                throw Fault.Invalid(requestField, $"{requestField}: '{term.PathText}' is no text; a star does not fit it");
            }

            AddPattern(field.Expression, term.Operator, literal);
            return;
        }

        SqlValue value = FilterLiterals.Read(field, literal, term.PathText, requestField);
        bool isOrdering = term.Operator is not (FilterOperator.Equal or FilterOperator.NotEqual or FilterOperator.Has);
        if (isOrdering && (field.Kind is FieldKind.Bool or FieldKind.Bytes))
        {
            throw Fault.Invalid(requestField, $"{requestField}: '{term.PathText}' has no order; use = or !=");
        }

        if (field.Kind == FieldKind.String && term.Operator == FilterOperator.Has)
        {
            sql.Add("instr(").Add(field.Expression).Add(", ").Add(value).Add(") > 0");
        }
        else if (field.Kind == FieldKind.UInt64 && isOrdering)
        {
            AddUnsigned(field.Expression, term.Operator, value);
        }
        else
        {
            sql.Add(field.Expression).Add(Symbol(term.Operator)).Add(value);
        }
    }

    /// <summary>Values from 2^63 up are stored as negative numbers, and are the greatest.</summary>
    private void AddUnsigned(SqlExpression expression, FilterOperator op, SqlValue value)
    {
        bool isLarge = value.AsInteger < 0;
        string? between = op switch
        {
            FilterOperator.Less or FilterOperator.LessOrEqual => isLarge ? " >= 0 OR " : " >= 0 AND ",
            FilterOperator.Greater or FilterOperator.GreaterOrEqual => isLarge ? " < 0 AND " : " < 0 OR ",
            _ => null,
        };
        sql.Add("(");
        if (between is not null)
        {
            sql.Add(expression).Add(between);
        }

        sql.Add(expression).Add(Symbol(op)).Add(value).Add(")");
    }

    private void AddPattern(SqlExpression expression, FilterOperator op, FilterLiteral literal)
    {
        if (literal.IsAny)
        {
            sql.Add("(").Add(expression).Add(op == FilterOperator.NotEqual ? " IS NULL)" : " IS NOT NULL)");
            return;
        }

        string pattern = literal.Text.Replace("[", "[[]", StringComparison.Ordinal).Replace("*", "[*]", StringComparison.Ordinal).Replace("?", "[?]", StringComparison.Ordinal);
        sql.Add("(").Add(expression).Add(op == FilterOperator.NotEqual ? " NOT GLOB " : " GLOB ")
            .Add(SqlValue.Text((literal.StartsOpen ? "*" : string.Empty) + pattern + (literal.EndsOpen ? "*" : string.Empty))).Add(")");
    }

    private static string Symbol(FilterOperator op) => op switch
    {
        FilterOperator.Equal or FilterOperator.Has => " = ",
        FilterOperator.NotEqual => " <> ",
        FilterOperator.Less => " < ",
        FilterOperator.LessOrEqual => " <= ",
        FilterOperator.Greater => " > ",
        FilterOperator.GreaterOrEqual => " >= ",
    };
}
