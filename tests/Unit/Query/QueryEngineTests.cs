using Auraed.Base;
using Auraed.Tests.Support;
using Aurae.Query.V0;

namespace Auraed.Tests.Unit.Query;

/// <summary>What a query gets from a real encrypted file.</summary>
public class QueryEngineTests
{
    [Fact]
    public async Task A_query_sees_its_tenants_rows_with_typed_columns()
    {
        await using var fixture = await new QueryFixture().FillAsync(2);
        var result = await fixture.RunAsync("SELECT id, memory, load, image, labels, null AS none FROM machine ORDER BY id");
        Assert.Equal(["id", "memory", "load", "image", "labels", "none"], result.Columns.Columns_.Select(column => column.Name));
        Assert.Equal(["TEXT", "INTEGER", "REAL", "BLOB", "TEXT", ""], result.Columns.Columns_.Select(column => column.Type));
        Assert.Equal(2, result.Rows.Count);
        var values = result.Rows[0].Values;
        Assert.Equal("m0", values[0].Text);
        Assert.Equal(1024, values[1].Integer);
        Assert.Equal(0.5, values[2].Real);
        Assert.Equal(new byte[] { 0, 255 }, values[3].Blob.ToByteArray());
        Assert.Equal(Value.KindOneofCase.None, values[5].KindCase);
        Assert.Equal((2L, Truncation.None, false), (result.Summary.Rows, result.Summary.Truncation, result.Summary.FromCache));
        Assert.Equal(fixture.Database.Durable, result.Summary.Revision);
    }

    [Fact]
    public async Task A_machine_joins_with_its_disks_and_interfaces()
    {
        await using var fixture = await new QueryFixture().FillAsync(3);
        var joined = await fixture.RunAsync(
            "SELECT m.id, count(DISTINCT n.id) AS nics, group_concat(d.path, ' ' ORDER BY d.ordinal) FROM machine m JOIN nic n ON n.machine = m.id "
            + "JOIN machine_disk d ON d.parent = m.id WHERE n.id LIKE '%-0' GROUP BY m.id ORDER BY m.id");
        Assert.Equal(["m0|1|/dev/vd0 /dev/vd1", "m1|1|/dev/vd0 /dev/vd1", "m2|1|/dev/vd0 /dev/vd1"], joined.Lines);
    }

    [Theory]
    [InlineData("SELECT labels ->> '$.tier', count(*) FROM machine GROUP BY 1", "web|3")]
    [InlineData("SELECT value FROM json_each('[1,2]')", "1,2")]
    [InlineData("SELECT count(*) FROM machine", "3")]
    [InlineData("SELECT 1", "1")]
    [InlineData("SELECT id, rank() OVER (ORDER BY memory DESC) FROM machine ORDER BY id", "m0|3,m1|2,m2|1")]
    [InlineData("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 4) SELECT sum(x) FROM c", "10")]
    [InlineData("WITH machine AS (SELECT 'shadow' AS id) SELECT id FROM machine", "shadow")]
    [InlineData("WITH unread AS (SELECT 1) SELECT count(*) FROM unread", "1")]
    [InlineData("SELECT id FROM machine EXCEPT SELECT machine FROM nic WHERE machine <> 'm1'", "m1")]
    [InlineData("SELECT id FROM machine WHERE id IN (SELECT machine FROM nic) AND EXISTS (SELECT 1 FROM machine_disk d WHERE d.parent = machine.id) ORDER BY 1", "m0,m1,m2")]
    [InlineData("SELECT kind, count(*) FROM event GROUP BY kind ORDER BY kind", "machine.created|3,nic.created|6")]
    [InlineData("SELECT id FROM machine_text WHERE document MATCH 'NEAR(console number)' ORDER BY id", "m0,m1,m2")]
    [InlineData("SELECT id, snippet FROM machine_text WHERE document MATCH '\"number 2\"'", "m2|kernel console [number 2]")]
    [InlineData("SELECT m.memory FROM machine_text t JOIN machine m USING (id) WHERE t.document MATCH 'kernel' AND m.id = 'm1'", "2048")]
    [InlineData("SELECT caller_tenant()", "ours")]
    [InlineData("VALUES (1, 'a'), (2, 'b')", "1|a,2|b")]
    [InlineData("SELECT '' || x'' || char(0) || 'after' AS t", "\0after")]
    [InlineData("  -- first\n SELECT 1 /* inner */ ; -- last\n ;; ", "1")]
    public async Task The_dialect_is_whole(string sql, string expected)
    {
        await using var fixture = await new QueryFixture().FillAsync(3);
        Assert.Equal(expected.Split(','), (await fixture.RunAsync(sql)).Lines);
    }

