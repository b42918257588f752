using System.Diagnostics;
using Aurae.Network.V0;
using Aurae.Query.V0;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Base;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using Record = Aurae.Records.V0.Record;
using Value = Aurae.Query.V0.Value;

namespace Auraed.Tests.Contract;

/// <summary>The query service as a client meets it: a daemon with its encrypted file, records made by its record service, gRPC over its socket.</summary>
public sealed class QueryContract : IDisposable
{
    private const string Endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

    private readonly DaemonFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Machines_and_their_interfaces_made_in_one_commit_are_listed_joined()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        await FillAsync(channel, "ours", 3);
        await FillAsync(channel, "theirs", 5);
        var answer = await QueryAsync(
            channel,
            new QueryRequest
            {
                Tenant = "ours",
                Sql = "SELECT v.id, v.mem_size_mb, count(n.id) AS nics, group_concat(n.mac_address, ' ' ORDER BY n.id) AS macs FROM virtual_machine v "
                    + "LEFT JOIN network_interface n ON n.machine = v.id WHERE v.mem_size_mb >= :least GROUP BY v.id ORDER BY v.id",
                Parameters = { ["least"] = new Value { Integer = 1024 } },
            });
        Assert.Equal(["id TEXT", "mem_size_mb INTEGER", "nics ", "macs "], answer.Columns.Columns_.Select(column => $"{column.Name} {column.Type}"));
        Assert.Equal(["m1|1024|2|02:00:00:00:01:00 02:00:00:00:01:01", "m2|2048|2|02:00:00:00:02:00 02:00:00:00:02:01"], answer.Lines);
        Assert.Equal((2L, Truncation.None, false), (answer.Summary.Rows, answer.Summary.Truncation, answer.Summary.FromCache));
        var mounts = await QueryAsync(channel, new QueryRequest { Tenant = "ours", Sql = "SELECT parent, ordinal, vm_path FROM virtual_machine_drive_mounts WHERE parent = 'm0' ORDER BY 1, 2" });
        Assert.Equal(["m0|0|/a", "m0|1|/b"], mounts.Lines);
        var labels = await QueryAsync(channel, new QueryRequest { Tenant = "theirs", Sql = "SELECT labels ->> '$.tier', sum(vcpu_count) FROM virtual_machine GROUP BY 1" });
        Assert.Equal(["theirs|10"], labels.Lines);
    }

    [Fact]
    public async Task An_answer_is_kept_until_a_record_of_its_tables_changes()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        await FillAsync(channel, "ours", 2);
        var request = new QueryRequest { Tenant = "ours", Sql = "SELECT count(*) FROM network_interface" };
        Assert.False((await QueryAsync(channel, request)).Summary.FromCache);
        Assert.True((await QueryAsync(channel, request)).Summary.FromCache);
        await new RecordService.RecordServiceClient(channel).DeleteAsync(new DeleteRecordRequest { Tenant = "ours", Type = "virtual_machine", Name = "m0" });
        var fresh = await QueryAsync(channel, request);
        Assert.False(fresh.Summary.FromCache);
        Assert.Equal(["2"], fresh.Lines);
        var statistics = await new QueryService.QueryServiceClient(channel).GetStatisticsAsync(new GetStatisticsRequest());
        Assert.Equal((1, 1), (statistics.CacheHits, statistics.CacheInvalidations));
    }

    [Fact]
    public async Task Full_text_finds_the_records_of_the_tenant_alone()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        foreach (var tenant in new[] { "ours", "theirs" })
        {
            await new RecordService.RecordServiceClient(channel).CreateAsync(new CreateRecordRequest
            {
                Tenant = tenant,
                Record = new Record { Body = Any.Pack(new Aurae.Sops.V0.Sop { Name = "restart-" + tenant, Title = "Restart", Description = $"Drain the node, then restart the daemon of {tenant}." }) },
            });
        }

        var found = await QueryAsync(channel, new QueryRequest { Tenant = "ours", Sql = "SELECT id, snippet FROM sop_text WHERE document MATCH 'NEAR(restart daemon)'" });
        Assert.Equal(["restart-ours|Drain the node, then [restart] the [daemon] of ours."], found.Lines);
    }

    [Theory]
    [InlineData("SELECT id FORM virtual_machine WHERE", StatusCode.InvalidArgument, "sql", "syntax error (line 1, column")]
    [InlineData("SELECT * FROM main.virtual_machine", StatusCode.PermissionDenied, "sql", "naming the schema main")]
    [InlineData("DELETE FROM virtual_machine", StatusCode.InvalidArgument, "sql", "a query only reads")]
    [InlineData("ATTACH 'x' AS y", StatusCode.PermissionDenied, "sql", "ATTACH")]
    [InlineData("SELECT load_extension('x')", StatusCode.PermissionDenied, "sql", "calling load_extension()")]
    [InlineData("SELECT 1; SELECT 2", StatusCode.InvalidArgument, "sql", "second statement")]
    [InlineData("SELECT zeroblob(100000000)", StatusCode.OutOfRange, "sql", "too big")]
    [InlineData("SELECT :a", StatusCode.InvalidArgument, "parameters", "parameter :a has no value")]
    public async Task A_query_that_cannot_be_answered_has_its_status_and_field(string sql, StatusCode code, string field, string message)
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        var error = await Assert.ThrowsAsync<RpcException>(() => QueryAsync(channel, new QueryRequest { Sql = sql }));
        Assert.Equal(code, error.StatusCode);
        Assert.Contains(message, error.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(field, FieldOf(error));
    }

    [Fact]
    public async Task Fields_beyond_their_bounds_are_named()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        (QueryRequest Request, string Field)[] cases =
        [
            (new QueryRequest { Sql = "SELECT 1", Tenant = "No Tenant" }, "tenant"),
            (new QueryRequest { Sql = "SELECT 1", RowLimit = -1 }, "row_limit"),
            (new QueryRequest { Sql = "SELECT 1", ByteLimit = long.MaxValue }, "byte_limit"),
            (new QueryRequest { Sql = "SELECT 1", BatchSize = 1_000_000 }, "batch_size"),
            (new QueryRequest { Sql = new string(' ', 70_000) + "SELECT 1" }, "sql"),
            (new QueryRequest { Sql = "SELECT :x", Parameters = { ["x"] = new Value { Text = new string('x', 2_000_000) } } }, "parameters"),
        ];
        foreach (var (request, field) in cases)
        {
            var error = await Assert.ThrowsAsync<RpcException>(() => QueryAsync(channel, request));
            Assert.Contains(error.StatusCode, new[] { StatusCode.InvalidArgument, StatusCode.OutOfRange });
            Assert.Equal(field, FieldOf(error));
        }
    }

    [Fact]
    public async Task At_its_deadline_the_statement_is_interrupted()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        var watch = Stopwatch.StartNew();
        var error = await Assert.ThrowsAsync<RpcException>(() => QueryAsync(channel, new QueryRequest { Sql = Endless }, TimeSpan.FromMilliseconds(300)));
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        var client = new QueryService.QueryServiceClient(channel);
        await Eventually.HoldsAsync(async () => (await client.GetStatisticsAsync(new GetStatisticsRequest())).Running == 0, "the statement has ended");
    }

    [Fact]
    public async Task Plans_and_tables_are_told()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        var client = new QueryService.QueryServiceClient(channel);
        var plan = await client.ExplainAsync(new ExplainRequest { Sql = "SELECT * FROM virtual_machine WHERE id = 'm0'" });
        Assert.Contains(plan.Steps, step => step.Detail.Contains("(tenant=? AND id=?)", StringComparison.Ordinal));
        Assert.Equal(["virtual_machine"], plan.Tables);
        var tables = (await client.ListTablesAsync(new ListTablesRequest())).Tables;
        Assert.All(Aurae.Schema.Tables.All, record => Assert.Contains(tables, table => table.Name == record.Name && table.RecordType == record.TypeName));
        Assert.All(Aurae.Schema.Tables.All.SelectMany(record => record.Children), child => Assert.Contains(tables, table => table.Name == child.Name));
        Assert.All(Aurae.Schema.Tables.All.Where(record => record.Columns.Any(column => column.IsFullText)), record => Assert.Contains(tables, table => table.Name == record.Name + "_text"));
        foreach (var table in tables)
        {
            await QueryAsync(channel, new QueryRequest { Sql = $"SELECT * FROM {table.Name}" });
        }
    }

    [Fact]
    public async Task The_command_prints_the_answer_and_points_at_the_place_of_an_error()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        await FillAsync(channel, "default", 2);
        string[] root = ["--root", Path.GetDirectoryName(Path.GetDirectoryName(_fixture.SocketPath))!, "--client-config", ClientConfig()];
        var csv = await Support.Cli.RunAsync(["query", "SELECT id, mem_size_mb FROM virtual_machine WHERE id > :after ORDER BY id", "-p", "after=m0", "-o", "csv", .. root]);
        Assert.Equal("id,mem_size_mb\nm1,1024\n", csv.Succeeded());
        var limited = await Support.Cli.RunAsync(["query", "SELECT id FROM network_interface ORDER BY id", "--limit", "1", .. root]);
        Assert.Equal("ID\nm0-0\n", limited.Succeeded());
        Assert.Contains("only the first 1 rows are shown", limited.Error, StringComparison.Ordinal);
        var wrong = await Support.Cli.RunAsync(["query", "SELECT id\nFROM virtual_machine\nWHERE  absent = 1", .. root]);
        Assert.NotEqual(0, wrong.Code);
        Assert.Contains("  WHERE  absent = 1\n         ^\n", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("no such column: absent (line 3, column 8)", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("SEARCH", (await Support.Cli.RunAsync(["query", "SELECT 1 FROM virtual_machine", "--explain", .. root])).Succeeded(), StringComparison.Ordinal);
        Assert.Contains("virtual_machine", (await Support.Cli.RunAsync(["query", "--tables", .. root])).Succeeded(), StringComparison.Ordinal);
        Assert.Contains("cache misses", (await Support.Cli.RunAsync(["query", "--statistics", .. root])).Succeeded(), StringComparison.Ordinal);
    }

    private static string FieldOf(RpcException error) =>
        error.GetRpcStatus()!.Details.Single(detail => detail.Is(BadRequest.Descriptor)).Unpack<BadRequest>().FieldViolations.Single().Field;

    private string ClientConfig()
    {
        var path = _fixture["client.toml"];
        var name = Aurae.Pki.ClientName.Default;
        File.WriteAllText(
            path,
            $"""
            [auth]
            ca_crt = "{_fixture.Pki.CaCertificate}"
            client_crt = "{_fixture.Pki.ClientCertificate(name)}"
            client_key = "{_fixture.Pki.ClientKey(name)}"
            [system]
            socket = "{_fixture.SocketPath}"
            """);
        return path;
    }

    /// <summary>Machines m0, m1... with memory 0, 1024..., two mounts and two interfaces each, in one commit.</summary>
    private static async Task FillAsync(GrpcChannel channel, string tenant, int count)
    {
        var commit = new CommitRequest { Tenant = tenant };
        for (var number = 0; number < count; number++)
        {
            var machine = new VirtualMachine { Id = $"m{number}", MemSizeMb = (uint)(1024 * number), VcpuCount = 2 };
            machine.DriveMounts.Add(new DriveMount { ImagePath = "/i", VmPath = "/a" });
            machine.DriveMounts.Add(new DriveMount { ImagePath = "/i", VmPath = "/b" });
            commit.Operations.Add(new Operation { Create = new CreateOperation { Record = new Record { Body = Any.Pack(machine), Labels = { ["tier"] = tenant } } } });
            for (var nic = 0; nic < 2; nic++)
            {
                var network = new NetworkInterface { Id = $"m{number}-{nic}", Machine = $"m{number}", MacAddress = $"02:00:00:00:{number:00}:{nic:00}" };
                commit.Operations.Add(new Operation { Create = new CreateOperation { Record = new Record { Body = Any.Pack(network) } } });
            }
        }

        await new RecordService.RecordServiceClient(channel).CommitAsync(commit);
    }

    private static async Task<QueryResult> QueryAsync(GrpcChannel channel, QueryRequest request, TimeSpan? allowed = null)
    {
        using var call = new QueryService.QueryServiceClient(channel).Query(request, deadline: DateTime.UtcNow + (allowed ?? TimeSpan.FromSeconds(20)));
        var columns = new Columns();
        var rows = new List<Row>();
        Summary? summary = null;
        while (await call.ResponseStream.MoveNext(default))
        {
            columns = call.ResponseStream.Current.Columns ?? columns;
            rows.AddRange(call.ResponseStream.Current.Rows?.Rows_ ?? []);
            summary = call.ResponseStream.Current.Summary;
        }

        return new QueryResult(columns, rows, summary!);
    }
}
