using System.Collections.Frozen;
using Aurae.Schema;

namespace Auraed.Store.Records;

/// <summary>
/// The statements of one record table, written once from its descriptor. Parameters and columns stand in the order of the words here.
/// </summary>
internal sealed class RecordSql
{
    /// <summary>Columns of a select before the message's own: row_id, id, revision, create_time, update_time, labels.</summary>
    public const int OwnColumns = 6;

    private static readonly FrozenDictionary<string, RecordSql> All = Tables.All.ToFrozenDictionary(table => table.Name, table => new RecordSql(table), StringComparer.Ordinal);

    private RecordSql(RecordTable table)
    {
        Table = table;
        string columns = string.Concat(table.Columns.Select(column => $"\"{column.Name}\", ")) + "unknown_fields";
        Columns = "row_id, id, revision, create_time, update_time, labels, " + columns;
        Find = $"SELECT {Columns} FROM {table.Name} WHERE tenant = ? AND id = ?";
        Exists = $"SELECT row_id FROM {table.Name} WHERE tenant = ? AND id = ?";
        Place = $"SELECT row_id, revision FROM {table.Name} WHERE tenant = ? AND id = ?";
        Insert = $"INSERT INTO {table.Name} (revision, create_time, update_time, labels, row_id, tenant, id, {columns}) "
            + $"VALUES (?, ?, ?, ?, ?, ?, ?{Marks(table.ValueCount)}) ON CONFLICT (tenant, id) DO NOTHING";
        string sets = string.Concat(table.Columns.Select(column => $", \"{column.Name}\" = ?")) + ", unknown_fields = ?";
        Update = $"UPDATE {table.Name} SET revision = ?, update_time = ?, labels = ?{sets} WHERE row_id = ?";
        Delete = $"DELETE FROM {table.Name} WHERE row_id = ?";
        Children = [.. table.Children.Select(child => new ChildSql(child))];
    }

    public RecordTable Table { get; }

    public string Columns { get; }

    public string Find { get; }

    public string Exists { get; }

    public string Place { get; }

    public string Insert { get; }

    public string Update { get; }

    public string Delete { get; }

    public ChildSql[] Children { get; }

    public static RecordSql Of(RecordTable table) => All[table.Name];

    internal static string Marks(int count) => string.Concat(Enumerable.Repeat(", ?", count));
}

/// <summary>The statements of one child table.</summary>
internal sealed class ChildSql
{
    public ChildSql(ChildTable child)
    {
        Table = child;
        string columns = string.Concat(child.Columns.Select(column => $"\"{column.Name}\", ")) + "unknown_fields";
        Select = $"SELECT {columns} FROM {child.Name} WHERE parent = ? ORDER BY ordinal";
        Insert = $"INSERT INTO {child.Name} (parent, ordinal, {columns}) VALUES (?, ?{RecordSql.Marks(child.ValueCount)})";
        Delete = $"DELETE FROM {child.Name} WHERE parent = ?";
    }

    public ChildTable Table { get; }

    public string Select { get; }

    public string Insert { get; }

    public string Delete { get; }
}
