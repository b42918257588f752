using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit.Query;

/// <summary>Statements that try to see or to do what they may not. Each is a way that worked somewhere once.</summary>
public class QueryHostileTests
{
    /// <summary>Refused, whatever is in the file.</summary>
    private static readonly string[] Refused =
    [
        // Base tables by their schema, in every spelling.
        "SELECT * FROM main.machine",
        "SELECT * FROM MAIN.machine",
        "SELECT * FROM \"main\".machine",
        "SELECT * FROM [main].[machine]",
        "SELECT * FROM `main`.`machine`",
        "SELECT * FROM main/**/./**/machine",
        "SELECT * FROM main.\nmachine",
        "SELECT id FROM machine UNION ALL SELECT id FROM main.machine",
        "SELECT id FROM machine WHERE id IN (SELECT id FROM main.machine)",
        "SELECT (SELECT group_concat(id) FROM main.machine)",
        "SELECT count(*) FROM main.machine",
        "SELECT count(*) FROM machine, main.machine",
        "SELECT 1 FROM main.machine",
        "SELECT EXISTS (SELECT 1 FROM main.machine WHERE tenant = 'theirs')",
        "SELECT m.id FROM machine m JOIN main.machine b ON b.row_id > 0",
        "SELECT m.id FROM machine m LEFT JOIN main.machine b USING (id)",
        "SELECT m.id FROM machine m JOIN main.machine b USING (id)",
        "SELECT id FROM machine FULL JOIN main.machine USING (id)",
        "SELECT id FROM machine m RIGHT JOIN main.machine b USING (id, password)",
        "SELECT * FROM (SELECT 'x' AS tenant) NATURAL FULL JOIN main.vault",
        "SELECT id FROM machine FULL JOIN main.machine b USING (id) ORDER BY b.tenant",
        "SELECT text FROM (SELECT 'x' AS text) FULL JOIN vault USING (text)",
        "SELECT name FROM (SELECT 'x' AS name) FULL JOIN sqlite_schema USING (name)",
        "SELECT sql FROM (SELECT 'x' AS sql) FULL JOIN temp.sqlite_master USING (sql)",
        "SELECT sql FROM (SELECT 'x' AS sql) FULL JOIN Sqlite_Temp_Schema USING (sql)",
        "SELECT name FROM (SELECT 'x' AS name) FULL JOIN dbstat USING (name)",
        "SELECT name FROM (SELECT 'x' AS name) FULL JOIN pragma_table_list USING (name)",
        "SELECT data_version FROM (SELECT 1 AS data_version) FULL JOIN pragma_data_version USING (data_version)",
        "SELECT file FROM (SELECT 'x' AS file) FULL JOIN pragma_database_list USING (file)",
        "SELECT note FROM (SELECT 'x' AS note) FULL JOIN machine_fts USING (note)",
        "SELECT block FROM (SELECT 'x' AS block) FULL JOIN machine_fts_data USING (block)",
        "SELECT id FROM machine WHERE id IN main.machine",
        "SELECT id FROM machine WHERE id IN vault",
        "SELECT * FROM 'main'.'machine'",
        "SELECT * FROM \uFEFFmain\uFEFF.machine",
        "SELECT * FROM main--\n.machine",
        "SELECT * FROM main /* main */ -- .\n /**/ . machine",
        "SELECT main.machine.id FROM machine, main.machine",
        "SELECT id FROM machine ORDER BY (SELECT max(tenant) FROM main.machine)",
        "SELECT id FROM machine GROUP BY (SELECT tenant FROM main.machine LIMIT 1)",
        "SELECT id FROM machine LIMIT (SELECT count(*) FROM main.machine)",
        "SELECT sum(memory) FILTER (WHERE (SELECT 1 FROM main.machine)) FROM machine",
        "SELECT sum(memory) OVER (ORDER BY (SELECT count(*) FROM main.machine)) FROM machine",
        "SELECT * FROM (SELECT * FROM (SELECT * FROM main.machine))",
        "SELECT * FROM json_each((SELECT json_group_array(id) FROM main.machine))",
        "SELECT * FROM vault",
        "SELECT count(*) FROM vault",
        "SELECT 1 FROM main.vault",
        "SELECT * FROM machine_fts",
        "SELECT count(*) FROM machine_fts",
        "SELECT * FROM machine_fts WHERE machine_fts MATCH 'kernel'",
        "SELECT machine_fts FROM main.machine_fts('kernel')",
        "SELECT * FROM machine_fts_content",
        "SELECT * FROM machine_fts_data",
        "SELECT count(*) FROM machine_fts_idx",
        "SELECT block FROM machine_fts_data WHERE id = 1",
        "SELECT term FROM fts5vocab",
        "SELECT * FROM schema_version",
        "SELECT * FROM meta",

        // A common table expression that bears a view's name: the engine then names it as the origin of the access.
        "WITH machine AS (SELECT * FROM main.machine) SELECT * FROM machine",
        "WITH machine(a) AS MATERIALIZED (SELECT id FROM main.machine) SELECT a FROM machine",
        "WITH machine AS NOT MATERIALIZED (SELECT id FROM main.machine) SELECT id FROM machine",
        "WITH RECURSIVE machine AS (SELECT id FROM main.machine UNION SELECT id FROM machine) SELECT * FROM machine",
        "WITH nic AS (SELECT * FROM vault) SELECT * FROM nic",
        "WITH a AS (SELECT * FROM b), b AS (SELECT id FROM main.machine) SELECT * FROM a",
        "WITH records AS (SELECT id FROM main.machine) SELECT * FROM records",
        "WITH c00000000000000000000000000000000 AS (SELECT id FROM main.machine) SELECT * FROM c00000000000000000000000000000000",
        "WITH \"\" AS (SELECT id FROM main.machine) SELECT * FROM \"\"",
        "WITH main AS (SELECT id FROM main.machine) SELECT * FROM main",
        "SELECT * FROM (SELECT id FROM main.machine) AS machine",

        // The engine's own tables and modules.
        "SELECT * FROM sqlite_master",
        "SELECT * FROM sqlite_schema",
        "SELECT * FROM main.sqlite_schema",
        "SELECT sql FROM temp.sqlite_schema",
        "SELECT sql FROM sqlite_temp_master",
        "SELECT sql FROM sqlite_temp_schema WHERE type = 'view'",
        "SELECT count(*) FROM sqlite_temp_master",
        "SELECT count(*) FROM sqlite_schema",
        "SELECT * FROM sqlite_sequence",
        "SELECT * FROM dbstat",
        "SELECT count(*) FROM dbstat",
        "SELECT * FROM dbstat('main')",
        "SELECT pgno FROM sqlite_dbpage",
        "SELECT data FROM sqlite_dbpage('main')",
        "SELECT * FROM sqlite_stmt",
        "SELECT * FROM bytecode('SELECT 1')",
        "SELECT * FROM tables_used('SELECT 1')",
        "SELECT * FROM pragma_table_info('machine')",
        "SELECT count(*) FROM pragma_table_info('machine')",
        "SELECT * FROM pragma_database_list",
        "SELECT count(*) FROM pragma_database_list",
        "SELECT * FROM pragma_function_list",
        "SELECT * FROM pragma_query_only",
        "SELECT * FROM pragma_key",
        "SELECT * FROM pragma_cipher_version",
        "SELECT * FROM \"pragma_table_list\"",
        "SELECT * FROM generate_series(1, 3)",

        // Functions that reach outside.
        "SELECT load_extension('/tmp/x.so')",
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('/tmp/x', 'y')",
        "SELECT edit('x')",
        "SELECT fts5(NULL)",
        "SELECT fts5_source_id()",
        "SELECT sqlcipher_export('main')",
        "SELECT sqlite_compileoption_get(0)",
        "SELECT sqlite_source_id()",
        "SELECT changes(), last_insert_rowid()",
        "SELECT bm25(document) FROM machine_text WHERE document MATCH 'kernel'",
        "SELECT snippet(document, -1, '', '', '', 64) FROM machine_text WHERE document MATCH 'kernel'",
        "SELECT subtype(x'00')",

        // Writes, and what makes them possible.
        "INSERT INTO machine VALUES (1)",
        "INSERT INTO main.vault VALUES ('ours', 'x')",
        "INSERT INTO main.vault VALUES ('ours', 'x') RETURNING *",
        "UPDATE main.machine SET tenant = 'ours'",
        "UPDATE main.machine SET tenant = 'ours' RETURNING id",
        "DELETE FROM main.machine",
        "DELETE FROM main.machine RETURNING *",
        "REPLACE INTO main.vault VALUES ('ours', 'x')",
        "WITH x AS (SELECT 1) DELETE FROM main.machine",
        "CREATE TABLE t (x)",
        "CREATE TEMP TABLE t AS SELECT * FROM main.machine",
        "CREATE TEMP VIEW v AS SELECT * FROM main.machine",
        "CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, machine_fts, row)",
        "CREATE TEMP TRIGGER t AFTER INSERT ON main.machine BEGIN SELECT 1; END",
        "DROP VIEW machine",
        "DROP TABLE main.machine",
        "ALTER TABLE main.machine RENAME TO m",
        "ATTACH 'other.db' AS other",
        "ATTACH ':memory:' AS m KEY ''",
        "DETACH main",
        "PRAGMA query_only = OFF",
        "PRAGMA table_info(machine)",
        "PRAGMA key = 'x'",
        "PRAGMA writable_schema = ON",
        "VACUUM",
        "VACUUM INTO '/tmp/stolen.db'",
        "REINDEX",
        "ANALYZE",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "EXPLAIN SELECT * FROM machine",
        "EXPLAIN QUERY PLAN SELECT * FROM machine",

        // What the views leave out.
        "SELECT tenant FROM machine",
        "SELECT row_id FROM machine",
        "SELECT rowid FROM machine",
        "SELECT password FROM machine",
        "SELECT unknown_fields FROM machine",
        "SELECT payload FROM event",
        "SELECT hash FROM event",
        "SELECT rank FROM machine_text WHERE document MATCH 'kernel'",
        "SELECT * FROM temp.machine_fts",
        "SELECT * FROM machine('theirs')",

        // A second statement.
        "SELECT 1; DELETE FROM main.machine",
        "SELECT 1;;; SELECT * FROM main.machine",
        "SELECT 1 -- \n; PRAGMA query_only = OFF",
        "SELECT 1 /* ; */; ATTACH 'x' AS y",
        "SELECT 1\0; SELECT 2",
    ];

