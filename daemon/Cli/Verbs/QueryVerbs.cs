using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.RegularExpressions;
using Auraed.Base;
using Auraed.Cli.Output;
using Aurae.Query.V0;
using Google.Protobuf;
using Grpc.Core;

namespace Auraed.Cli.Verbs;

/// <summary>SQL over the records, as a table, JSON lines or CSV.</summary>
internal static partial class QueryVerbs
{
    private const int RowsDefault = 1000;

    private static readonly Argument<string?> Sql = new("SQL")
    {
        Description = "One SELECT in SQLite's dialect over the tenant's records; - reads it from standard input.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string[]> Parameters = new("--param", "-p")
    {
        Description = "The value of :name in the statement. 12 is an integer, 1.5 a real, anything else a text; name:text=12, name:blob=00ff and name:null= say the type.",
        HelpName = "NAME=VALUE",
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<string> Tenant = new("--tenant")
    {
        Description = "Whose records. [default: default]",
        HelpName = "NAME",
        DefaultValueFactory = _ => string.Empty,
    };

    private static readonly Option<long> Limit = new("--limit")
    {
        Description = "Print so many rows at most, and say so when there are more. [default: 1000]",
        HelpName = "ROWS",
        DefaultValueFactory = _ => RowsDefault,
        CustomParser = ParseLimit,
    };

    private static readonly Option<bool> Explain = new("--explain") { Description = "Show how the statement would be run, and do not run it." };

    private static readonly Option<bool> ListTables = new("--tables") { Description = "List the tables and columns that a query may name." };

    private static readonly Option<bool> Statistics = new("--statistics") { Description = "Show the daemon's counters of queries and of the query cache." };

    private static readonly Option<bool> NoCache = new("--no-cache") { Description = "Run the statement even when its answer is known." };

    public static Command Build(CliEnvironment environment) =>
        new Verb(
            "query",
            "Ask the records in SQL: joins, aggregates, JSON and full text. It only reads, and only the tenant's own.",
            "auraed query --tables",
            "auraed query \"SELECT id, mem_size_mb FROM virtual_machine ORDER BY mem_size_mb DESC\"",
            "auraed query \"SELECT v.id, count(n.id) AS nics FROM virtual_machine v LEFT JOIN network_interface n ON n.machine = v.id GROUP BY v.id\"",
            "auraed query \"SELECT labels ->> '$.tier' AS tier, sum(vcpu_count) AS cpus FROM virtual_machine GROUP BY tier\" -o csv",
            "auraed query \"SELECT id, snippet FROM cell_executable_text WHERE document MATCH :words\" -p words='NEAR(backup nightly)'",
            "auraed query \"SELECT * FROM event WHERE sequence > :after\" -p after=100 --limit 50",
            "auraed query - -o json < report.sql")
        .With(Sql, Parameters, Tenant, Limit, Explain, ListTables, Statistics, NoCache).Calls(environment, RunAsync);

    private static async Task RunAsync(Invocation invocation, CancellationToken cancel)
    {
        var sql = invocation.Value(Statistics) || invocation.Value(ListTables) ? "" : await TextAsync(invocation, cancel);
        var daemon = invocation.Daemon;
        var client = new QueryService.QueryServiceClient(daemon.Invoker);
        if (invocation.Value(Statistics))
        {
            PrintStatistics(invocation, await daemon.CallAsync("ask for the counters", options => client.GetStatisticsAsync(new GetStatisticsRequest(), options), cancel));
            return;
        }

        if (invocation.Value(ListTables))
        {
            var request = new ListTablesRequest { Tenant = invocation.Value(Tenant) };
            PrintTables(invocation, await daemon.CallAsync("list the tables", options => client.ListTablesAsync(request, options), cancel));
            return;
        }

        try
        {
            if (invocation.Value(Explain))
            {
                var request = new ExplainRequest { Tenant = invocation.Value(Tenant), Sql = sql };
                PrintPlan(invocation, await daemon.CallAsync("explain the query", options => client.ExplainAsync(request, options), cancel));
                return;
            }

            await QueryAsync(invocation, client, sql, cancel);
        }
        catch (Fault fault) when (fault.Field == "sql")
        {
            PointAt(invocation.Terminal, sql, fault.Message);
            throw;
        }
    }

    private static async Task QueryAsync(Invocation invocation, QueryService.QueryServiceClient client, string sql, CancellationToken cancel)
    {
        var request = new QueryRequest
        {
            Tenant = invocation.Value(Tenant),
            Sql = sql,
            RowLimit = invocation.Value(Limit),
            NoCache = invocation.Value(NoCache),
        };
        foreach (var parameter in invocation.Value(Parameters) ?? [])
        {
            var (name, value) = ParseParameter(parameter);
            request.Parameters[name] = value;
        }

        var timeout = invocation.Value(GlobalOptions.Timeout);
        DateTime? deadline = timeout > TimeSpan.Zero ? (invocation.Environment.Time.GetUtcNow() + timeout).UtcDateTime : null;
        var result = new QueryPrinter(invocation.Printer);
        await invocation.Daemon.StreamAsync(
            "run the query",
            options => client.Query(request, deadline is { } until ? options.WithDeadline(until) : options),
            result.Take,
            cancel);
        if (result.Summary is { Truncation: not Truncation.None } summary)
        {
            var bound = summary.Truncation == Truncation.Rows ? "--limit gives more" : "the answer's bytes are bounded";
            invocation.Warn($"only the first {summary.Rows} rows are shown; {bound}");
        }
    }

    private static async Task<string> TextAsync(Invocation invocation, CancellationToken cancel) => invocation.Value(Sql) switch
    {
        null => throw Fault.Invalid("sql", "there is no query", "auraed query \"SELECT ...\", or auraed query --tables"),
        "-" => await StandardAsync(invocation, cancel),
        var text => text,
    };

    private static Task<string> StandardAsync(Invocation invocation, CancellationToken cancel)
    {
        invocation.Environment.RequireInput("sql", "auraed query - <FILE");
        return invocation.Environment.Input.ReadToEndAsync(cancel);
    }

    private static void PrintTables(Invocation invocation, ListTablesResponse response) => invocation.Printer.Rows(
        [.. response.Tables.SelectMany(table => table.Columns.Select(column => (table, column)))],
        new Column<(Table Table, Column Column)>("table", row => row.Table.Name),
        new Column<(Table Table, Column Column)>("column", row => row.Column.Name),
        new Column<(Table Table, Column Column)>("type", row => row.Column.Type),
        new Column<(Table Table, Column Column)>("record_type", row => row.Table.RecordType));

    private static void PrintPlan(Invocation invocation, ExplainResponse response)
    {
        var depths = new Dictionary<int, int>();
        foreach (var step in response.Steps)
        {
            depths[step.Id] = depths.GetValueOrDefault(step.Parent, -1) + 1;
        }

        invocation.Printer.Rows(
            response.Steps,
            new Column<PlanStep>("id", step => step.Id),
            new Column<PlanStep>("parent", step => step.Parent),
            new Column<PlanStep>("detail", step => invocation.Printer.IsJson ? step.Detail : new string(' ', 2 * depths[step.Id]) + step.Detail));
        invocation.Printer.Say($"reads {string.Join(", ", response.Tables)}; its answers are {(response.Cacheable ? "kept" : "not kept")}");
    }

    private static void PrintStatistics(Invocation invocation, QueryStatistics statistics) => invocation.Printer.Fields(
        ("queries", statistics.Queries), ("failures", statistics.Failures), ("denials", statistics.Denials), ("interruptions", statistics.Interruptions),
        ("rows", statistics.Rows), ("running", statistics.Running), ("waiting", statistics.Waiting), ("cache_hits", statistics.CacheHits),
        ("cache_misses", statistics.CacheMisses), ("cache_invalidations", statistics.CacheInvalidations), ("cache_entries", statistics.CacheEntries),
        ("cache_bytes", Cell.Bytes(statistics.CacheBytes)));

    /// <summary>Shows the line of the statement that the error is in, with a mark under the place.</summary>
    private static void PointAt(Terminal terminal, string sql, string message)
    {
        var match = Place().Match(message);
        var lines = sql.Split('\n');
        if (!match.Success || !int.TryParse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture, out var line) || line < 1 || line > lines.Length)
        {
            return;
        }

        var column = int.Parse(match.Groups[2].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
        var text = lines[line - 1];
        var before = Units.Printable(text[..Math.Clamp(column - 1, 0, text.Length)]);
        terminal.Error.WriteLine($"  {Units.Printable(text)}");
        terminal.Error.WriteLine($"  {new string(' ', Units.Width(before))}^");
    }

    /// <summary>name=value, or name:type=value.</summary>
    internal static (string Name, Value Value) ParseParameter(string text)
    {
        var split = text.IndexOf('=', StringComparison.Ordinal);
        if (split < 1)
        {
            throw Fault.Invalid("param", $"'{text}' is not NAME=VALUE");
        }

        var (name, given) = (text[..split].TrimStart(':', '@', '$'), text[(split + 1)..]);
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        var type = colon < 0 ? "" : name[(colon + 1)..];
        return (colon < 0 ? name : name[..colon], ValueOf(type, given, text));
    }

    private static Value ValueOf(string type, string given, string text)
    {
        var isInteger = long.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer);
        var isReal = double.TryParse(given, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real);
        return type switch
        {
            "" or "integer" when isInteger => new Value { Integer = integer },
            "" or "real" when isReal => new Value { Real = real },
            "" or "text" => new Value { Text = given },
            "null" => new Value(),
            "blob" when given.Length % 2 == 0 && given.All(char.IsAsciiHexDigit) => new Value { Blob = ByteString.CopyFrom(Convert.FromHexString(given)) },
            _ => throw Fault.Invalid("param", $"'{text}' is no value of type {type}", "types are integer, real, text, blob (in hexadecimal digits) and null"),
        };
    }

    private static long ParseLimit(ArgumentResult result)
    {
        var text = result.Tokens.Single().Value;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var rows) && rows > 0)
        {
            return rows;
        }

        result.AddError($"--limit is a number of rows from 1 up, not '{text}'");
        return default;
    }

    [GeneratedRegex(@"\(line (\d+), column (\d+)\)$", RegexOptions.CultureInvariant)]
    private static partial Regex Place();
}
