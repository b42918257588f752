using System.Globalization;
using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Store.Records;

namespace Auraed.Domain.Records;

/// <summary>Preconditions and sums of a commit, parsed. A comparison of one field is a filter of one term, so both mean the same.</summary>
internal static class RecordConditions
{
    public static RecordCondition Parse(Precondition condition, string field)
    {
        RecordTable table = RecordNames.Table(condition.Type, field + ".type");
        string name = RecordNames.Name(condition.Name, field + ".name");
        string what = $"{table.Name} '{name}'";
        switch (condition.ConditionCase)
        {
            case Precondition.ConditionOneofCase.Exists:
                return new RecordCondition(table, name, condition.Exists, 0, null, condition.Exists ? $"{what} does not exist" : $"{what} exists");
            case Precondition.ConditionOneofCase.Revision:
                return condition.Revision > 0
                    ? new RecordCondition(table, name, null, condition.Revision, null, $"{what} is not at revision {condition.Revision}")
                    : throw Fault.Invalid(field + ".revision", $"{field}.revision is not greater than 0; exists: false asks for absence");
            case Precondition.ConditionOneofCase.Field:
                FilterTerm term = Term(condition.Field, field + ".field");
                FilterCheck.Check(table, term, field + ".field");
                return new RecordCondition(table, name, null, 0, term, $"{what} does not exist, or its {term.PathText} is not {Symbol(term.Operator)} {term.Literal.Text}");
            case Precondition.ConditionOneofCase.Filter:
                FilterNode filter = FilterParser.Parse(condition.Filter, field + ".filter") ?? throw Fault.Invalid(field + ".filter", $"{field}.filter is empty");
                FilterCheck.Check(table, filter, field + ".filter");
                return new RecordCondition(table, name, null, 0, filter, $"{what} does not exist, or does not match the filter");
            default:
                throw Fault.Invalid(field, $"{field} has no condition");
        }
    }

    public static RecordAdd Parse(AddOperation add)
    {
        RecordTable table = RecordNames.Table(add.Type);
        string[] path = Path(add.Path, "path");
        return new RecordAdd(
            table,
            RecordNames.Name(add.Name),
            BodyPath.Strip(table, path),
            Number(add.Amount, "amount") ?? throw Fault.Invalid("amount", "amount is required"),
            Number(add.Minimum, "minimum"),
            Number(add.Maximum, "maximum"));
    }

    private static object? Number(Number? number, string field) => number?.NumberCase switch
    {
        null => null,
        Aurae.Records.V0.Number.NumberOneofCase.Integer => number.Integer,
        Aurae.Records.V0.Number.NumberOneofCase.Real when double.IsFinite(number.Real) => number.Real,
        _ => throw Fault.Invalid(field, $"{field} is not a finite number"),
    };

    private static FilterTerm Term(FieldComparison comparison, string field)
    {
        FilterOperator op = comparison.Operator switch
        {
            FieldComparison.Types.Operator.Equal => FilterOperator.Equal,
            FieldComparison.Types.Operator.NotEqual => FilterOperator.NotEqual,
            FieldComparison.Types.Operator.Less => FilterOperator.Less,
            FieldComparison.Types.Operator.LessOrEqual => FilterOperator.LessOrEqual,
            FieldComparison.Types.Operator.Greater => FilterOperator.Greater,
            FieldComparison.Types.Operator.GreaterOrEqual => FilterOperator.GreaterOrEqual,
            _ => throw Fault.Invalid(field + ".operator", $"{field}.operator is not set or not known"),
        };
        FilterLiteral literal = comparison.ValueCase switch
        {
            FieldComparison.ValueOneofCase.StringValue => FilterLiteral.Exact(comparison.StringValue),
            FieldComparison.ValueOneofCase.IntegerValue => Bare(comparison.IntegerValue.ToString(CultureInfo.InvariantCulture)),
            FieldComparison.ValueOneofCase.DoubleValue when double.IsFinite(comparison.DoubleValue) => Bare(comparison.DoubleValue.ToString("R", CultureInfo.InvariantCulture)),
            FieldComparison.ValueOneofCase.BoolValue => Bare(comparison.BoolValue ? "true" : "false"),
            FieldComparison.ValueOneofCase.TimeValue => FilterLiteral.Exact(Time(comparison, field)),
            _ => throw Fault.Invalid(field + ".value", $"{field}: no value is set, or it is not a finite number"),
        };
        return new FilterTerm(Path(comparison.Path, field + ".path"), op, literal, 1);
    }

    private static string Time(FieldComparison comparison, string field)
    {
        try
        {
            return comparison.TimeValue.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture);
        }
        catch (InvalidOperationException)
        {
            throw Fault.Invalid(field + ".time_value", $"{field}.time_value is no time");
        }
    }

    private static FilterLiteral Bare(string text) => new(text, false, false, false);

    private static string[] Path(string text, string field)
    {
        string[] path = text.Split('.');
        return text.Length > 0 && path.Length <= Limits.FieldPathSegmentsMax && !path.Contains(string.Empty)
            ? path
            : throw Fault.Invalid(field, $"{field} is not a field's path");
    }

    private static string Symbol(FilterOperator op) => op switch
    {
        FilterOperator.Equal or FilterOperator.Has => "=",
        FilterOperator.NotEqual => "!=",
        FilterOperator.Less => "<",
        FilterOperator.LessOrEqual => "<=",
        FilterOperator.Greater => ">",
        FilterOperator.GreaterOrEqual => ">=",
    };
}