    /// <summary>Allowed, and answered with the caller's rows alone.</summary>
    private static readonly string[] Harmless =
    [
        "SELECT * FROM machine",
        "SELECT * FROM temp.machine",
        "SELECT * FROM \"TEMP\".\"MACHINE\"",
        "SELECT * FROM machine WHERE 1 = 1 OR id = 'x'",
        "SELECT * FROM machine -- WHERE tenant = 'ours'",
        "SELECT * FROM machine m, nic n, machine_disk d, event e",
        "SELECT id, password FROM (SELECT id, 'mine' AS password FROM machine)",
        "WITH machine AS (SELECT 'a' AS tenant) SELECT tenant FROM machine",
        "WITH main AS (SELECT id FROM machine) SELECT * FROM main",
        "SELECT * FROM machine_text",
        "SELECT id, snippet, note FROM machine_text WHERE document MATCH 'kernel OR FOREIGN*'",
        "SELECT * FROM machine_text WHERE document MATCH 'note : foreign'",
        "SELECT * FROM machine_text WHERE document MATCH 'kernel' AND id LIKE '%'",
        "SELECT t.id FROM machine_text t LEFT JOIN nic n ON n.machine = t.id WHERE t.document MATCH 'kernel'",
        "SELECT * FROM machine WHERE id IN (SELECT id FROM machine_text WHERE document MATCH 'kernel')",
        "SELECT * FROM machine_disk WHERE parent IS NOT NULL",
        "SELECT * FROM nic NATURAL JOIN event",
        "SELECT * FROM event WHERE subject > ''",
        "SELECT * FROM machine, json_tree(machine.labels)",
        "SELECT json_group_object(id, json_array(note, labels)) FROM machine",
        "SELECT max(id) OVER (), first_value(id) OVER (ORDER BY id DESC) FROM machine",
        "SELECT id FROM machine INTERSECT SELECT machine FROM nic",
        "SELECT * FROM machine a RIGHT JOIN nic b ON a.id = b.machine FULL JOIN machine_disk c ON c.parent = a.id",
        "SELECT group_concat(id) FROM machine GROUP BY labels HAVING count(*) > 0",
        "SELECT quote(image), hex(id) FROM machine WHERE id GLOB '*'",
        "SELECT 'domain.x', \"id\" AS domain FROM machine WHERE id <> 'main' AND note LIKE '%main%'",
        "SELECT domain.id FROM machine AS domain",
        "SELECT id FROM machine m FULL JOIN nic n USING (id)",
        "SELECT * FROM machine NATURAL FULL JOIN nic",
        "SELECT caller_tenant()",
        "SELECT id FROM machine WHERE caller_tenant() <> 'theirs'",
        "SELECT upper('x' || id) COLLATE NOCASE FROM machine ORDER BY 1 DESC LIMIT 3 OFFSET 1",
        "SELECT CASE WHEN id > 'a' THEN note ELSE id END FROM machine",
        "SELECT CAST(image AS TEXT), CAST(id AS BLOB) FROM machine",
        "WITH RECURSIVE up(id, n) AS (SELECT id, 0 FROM machine UNION ALL SELECT id, n + 1 FROM up WHERE n < 3) SELECT * FROM up",
    ];

