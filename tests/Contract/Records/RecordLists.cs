using Aurae.Documents.V0;
using Aurae.Network.V0;
using Aurae.Records.V0;
using Aurae.Sops.V0;
using Aurae.Vms.V0;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Contract.Records;

public class RecordLists : IAsyncLifetime
{
    private RecordServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await RecordServer.StartAsync();
        var commit = new CommitRequest();
        for (int number = 0; number < 12; number++)
        {
            VirtualMachine machine = RecordLife.Machine($"vm-{number:00}", (uint)(256 * (1 + (number % 4))));
            machine.VcpuCount = (uint)(number % 3);
            if (number % 2 == 1)
            {
                machine.DriveMounts.Clear();
                machine.KernelArgs.Clear();
            }

            if (number == 11)
            {
                machine.RootDrive = null;
            }

            commit.Operations.Add(number % 2 == 0 ? RecordLife.Create(machine, ("tier", "web"), ("zone", $"z{number}")) : RecordLife.Create(machine));
        }

        commit.Operations.Add(RecordLife.Create(RecordLife.Nic("eth0", "vm-00", "06:00:00:00:00:01")));
        commit.Operations.Add(RecordLife.Create(new Sop { Name = "restart" }));
        commit.Operations.Add(RecordLife.Create(new SopRun { Id = "run-1", Sop = "restart", Status = SopRunStatus.Running, StartTime = Time("2026-05-01T12:00:00Z"), Values = { ["host"] = "n1" } }));
        commit.Operations.Add(RecordLife.Create(new SopRun { Id = "run-2", Sop = "restart", Status = SopRunStatus.Failed }));
        commit.Operations.Add(RecordLife.Create(new Document { Id = "doc", Body = Struct.Parser.ParseJson("""{"balance": 70, "owner": {"name": "ann"}, "tags": ["a", "b"], "open": true, "text": "5"}""") }));
        await _server.Records.CommitAsync(commit);
    }

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    [Theory]
    [InlineData("mem_size_mb = 1024", "03 07 11")]
    [InlineData("body.mem_size_mb >= 768 AND vcpu_count = 0", "03 06")]
    [InlineData("mem_size_mb = 1024 OR mem_size_mb = 768", "02 03 06 07 10 11")]
    [InlineData("NOT mem_size_mb < 1024", "03 07 11")]
    [InlineData("labels.tier = web vcpu_count = 2", "02 08")]
    [InlineData("labels:tier AND NOT labels.zone = \"z0\"", "02 04 06 08 10")]
    [InlineData("labels.zone:* AND name > \"vm-06\"", "08 10")]
    [InlineData("labels.zone = null AND name < \"vm-03\"", "01")]
    [InlineData("labels.zone != null AND name < \"vm-03\"", "00 02")]
    [InlineData("labels.zone != \"z0\" AND name < \"vm-05\"", "02 04")]
    [InlineData("name = \"vm-1*\"", "10 11")]
    [InlineData("id = \"*-03\"", "03")]
    [InlineData("kernel_img_path = \"*vmlinux*\" AND name = \"vm-00\"", "00")]
    [InlineData("kernel_args:\"console=hvc0\" AND name < \"vm-04\"", "00 02")]
    [InlineData("kernel_args:* AND name < \"vm-04\"", "00 02")]
    [InlineData("drive_mounts.fs_type = \"ext4\" AND mem_size_mb = 256", "00 04 08")]
    [InlineData("NOT drive_mounts.fs_type = \"ext4\" AND name < \"vm-04\"", "01 03")]
    [InlineData("root_drive:* AND name >= \"vm-10\"", "10")]
    [InlineData("root_drive.read_only = true AND name > \"vm-09\"", "10")]
    [InlineData("create_time > \"2020-01-01T00:00:00Z\" AND name = \"vm-00\"", "00")]
    [InlineData("create_time < \"2020-01-01T00:00:00Z\"", "")]
    [InlineData("vcpu_count:* AND name < \"vm-03\"", "01 02")]
    [InlineData("revision > 0 AND -(name = \"vm-0*\")", "10 11")]
    public async Task A_filter_finds_what_it_says(string filter, string expected) => Assert.Equal(expected, await NamesAsync("virtual_machine", filter));

    [Theory]
    [InlineData("sop_run", "status = SOP_RUN_STATUS_RUNNING", "run-1")]
    [InlineData("sop_run", "status != 1", "run-2")]
    [InlineData("sop_run", "start_time = \"2026-05-01T14:00:00+02:00\"", "run-1")]
    [InlineData("sop_run", "values.host = n1", "run-1")]
    [InlineData("sop_run", "NOT values.host = n1", "run-2")]
    [InlineData("document", "body.balance >= 70", "doc")]
    [InlineData("document", "body.balance = 71", "")]
    [InlineData("document", "body.body.owner.name = ann", "doc")]
    [InlineData("document", "body.open = true", "doc")]
    [InlineData("document", "body.text < 6", "")]
    [InlineData("document", "body.text = \"5\"", "doc")]
    [InlineData("document", "body.tags.1 = b", "doc")]
    [InlineData("document", "body.missing:*", "")]
    [InlineData("network_interface", "machine = \"vm-00\"", "eth0")]
    [InlineData("network_interface", "ipconfig.nameservers:\"1.1.1.1\"", "eth0")]
    public async Task A_filter_reaches_into_every_kind_of_field(string type, string filter, string expected)
    {
        ListRecordsResponse list = await _server.Records.ListAsync(new ListRecordsRequest { Type = type, Filter = filter });
        Assert.Equal(expected, string.Join(' ', list.Records.Select(record => record.Name)));
    }

    [Theory]
    [InlineData("nothing = 1", "no field 'nothing'")]
    [InlineData("root_drive.nothing = 1", "no field 'root_drive.nothing'")]
    [InlineData("mem_size_mb.part = 1", "no part 'part'")]
    [InlineData("mem_size_mb = many", "a whole number")]
    [InlineData("create_time > yesterday", "a time like")]
    [InlineData("root_drive = 1", "whole message")]
    [InlineData("kernel_args = x", "holds many values")]
    [InlineData("labels = x", "holds many values")]
    [InlineData("root_drive.read_only > true", "no order")]
    [InlineData("mem_size_mb = 5*", "no text")]
    [InlineData("labels.\"a\\\"b\" = x", "a quote")]
    public async Task A_filter_that_does_not_fit_the_type_is_refused(string filter, string why)
    {
        RpcException failure = await RecordServer.FailsAsync(StatusCode.InvalidArgument, "filter", () => NamesAsync("virtual_machine", filter));
        Assert.Contains(why, failure.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("name desc")]
    [InlineData("mem_size_mb")]
    [InlineData("mem_size_mb desc, vcpu_count")]
    [InlineData("labels.zone, mem_size_mb desc")]
    [InlineData("labels.zone desc")]
    [InlineData("create_time desc, revision")]
    public async Task Pages_of_any_size_are_the_list_cut_in_pieces(string order)
    {
        var whole = await PagesAsync(order, 1000);
        Assert.Equal(12, whole.Count);
        Assert.Equal(12, whole.Distinct().Count());
        foreach (int size in new[] { 1, 2, 5, 11, 12 })
        {
            Assert.Equal(whole, await PagesAsync(order, size));
        }
    }

    [Fact]
    public async Task Records_made_and_deleted_between_pages_neither_repeat_nor_hide_others()
    {
        var request = new ListRecordsRequest { Type = "virtual_machine", PageSize = 4 };
        ListRecordsResponse first = await _server.Records.ListAsync(request);
        await _server.Records.DeleteAsync(new DeleteRecordRequest { Type = "virtual_machine", Name = first.Records[^1].Name });
        await _server.CreateAsync(RecordLife.Machine("vm-000"));
        request.PageToken = first.NextPageToken;
        request.PageSize = 100;
        ListRecordsResponse rest = await _server.Records.ListAsync(request);
        Assert.Equal(Enumerable.Range(4, 8).Select(number => $"vm-{number:00}"), rest.Records.Select(record => record.Name));
        Assert.Empty(rest.NextPageToken);
    }

    [Fact]
    public async Task A_token_of_another_query_or_an_altered_one_is_refused()
    {
        var request = new ListRecordsRequest { Type = "virtual_machine", PageSize = 2, Filter = "mem_size_mb > 0" };
        string token = (await _server.Records.ListAsync(request)).NextPageToken;
        string altered = (token[0] == 'A' ? "B" : "A") + token[1..];
        string cut = token[..^4];
        string flipped = token[..^6] + (token[^6] == 'A' ? 'B' : 'A') + token[^5..];
        foreach (Action<ListRecordsRequest> change in new Action<ListRecordsRequest>[]
                 {
                     other => other.Tenant = "another", other => other.Type = "network_interface", other => other.Filter = "name:*", other => other.OrderBy = "name",
                     other => other.Labels.Add("a", "b"), other => other.PageToken = altered, other => other.PageToken = cut, other => other.PageToken = flipped,
                     other => other.PageToken = "no token", other => other.PageToken = new string('A', 100_000),
                 })
        {
            ListRecordsRequest other = request.Clone();
            other.PageToken = token;
            if (change != null)
            {
                change(other);
            }

            if (other.Type != "virtual_machine")
            {
                other.Filter = string.Empty;
            }

            await RecordServer.FailsAsync(StatusCode.InvalidArgument, "page_token", () => _server.Records.ListAsync(other).ResponseAsync);
        }

        request.PageToken = token;
        request.PageSize = 7;
        Assert.Equal(7, (await _server.Records.ListAsync(request)).Records.Count);
    }

    [Fact]
    public async Task Tokens_outlive_a_restart()
    {
        var request = new ListRecordsRequest { Type = "virtual_machine", PageSize = 10 };
        request.PageToken = (await _server.Records.ListAsync(request)).NextPageToken;
        _server = await _server.RestartAsync();
        Assert.Equal(2, (await _server.Records.ListAsync(request)).Records.Count);
    }

    [Fact]
    public async Task Masks_and_labels_choose_what_is_shown()
    {
        ListRecordsResponse list = await _server.Records.ListAsync(new ListRecordsRequest
        {
            Type = "virtual_machine",
            Labels = { ["zone"] = "z4" },
            ReadMask = new FieldMask { Paths = { "body.mem_size_mb", "root_drive.image_path", "labels.tier" } },
        });
        Record record = Assert.Single(list.Records);
        Assert.Equal("vm-04", record.Name);
        Assert.Equal(new VirtualMachine { MemSizeMb = 256, RootDrive = new RootDrive { ImagePath = "/images/root.raw" } }, record.Body.Unpack<VirtualMachine>());
        Assert.Equal("tier", Assert.Single(record.Labels).Key);
        Assert.Null(record.CreateTime);
    }

    [Fact]
    public async Task An_order_or_include_that_makes_no_sense_is_refused()
    {
        foreach (string order in new[] { "nothing", "name up", "root_drive", "drive_mounts.fs_type", "kernel_args", "a,b,c,d,e", ",", "name,,id" })
        {
            await RecordServer.FailsAsync(StatusCode.InvalidArgument, "order_by", () => _server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine", OrderBy = order }).ResponseAsync);
        }

        await RecordServer.FailsAsync(
            StatusCode.InvalidArgument, "include", () => _server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine", Include = { "document" } }).ResponseAsync);
    }

    private static Timestamp Time(string text) => Timestamp.FromDateTimeOffset(DateTimeOffset.Parse(text, null));

    private async Task<string> NamesAsync(string type, string filter)
    {
        ListRecordsResponse list = await _server.Records.ListAsync(new ListRecordsRequest { Type = type, Filter = filter });
        return string.Join(' ', list.Records.Select(record => record.Name[3..]));
    }

    private async Task<List<string>> PagesAsync(string order, int size)
    {
        var names = new List<string>();
        var request = new ListRecordsRequest { Type = "virtual_machine", OrderBy = order, PageSize = size };
        do
        {
            ListRecordsResponse page = await _server.Records.ListAsync(request);
            Assert.True(page.Records.Count <= size);
            names.AddRange(page.Records.Select(record => record.Name));
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return names;
    }
}
