using System.Collections.Frozen;

namespace Auraed.Store.Query;

/// <summary>What a query may call. Everything else that the engine or an extension has is refused by name.</summary>
internal static class QueryFunctions
{
    /// <summary>Answers the tenant of the running query; the views compare with it.</summary>
    public const string CallerTenant = "caller_tenant";

    /// <summary>Their answers change by themselves, so an answer that they are part of is not kept.</summary>
    public static readonly FrozenSet<string> Volatile = Set(
        "random", "randomblob", "date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff",
        "current_date", "current_time", "current_timestamp");

    /// <summary>Parts of the full-text views; their arguments make no sense elsewhere.</summary>
    public static readonly FrozenSet<string> InViews = Set("snippet", "highlight");

    public static readonly FrozenSet<string> Allowed = Set(
    [
        .. Volatile, CallerTenant,
        "abs", "char", "coalesce", "concat", "concat_ws", "format", "glob", "hex", "if", "ifnull", "iif", "instr", "length", "like", "likelihood",
        "likely", "lower", "ltrim", "match", "max", "min", "nullif", "octet_length", "printf", "quote", "replace", "round", "rtrim", "sign", "substr",
        "substring", "trim", "typeof", "unhex", "unicode", "unistr", "unlikely", "upper", "zeroblob",
        "avg", "count", "group_concat", "string_agg", "sum", "total", "median", "percentile", "percentile_cont", "percentile_disc",
        "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "first_value", "last_value", "nth_value",
        "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "ceiling", "cos", "cosh", "degrees", "exp", "floor", "ln", "log", "log10",
        "log2", "mod", "pi", "pow", "power", "radians", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
        "->", "->>", "json", "json_array", "json_array_length", "json_error_position", "json_extract", "json_group_array", "json_group_object",
        "json_insert", "json_object", "json_patch", "json_pretty", "json_quote", "json_remove", "json_replace", "json_set", "json_type", "json_valid",
        "jsonb", "jsonb_array", "jsonb_extract", "jsonb_group_array", "jsonb_group_object", "jsonb_insert", "jsonb_object", "jsonb_patch",
        "jsonb_remove", "jsonb_replace", "jsonb_set",
    ]);

    /// <summary>Table-valued functions over their own argument.</summary>
    public static readonly FrozenSet<string> Tables = Set("json_each", "json_tree", "jsonb_each", "jsonb_tree");

    private static FrozenSet<string> Set(params string[] names) => names.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
}