    [Fact]
    public async Task Parameters_are_bound_by_name_with_their_types()
    {
        await using var fixture = await new QueryFixture().FillAsync(3);
        var result = await fixture.RunAsync(
            "SELECT typeof(:i), typeof(@r), typeof($t), typeof(:b), typeof(:n), typeof(:e), typeof(:eb), count(*) FROM machine WHERE memory >= :i",
            ("i", new Value { Integer = 2048 }),
            ("r", new Value { Real = 1.5 }),
            ("t", new Value { Text = "x" }),
            ("b", new Value { Blob = Google.Protobuf.ByteString.CopyFrom(1) }),
            ("n", new Value()),
            ("e", new Value { Text = "" }),
            ("eb", new Value { Blob = Google.Protobuf.ByteString.Empty }));
        Assert.Equal(["integer|real|text|blob|null|text|blob|2"], result.Lines);
        Assert.Equal(["7|8"], (await fixture.RunAsync("SELECT ?1, ?2", ("1", new Value { Integer = 7 }), ("2", new Value { Integer = 8 }))).Lines);
        Assert.Equal("parameters", (await FailAsync(fixture, "SELECT :a")).Field);
        Assert.Equal("parameters", (await Assert.ThrowsAsync<Fault>(() => fixture.RunAsync("SELECT 1", ("a", new Value())))).Field);
        Assert.Equal("sql", (await FailAsync(fixture, "SELECT ?")).Field);
    }

