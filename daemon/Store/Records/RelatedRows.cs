using System.Buffers;
using System.Text;
using System.Text.Json;
using Aurae.Schema;

namespace Auraed.Store.Records;

/// <summary>Records by many names at once; the names are one parameter, so that the statement is the same for any number of them.</summary>
public readonly struct RelatedRows(ReadUnit unit)
{
    /// <summary>Those whose field names one of <paramref name="names"/>, in the order of their own names.</summary>
    public List<StoredRecord> Referring(RecordTable table, ReferenceDescriptor reference, string tenant, IEnumerable<string> names, int countMax)
    {
        return Read(table, tenant, $"{table.Name}.\"{reference.ColumnName}\" IN (SELECT value FROM json_each(?)) ORDER BY {table.Name}.id LIMIT ?", names, countMax);
    }

    public List<StoredRecord> Named(RecordTable table, string tenant, IEnumerable<string> names) =>
        Read(table, tenant, $"{table.Name}.id IN (SELECT value FROM json_each(?)) ORDER BY {table.Name}.id LIMIT ?", names, -1);

    private List<StoredRecord> Read(RecordTable table, string tenant, string where, IEnumerable<string> names, int countMax)
    {
        RecordSql sql = RecordSql.Of(table);
        Statement statement = unit.Prepare($"SELECT {sql.Columns} FROM {table.Name} WHERE tenant = ? AND {where}");
        statement.Text(0, tenant);
        statement.Text(1, Array(names));
        statement.Integer(2, countMax);
        var rows = new RecordRows(unit);
        var records = new List<StoredRecord>();
        while (statement.Step())
        {
            StoredRecord record = RecordRows.Read(sql, tenant, statement);
            rows.AddChildren(sql, record);
            records.Add(record);
        }

        return records;
    }

    private static string Array(IEnumerable<string> names)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            foreach (string name in names)
            {
                writer.WriteStringValue(name);
            }

            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
