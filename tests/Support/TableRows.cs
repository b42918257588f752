using Aurae.Schema;
using Auraed.Store;
using Google.Protobuf;

namespace Auraed.Tests.Support;

/// <summary>Writes and reads rows of any table through its generated code, without the records service.</summary>
internal static class TableRows
{
    public const string Tenant = "default";

    public static async Task InsertAsync(Database database, RecordTable table, IMessage message) =>
        await database.WriteAsync(
            unit =>
            {
                var row = unit.Events.Append(Tenant, "tester", null, table.Name + ".created", table.KeyOf(message), message.ToByteArray());
                var insert = unit.Prepare($"INSERT INTO \"{table.Name}\" (row_id, tenant, id, revision, create_time, update_time, {table.ColumnList}) VALUES ({Marks(6 + table.ValueCount)})");
                insert.Integer(0, row);
                insert.Text(1, Tenant);
                insert.Text(2, table.KeyOf(message));
                insert.Integer(3, row);
                insert.Integer(4, unit.Now);
                insert.Integer(5, unit.Now);
                table.Bind(message, insert, 6);
                insert.Execute();
                foreach (var child in table.Children)
                {
                    var each = unit.Prepare($"INSERT INTO \"{child.Name}\" (parent, ordinal, {child.ColumnList}) VALUES ({Marks(2 + child.ValueCount)})");
                    for (var ordinal = 0; ordinal < child.Count(message); ordinal++)
                    {
                        each.Integer(0, row);
                        each.Integer(1, ordinal);
                        child.Bind(message, ordinal, each, 2);
                        each.Execute();
                    }
                }

                return row;
            },
            default);

    public static Task<IMessage> ReadAsync(Database database, RecordTable table, string id) => database.ReadAsync(
        unit =>
        {
            var find = unit.Prepare($"SELECT row_id, {table.ColumnList} FROM \"{table.Name}\" WHERE tenant = ? AND id = ?");
            find.Text(0, Tenant);
            find.Text(1, id);
            Assert.True(find.Step(), $"{table.Name} {id} is there");
            var row = find.Integer(0);
            var message = table.Read(id, find, 1);
            foreach (var child in table.Children)
            {
                var each = unit.Prepare($"SELECT {child.ColumnList} FROM \"{child.Name}\" WHERE parent = ? ORDER BY ordinal");
                each.Integer(0, row);
                while (each.Step())
                {
                    child.Read(message, each, 0);
                }
            }

            return message;
        },
        default);

    /// <summary>Writes the message, reads it back, and holds the two against each other to the byte.</summary>
    public static async Task<IMessage> RoundTripAsync(Database database, RecordTable table, IMessage message)
    {
        await InsertAsync(database, table, message);
        var read = await ReadAsync(database, table, table.KeyOf(message));
        Assert.Equal(message, read);
        return read;
    }

    public static Task<string> TextAsync(Database database, string sql) => database.ReadAsync(
        unit =>
        {
            var query = unit.Prepare(sql);
            var lines = new List<string>();
            while (query.Step())
            {
                lines.Add(string.Join('|', Enumerable.Range(0, query.ColumnCount).Select(i => query.IsNull(i) ? "NULL" : query.Text(i))));
            }

            return string.Join('\n', lines);
        },
        default);

    private static string Marks(int count) => string.Join(", ", Enumerable.Repeat("?", count));
}
