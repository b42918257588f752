using Aurae.Schema;
using Auraed.Base;

namespace Auraed.Store.Records;

/// <summary>One field of an order.</summary>
internal readonly record struct OrderTerm(RecordField Field, bool IsDescending);

/// <summary>
/// An order of records that is total: its last term is the name, unique in tenant and type. So a page can go on after the last row of the one
/// before by its values alone, whatever was inserted or deleted meanwhile. NULL comes first, as in the engine.
/// </summary>
public sealed class RecordOrder
{
    private const string Name = "order_by";

    private RecordOrder(List<OrderTerm> terms) => Terms = terms;

    internal List<OrderTerm> Terms { get; }

    /// <summary>Reads <c>field [asc|desc], ...</c>; empty is by name.</summary>
    public static RecordOrder Parse(RecordTable table, string text)
    {
        if (text.Length > Limits.FilterBytesMax)
        {
            throw Fault.Invalid(Name, $"{Name} is longer than {Limits.FilterBytesMax} bytes");
        }

        var terms = new List<OrderTerm>();
        bool isTotal = false;
        foreach (string part in text.Length == 0 || string.IsNullOrWhiteSpace(text) ? [] : text.Split(','))
        {
            string[] words = part.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length is 0 or > 2 || (words.Length == 2 && words[1] is not ("asc" or "desc")))
            {
                throw Fault.Invalid(Name, $"{Name}: '{part.Trim()}' is not a field, with asc or desc behind it");
            }

            if (terms.Count == Limits.OrderByFieldsMax)
            {
                throw Fault.Invalid(Name, $"{Name} has more than {Limits.OrderByFieldsMax} fields");
            }

            string[] path = words[0].Split('.');
            if (path.Length > Limits.FieldPathSegmentsMax || path.Contains(string.Empty))
            {
                throw Fault.Invalid(Name, $"{Name}: '{words[0]}' is not a field's path");
            }

            RecordField field = RecordField.Find(table, path, Name);
            if (field.Shape is not (FieldShape.Scalar or FieldShape.Dynamic) || field.Child is not null)
            {
                throw Fault.Invalid(Name, $"{Name}: '{words[0]}' holds many values or a message; records have no order by it");
            }

            terms.Add(new OrderTerm(field, words.Length == 2 && words[1] == "desc"));
            isTotal |= field.Expression.Sql == "id";
        }

        if (!isTotal)
        {
            terms.Add(new OrderTerm(RecordField.Find(table, ["name"], Name), false));
        }

        return new RecordOrder(terms);
    }

    /// <summary>The condition "after these values": for some term it is behind, and all terms before that one are equal.</summary>
    internal void AddAfter(SqlText sql, IReadOnlyList<SqlValue> keys)
    {
        sql.Add("(");
        for (int term = 0; term < Terms.Count; term++)
        {
            sql.Add(term == 0 ? "(" : " OR (");
            for (int before = 0; before < term; before++)
            {
                sql.Add(Terms[before].Field.Expression).Add(" IS ").Add(keys[before]).Add(" AND ");
            }

            AddBehind(sql, Terms[term], keys[term]);
            sql.Add(")");
        }

        sql.Add(")");
    }

    internal void AddOrderBy(SqlText sql)
    {
        sql.Add(" ORDER BY ");
        for (int term = 0; term < Terms.Count; term++)
        {
            sql.Add(term == 0 ? string.Empty : ", ").Add(Terms[term].Field.Expression).Add(Terms[term].IsDescending ? " DESC" : string.Empty);
        }
    }

    private static void AddBehind(SqlText sql, OrderTerm term, SqlValue key)
    {
        SqlExpression expression = term.Field.Expression;
        switch (term.IsDescending, key.Type is null)
        {
            case (false, true):
                sql.Add(expression).Add(" IS NOT NULL");
                break;
            case (false, false):
                sql.Add(expression).Add(" > ").Add(key);
                break;
            case (true, true):
                sql.Add("0");
                break;
            case (true, false):
                sql.Add("(").Add(expression).Add(" < ").Add(key).Add(term.Field.IsNullable ? " OR " : string.Empty);
                _ = term.Field.IsNullable ? sql.Add(expression).Add(" IS NULL)") : sql.Add(")");
                break;
        }
    }
}
