using System.Text;
using Auraed.Base;
using Auraed.Store.Records;

namespace Auraed.Tests.Unit.Records;

public class FilterParserTests
{
    [Theory]
    [InlineData("a = 1", "(a Equal 1)")]
    [InlineData("a=1", "(a Equal 1)")]
    [InlineData("a != 1", "(a NotEqual 1)")]
    [InlineData("a >= -5", "(a GreaterOrEqual -5)")]
    [InlineData("a < 1.5", "(a Less 1.5)")]
    [InlineData("labels:tier", "(labels Has tier)")]
    [InlineData("labels.tier:*", "(labels.tier Has *)")]
    [InlineData("labels.app.kubernetes.io/name = \"x\"", "(labels.app.kubernetes.io/name Equal 'x')")]
    [InlineData("labels.\"a b\" = 'x'", "(labels.a b Equal 'x')")]
    [InlineData("labels.\"a.b\".c = 'x'", "(labels.a.b.c Equal 'x')")]
    [InlineData("a = 1 AND b = 2", "[(a Equal 1) & (b Equal 2)]")]
    [InlineData("a = 1 b = 2", "[(a Equal 1) & (b Equal 2)]")]
    [InlineData("a = 1 AND b = 2 OR c = 3", "[(a Equal 1) & [(b Equal 2) | (c Equal 3)]]")]
    [InlineData("(a = 1 AND b = 2) OR c = 3", "[[(a Equal 1) & (b Equal 2)] | (c Equal 3)]")]
    [InlineData("NOT a = 1", "!(a Equal 1)")]
    [InlineData("-a = 1", "!(a Equal 1)")]
    [InlineData("-(a = 1)", "!(a Equal 1)")]
    [InlineData("name = \"web*\"", "(name Equal 'web'*)")]
    [InlineData("name = \"*web\"", "(name Equal *'web')")]
    [InlineData("name = \"*web*\"", "(name Equal *'web'*)")]
    [InlineData("name = web*", "(name Equal web*)")]
    [InlineData("name = \"a\\*\"", "(name Equal 'a*')")]
    [InlineData("name = \"say \\\"hi\\\"\"", "(name Equal 'say \"hi\"')")]
    [InlineData("name = \"\"", "(name Equal '')")]
    [InlineData("name = \"*\"", "(name Equal ''*)")]
    public void Reads_the_language(string filter, string tree) => Assert.Equal(tree, Draw(FilterParser.Parse(filter)!));

    [Theory]
    [InlineData("")]
    [InlineData("  \t\n ")]
    public void An_empty_filter_is_no_filter(string filter) => Assert.Null(FilterParser.Parse(filter));

    [Theory]
    [InlineData("a", "bare word")]
    [InlineData("a =", "ends where a value")]
    [InlineData("= 1", "'=' where a field")]
    [InlineData("a = 1 AND", "ends where a field")]
    [InlineData("a = 1 OR", "ends where a field")]
    [InlineData("AND a = 1", "'AND' where a field")]
    [InlineData("(a = 1", "ends where ')'")]
    [InlineData("a = 1)", "')' where the end")]
    [InlineData("a = (1 OR 2)", "a group is not a value")]
    [InlineData("f(a) = 1", "not a function")]
    [InlineData("a ! 1", "not followed by '='")]
    [InlineData("a = \"x", "quote is not closed")]
    [InlineData("a = \"\\q\"", "not an escape")]
    [InlineData("a = \"\\", "backslash ends")]
    [InlineData("a..b = 1", "empty part")]
    [InlineData(".a = 1", "empty part")]
    [InlineData("a. = 1", "a name after '.'")]
    [InlineData("a = \"x*y\"", "first or last")]
    [InlineData("create_time > 2026-01-01T00:00:00Z", "put the value in quotes")]
    [InlineData("a = \"\0\"", "NUL")]
    [InlineData("a\0 = 1", "NUL")]
    [InlineData("- a = 1", "right after '-'")]
    [InlineData("a = 1, b = 2", "','")]
    public void Says_what_is_wrong_and_where(string filter, string what)
    {
        Fault fault = Assert.Throws<Fault>(() => FilterParser.Parse(filter));
        Assert.Equal(FaultKind.Invalid, fault.Kind);
        Assert.Equal("filter", fault.Field);
        Assert.Contains(what, fault.Message, StringComparison.Ordinal);
        Assert.Contains("(character ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ten_thousand_terms_are_refused()
    {
        string filter = string.Join(" OR ", Enumerable.Repeat("a=1", 10_000));
        Fault fault = Assert.Throws<Fault>(() => FilterParser.Parse(filter));
        Assert.Contains("longer than", fault.Message, StringComparison.Ordinal);

        fault = Assert.Throws<Fault>(() => FilterParser.Parse(string.Join(' ', Enumerable.Repeat("a=1", Limits.FilterTermsMax + 1))));
        Assert.Contains("more than 256 terms", fault.Message, StringComparison.Ordinal);
        Assert.NotNull(FilterParser.Parse(string.Join(' ', Enumerable.Repeat("a=1", Limits.FilterTermsMax))));
    }

    [Fact]
    public void Groups_nest_to_a_stated_depth()
    {
        static string Nest(int depth) => new string('(', depth) + "a=1" + new string(')', depth);
        Assert.NotNull(FilterParser.Parse(Nest(Limits.FilterDepthMax - 1)));
        Fault fault = Assert.Throws<Fault>(() => FilterParser.Parse(Nest(5000)));
        Assert.Contains("nested deeper than 32", fault.Message, StringComparison.Ordinal);
    }

    private static string Draw(FilterNode node) => node switch
    {
        FilterAnd and => "[" + string.Join(" & ", and.Nodes.Select(Draw)) + "]",
        FilterOr or => "[" + string.Join(" | ", or.Nodes.Select(Draw)) + "]",
        FilterNot not => "!" + Draw(not.Node),
        FilterTerm term => $"({term.PathText} {term.Operator} {Draw(term.Literal)})",
        _ => throw new ArgumentException("a new kind of node", nameof(node)),
    };

    private static string Draw(FilterLiteral literal)
    {
        if (literal is { IsAny: true, IsQuoted: false })
        {
            return "*";
        }

        var text = new StringBuilder();
        string quote = literal.IsQuoted ? "'" : string.Empty;
        return text.Append(literal.StartsOpen && !literal.IsAny ? "*" : string.Empty).Append(quote).Append(literal.Text).Append(quote)
            .Append(literal.EndsOpen ? "*" : string.Empty).ToString();
    }
}