    [Theory]
    [InlineData("SELECT id FORM machine WHERE", FaultKind.Invalid, "syntax error (line 1, column")]
    [InlineData("SELECT\n  absent FROM machine", FaultKind.Invalid, "no such column: absent (line 2, column 3)")]
    [InlineData("SELECT 1 FROM nowhere", FaultKind.Invalid, "no such table: nowhere")]
    [InlineData("", FaultKind.Invalid, "empty")]
    [InlineData(" -- only words", FaultKind.Invalid, "empty")]
    [InlineData("SELECT 1; SELECT 2", FaultKind.Invalid, "second statement")]
    [InlineData("SELECT 1; garbage", FaultKind.Invalid, "second statement")]
    [InlineData("SELECT 1\0; DROP TABLE machine", FaultKind.Invalid, "NUL")]
    [InlineData("EXPLAIN SELECT 1", FaultKind.Invalid, "EXPLAIN")]
    [InlineData("SELECT json('{')", FaultKind.Invalid, "malformed JSON")]
    [InlineData("SELECT abs(-9223372036854775808)", FaultKind.Invalid, "integer overflow")]
    [InlineData("SELECT id FROM machine_text WHERE document MATCH 'a AND ('", FaultKind.Invalid, "fts5: syntax error")]
    [InlineData("SELECT zeroblob(1000000000)", FaultKind.OutOfRange, "too big")]
    [InlineData("SELECT hex(zeroblob(2000000))", FaultKind.OutOfRange, "too big")]
    [InlineData("SELECT replace(hex(zeroblob(1000000)), '0', '0000')", FaultKind.OutOfRange, "too big")]
    public async Task A_wrong_statement_is_told_apart_with_its_place(string sql, FaultKind kind, string message)
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        var fault = await FailAsync(fixture, sql);
        Assert.Equal((kind, "sql"), (fault.Kind, fault.Field));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_statement_beyond_a_limit_of_its_form_is_out_of_range()
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        string[] statements =
        [
            "SELECT " + string.Concat(Enumerable.Repeat("abs(", 200)) + "1" + string.Concat(Enumerable.Repeat(")", 200)),
            "SELECT " + string.Join('+', Enumerable.Repeat("1", 500)),
            "SELECT 1" + string.Concat(Enumerable.Repeat(" UNION SELECT 1", 100)),
            "SELECT " + string.Join(',', Enumerable.Repeat("1", 1000)),
            "SELECT max(" + string.Join(',', Enumerable.Repeat("1", 100)) + ")",
            "SELECT '" + new string('x', 100_000) + "'",
            "SELECT 'a' LIKE '" + new string('%', 1000) + "'",
            "SELECT " + string.Join(',', Enumerable.Range(1, 300).Select(number => $"?{number}")),
        ];
        foreach (var sql in statements)
        {
            var fault = await FailAsync(fixture, sql);
            Assert.True(fault.Kind == FaultKind.OutOfRange && fault.Field == "sql", $"{fault.Kind} {fault.Message}: {sql[..40]}");
        }
    }

    [Theory]
    [InlineData("SELECT printf('%1000000000d', 1)")]
    [InlineData("SELECT printf('%.*c', 1000000000, 'x')")]
    [InlineData("SELECT format('%-1000000000s', 'x')")]
    [InlineData("SELECT group_concat(zeroblob(1000000)) FROM json_each('[1,2,3,4,5]')")]
    public async Task A_bomb_of_text_stays_within_the_limit_of_a_value(string sql)
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        try
        {
            var result = await fixture.RunAsync(sql);
            Assert.InRange(result.Summary.Bytes, 0, Limits.QueryValueBytesMax + 64);
        }
        catch (Fault fault)
        {
            Assert.Equal(FaultKind.OutOfRange, fault.Kind);
        }
    }

    [Fact]
    public async Task Rows_and_bytes_are_truncated_and_the_summary_says_so()
    {
        await using var fixture = await new QueryFixture().FillAsync(10);
        var command = QueryFixture.Command("SELECT id FROM machine");
        var rows = await fixture.RunAsync(With(command, rows: 4, bytes: 1 << 20, batch: 3));
        Assert.Equal((4, 4L, Truncation.Rows), (rows.Rows.Count, rows.Summary.Rows, rows.Summary.Truncation));
        var all = await fixture.RunAsync(With(command, rows: 10, bytes: 1 << 20, batch: 3));
        Assert.Equal((10, Truncation.None), (all.Rows.Count, all.Summary.Truncation));
        var bytes = await fixture.RunAsync(With(command, rows: 100, bytes: all.Summary.Bytes - 1, batch: 100));
        Assert.Equal((9, Truncation.Bytes), (bytes.Rows.Count, bytes.Summary.Truncation));
        var fault = await Assert.ThrowsAsync<Fault>(() => fixture.RunAsync(With(command, rows: 4, bytes: 1 << 20, batch: 3, fail: true)));
        Assert.Equal((FaultKind.Exhausted, "QUERY_TRUNCATED"), (fault.Kind, fault.Reason));
    }

    [Fact]
    public async Task The_plan_uses_the_tenants_index_and_does_not_tell_the_views_inside()
    {
        await using var fixture = await new QueryFixture().FillAsync(1);
        var plan = await fixture.Engine.ExplainAsync("ours", "SELECT * FROM machine m JOIN nic n ON n.machine = m.id WHERE m.id = 'm0'", TimeSpan.FromSeconds(5), default);
        var text = string.Join('\n', plan.Steps.Select(step => step.Detail));
        Assert.Contains("SEARCH r USING INDEX machine_id (tenant=? AND id=?)", text, StringComparison.Ordinal);
        Assert.Equal(["machine", "nic"], plan.Tables);
        Assert.True(plan.Cacheable);
        var fault = await Assert.ThrowsAsync<Fault>(() => fixture.Engine.ExplainAsync("ours", "SELECT * FROM vault", TimeSpan.FromSeconds(5), default));
        Assert.Equal(FaultKind.Denied, fault.Kind);
        var hidden = await fixture.Engine.ExplainAsync("ours", "WITH x AS MATERIALIZED (SELECT * FROM machine LIMIT 1) SELECT * FROM x, x y, (SELECT DISTINCT id FROM machine LIMIT 2)", TimeSpan.FromSeconds(5), default);
        Assert.DoesNotMatch("c[0-9a-f]{32}", string.Join('\n', hidden.Steps.Select(step => step.Detail)));
    }

    [Fact]
    public async Task The_catalogue_lists_what_a_query_may_name_without_secrets()
    {
        await using var fixture = new QueryFixture();
        var listed = await fixture.Engine.ListTablesAsync(TimeSpan.FromSeconds(5), default);
        Assert.Equal(["event", "machine", "machine_disk", "machine_text", "nic"], listed.Tables.Select(table => table.Name));
        Assert.Equal(
            ["id", "revision", "create_time", "update_time", "labels", "memory", "note", "load", "image"],
            listed.Tables[1].Columns.Select(column => column.Name));
        Assert.Contains("json_extract", listed.Functions);
        Assert.DoesNotContain("load_extension", listed.Functions);
    }

    private static Auraed.Store.Query.QueryCommand With(Auraed.Store.Query.QueryCommand command, long rows, long bytes, int batch, bool fail = false) => new()
    {
        Tenant = command.Tenant,
        Sql = command.Sql,
        RowsMax = rows,
        BytesMax = bytes,
        BatchRowsMax = batch,
        FailWhenTruncated = fail,
        Time = command.Time,
    };

    private static Task<Fault> FailAsync(QueryFixture fixture, string sql) => Assert.ThrowsAsync<Fault>(() => fixture.RunAsync(sql));
}