    [Fact]
    public async Task Nothing_hostile_is_answered_and_nothing_is_written()
    {
        await using var fixture = await new QueryFixture().FillAsync();
        var before = await ContentAsync(fixture.Database);
        foreach (var sql in Refused)
        {
            try
            {
                var result = await fixture.RunAsync(sql);
                Assert.Fail($"answered with {result.Rows.Count} rows: {sql}");
            }
            catch (Fault fault)
            {
                Assert.True(fault.Kind is FaultKind.Denied or FaultKind.Invalid, $"{fault.Kind} {fault.Message}: {sql}");
                Assert.Equal("sql", fault.Field);
                Assert.DoesNotContain(QueryFixture.Mark, fault.Message, StringComparison.Ordinal);
                Assert.DoesNotMatch("c[0-9a-f]{32}", fault.Message.Replace(new string('0', 32), "", StringComparison.Ordinal));
            }
        }

        Assert.Equal(before, await ContentAsync(fixture.Database));
    }

    [Fact]
    public async Task What_is_answered_is_the_callers_own()
    {
        await using var fixture = await new QueryFixture().FillAsync();
        foreach (var sql in Harmless)
        {
            foreach (var line in (await fixture.RunAsync(sql)).Lines)
            {
                Assert.DoesNotContain(QueryFixture.Mark, line, StringComparison.OrdinalIgnoreCase);
                Assert.DoesNotContain(QueryFixture.SecretMark, line, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_denied_statement_is_told_what_it_may_not_do()
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        (string Sql, string What)[] cases =
        [
            ("SELECT * FROM main.machine", "naming the schema main"),
            ("SELECT * FROM sqlite_schema", "naming the engine's own tables and functions"),
            ("SELECT empty FROM vault", "reading vault"),
            ("SELECT count(*) FROM vault", "reading vault"),
            ("SELECT load_extension('x')", "calling load_extension()"),
            ("PRAGMA query_only = OFF", "PRAGMA query_only"),
            ("ATTACH 'x' AS y", "ATTACH"),
        ];
        foreach (var (sql, what) in cases)
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => fixture.RunAsync(sql));
            Assert.Equal((FaultKind.Denied, $"the query may not do this: {what}"), (fault.Kind, fault.Message));
        }

        Assert.Equal(cases.Length, fixture.Engine.Statistics.Denials);
    }

    /// <summary>Every row of the tables that a query might try to change.</summary>
    internal static Task<string> ContentAsync(Database database) => database.ReadAsync(
        unit =>
        {
            var text = new System.Text.StringBuilder();
            foreach (var table in new[] { "machine", "machine_disk", "nic", "vault", "event", "sqlite_schema" })
            {
                var all = unit.Prepare($"SELECT * FROM {table}");
                while (all.Step())
                {
                    text.Append(table);
                    for (var column = 0; column < all.ColumnCount; column++)
                    {
                        text.Append('|').Append(Convert.ToHexString(all.Blob(column)));
                    }

                    text.AppendLine();
                }
            }

            return text.ToString();
        },
        default);
}
