namespace Auraed.Store.Records;

/// <summary>How a filter's term compares.</summary>
public enum FilterOperator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// <summary><c>:</c> contains an element, has a key, or with <c>*</c> is present.</summary>
    Has,
}

/// <summary>A parsed filter: a tree of bounded depth and size that names nothing yet; fields are resolved against a table's descriptor.</summary>
public abstract record FilterNode;

/// <summary>All hold.</summary>
public sealed record FilterAnd(IReadOnlyList<FilterNode> Nodes) : FilterNode;

/// <summary>At least one holds.</summary>
public sealed record FilterOr(IReadOnlyList<FilterNode> Nodes) : FilterNode;

/// <summary>It does not hold. A comparison with an unset field does not hold, so its negation does.</summary>
public sealed record FilterNot(FilterNode Node) : FilterNode;

/// <summary>One comparison.</summary>
/// <param name="Path">The field, segment by segment.</param>
/// <param name="Position">Where the path starts in the text, from 1.</param>
public sealed record FilterTerm(IReadOnlyList<string> Path, FilterOperator Operator, FilterLiteral Literal, int Position) : FilterNode
{
    public string PathText => string.Join('.', Path);
}

/// <summary>The right side of a comparison, untyped until the field is known.</summary>
/// <param name="Text">Without quotes, escapes and outer stars.</param>
/// <param name="IsQuoted">True for a string in quotes; <c>null</c> in quotes is text, bare it is the absence.</param>
/// <param name="StartsOpen">An unescaped star stood before the text.</param>
/// <param name="EndsOpen">An unescaped star stood after the text.</param>
public readonly record struct FilterLiteral(string Text, bool IsQuoted, bool StartsOpen, bool EndsOpen)
{
    /// <summary>A lone star: anything that is present.</summary>
    public bool IsAny => Text.Length == 0 && (StartsOpen || EndsOpen);

    public static FilterLiteral Exact(string text) => new(text, true, false, false);
}
