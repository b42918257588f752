using System.Text;
using Auraed.Base;

namespace Auraed.Store.Records;

internal enum FilterTokenKind
{
    End,
    Open,
    Close,
    Comma,
    Operator,
    Text,
    Quoted,
}

/// <param name="Text">What was written, without quotes and escapes.</param>
/// <param name="Position">Of the first character, from 1.</param>
/// <param name="IsGlued">No space stands between this token and the one before.</param>
/// <param name="StarFirst">The first character is an unescaped star; <see cref="Text"/> still has it.</param>
/// <param name="StarLast">The last character is an unescaped star.</param>
/// <param name="StarInside">An unescaped star stands elsewhere.</param>
internal readonly record struct FilterToken(
    FilterTokenKind Kind, string Text, FilterOperator Operator, int Position, bool IsGlued, bool StarFirst, bool StarLast, bool StarInside);

/// <summary>Cuts a filter into tokens, one at a time; every fault names the field "filter" and the character.</summary>
internal ref struct FilterLexer(string source, string field)
{
    private int _at;

    public FilterToken Next()
    {
        int before = _at;
        while (_at < source.Length && char.IsWhiteSpace(source[_at]))
        {
            _at++;
        }

        bool glued = _at == before;
        if (_at == source.Length)
        {
            return Simple(FilterTokenKind.End, "the end", _at, glued);
        }

        int start = _at;
        char c = source[_at];
        switch (c)
        {
            case '(':
                _at++;
                return Simple(FilterTokenKind.Open, "(", start, glued);
            case ')':
                _at++;
                return Simple(FilterTokenKind.Close, ")", start, glued);
            case ',':
                _at++;
                return Simple(FilterTokenKind.Comma, ",", start, glued);
            case '"' or '\'':
                return Quoted(c, start, glued);
            case '=' or '<' or '>' or '!' or ':':
                return Comparator(c, start, glued);
            default:
                return Bare(start, glued);
        }
    }

    private FilterToken Comparator(char c, int start, bool glued)
    {
        bool isWithEqual = start + 1 < source.Length && source[start + 1] == '=';
        FilterOperator op = c switch
        {
            ':' => FilterOperator.Has,
            '=' => FilterOperator.Equal,
            '!' when isWithEqual => FilterOperator.NotEqual,
            '<' => isWithEqual ? FilterOperator.LessOrEqual : FilterOperator.Less,
            '>' => isWithEqual ? FilterOperator.GreaterOrEqual : FilterOperator.Greater,
            _ => throw FilterParser.Wrong(field, "'!' is not followed by '='", start + 1),
        };
        _at += c is ':' or '=' || !isWithEqual ? 1 : 2;
        return new FilterToken(FilterTokenKind.Operator, source[start.._at], op, start + 1, glued, false, false, false);
    }

    private FilterToken Bare(int start, bool glued)
    {
        bool inside = false;
        while (_at < source.Length && !char.IsWhiteSpace(source[_at]) && !IsSpecial(source[_at]))
        {
            Check(source[_at], _at);
            inside |= source[_at] == '*' && _at > start;
            _at++;
        }

        string text = source[start.._at];
        bool last = text[^1] == '*';
        bool isInside = inside && text.AsSpan(1, Math.Max(0, text.Length - 2)).Contains('*');
        return new FilterToken(FilterTokenKind.Text, text, default, start + 1, glued, text[0] == '*', last, isInside);
    }

    private FilterToken Quoted(char quote, int start, bool glued)
    {
        var text = new StringBuilder();
        bool first = false, inside = false;
        int lastStar = -1;
        _at++;
        while (true)
        {
            if (_at >= source.Length)
            {
                throw FilterParser.Wrong(field, "a quote is not closed", start + 1);
            }

            char c = source[_at++];
            if (c == quote)
            {
                break;
            }

            if (c == '\\')
            {
                text.Append(Escape());
                continue;
            }

            Check(c, _at - 1);
            if (c == '*')
            {
                inside |= lastStar > 0 || (lastStar == 0 && !first);
                first |= text.Length == 0;
                lastStar = text.Length;
            }

            text.Append(c);
        }

        bool last = lastStar >= 0 && lastStar == text.Length - 1;
        inside |= lastStar > 0 && !last;
        return new FilterToken(FilterTokenKind.Quoted, text.ToString(), default, start + 1, glued, first, last, inside);
    }

    private char Escape()
    {
        if (_at >= source.Length)
        {
            throw FilterParser.Wrong(field, "a backslash ends the filter", _at);
        }

        char c = source[_at++];
        return c switch
        {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            '\\' or '"' or '\'' or '*' => c,
            _ => throw FilterParser.Wrong(field, $"'\\{c}' is not an escape; those are \\\\ \\\" \\' \\* \\n \\r \\t", _at - 1),
        };
    }

    private readonly void Check(char c, int index)
    {
        if (c == '\0')
        {
            throw FilterParser.Wrong(field, "a NUL character is not allowed", index + 1);
        }
    }

    private static bool IsSpecial(char c) => c is '(' or ')' or ',' or '=' or '<' or '>' or '!' or ':' or '"' or '\'';

    private static FilterToken Simple(FilterTokenKind kind, string text, int start, bool glued) =>
        new(kind, text, default, start + 1, glued, false, false, false);
}
