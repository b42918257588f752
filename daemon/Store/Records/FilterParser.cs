using System.Text;
using Auraed.Base;

namespace Auraed.Store.Records;

/// <summary>
/// Reads the filter language of AIP-160 into a tree. Its grammar:
/// <code>
/// expression = sequence { "AND" sequence }
/// sequence   = factor { factor }                 a space between two factors is an AND
/// factor     = term { "OR" term }                OR binds tighter than AND
/// term       = [ "NOT" | "-" ] ( "(" expression ")" | path comparator value )
/// comparator = "=" | "!=" | "&lt;" | "&lt;=" | "&gt;" | "&gt;=" | ":"
/// path       = text { "." text-or-quoted }
/// </code>
/// What the language has and this store refuses, each with its own message: bare words, functions, groups as a value.
/// Bounded by <see cref="Limits.FilterBytesMax"/>, <see cref="Limits.FilterTermsMax"/> and <see cref="Limits.FilterDepthMax"/>.
/// </summary>
public ref struct FilterParser
{
    private readonly string _field;
    private FilterLexer _lexer;
    private FilterToken _token;
    private int _terms;
    private int _depth;

    private FilterParser(string source, string field)
    {
        _field = field;
        _lexer = new FilterLexer(source, field);
    }

    /// <summary>The tree, or null for an empty filter.</summary>
    /// <param name="field">The request's field that a fault names.</param>
    public static FilterNode? Parse(string source, string field = "filter")
    {
        if (source.Length > Limits.FilterBytesMax || Encoding.UTF8.GetByteCount(source) > Limits.FilterBytesMax)
        {
            throw Fault.Invalid(field, $"{field} is longer than {Limits.FilterBytesMax} bytes");
        }

        var parser = new FilterParser(source, field);
        parser.Advance();
        if (parser._token.Kind == FilterTokenKind.End)
        {
            return null;
        }

        FilterNode node = parser.Expression();
        return parser._token.Kind == FilterTokenKind.End ? node : throw parser.Unexpected("the end");
    }

    internal static Fault Wrong(string field, string what, int position) => Fault.Invalid(field, $"{field}: {what} (character {position})");

    private FilterNode Expression()
    {
        if (++_depth > Limits.FilterDepthMax)
        {
            throw Wrong(_field, $"groups are nested deeper than {Limits.FilterDepthMax}", _token.Position);
        }

        List<FilterNode>? all = null;
        FilterNode first = Factor();
        while (true)
        {
            if (IsWord("AND"))
            {
                Advance();
            }
            else if (_token.Kind is FilterTokenKind.End or FilterTokenKind.Close)
            {
                break;
            }

            all ??= [first];
            all.Add(Factor());
        }

        _depth--;
        return all is null ? first : new FilterAnd(all);
    }

    private FilterNode Factor()
    {
        FilterNode first = Term();
        if (!IsWord("OR"))
        {
            return first;
        }

        List<FilterNode> any = [first];
        while (IsWord("OR"))
        {
            Advance();
            any.Add(Term());
        }

        return new FilterOr(any);
    }

    private FilterNode Term()
    {
        if (IsWord("NOT"))
        {
            Advance();
            return new FilterNot(Simple());
        }

        if (_token.Kind == FilterTokenKind.Text && _token.Text[0] == '-')
        {
            if (_token.Text.Length == 1)
            {
                Advance();
                return _token.IsGlued ? new FilterNot(Simple()) : throw Unexpected("a field or a group right after '-'");
            }

            _token = _token with { Text = _token.Text[1..], Position = _token.Position + 1 };
            return new FilterNot(Simple());
        }

        return Simple();
    }

    private FilterNode Simple()
    {
        if (_token.Kind == FilterTokenKind.Open)
        {
            Advance();
            FilterNode node = Expression();
            if (_token.Kind != FilterTokenKind.Close)
            {
                throw Unexpected("')'");
            }

            Advance();
            return node;
        }

        return Comparison();
    }

    private FilterTerm Comparison()
    {
        if (_token.Kind != FilterTokenKind.Text || IsKeyword(_token.Text))
        {
            throw Unexpected("a field");
        }

        if (++_terms > Limits.FilterTermsMax)
        {
            throw Wrong(_field, $"more than {Limits.FilterTermsMax} terms", _token.Position);
        }

        int position = _token.Position;
        List<string> path = Path();
        if (_token.Kind == FilterTokenKind.Open && _token.IsGlued)
        {
            throw Wrong(_field, $"'{path[^1]}' is not a function; there are none", position);
        }

        if (_token.Kind != FilterTokenKind.Operator)
        {
            throw Wrong(_field, $"'{string.Join('.', path)}' is not compared with anything; a bare word finds nothing here", position);
        }

        FilterOperator op = _token.Operator;
        Advance();
        FilterLiteral literal = Value(op);
        return new FilterTerm(path, op, literal, position);
    }

    /// <summary>A text token is cut at its dots; one that ends in a dot goes on with a quoted segment that touches it.</summary>
    private List<string> Path()
    {
        var path = new List<string>();
        int position = _token.Position;
        while (true)
        {
            string text = _token.Text;
            bool isOpen = text.Length > 0 && text[^1] == '.';
            path.AddRange((isOpen ? text[..^1] : text).Split('.'));
            Advance();
            while (isOpen)
            {
                if (_token.Kind != FilterTokenKind.Quoted || !_token.IsGlued)
                {
                    throw Unexpected("a name after '.'");
                }

                path.Add(_token.Text);
                Advance();
                isOpen = false;
                if (_token is { Kind: FilterTokenKind.Text, IsGlued: true } && _token.Text[0] == '.')
                {
                    _token = _token with { Text = _token.Text[1..] };
                    if (_token.Text.Length == 0)
                    {
                        Advance();
                        isOpen = true;
                    }
                }
                else
                {
                    return Checked(path, position);
                }
            }

            if (_token.Kind != FilterTokenKind.Text || !_token.IsGlued)
            {
                return Checked(path, position);
            }
        }
    }

    private readonly List<string> Checked(List<string> path, int position)
    {
        if (path.Contains(string.Empty))
        {
            throw Wrong(_field, "a field's path has an empty part", position);
        }

        return path.Count <= Limits.FieldPathSegmentsMax
            ? path
            : throw Wrong(_field, $"a field's path has more than {Limits.FieldPathSegmentsMax} parts", position);
    }

    private FilterLiteral Value(FilterOperator op)
    {
        if (_token.Kind == FilterTokenKind.Open)
        {
            throw Wrong(_field, "a group is not a value; write the comparison out for each", _token.Position);
        }

        if (_token.Kind is not (FilterTokenKind.Text or FilterTokenKind.Quoted) || (_token.Kind == FilterTokenKind.Text && IsKeyword(_token.Text)))
        {
            throw Unexpected("a value");
        }

        FilterToken token = _token;
        Advance();
        if (_token is { Kind: FilterTokenKind.Operator, IsGlued: true })
        {
            throw Wrong(_field, $"'{_token.Text}' inside a value; put the value in quotes", _token.Position);
        }

        bool isPattern = op is FilterOperator.Equal or FilterOperator.NotEqual or FilterOperator.Has;
        if (!isPattern || (!token.StarFirst && !token.StarLast && !token.StarInside))
        {
            return new FilterLiteral(token.Text, token.Kind == FilterTokenKind.Quoted, false, false);
        }

        if (token.StarInside)
        {
            throw Wrong(_field, "a star stands for any text only first or last in a value; write \\* in quotes for the character", token.Position);
        }

        string text = token.Text == "*" ? string.Empty : token.Text[(token.StarFirst ? 1 : 0)..(token.StarLast ? ^1 : ^0)];
        return new FilterLiteral(text, token.Kind == FilterTokenKind.Quoted, token.StarFirst, token.StarLast);
    }

    private void Advance() => _token = _lexer.Next();

    private readonly bool IsWord(string word) => _token.Kind == FilterTokenKind.Text && _token.Text == word;

    private static bool IsKeyword(string text) => text is "AND" or "OR" or "NOT";

    private readonly Fault Unexpected(string wanted) =>
        Wrong(_field, _token.Kind == FilterTokenKind.End ? $"ends where {wanted} is expected" : $"'{_token.Text}' where {wanted} is expected", _token.Position);
}
