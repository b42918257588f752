using Aurae.Schema;
using Auraed.Base;
using Google.Protobuf;

namespace Auraed.Store.Records;

/// <summary>
/// Records of any type inside one unit of work. Knows rows and nothing of rules; every fault names what it was about.
/// </summary>
/// <param name="prepare">The unit's own: its statements are compiled once per connection.</param>
public readonly struct RecordRows(Func<string, Statement> prepare)
{
    public RecordRows(ReadUnit unit)
        : this(unit.Prepare)
    {
    }

    public RecordRows(WriteUnit unit)
        : this(unit.Prepare)
    {
    }

    /// <summary>The record, or null.</summary>
    public StoredRecord? Find(RecordTable table, string tenant, string name)
    {
        RecordSql sql = RecordSql.Of(table);
        Statement statement = prepare(sql.Find);
        statement.Text(0, tenant);
        statement.Text(1, name);
        if (!statement.Step())
        {
            return null;
        }

        StoredRecord record = Read(sql, tenant, statement);
        statement.Reset();
        AddChildren(sql, record);
        return record;
    }

    public bool Exists(RecordTable table, string tenant, string name)
    {
        Statement statement = prepare(RecordSql.Of(table).Exists);
        statement.Text(0, tenant);
        statement.Text(1, name);
        bool exists = statement.Step();
        statement.Reset();
        return exists;
    }

    /// <summary>Where the record's row is and its revision, without reading the rest; zeros when there is none.</summary>
    internal (long RowId, long Revision) Place(RecordTable table, string tenant, string name)
    {
        Statement statement = prepare(RecordSql.Of(table).Place);
        statement.Text(0, tenant);
        statement.Text(1, name);
        (long, long) place = statement.Step() ? (statement.Integer(0), statement.Integer(1)) : default;
        statement.Reset();
        return place;
    }

    /// <summary>False when the name is taken; then nothing is written.</summary>
    public bool Insert(StoredRecord record)
    {
        RecordSql sql = RecordSql.Of(record.Table);
        Statement statement = prepare(sql.Insert);
        statement.Integer(0, record.Revision);
        statement.Integer(1, record.CreateTime);
        statement.Integer(2, record.UpdateTime);
        BindLabels(statement, 3, record);
        statement.Integer(4, record.RowId);
        statement.Text(5, record.Tenant);
        statement.Text(6, record.Name);
        Bind(record, statement, 7);
        if (Run(statement, record) == 0)
        {
            return false;
        }

        InsertChildren(sql, record);
        return true;
    }

    /// <summary>Writes a record over its row.</summary>
    public void Update(StoredRecord record)
    {
        RecordSql sql = RecordSql.Of(record.Table);
        Statement statement = prepare(sql.Update);
        statement.Integer(0, record.Revision);
        statement.Integer(1, record.UpdateTime);
        BindLabels(statement, 2, record);
        Bind(record, statement, 3);
        statement.Integer(3 + record.Table.ValueCount, record.RowId);
        int changed = Run(statement, record);
        Invariant.Hold(changed == 1);
        foreach (ChildSql child in sql.Children)
        {
            Statement delete = prepare(child.Delete);
            delete.Integer(0, record.RowId);
            _ = delete.Execute();
        }

        InsertChildren(sql, record);
    }

    public void Delete(StoredRecord record)
    {
        Statement statement = prepare(RecordSql.Of(record.Table).Delete);
        statement.Integer(0, record.RowId);
        int changed = statement.Execute();
        Invariant.Hold(changed == 1);
    }

    /// <summary>Names of records whose field refers to the one named, at most <paramref name="countMax"/>.</summary>
    public List<string> Referrers(RecordTable referrer, ReferenceDescriptor reference, string tenant, string name, int countMax)
    {
        Statement statement = prepare($"SELECT id FROM {referrer.Name} WHERE tenant = ? AND \"{reference.ColumnName}\" = ? ORDER BY id LIMIT ?");
        statement.Text(0, tenant);
        statement.Text(1, name);
        statement.Integer(2, countMax);
        var names = new List<string>();
        while (statement.Step())
        {
            names.Add(statement.Text(0));
        }

        return names;
    }

    /// <summary>True when the record exists and the filter holds for it.</summary>
    public bool Matches(RecordTable table, string tenant, string name, FilterNode filter, string requestField)
    {
        SqlText text = new SqlText().Add($"SELECT 1 FROM {table.Name} WHERE tenant = ").Add(SqlValue.Text(tenant)).Add(" AND id = ").Add(SqlValue.Text(name)).Add(" AND ");
        new FilterSql(table, text, requestField).Add(filter);
        Statement statement = prepare(text.ToString());
        text.Bind(statement);
        bool matches = statement.Step();
        statement.Reset();
        return matches;
    }

    /// <summary>Reads a row of <see cref="RecordSql.Columns"/>; the children are still to be added.</summary>
    internal static StoredRecord Read(RecordSql sql, string tenant, Statement statement)
    {
        string name = statement.Text(1);
        return new StoredRecord
        {
            Table = sql.Table,
            RowId = statement.Integer(0),
            Tenant = tenant,
            Name = name,
            Revision = statement.Integer(2),
            CreateTime = statement.Integer(3),
            UpdateTime = statement.Integer(4),
            Labels = statement.IsNull(5) ? LabelText.None : LabelText.Read(statement.Blob(5)),
            Body = sql.Table.Read(name, statement, RecordSql.OwnColumns),
        };
    }

    internal void AddChildren(RecordSql sql, StoredRecord record)
    {
        foreach (ChildSql child in sql.Children)
        {
            Statement statement = prepare(child.Select);
            statement.Integer(0, record.RowId);
            while (statement.Step())
            {
                child.Table.Read(record.Body, statement, 0);
            }
        }
    }

    private void InsertChildren(RecordSql sql, StoredRecord record)
    {
        foreach (ChildSql child in sql.Children)
        {
            int count = child.Table.Count(record.Body);
            if (count == 0)
            {
                continue;
            }

            Statement statement = prepare(child.Insert);
            for (int ordinal = 0; ordinal < count; ordinal++)
            {
                statement.Integer(0, record.RowId);
                statement.Integer(1, ordinal);
                try
                {
                    child.Table.Bind(record.Body, ordinal, statement, 2);
                }
                catch (FieldValueException failure)
                {
                    throw Unstorable(failure);
                }

                _ = statement.Execute();
            }
        }
    }

    private static void Bind(StoredRecord record, Statement statement, int first)
    {
        try
        {
            record.Table.Bind(record.Body, statement, first);
        }
        catch (FieldValueException failure)
        {
            throw Unstorable(failure);
        }
    }

    private static Fault Unstorable(FieldValueException failure) => Fault.Invalid("record.body." + failure.Field, failure.Message);

    private static void BindLabels(Statement statement, int index, StoredRecord record)
    {
        if (LabelText.Write(record.Labels) is { } labels)
        {
            statement.Text(index, labels);
        }
        else
        {
            statement.Null(index);
        }
    }

    /// <summary>Runs a write of a whole row; what its unique columns and its references refuse is said in the record's words.</summary>
    private static int Run(Statement statement, StoredRecord record)
    {
        try
        {
            return statement.Execute();
        }
        catch (Fault fault) when (fault is { Kind: FaultKind.AlreadyExists, InnerException: EngineException } && UniqueColumn(record, fault) is { } column)
        {
            throw new Fault(FaultKind.AlreadyExists, $"another {record.Table.Name} of tenant '{record.Tenant}' has this {column.Name}", "record.body." + column.FieldPath, cause: fault)
            {
                Reason = "UNIQUE",
            };
        }
        catch (Fault fault) when (fault.Reason == "FOREIGN_KEY")
        {
            throw new Fault(FaultKind.Precondition, $"{record.Table.Name} '{record.Name}' refers to a record that does not exist", "record.body", cause: fault) { Reason = "DANGLING_REFERENCE" };
        }
    }

    private static ColumnDescriptor? UniqueColumn(StoredRecord record, Fault fault) => record.Table.Columns.FirstOrDefault(
        column => column.IsUnique && fault.Message.Contains($"{record.Table.Name}.{column.Name}", StringComparison.Ordinal));
}
