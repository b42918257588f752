using Auraed.Store;
using Auraed.Store.Query;
using Aurae.Query.V0;
using Aurae.Schema;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Auraed.Tests.Support;

/// <summary>
/// A real encrypted file with tables of every kind that a query meets (records, a child table, a reference, full text, a secret column, a
/// table that no query may see), and rows of two tenants. Every text of the tenant "theirs" holds <see cref="Mark"/>.
/// </summary>
internal sealed class QueryFixture : IAsyncDisposable
{
    public const string Mark = "FOREIGN";
    public const string SecretMark = "HIDDEN";

    private const string Schema =
        """
        CREATE TABLE machine (row_id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL, create_time INTEGER NOT NULL,
          update_time INTEGER NOT NULL, labels TEXT, memory INTEGER NOT NULL, note TEXT NOT NULL, load REAL, image BLOB, password TEXT, unknown_fields BLOB) STRICT;
        CREATE UNIQUE INDEX machine_id ON machine (tenant, id);
        CREATE TABLE machine_disk (parent INTEGER NOT NULL REFERENCES machine (row_id) ON DELETE CASCADE, ordinal INTEGER NOT NULL, path TEXT NOT NULL,
          unknown_fields BLOB, PRIMARY KEY (parent, ordinal)) STRICT;
        CREATE TABLE nic (row_id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL, create_time INTEGER NOT NULL,
          update_time INTEGER NOT NULL, labels TEXT, machine TEXT, address TEXT NOT NULL, unknown_fields BLOB,
          FOREIGN KEY (tenant, machine) REFERENCES machine (tenant, id) ON DELETE CASCADE) STRICT;
        CREATE UNIQUE INDEX nic_id ON nic (tenant, id);
        CREATE TABLE vault (tenant TEXT NOT NULL, text TEXT NOT NULL) STRICT;
        CREATE VIRTUAL TABLE machine_fts USING fts5 (note, content='machine', content_rowid='row_id');
        CREATE TRIGGER machine_fts_insert AFTER INSERT ON machine BEGIN INSERT INTO machine_fts (rowid, note) VALUES (new.row_id, new.note); END;
        CREATE TRIGGER machine_fts_delete AFTER DELETE ON machine BEGIN
          INSERT INTO machine_fts (machine_fts, rowid, note) VALUES ('delete', old.row_id, old.note); END;
        """;

    public static readonly RecordTable[] Records =
    [
        new PlainTable(
            "machine",
            [Column("memory", ColumnType.Integer), Column("note", ColumnType.Text, fullText: true), Column("load", ColumnType.Real), Column("image", ColumnType.Blob), Column("password", ColumnType.Text, secret: true)],
            [new PlainChild("machine_disk", [Column("path", ColumnType.Text)])]),
        new PlainTable("nic", [Column("machine", ColumnType.Text), Column("address", ColumnType.Text)], []),
    ];

    private readonly StoreFixture _store = new();

    public QueryFixture(long? stepsMax = null, long? memoryBytesMax = null)
    {
        var step = Migration.Parse(Migration.Embedded.Count + 1, "query_fixture", Schema, null);
        Database = Database.Open(_store.Options with { Migrations = [.. Migration.Embedded, step] });
        Engine = new QueryEngine(Records, catalog => QueryEngine.Open(Database, catalog), Database.Tables, Database.Options.Time)
        {
            StepsMax = stepsMax ?? Base.Limits.QueryStepsMax,
            MemoryBytesMax = memoryBytesMax ?? Base.Limits.QueryMemoryBytesMax,
        };
    }

    public Database Database { get; }

    public QueryEngine Engine { get; }

    /// <summary>Ten machines with two disks and two interfaces each, for each of the tenants "ours" and "theirs".</summary>
    public async Task<QueryFixture> FillAsync(int count = 10)
    {
        await Database.WriteAsync(
            unit =>
            {
                for (var number = 0; number < count; number++)
                {
                    AddMachine(unit, "ours", $"m{number}", 1024 * (number + 1), $"kernel console number {number}");
                    AddMachine(unit, "theirs", $"{Mark}{number}", 7, $"kernel {Mark} {number}");
                }

                unit.Prepare($"INSERT INTO vault VALUES ('ours', '{SecretMark}'), ('theirs', '{SecretMark} {Mark}')").Execute();
                return 0;
            },
            CancellationToken.None);
        return this;
    }

