using Aurae.Documents.V0;
using Aurae.Network.V0;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Tests.Support;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Contract.Records;

public class RecordLife
{
    internal static VirtualMachine Machine(string id, uint memory = 512) => new()
    {
        Id = id,
        MemSizeMb = memory,
        VcpuCount = 2,
        KernelImgPath = "/var/lib/aurae/vm/kernel/vmlinux.bin",
        KernelArgs = { "console=hvc0", "root=/dev/vda1" },
        RootDrive = new RootDrive { ImagePath = "/images/root.raw", ReadOnly = true },
        DriveMounts = { new DriveMount { ImagePath = "/images/b.raw", VmPath = "/b", FsType = "ext4" }, new DriveMount { ImagePath = "/images/c.raw", VmPath = "/c" } },
    };

    internal static NetworkInterface Nic(string id, string machine, string mac = "") => new()
    {
        Id = id,
        Machine = machine,
        MacAddress = mac,
        HostDevName = "tap-" + id,
        Ipconfig = new IPConfiguration { PrimaryAddr = "192.168.249.2/24", GatewayAddr = "192.168.249.1", Nameservers = { "1.1.1.1" } },
    };

    [Fact]
    public async Task A_machine_with_two_interfaces_is_made_in_one_commit_listed_joined_and_there_after_a_restart()
    {
        RecordServer server = await RecordServer.StartAsync();
        try
        {
            CommitResponse commit = await server.Records.CommitAsync(new CommitRequest
            {
                Operations =
                {
                    Create(Machine("vm-1")),
                    Create(Nic("eth0", "vm-1", "06:00:ac:10:00:02")),
                    Create(Nic("eth1", "vm-1", "06:00:ac:10:00:03")),
                },
            });
            Assert.True(commit.Succeeded);
            Assert.All(commit.Results, result => Assert.Equal(commit.Revision, result.Record.Revision));
            await Joined(server);
            server = await server.RestartAsync();
            await Joined(server);
        }
        finally
        {
            await server.DisposeAsync();
        }

        static async Task Joined(RecordServer server)
        {
            ListRecordsResponse list = await server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine", Include = { "network_interface" } });
            Record record = Assert.Single(list.Records);
            Assert.Equal(Machine("vm-1"), record.Body.Unpack<VirtualMachine>());
            Assert.Equal(["eth0", "eth1"], record.Included.Select(nic => nic.Name));
            Assert.Equal(Nic("eth1", "vm-1", "06:00:ac:10:00:03"), record.Included[1].Body.Unpack<NetworkInterface>());

            Record nic = await server.Records.GetAsync(new GetRecordRequest { Type = "aurae.network.v0.NetworkInterface", Name = "eth0", Include = { "virtual_machine" } });
            Assert.Equal("vm-1", Assert.Single(nic.Included).Name);
        }
    }

