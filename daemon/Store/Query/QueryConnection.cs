using System.Security.Cryptography;
using System.Text;
using Auraed.Base;
using Auraed.Native;
using SQLitePCL;

namespace Auraed.Store.Query;

/// <summary>
/// One read-only connection for strangers' statements, with the tenant's views, the authorizer and lowered limits.
/// Invariants: used by one thread; outside <see cref="Prepare"/> and <see cref="Step"/> only our own statements run, unrestricted; the views
/// compare with <see cref="Tenant"/>, which is set before every run.
/// </summary>
internal sealed class QueryConnection : IDisposable
{
    private const int ConfigLoadExtension = 1005;
    private const int ConfigDefensive = 1010;
    private const int ConfigTrustedSchema = 1017;
    private const int FlagDeterministic = 0x800;
    private const int FlagInnocuous = 0x200000;

    private readonly sqlite3 _handle;
    private readonly IDisposable _owner;
    private readonly string _capability = "c" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private readonly QueryAuthorizer _authorizer;

    // The engine keeps only addresses of these.
    private readonly delegate_authorizer _onAccess;
    private readonly delegate_progress _onProgress;
    private readonly delegate_function_scalar _onTenant;

    /// <param name="handle">Keyed and opened in the engine's read-only mode; nothing else uses it.</param>
    /// <param name="owner">Disposed with this connection: what closes the handle.</param>
    /// <param name="catalog">The tables that queries may name.</param>
    public QueryConnection(sqlite3 handle, IDisposable owner, QueryCatalog catalog)
    {
        _handle = handle;
        _owner = owner;
        _authorizer = new QueryAuthorizer(catalog, _capability);
        _onAccess = (_, action, first, second, schema, inner) => _authorizer.Authorize(new EngineAccess(
            action, first.utf8_to_string(), second.utf8_to_string(), schema.utf8_to_string(), inner.utf8_to_string())) ? raw.SQLITE_OK : raw.SQLITE_DENY;
        _onProgress = _ => Budget?.Look() == true ? 1 : 0;
        _onTenant = (context, _, _) => raw.sqlite3_result_text(context, Tenant);
        try
        {
            Restrict(catalog);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Tenant { get; set; } = "";

    /// <summary>What the running statement may take; null lets our own run freely.</summary>
    public QueryBudget? Budget { get; set; }

    /// <summary>Waits until a snapshot holds everything that was acknowledged; null when every snapshot does.</summary>
    public Action? Settle { get; init; }

    public sqlite3 Handle => _handle;

    public QueryAuthorizer Authorizer => _authorizer;

    /// <summary>The tables of the catalogue that are in this file.</summary>
    public IReadOnlyList<QueryTable> Tables { get; private set; } = [];

    /// <summary>The functions that a query may call and that this engine has.</summary>
    public IReadOnlyList<string> Functions { get; private set; } = [];

    /// <summary>
    /// Compiles one statement that reads and returns rows. Fault(Invalid) on a wrong statement, Fault(Denied) on one that may not run,
    /// Fault(OutOfRange) on one beyond a limit; each names the field.
    /// </summary>
    public sqlite3_stmt Prepare(string sql)
    {
        var text = QueryText.Encode(sql);
        if (text.Length == 0)
        {
            throw Empty();
        }

        QueryNames.Require(sql);
        _authorizer.Begin();
        _authorizer.IsOpen = false;
        sqlite3_stmt? statement = null;
        try
        {
            var code = raw.sqlite3_prepare_v3(_handle, text, 0, out statement, out var tail);
            if (code != raw.SQLITE_OK)
            {
                throw FaultOf(code, sql);
            }

            if (IsNothing(statement))
            {
                throw Empty();
            }

            RequireEnd(tail);
            RequireQuery(statement);
            return statement;
        }
        catch
        {
            statement?.Dispose();
            throw;
        }
        finally
        {
            _authorizer.IsOpen = true;
        }
    }

    /// <summary>True at a row, false at the end.</summary>
    public bool Step(sqlite3_stmt statement, string sql)
    {
        _authorizer.IsOpen = false;
        _authorizer.IsRunning = true;
        int code;
        try
        {
            code = raw.sqlite3_step(statement);
        }
        finally
        {
            _authorizer.IsRunning = false;
            _authorizer.IsOpen = true;
        }

        return code switch
        {
            // The engine goes on with zeros in the place of a page that it cannot open.
            raw.SQLITE_ROW or raw.SQLITE_DONE when EngineMend.IsSealBroken(_handle) => throw FaultOf(raw.SQLITE_NOTADB, sql),
            raw.SQLITE_ROW => true,
            raw.SQLITE_DONE => false,
            _ => throw FaultOf(code, sql),
        };
    }

    /// <summary>Begins one snapshot and answers the revision that it shows.</summary>
    public long BeginSnapshot()
    {
        Settle?.Invoke();
        Execute("BEGIN");
        return Texts("SELECT coalesce(max(sequence), 0) FROM main.event") is [var revision] ? long.Parse(revision, null) : 0;
    }

    public void EndSnapshot()
    {
        if (raw.sqlite3_get_autocommit(_handle) == 0)
        {
            Execute("ROLLBACK");
        }
    }

    /// <summary>The plan of a statement that <see cref="Prepare"/> has accepted.</summary>
    public IReadOnlyList<(int Id, int Parent, string Detail)> Explain(string sql)
    {
        using var statement = Prepare(sql);
        _authorizer.IsOpen = false;
        try
        {
            var code = raw.sqlite3_prepare_v3(_handle, QueryText.Encode("EXPLAIN QUERY PLAN " + sql), 0, out var plan);
            using var _ = plan;
            if (code != raw.SQLITE_OK)
            {
                throw FaultOf(code, sql);
            }

            var steps = new List<(int, int, string)>();
            while (raw.sqlite3_step(plan) == raw.SQLITE_ROW)
            {
                var detail = raw.sqlite3_column_text(plan, 3).utf8_to_string() ?? "";
                steps.Add((raw.sqlite3_column_int(plan, 0), raw.sqlite3_column_int(plan, 1), Conceal(detail)));
            }

            return steps;
        }
        finally
        {
            _authorizer.IsOpen = true;
        }
    }

    /// <summary>The fault of the connection's last error.</summary>
    public Fault FaultOf(int code, string sql)
    {
        if (Budget is { End: not QueryEnd.None } ended)
        {
            return ended.ToFault();
        }

        if (EngineMend.IsSealBroken(_handle))
        {
            return EngineError.ToFault(raw.SQLITE_NOTADB, "a seal does not hold", "a query failed");
        }

        var message = Conceal(raw.sqlite3_errmsg(_handle).utf8_to_string() ?? "");
        return QueryText.ToFault(code, message, EngineText.ErrorOffset(_handle), sql, _authorizer.Denied);
    }

    public void Dispose() => _owner.Dispose();

    /// <summary>The random name tells nobody anything, and must not be told.</summary>
    private string Conceal(string message) => message.Replace(_capability, "records", StringComparison.OrdinalIgnoreCase);

    private void Restrict(QueryCatalog catalog)
    {
        _ = raw.sqlite3_db_config(_handle, ConfigLoadExtension, 0, out _);
        _ = raw.sqlite3_db_config(_handle, ConfigDefensive, 1, out _);
        _ = raw.sqlite3_db_config(_handle, ConfigTrustedSchema, 0, out _);
        Check(raw.sqlite3_create_function(_handle, QueryFunctions.CallerTenant, 0, FlagDeterministic | FlagInnocuous, null, _onTenant));
        Check(raw.sqlite3_set_authorizer(_handle, _onAccess, null));

        // Views of the temporary schema, which is this connection's own and lies in memory, are made before it may change nothing at all.
        Execute("PRAGMA temp_store = MEMORY");
        Execute("PRAGMA query_only = OFF");
        var own = Texts("SELECT name FROM main.sqlite_schema WHERE type IN ('table', 'view') UNION SELECT name FROM pragma_module_list").ToHashSet(StringComparer.OrdinalIgnoreCase);
        own.ExceptWith(QueryFunctions.Tables);
        Tables = [.. catalog.Tables.Where(table => table.Bases.All(own.Contains))];
        foreach (var table in Tables)
        {
            Execute(QueryCatalog.DefinitionOf(table, _capability));
        }

        // Whatever else a name alone could reach is hidden by an empty view of that name.
        foreach (var name in own.Where(name => !catalog.IsView(name) && !name.StartsWith("sqlite_", StringComparison.OrdinalIgnoreCase)))
        {
            Execute(QueryCatalog.ShadowOf(name));
        }

        Execute("PRAGMA query_only = ON");
        _authorizer.Reserved = own;
        Functions = [.. Texts("SELECT DISTINCT name FROM pragma_function_list").Where(QueryFunctions.Allowed.Contains).Order(StringComparer.Ordinal)];

        // The full-text module reads its configuration when an index is first named.
        foreach (var index in own.Where(name => catalog.IsBase(name) && catalog.IsShadow(name + "_")))
        {
            _ = Texts($"SELECT rowid FROM main.\"{index}\" LIMIT 0");
        }

        Lower();
        raw.sqlite3_progress_handler(_handle, Limits.QueryStepsPerLook, _onProgress, null);
    }

    private void Lower()
    {
        (int Limit, int Value)[] limits =
        [
            (raw.SQLITE_LIMIT_LENGTH, Limits.QueryValueBytesMax),
            (raw.SQLITE_LIMIT_SQL_LENGTH, Limits.QuerySqlBytesMax + 64),
            (raw.SQLITE_LIMIT_COLUMN, Limits.QueryColumnCountMax),
            (raw.SQLITE_LIMIT_EXPR_DEPTH, Limits.QueryExpressionDepthMax),
            (raw.SQLITE_LIMIT_COMPOUND_SELECT, Limits.QueryCompoundCountMax),
            (raw.SQLITE_LIMIT_VDBE_OP, Limits.QueryInstructionCountMax),
            (raw.SQLITE_LIMIT_FUNCTION_ARG, Limits.QueryArgumentCountMax),
            (raw.SQLITE_LIMIT_ATTACHED, 0),
            (raw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, Limits.QueryPatternBytesMax),
            (raw.SQLITE_LIMIT_VARIABLE_NUMBER, Limits.QueryParameterCountMax),
            (raw.SQLITE_LIMIT_TRIGGER_DEPTH, 0),
            (raw.SQLITE_LIMIT_WORKER_THREADS, 0),
        ];
        foreach (var (limit, value) in limits)
        {
            _ = raw.sqlite3_limit(_handle, limit, value);
        }
    }

    private void RequireEnd(ReadOnlySpan<byte> tail)
    {
        while (!tail.IsEmpty)
        {
            var code = raw.sqlite3_prepare_v3(_handle, tail, 0, out var next, out var rest);
            using var _ = next;
            if (code != raw.SQLITE_OK || !IsNothing(next))
            {
                throw Fault.Invalid("sql", "a second statement follows the first; a query is one statement");
            }

            tail = rest;
        }
    }

    private static void RequireQuery(sqlite3_stmt statement)
    {
        if (raw.sqlite3_stmt_isexplain(statement) != 0)
        {
            throw Fault.Invalid("sql", "EXPLAIN is not a query", "auraed query --explain, or the Explain call");
        }

        if (raw.sqlite3_stmt_readonly(statement) == 0 || raw.sqlite3_column_count(statement) == 0)
        {
            throw new Fault(FaultKind.Denied, "the statement is not a query: only SELECT is allowed", "sql") { Reason = "QUERY_DENIED" };
        }
    }

    private static Fault Empty() => Fault.Invalid("sql", "the statement is empty");

    private static bool IsNothing(sqlite3_stmt? statement) => statement is null || statement.IsInvalid;

    private void Execute(string sql) => _ = Texts(sql);

    /// <summary>The first column of one of our own statements.</summary>
    private List<string> Texts(string sql)
    {
        Check(raw.sqlite3_prepare_v3(_handle, Encoding.UTF8.GetBytes(sql), 0, out var statement));
        using (statement)
        {
            var texts = new List<string>();
            int code;
            while ((code = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
            {
                texts.Add(raw.sqlite3_column_text(statement, 0).utf8_to_string() ?? "");
            }

            Check(code == raw.SQLITE_DONE ? raw.SQLITE_OK : code);
            return texts;
        }
    }

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw EngineError.ToFault(raw.sqlite3_extended_errcode(_handle), Conceal(raw.sqlite3_errmsg(_handle).utf8_to_string()), "a query connection cannot be prepared");
        }
    }
}