    public static void AddMachine(WriteUnit unit, string tenant, string id, long memory, string note)
    {
        var sequence = unit.Events.Append(tenant, tenant == "theirs" ? Mark : "tester", null, "machine.created", id, default);
        var insert = unit.Prepare("INSERT INTO machine VALUES (?1, ?2, ?3, ?1, 1, 1, ?4, ?5, ?6, 0.5, x'00ff', ?7, NULL)");
        insert.Integer(0, sequence);
        insert.Text(1, tenant);
        insert.Text(2, id);
        insert.Text(3, tenant == "theirs" ? $$"""{"tier":"{{Mark}}"}""" : """{"tier":"web"}""");
        insert.Integer(4, memory);
        insert.Text(5, note);
        insert.Text(6, SecretMark);
        insert.Execute();
        for (var ordinal = 0; ordinal < 2; ordinal++)
        {
            var path = tenant == "theirs" ? Mark : "/dev/vd";
            unit.Prepare($"INSERT INTO machine_disk VALUES ({sequence}, {ordinal}, '{path}{ordinal}', NULL)").Execute();
            var nic = unit.Events.Append(tenant, tenant == "theirs" ? Mark : "tester", null, "nic.created", $"{id}-{ordinal}", default);
            unit.Prepare($"INSERT INTO nic VALUES ({nic}, '{tenant}', '{id}-{ordinal}', {nic}, 1, 1, NULL, '{id}', '{path}', NULL)").Execute();
        }
    }

    public static QueryCommand Command(string sql, string tenant = "ours", params (string Name, Value Value)[] parameters) => new()
    {
        Tenant = tenant,
        Sql = sql,
        Parameters = parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value),
        RowsMax = Base.Limits.QueryRowsDefault,
        BytesMax = Base.Limits.QueryBytesDefault,
        BatchRowsMax = Base.Limits.QueryBatchRowsDefault,
        Time = TimeSpan.FromSeconds(20),
    };

    public Task<QueryResult> RunAsync(string sql, params (string Name, Value Value)[] parameters) => RunAsync(Command(sql, "ours", parameters));

    public async Task<QueryResult> RunAsync(QueryCommand command, CancellationToken cancel = default)
    {
        var columns = new Columns();
        var rows = new List<Row>();
        Summary? summary = null;
        await foreach (var message in Engine.QueryAsync(command, cancel))
        {
            Assert.Null(summary);
            columns = message.Columns ?? columns;
            rows.AddRange(message.Rows?.Rows_ ?? []);
            summary = message.Summary;
        }

        return new QueryResult(columns, rows, summary!);
    }

    public async ValueTask DisposeAsync()
    {
        Engine.Dispose();
        await Database.DisposeAsync();
        _store.Dispose();
    }

    private static ColumnDescriptor Column(string name, ColumnType type, bool fullText = false, bool secret = false) => new()
    {
        Name = name,
        FieldPath = name,
        FieldNumber = 1,
        Type = type,
        Kind = type == ColumnType.Integer ? FieldKind.Int64 : FieldKind.String,
        IsFullText = fullText,
        IsSecret = secret,
    };

    /// <summary>A descriptor without a message: queries read rows, never records.</summary>
    private sealed class PlainTable(string name, ColumnDescriptor[] columns, ChildTable[] children) : RecordTable
    {
        public override string Name => name;

        public override string TypeName => "test." + name;

        public override MessageDescriptor Message => Value.Descriptor;

        public override ColumnDescriptor Key { get; } = Column("id", ColumnType.Text);

        public override IReadOnlyList<ColumnDescriptor> Columns => columns;

        public override IReadOnlyList<ChildTable> Children => children;

        public override IReadOnlyList<ReferenceDescriptor> References => [];

        public override IMessage New() => new Value();

        public override IMessage Parse(ByteString bytes) => Value.Parser.ParseFrom(bytes);

        public override string KeyOf(IMessage message) => "";

        public override void SetKey(IMessage message, string key)
        {
        }

        public override void Bind(IMessage message, IColumnWriter writer, int first)
        {
        }

        public override IMessage Read(string key, IColumnReader reader, int first) => New();
    }

    private sealed class PlainChild(string name, ColumnDescriptor[] columns) : ChildTable
    {
        public override string Name => name;

        public override string FieldPath => name;

        public override bool IsRepeated => true;

        public override IReadOnlyList<ColumnDescriptor> Columns => columns;

        public override int Count(IMessage parent) => 0;

        public override void Bind(IMessage parent, int ordinal, IColumnWriter writer, int first)
        {
        }

        public override void Read(IMessage parent, IColumnReader reader, int first)
        {
        }
    }
}

internal sealed record QueryResult(Columns Columns, IReadOnlyList<Row> Rows, Summary Summary)
{
    /// <summary>Rows as text, values joined by '|', NULL as '-'.</summary>
    public string[] Lines => [.. Rows.Select(row => string.Join('|', row.Values.Select(Text)))];

    public static string Text(Value value) => value.KindCase switch
    {
        Value.KindOneofCase.Integer => value.Integer.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
        Value.KindOneofCase.Real => value.Real.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
        Value.KindOneofCase.Text => value.Text,
        Value.KindOneofCase.Blob => Convert.ToHexString(value.Blob.Span) + value.Blob.ToStringUtf8(),
        _ => "-",
    };
}
