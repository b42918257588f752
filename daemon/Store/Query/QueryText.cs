using System.Text;
using Auraed.Base;
using SQLitePCL;

namespace Auraed.Store.Query;

/// <summary>The text of a statement: what is refused before the engine sees it, and what the engine's refusals mean.</summary>
internal static class QueryText
{
    private static readonly string[] TooLarge =
    [
        "too many", "Expression tree is too large", "parser stack overflow", "string or blob too big", "LIKE or GLOB pattern too complex",
        "query string is too large", "excessive", "too large", "variable number must be",
    ];

    /// <summary>What a caller may name is a view, and the engine says so of a statement that writes to one.</summary>
    private const string Modifies = "cannot modify ";

    /// <summary>UTF-8 without a NUL, at which the engine would take the statement to end.</summary>
    public static byte[] Encode(string sql)
    {
        var text = Encoding.UTF8.GetBytes(sql);
        if (text.Length > Limits.QuerySqlBytesMax + 64)
        {
            throw TooLong(text.Length);
        }

        return text.AsSpan().Contains((byte)0) ? throw Fault.Invalid("sql", $"the statement has a NUL character {Position(text, text.AsSpan().IndexOf((byte)0))}") : text;
    }

    public static Fault TooLong(int bytes) =>
        new(FaultKind.OutOfRange, $"the statement has {bytes} bytes, at most {Limits.QuerySqlBytesMax}", "sql") { Reason = "QUERY_TOO_LARGE" };

    /// <param name="code">The engine's result code.</param>
    /// <param name="message">The engine's words.</param>
    /// <param name="offset">The byte that the engine points at, or -1.</param>
    /// <param name="sql">The statement.</param>
    /// <param name="denied">What the authorizer refused; null when nothing.</param>
    public static Fault ToFault(int code, string message, int offset, string sql, string? denied)
    {
        var primary = code & 0xff;
        if (denied is not null && primary is (raw.SQLITE_AUTH or raw.SQLITE_ERROR))
        {
            return QueryNames.Refuse(denied, "auraed query --tables lists what a query may name");
        }

        var where = offset < 0 ? "" : " " + Position(Encoding.UTF8.GetBytes(sql), offset);
        return primary switch
        {
            raw.SQLITE_TOOBIG => new Fault(FaultKind.OutOfRange, $"a value in the query is too large: {message}{where}", "sql", $"a value has at most {Limits.QueryValueBytesMax} bytes")
            {
                Reason = "QUERY_TOO_LARGE",
            },
            raw.SQLITE_ERROR when Array.Exists(TooLarge, phrase => message.Contains(phrase, StringComparison.OrdinalIgnoreCase)) =>
                new Fault(FaultKind.OutOfRange, $"{message}{where}", "sql") { Reason = "QUERY_TOO_LARGE" },
            raw.SQLITE_ERROR when message.StartsWith(Modifies, StringComparison.Ordinal) =>
                new Fault(FaultKind.Invalid, $"a query only reads; this one writes{where}", "sql", "records are changed with auraed records apply -f FILE, and deleted with auraed records rm TYPE NAME") { Reason = "QUERY_INVALID" },
            raw.SQLITE_ERROR or raw.SQLITE_MISMATCH or raw.SQLITE_RANGE or raw.SQLITE_CONSTRAINT =>
                new Fault(FaultKind.Invalid, $"{message}{where}", "sql") { Reason = "QUERY_INVALID" },
            raw.SQLITE_READONLY => new Fault(FaultKind.Denied, "the query may not do this: write", "sql") { Reason = "QUERY_DENIED" },
            _ => EngineError.ToFault(code, message, "a query failed"),
        };
    }

    /// <summary><c>(line 1, column 8)</c>, counting from 1 and in characters.</summary>
    private static string Position(ReadOnlySpan<byte> text, int offset)
    {
        var before = text[..Math.Min(offset, text.Length)];
        var lineStart = before.LastIndexOf((byte)'\n') + 1;
        return $"(line {before.Count((byte)'\n') + 1}, column {Encoding.UTF8.GetCharCount(before[lineStart..]) + 1})";
    }
}