    [Fact]
    public async Task A_record_comes_back_as_it_was_sent_with_revision_and_times()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        Record made = await server.CreateAsync(Machine("vm-1"), "", ("tier", "web"));
        Record got = await server.Records.GetAsync(new GetRecordRequest { Type = "virtual_machine", Name = "vm-1" });
        Assert.Equal(made, got);
        Assert.Equal("default", got.Tenant);
        Assert.Equal("aurae.vms.v0.VirtualMachine", got.Type);
        Assert.True(got.Revision > 0);
        Assert.Equal(got.CreateTime, got.UpdateTime);
        Assert.Equal("web", got.Labels["tier"]);
    }

    [Fact]
    public async Task Without_a_name_the_daemon_makes_ids_that_grow()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        var names = new List<string>();
        for (int round = 0; round < 20; round++)
        {
            Record made = await server.CreateAsync(Machine(string.Empty));
            Assert.Equal(made.Name, made.Body.Unpack<VirtualMachine>().Id);
            names.Add(made.Name);
        }

        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Equal('7', names[0][14]);
    }

    [Fact]
    public async Task An_update_with_a_mask_changes_those_fields_alone()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        Record made = await server.CreateAsync(Machine("vm-1"), "", ("tier", "web"), ("zone", "a"));
        Record updated = await server.Records.UpdateAsync(new UpdateRecordRequest
        {
            Record = new Record { Body = Any.Pack(new VirtualMachine { Id = "vm-1", MemSizeMb = 1024, RootDrive = new RootDrive { ImagePath = "/new.raw" } }), Labels = { ["zone"] = "b" } },
            UpdateMask = new FieldMask { Paths = { "mem_size_mb", "body.root_drive.image_path", "kernel_args", "labels.zone", "labels.tier" } },
        });
        VirtualMachine expected = Machine("vm-1", 1024);
        expected.RootDrive.ImagePath = "/new.raw";
        expected.KernelArgs.Clear();
        Assert.Equal(expected, updated.Body.Unpack<VirtualMachine>());
        Assert.Equal("b", Assert.Single(updated.Labels).Value);
        Assert.True(updated.Revision > made.Revision);
        Assert.Equal(made.CreateTime, updated.CreateTime);
        Assert.Equal(updated, await server.Records.GetAsync(new GetRecordRequest { Type = "virtual_machine", Name = "vm-1" }));
    }

    [Fact]
    public async Task A_stale_revision_is_aborted_and_told_the_current_one()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        Record made = await server.CreateAsync(Machine("vm-1"));
        Record draft = RecordServer.Draft(Machine("vm-1", 700));
        draft.Revision = made.Revision;
        Record updated = await server.Records.UpdateAsync(new UpdateRecordRequest { Record = draft });
        RpcException failure = await RecordServer.FailsAsync(StatusCode.Aborted, "record.revision", () => server.Records.UpdateAsync(new UpdateRecordRequest { Record = draft }).ResponseAsync);
        Assert.Contains($"at revision {updated.Revision}", failure.Status.Detail, StringComparison.Ordinal);
        var info = failure.GetRpcStatus()!.Details.First(detail => detail.Is(Google.Rpc.ErrorInfo.Descriptor)).Unpack<Google.Rpc.ErrorInfo>();
        Assert.Equal(updated.Revision.ToString(System.Globalization.CultureInfo.InvariantCulture), info.Metadata["current_revision"]);
        await RecordServer.FailsAsync(StatusCode.Aborted, null, () => server.Records.DeleteAsync(new DeleteRecordRequest { Type = "virtual_machine", Name = "vm-1", Revision = made.Revision }).ResponseAsync);
    }

    [Fact]
    public async Task A_delete_takes_along_what_cascades_and_stops_at_what_restricts()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(Machine("vm-1"));
        await server.CreateAsync(Nic("eth0", "vm-1"));
        await server.CreateAsync(Nic("eth1", "vm-1"));
        DeleteRecordResponse deleted = await server.Records.DeleteAsync(new DeleteRecordRequest { Type = "virtual_machine", Name = "vm-1" });
        Assert.Equal(3, deleted.Deleted);
        await RecordServer.FailsAsync(StatusCode.NotFound, null, () => server.Records.GetAsync(new GetRecordRequest { Type = "network_interface", Name = "eth0" }).ResponseAsync);

        await server.CreateAsync(new DocumentSchema { Name = "any", Schema = new Struct() });
        await server.CreateAsync(new Document { Id = "d", Schema = "any", Body = new Struct() });
        RpcException failure = await RecordServer.FailsAsync(
            StatusCode.FailedPrecondition, null, () => server.Records.DeleteAsync(new DeleteRecordRequest { Type = "document_schema", Name = "any" }).ResponseAsync);
        Assert.Contains("document 'd' refers to it by schema", failure.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(0, (await server.Records.DeleteAsync(new DeleteRecordRequest { Type = "document", Name = "none", AllowMissing = true })).Revision);
    }

    [Fact]
    public async Task A_request_id_is_applied_once_and_answers_as_before()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        var request = new CreateRecordRequest { Record = RecordServer.Draft(Machine(string.Empty), ("a", "1"), ("b", "2")), RequestId = "r-1" };
        Record first = await server.Records.CreateAsync(request);
        var again = new CreateRecordRequest { Record = RecordServer.Draft(Machine(string.Empty), ("b", "2"), ("a", "1")), RequestId = "r-1" };
        Assert.Equal(first, await server.Records.CreateAsync(again));
        Assert.Single((await server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine" })).Records);
        await RecordServer.FailsAsync(
            StatusCode.FailedPrecondition,
            "request_id",
            () => server.Records.CreateAsync(new CreateRecordRequest { Record = RecordServer.Draft(Machine("other")), RequestId = "r-1" }).ResponseAsync);
    }

    [Fact]
    public async Task Tenants_see_their_own_records_alone()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(Machine("vm-1", 1), "one");
        await server.CreateAsync(Machine("vm-1", 2), "two");
        Record one = await server.Records.GetAsync(new GetRecordRequest { Tenant = "one", Type = "virtual_machine", Name = "vm-1" });
        Assert.Equal(1u, one.Body.Unpack<VirtualMachine>().MemSizeMb);
        Assert.Empty((await server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine" })).Records);
        await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "record.body.machine", () => server.CreateAsync(Nic("eth0", "vm-1"), "three"));
    }

    [Fact]
    public async Task BatchGet_answers_in_order_and_names_what_is_missing()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(Machine("a"));
        Record last = await server.CreateAsync(Machine("b"));
        BatchGetRecordsResponse batch = await server.Records.BatchGetAsync(new BatchGetRecordsRequest
        {
            Keys = { new RecordKey { Type = "virtual_machine", Name = "b" }, new RecordKey { Type = "document", Name = "none" }, new RecordKey { Type = "virtual_machine", Name = "a" } },
            ReadMask = new FieldMask { Paths = { "revision" } },
        });
        Assert.Equal(["b", "a"], batch.Records.Select(record => record.Name));
        Assert.All(batch.Records, record => Assert.Null(record.Body));
        Assert.Equal("none", Assert.Single(batch.Missing).Name);
        Assert.Equal(last.Revision, batch.Revision);
    }

    [Fact]
    public async Task Fields_that_this_build_does_not_know_survive()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        byte[] unknown = [0xfa, 0x3e, 3, 1, 2, 3];
        var body = new Any { TypeUrl = "type.googleapis.com/aurae.vms.v0.VirtualMachine", Value = ByteString.CopyFrom([.. Machine("vm-1").ToByteArray(), .. unknown]) };
        await server.Records.CreateAsync(new CreateRecordRequest { Record = new Record { Body = body } });
        await server.Records.UpdateAsync(new UpdateRecordRequest
        {
            Record = RecordServer.Draft(new VirtualMachine { Id = "vm-1", MemSizeMb = 9 }),
            UpdateMask = new FieldMask { Paths = { "mem_size_mb" } },
        });
        Record got = await server.Records.GetAsync(new GetRecordRequest { Type = "virtual_machine", Name = "vm-1" });
        Assert.True(got.Body.Value.Span.IndexOf(unknown) >= 0);
    }

    internal static Operation Create(IMessage body, params (string Key, string Value)[] labels) => new() { Create = new CreateOperation { Record = RecordServer.Draft(body, labels) } };
}
