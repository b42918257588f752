using Auraed.Base;

namespace Auraed.Store.Query;

/// <summary>
/// Refuses, by its letters alone, a statement that could name what lies behind the views: something of the schema <c>main</c>, or a table of the
/// engine. The engine asks the authorizer about columns, but not about those that NATURAL and USING join by, nor about a FULL JOIN's
/// merged ones; so what must not be joined must not be nameable. Everything else that an unqualified name could reach is hidden by a view of that name.
/// Invariants: never too lax, whatever the quoting, the comments and the case; too strict only where a literal or a comment says so.
/// </summary>
internal static class QueryNames
{
    private const string Main = "main";

    /// <summary>The engine's tables, and its pragmas as tables.</summary>
    private static readonly string[] Engine = ["sqlite_", "pragma_"];

    /// <summary>Fault(Denied) that names the field.</summary>
    public static void Require(string sql)
    {
        for (var at = 0; (at = sql.IndexOf(Main, at, StringComparison.OrdinalIgnoreCase)) >= 0; at += Main.Length)
        {
            if (IsStart(sql, at) && IsQualifier(sql, at + Main.Length))
            {
                throw Refuse("naming the schema main", "name the table alone; a value that reads so is given as a parameter");
            }
        }

        foreach (var prefix in Engine)
        {
            for (var at = 0; (at = sql.IndexOf(prefix, at, StringComparison.OrdinalIgnoreCase)) >= 0; at += prefix.Length)
            {
                if (IsStart(sql, at))
                {
                    throw Refuse("naming the engine's own tables and functions", "auraed query --tables lists what a query may name; a value that reads so is given as a parameter");
                }
            }
        }
    }

    public static Fault Refuse(string what, string hint) => new(FaultKind.Denied, $"the query may not do this: {what}", "sql", hint) { Reason = "QUERY_DENIED" };

    /// <summary>True unless the word goes on to the left.</summary>
    private static bool IsStart(string sql, int at) => at == 0 || !IsOfName(sql[at - 1]);

    /// <summary>True when a point follows, after the closing quote, blanks and comments that the engine would pass over.</summary>
    private static bool IsQualifier(string sql, int at)
    {
        if (at < sql.Length && sql[at] is ('"' or '\'' or '`' or ']'))
        {
            at++;
        }

        while (at < sql.Length)
        {
            if (sql[at] == '.')
            {
                return true;
            }

            if (char.IsWhiteSpace(sql[at]) || sql[at] == '\uFEFF')
            {
                at++;
            }
            else if (string.CompareOrdinal(sql, at, "/*", 0, 2) == 0)
            {
                var end = sql.IndexOf("*/", at + 2, StringComparison.Ordinal);
                at = end < 0 ? sql.Length : end + 2;
            }
            else if (string.CompareOrdinal(sql, at, "--", 0, 2) == 0)
            {
                var end = sql.IndexOf('\n', at);
                at = end < 0 ? sql.Length : end + 1;
            }
            else
            {
                return false;
            }
        }

        return false;
    }

    // The engine takes every character from U+0080 up for a part of a name, but a byte order mark at a name's start for a blank.
    private static bool IsOfName(char character) =>
        char.IsAsciiLetterOrDigit(character) || character is '_' or '$' || (character >= '\u0080' && character != '\uFEFF');
}
