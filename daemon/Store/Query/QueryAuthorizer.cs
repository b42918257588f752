using Auraed.Native;

namespace Auraed.Store.Query;

/// <summary>
/// Decides each access of a stranger's statement while the engine compiles it (and of what the engine's modules compile for themselves
/// while it runs).
/// Invariants: base tables are read only through a part of our views whose name is a random number that nobody outside this process can
/// know. The engine hands the name of the innermost FROM item as the access's origin, and a common table expression may bear any name, so
/// a view's public name proves nothing; the random one does.
/// </summary>
internal sealed class QueryAuthorizer(QueryCatalog catalog, string capability)
{
    private readonly HashSet<string> _reads = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>True while our own statements run.</summary>
    public bool IsOpen { get; set; } = true;

    /// <summary>What the last statement was refused for; null when nothing.</summary>
    public string? Denied { get; private set; }

    /// <summary>Base tables that the last statement reads.</summary>
    public IReadOnlyCollection<string> Reads => _reads;

    /// <summary>False when it calls something that changes by itself.</summary>
    public bool IsRepeatable { get; private set; }

    /// <summary>Names of the file's own tables and of the engine's modules, none of which a query may name.</summary>
    public IReadOnlySet<string> Reserved { get; set; } = new HashSet<string>();

    public void Begin()
    {
        _reads.Clear();
        Denied = null;
        IsRepeatable = true;
    }

    public bool Authorize(EngineAccess access)
    {
        if (IsOpen)
        {
            return true;
        }

        var refusal = access.Action switch
        {
            EngineHooks.ActionSelect or EngineHooks.ActionRecursive => null,
            EngineHooks.ActionRead => Read(access),
            EngineHooks.ActionFunction => Call(access.Second ?? "", access.Inner),
            EngineHooks.ActionPragma when IsOfFullText(access) => null,
            _ => NameOf(access),
        };
        Denied ??= refusal;
        return refusal is null;
    }

    private string? Read(EngineAccess access)
    {
        var table = access.First ?? "";
        if (access.Inner == capability && access.Schema == "main" && catalog.IsBase(table))
        {
            _reads.Add(table);
            return null;
        }

        var isTemporary = string.Equals(access.Schema, "temp", StringComparison.OrdinalIgnoreCase);
        if (catalog.IsView(table) && (isTemporary || (access.Schema is null && access.Second is "")))
        {
            return null;
        }

        if (QueryFunctions.Tables.Contains(table) && access.Schema is (null or "main"))
        {
            return null;
        }

        // A FROM item of which no column is read comes with an empty column and, when the statement did not qualify it, without a schema.
        // What remains of those here are common table expressions and the engine's own tables.
        if (access.Schema is null && access.Second is "" && !IsReserved(table))
        {
            return null;
        }

        var isModules = IsRunning && access.Schema == "main" && (catalog.IsShadow(table) || catalog.IsBase(table));
        return isModules ? null : $"reading {Qualified(access.Schema, table)}";
    }

    /// <summary>True while a compiled statement is stepped: then the full-text module compiles statements over its own tables.</summary>
    public bool IsRunning { get; set; }

    private string? Call(string function, string? inner)
    {
        if (QueryFunctions.Volatile.Contains(function))
        {
            IsRepeatable = false;
        }

        return QueryFunctions.Allowed.Contains(function) || (inner == capability && QueryFunctions.InViews.Contains(function))
            ? null
            : $"calling {function}()";
    }

    private bool IsReserved(string table) =>
        Reserved.Contains(table)
        || table.StartsWith("sqlite_", StringComparison.OrdinalIgnoreCase)
        || table.StartsWith("pragma_", StringComparison.OrdinalIgnoreCase);

    private bool IsOfFullText(EngineAccess access) => IsRunning && access is { First: "data_version", Second: null };

    private static string Qualified(string? schema, string table) => schema is null or "main" or "temp" ? table : $"{schema}.{table}";

    private static string NameOf(EngineAccess access) => access.Action switch
    {
        EngineHooks.ActionPragma => $"PRAGMA {access.First}",
        EngineHooks.ActionAttach => "ATTACH",
        EngineHooks.ActionInsert => $"INSERT INTO {access.First}",
        EngineHooks.ActionUpdate => $"UPDATE {access.First}",
        EngineHooks.ActionDelete => $"DELETE FROM {access.First}",
        EngineHooks.ActionTransaction => $"the transaction statement {access.First}",
        EngineHooks.ActionSavepoint => $"SAVEPOINT {access.Second}",
        >= 1 and <= 8 => $"CREATE {access.First}",
        >= 10 and <= 17 => $"DROP {access.First}",
        25 => "DETACH",
        26 => "ALTER TABLE",
        27 => "REINDEX",
        28 => "ANALYZE",
        29 => $"CREATE VIRTUAL TABLE {access.First}",
        30 => $"DROP VIRTUAL TABLE {access.First}",
        _ => $"the engine's action {access.Action}",
    };
}
