using System.Collections.Frozen;
using System.Text;
using Aurae.Schema;

namespace Auraed.Store.Query;

/// <summary>A table as a query sees it.</summary>
/// <param name="Name">Its name in SQL.</param>
/// <param name="RecordType">The message whose records it holds; empty for another table.</param>
/// <param name="Columns">Its columns and their declared types.</param>
/// <param name="Body">The SELECT over base tables that restricts it to <see cref="QueryFunctions.CallerTenant"/>.</param>
/// <param name="Bases">The base tables in it.</param>
internal sealed record QueryTable(string Name, string RecordType, IReadOnlyList<QueryColumn> Columns, string Body, IReadOnlyList<string> Bases);

internal readonly record struct QueryColumn(string Name, string Type);

/// <summary>
/// The tables that a query may name, made from the record tables' descriptors. Secret columns, unknown fields, row numbers and the tenant are
/// not among their columns.
/// </summary>
internal sealed class QueryCatalog
{
    private readonly FrozenDictionary<string, QueryTable> _views;
    private readonly FrozenSet<string> _bases;
    private readonly string[] _fullText;

    public QueryCatalog(IEnumerable<RecordTable> records)
    {
        var tables = new List<QueryTable> { Events() };
        foreach (var record in records)
        {
            tables.Add(Records(record));
            tables.AddRange(record.Children.Select(child => Children(record, child)));
            if (record.Columns.Any(column => column.IsFullText))
            {
                tables.Add(FullText(record));
            }
        }

        Tables = [.. tables.OrderBy(table => table.Name, StringComparer.Ordinal)];
        _views = Tables.ToFrozenDictionary(table => table.Name, StringComparer.OrdinalIgnoreCase);
        _bases = Tables.SelectMany(table => table.Bases).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        _fullText = [.. _bases.Where(name => name.EndsWith(FullTextSuffix, StringComparison.Ordinal)).Select(name => name + "_")];
    }

    public IReadOnlyList<QueryTable> Tables { get; }

    public bool IsView(string name) => _views.ContainsKey(name);

    /// <summary>True for a table of the file that a view reads.</summary>
    public bool IsBase(string name) => _bases.Contains(name);

    /// <summary>True for the tables in which the engine keeps a full-text index.</summary>
    public bool IsShadow(string name) => Array.Exists(_fullText, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// The view of a table. Its base tables are read in a part that is named by the capability; the engine tells the authorizer that name as
    /// the origin of the access.
    /// </summary>
    public static string DefinitionOf(QueryTable table, string capability)
    {
        var names = string.Join(", ", table.Columns.Select(column => Quote(column.Name)));
        return $"CREATE TEMP VIEW {Quote(table.Name)} ({names}) AS WITH {capability} AS ({table.Body}) SELECT * FROM {capability}";
    }

    /// <summary>A view that hides a table of the file from its name alone.</summary>
    public static string ShadowOf(string name) => $"CREATE TEMP VIEW {Quote(name)} AS SELECT NULL AS empty WHERE 0";

    private static QueryTable Records(RecordTable record)
    {
        var columns = new List<QueryColumn>
        {
            new("id", "TEXT"), new("revision", "INTEGER"), new("create_time", "INTEGER"), new("update_time", "INTEGER"), new("labels", "TEXT"),
        };
        var body = new StringBuilder("SELECT r.id, r.revision, r.create_time, r.update_time, r.labels");
        foreach (var column in record.Columns.Where(column => !column.IsSecret))
        {
            columns.Add(new QueryColumn(column.Name, TypeOf(column)));
            body.Append(", r.").Append(Quote(column.Name));
        }

        // The key field under its own name too, as the record's message calls it.
        if (columns.TrueForAll(column => column.Name != record.Key.Name))
        {
            columns.Add(new QueryColumn(record.Key.Name, "TEXT"));
            body.Append(", r.id");
        }

        body.Append(" FROM main.").Append(Quote(record.Name)).Append($" AS r WHERE r.tenant = {QueryFunctions.CallerTenant}()");
        return new QueryTable(record.Name, record.TypeName, columns, body.ToString(), [record.Name]);
    }

    private static QueryTable Children(RecordTable record, ChildTable child)
    {
        var columns = new List<QueryColumn> { new("parent", "TEXT"), new("ordinal", "INTEGER") };
        var body = new StringBuilder("SELECT r.id, c.ordinal");
        foreach (var column in child.Columns.Where(column => !column.IsSecret && column.Name is not ("parent" or "ordinal")))
        {
            columns.Add(new QueryColumn(column.Name, TypeOf(column)));
            body.Append(", c.").Append(Quote(column.Name));
        }

        body.Append(" FROM main.").Append(Quote(child.Name)).Append(" AS c JOIN main.").Append(Quote(record.Name))
            .Append($" AS r ON r.row_id = c.parent WHERE r.tenant = {QueryFunctions.CallerTenant}()");
        return new QueryTable(child.Name, "", columns, body.ToString(), [child.Name, record.Name]);
    }

    /// <summary>The annotated text of a record, to be searched by <c>document MATCH '...'</c>. Ranks are left out: they count other tenants' words.</summary>
    private static QueryTable FullText(RecordTable record)
    {
        var index = record.Name + FullTextSuffix;
        var columns = new List<QueryColumn> { new("id", "TEXT"), new("document", ""), new("snippet", "TEXT") };
        var body = new StringBuilder($"SELECT r.id, f.{Quote(index)}, snippet(f.{Quote(index)}, -1, '[', ']', '…', 16)");
        foreach (var column in record.Columns.Where(column => column.IsFullText && !column.IsSecret))
        {
            columns.Add(new QueryColumn(column.Name, TypeOf(column)));
            body.Append(", r.").Append(Quote(column.Name));
        }

        body.Append($" FROM main.{Quote(index)} AS f JOIN main.{Quote(record.Name)} AS r ON r.row_id = f.rowid")
            .Append($" WHERE r.tenant = {QueryFunctions.CallerTenant}()");
        return new QueryTable(record.Name + "_text", "", columns, body.ToString(), [index, record.Name]);
    }

    /// <summary>The event log without payloads, which hold whole records, and without the chain's hashes.</summary>
    private static QueryTable Events()
    {
        QueryColumn[] columns =
        [
            new("sequence", "INTEGER"), new("revision", "INTEGER"), new("time", "INTEGER"), new("principal", "TEXT"), new("request_id", "TEXT"),
            new("kind", "TEXT"), new("subject", "TEXT"),
        ];
        const string body = "SELECT e.sequence, e.commit_revision, e.time, e.principal, e.request_id, e.kind, e.subject FROM main.event AS e "
            + $"WHERE e.tenant = {QueryFunctions.CallerTenant}()";
        return new QueryTable("event", "", columns, body, ["event"]);
    }

    private const string FullTextSuffix = "_fts";

    private static string TypeOf(ColumnDescriptor column) => column.Type switch
    {
        ColumnType.Integer => "INTEGER",
        ColumnType.Real => "REAL",
        ColumnType.Text => "TEXT",
        ColumnType.Blob => "BLOB",
    };

    private static string Quote(string name) => '"' + name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';
}
