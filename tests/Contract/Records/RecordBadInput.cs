using System.Text;
using Aurae.Documents.V0;
using Aurae.Records.V0;
using Aurae.Sops.V0;
using Aurae.Vms.V0;
using Auraed.Base;
using Auraed.Tests.Support;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Contract.Records;

/// <summary>Each wrong request has its status and its field, and leaves nothing behind.</summary>
public class RecordBadInput : IAsyncLifetime
{
    private const string Machine = "type.googleapis.com/aurae.vms.v0.VirtualMachine";
    private RecordServer _server = null!;
    private long _before;

    public async Task InitializeAsync()
    {
        _server = await RecordServer.StartAsync();
        await _server.CreateAsync(RecordLife.Machine("vm-1"));
        await _server.CreateAsync(RecordLife.Nic("eth0", "vm-1", "06:00:00:00:00:01"));
        _before = _server.Database.Durable;
    }

    public async Task DisposeAsync()
    {
        Assert.Equal(_before, _server.Database.Durable);
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_record_that_is_no_record()
    {
        await Refused("record", new CreateRecordRequest());
        await Refused("record.body", new CreateRecordRequest { Record = new Record { Type = "virtual_machine" } });
        await Refused("record.body.type_url", Body(string.Empty, []));
        await Refused("record.body.type_url", Body("type.googleapis.com/google.protobuf.Timestamp", []));
        await Refused("record.body.type_url", Body("type.googleapis.com/" + new string('x', 100_000), []));
        await Refused("record.body", Body(Machine, [0xff, 0xff]));
        await Refused("record.body", Body(Machine, [0x0a, 0x7f, 0x61]));
        await Refused("record.type", new CreateRecordRequest { Record = new Record { Type = "document", Body = Any.Pack(RecordLife.Machine("x")) } });
        await Refused("record.tenant", new CreateRecordRequest { Tenant = "one", Record = new Record { Tenant = "two", Body = Any.Pack(RecordLife.Machine("x")) } });
        await Refused("record.name", new CreateRecordRequest { Record = new Record { Name = "y", Body = Any.Pack(RecordLife.Machine("x")) } });
    }

    [Fact]
    public async Task Text_that_is_no_text()
    {
        await Refused("record.body.kernel_img_path", Body(Machine, [.. new VirtualMachine { Id = "x" }.ToByteArray(), 0x22, 2, 0xc3, 0x28]));
        await Refused("record.body.kernel_img_path", Body(Machine, new VirtualMachine { Id = "x", KernelImgPath = "a\0b" }.ToByteArray()));
        await Refused("record.body.root_drive.image_path", Body(Machine, new VirtualMachine { Id = "x", RootDrive = new RootDrive { ImagePath = "\0" } }.ToByteArray()));
        await Refused("record.name", Body(Machine, new VirtualMachine { Id = "a\0b" }.ToByteArray()));
        await Refused("record.name", Body(Machine, new VirtualMachine { Id = "a\nb" }.ToByteArray()));
        await Refused("record.labels.key", new CreateRecordRequest { Record = RecordServer.Draft(RecordLife.Machine("x"), ("key", "a\0")) });
        await Refused("record.labels", new CreateRecordRequest { Record = RecordServer.Draft(RecordLife.Machine("x"), ("k y", "a")) });
    }

    [Fact]
    public async Task What_is_larger_than_its_limit()
    {
        await Refused("record.body", Body(Machine, new VirtualMachine { Id = "x", KernelImgPath = new string('a', Limits.RecordBytesMax) }.ToByteArray()));
        await Refused("record.name", Body(Machine, new VirtualMachine { Id = new string('a', Limits.RecordNameBytesMax + 1) }.ToByteArray()));
        await Refused("record.name", Body(Machine, new VirtualMachine { Id = new string('é', (Limits.RecordNameBytesMax / 2) + 1) }.ToByteArray()));
        await Refused("record.labels", new CreateRecordRequest { Record = RecordServer.Draft(RecordLife.Machine("x"), [.. Enumerable.Range(0, 65).Select(number => ($"l{number}", ""))]) });
        await Refused("record.labels.a", new CreateRecordRequest { Record = RecordServer.Draft(RecordLife.Machine("x"), ("a", new string('a', 257))) });
        await Refused("request_id", new CreateRecordRequest { Record = RecordServer.Draft(RecordLife.Machine("x")), RequestId = new string('r', 129) });
        foreach (string tenant in new[] { "A", "-a", "a-", "a_b", "ä", new string('a', 64) })
        {
            await Refused("tenant", new CreateRecordRequest { Tenant = tenant, Record = RecordServer.Draft(RecordLife.Machine("x")) });
        }

        var many = new CommitRequest();
        many.Operations.AddRange(Enumerable.Repeat(new Operation { Get = new RecordKey { Type = "virtual_machine", Name = "vm-1" } }, 1001));
        await RecordServer.FailsAsync(StatusCode.InvalidArgument, "operations", () => _server.Records.CommitAsync(many).ResponseAsync);
        await RecordServer.FailsAsync(StatusCode.InvalidArgument, "operations", () => _server.Records.CommitAsync(new CommitRequest()).ResponseAsync);
    }

    [Fact]
    public async Task What_the_state_forbids()
    {
        await RecordServer.FailsAsync(StatusCode.AlreadyExists, "record.name", () => _server.CreateAsync(RecordLife.Machine("vm-1")));
        RpcException unique = await RecordServer.FailsAsync(StatusCode.AlreadyExists, "record.body.mac_address", () => _server.CreateAsync(RecordLife.Nic("eth1", "vm-1", "06:00:00:00:00:01")));
        Assert.DoesNotContain("SQL", unique.Status.Detail, StringComparison.OrdinalIgnoreCase);
        await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "record.body.machine", () => _server.CreateAsync(RecordLife.Nic("eth1", "nothing")));
        await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "record.body.machine", () => _server.Records.UpdateAsync(new UpdateRecordRequest { Record = RecordServer.Draft(RecordLife.Nic("eth0", "nothing")) }).ResponseAsync);
        await RecordServer.FailsAsync(StatusCode.NotFound, null, () => _server.Records.UpdateAsync(new UpdateRecordRequest { Record = RecordServer.Draft(RecordLife.Machine("none")) }).ResponseAsync);
        await RecordServer.FailsAsync(StatusCode.NotFound, null, () => _server.Records.DeleteAsync(new DeleteRecordRequest { Type = "virtual_machine", Name = "none" }).ResponseAsync);
    }

    [Fact]
    public async Task A_mask_that_the_type_has_not()
    {
        foreach (string path in new[] { "nothing", "mem_size_mb.part", "root_drive.nothing", "revision", "id", "body.id", "labels.a b", "a..b", string.Join('.', Enumerable.Repeat("a", 17)) })
        {
            await RecordServer.FailsAsync(StatusCode.InvalidArgument, "update_mask", () => _server.Records.UpdateAsync(new UpdateRecordRequest
            {
                Record = RecordServer.Draft(RecordLife.Machine("vm-1")),
                UpdateMask = new FieldMask { Paths = { path } },
            }).ResponseAsync);
        }

        await RecordServer.FailsAsync(StatusCode.InvalidArgument, "read_mask", () => _server.Records.GetAsync(new GetRecordRequest { Type = "virtual_machine", Name = "vm-1", ReadMask = new FieldMask { Paths = { "nothing" } } }).ResponseAsync);
    }

    [Fact]
    public async Task A_filter_of_ten_thousand_terms()
    {
        foreach (string filter in new[] { string.Join(" OR ", Enumerable.Repeat("mem_size_mb=1", 10_000)), string.Join(' ', Enumerable.Repeat("id=1", 300)), new string('(', 10_000) })
        {
            await RecordServer.FailsAsync(StatusCode.InvalidArgument, "filter", () => _server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine", Filter = filter }).ResponseAsync);
        }

        string most = string.Join(" OR ", Enumerable.Range(0, Limits.FilterTermsMax).Select(number => $"mem_size_mb = {512 + number}"));
        Assert.Single((await _server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine", Filter = most })).Records);
        await RecordServer.FailsAsync(StatusCode.InvalidArgument, "page_size", () => _server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine", PageSize = -1 }).ResponseAsync);
        await RecordServer.FailsAsync(StatusCode.InvalidArgument, "type", () => _server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine; DROP TABLE event" }).ResponseAsync);
    }

    [Theory]
    [InlineData("' OR 1=1 --")]
    [InlineData("\"); DROP TABLE virtual_machine; --")]
    public async Task Words_that_would_be_sql(string text)
    {
        string quoted = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        foreach (string field in new[] { "name", "labels.a", "kernel_args" })
        {
            string op = field == "kernel_args" ? ":" : " = ";
            Assert.Empty((await _server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine", Filter = $"{field}{op}\"{quoted}\"" })).Records);
        }

        await RecordServer.FailsAsync(StatusCode.InvalidArgument, null, () => _server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine", Filter = text }).ResponseAsync);
        await RecordServer.FailsAsync(StatusCode.InvalidArgument, "order_by", () => _server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine", OrderBy = text }).ResponseAsync);
        Assert.Single((await _server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine" })).Records);
    }

    [Fact]
    public async Task Json_that_is_nested_without_end()
    {
        var inner = new Struct();
        for (int depth = 0; depth < 33; depth++)
        {
            inner = new Struct { Fields = { ["a"] = Value.ForStruct(inner) } };
        }

        await Refused("record.body.body" + string.Concat(Enumerable.Repeat(".a", 33)), new CreateRecordRequest { Record = RecordServer.Draft(new Document { Id = "d", Body = inner }) });

        // Deeper than protobuf's own reader goes: 2000 structs around each other, written by hand.
        byte[] bytes = [];
        for (int depth = 0; depth < 2000; depth++)
        {
            byte[] value = [0x2a, .. Length(bytes.Length), .. bytes];
            byte[] entry = [0x0a, 1, (byte)'a', 0x12, .. Length(value.Length), .. value];
            bytes = [0x0a, .. Length(entry.Length), .. entry];
        }

        await Refused("record.body", Body("type.googleapis.com/aurae.documents.v0.Document", [0x1a, .. Length(bytes.Length), .. bytes]));

        static byte[] Length(int length) => length < 128 ? [(byte)length] : [(byte)(length | 0x80), .. Length(length >> 7)];
    }

    [Fact]
    public async Task A_watch_that_cannot_be()
    {
        foreach ((StatusCode code, string field, WatchRecordsRequest request) in new[]
                 {
                     (StatusCode.InvalidArgument, "types[0]", new WatchRecordsRequest { Types_ = { "nothing" } }),
                     (StatusCode.InvalidArgument, "name", new WatchRecordsRequest { Name = "a" }),
                     (StatusCode.InvalidArgument, "after", new WatchRecordsRequest { After = -1 }),
                     (StatusCode.OutOfRange, "after", new WatchRecordsRequest { After = 1_000_000 }),
                     (StatusCode.InvalidArgument, "initial_state", new WatchRecordsRequest { After = 0, InitialState = true }),
                     (StatusCode.InvalidArgument, "progress_interval", new WatchRecordsRequest { ProgressInterval = new Duration { Seconds = -1 } }),
                 })
        {
            await RecordServer.FailsAsync(code, field, async () =>
            {
                using var call = _server.Records.Watch(request);
                await call.ResponseStream.MoveNext(CancellationToken.None);
            });
        }
    }

    private Task Refused(string field, CreateRecordRequest request) =>
        RecordServer.FailsAsync(StatusCode.InvalidArgument, field, () => _server.Records.CreateAsync(request).ResponseAsync);

    private static CreateRecordRequest Body(string url, byte[] bytes) => new() { Record = new Record { Body = new Any { TypeUrl = url, Value = ByteString.CopyFrom(bytes) } } };
}

public class RecordDocuments
{
    private const string Schema =
        """
        {"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
          "name": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$"}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
          "kind": {"enum": ["a", "b"]}, "tags": {"type": "array", "maxItems": 2, "items": {"type": ["string", "null"]}}}}
        """;

    [Fact]
    public async Task Documents_obey_their_schema()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(new DocumentSchema { Name = "person", Schema = Struct.Parser.ParseJson(Schema) });
        await server.CreateAsync(Person("ok", """{"name": "ann", "age": 7, "kind": "a", "tags": ["x", null]}"""));
        foreach ((string json, string field) in new[]
                 {
                     ("""{}""", ".name"), ("""{"name": 1}""", ".name"), ("""{"name": "a"}""", ".name"), ("""{"name": "A1"}""", ".name"), ("""{"name": "ann", "x": 1}""", ".x"),
                     ("""{"name": "ann", "age": 1.5}""", ".age"), ("""{"name": "ann", "age": 151}""", ".age"), ("""{"name": "ann", "kind": "c"}""", ".kind"),
                     ("""{"name": "ann", "tags": [1]}""", ".tags[0]"), ("""{"name": "ann", "tags": ["a", "b", "c"]}""", ".tags"),
                 })
        {
            await RecordServer.FailsAsync(StatusCode.InvalidArgument, "record.body.body" + field, () => server.CreateAsync(Person("bad", json)));
        }

        await RecordServer.FailsAsync(StatusCode.InvalidArgument, "record.body.body.age", () => server.Records.UpdateAsync(new UpdateRecordRequest
        {
            Record = RecordServer.Draft(Person("ok", """{"age": "old"}""")),
            UpdateMask = new FieldMask { Paths = { "body.age" } },
        }).ResponseAsync);
    }

    [Theory]
    [InlineData("""{"oneOf": []}""", "oneOf")]
    [InlineData("""{"type": "thing"}""", "type")]
    [InlineData("""{"properties": {"a": 1}}""", "properties.a")]
    [InlineData("""{"pattern": "(a)\\1"}""", "pattern")]
    [InlineData("""{"pattern": "("}""", "pattern")]
    [InlineData("""{"required": "a"}""", "required")]
    public async Task A_schema_that_could_not_be_checked_is_refused(string json, string place)
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await RecordServer.FailsAsync(StatusCode.InvalidArgument, "record.body.schema." + place, () => server.CreateAsync(new DocumentSchema { Name = "bad", Schema = Struct.Parser.ParseJson(json) }));
    }

    [Fact]
    public async Task A_field_fixed_at_creation_stays()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(new Sop { Name = "one" });
        await server.CreateAsync(new Sop { Name = "two" });
        await server.CreateAsync(new SopRun { Id = "run", Sop = "one" });
        await RecordServer.FailsAsync(
            StatusCode.InvalidArgument, "record.body.sop", () => server.Records.UpdateAsync(new UpdateRecordRequest { Record = RecordServer.Draft(new SopRun { Id = "run", Sop = "two" }) }).ResponseAsync);
    }

    private static Document Person(string id, string json) => new() { Id = id, Schema = "person", Body = Struct.Parser.ParseJson(json) };
}
