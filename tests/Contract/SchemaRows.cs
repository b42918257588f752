using Aurae.Cells.V0;
using Aurae.Documents.V0;
using Aurae.Schema;
using Aurae.Sops.V0;
using Aurae.Vms.V0;
using Auraed.Store;
using Auraed.Tests.Support;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Tests.Contract;

/// <summary>What a record holds is what its row gives back, to the byte.</summary>
public sealed class SchemaRows : IAsyncLifetime
{
    private readonly StoreFixture _store = new();
    private Database _database = null!;

    public Task InitializeAsync()
    {
        _database = _store.Open();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _database.DisposeAsync();
        _store.Dispose();
    }

    [Fact]
    public async Task A_machine_with_its_drives_comes_back_whole_and_in_order()
    {
        var machine = new VirtualMachine { Id = "vm", MemSizeMb = uint.MaxValue, VcpuCount = 4, KernelArgs = { "console=hvc0", "", "ünï\u1F600" }, RootDrive = new RootDrive { ImagePath = "/r", ReadOnly = true } };
        for (var i = 0; i < 30; i++)
        {
            machine.DriveMounts.Add(new DriveMount { ImagePath = $"/d{30 - i}", FsType = "ext4" });
        }

        await TableRows.RoundTripAsync(_database, VirtualMachineTable.Instance, machine);
        Assert.Equal("console=hvc0", await TableRows.TextAsync(_database, "SELECT kernel_args ->> 0 FROM virtual_machine"));
    }

    [Fact]
    public async Task Presence_is_kept_apart_from_the_default()
    {
        await TableRows.RoundTripAsync(_database, CellTable.Instance, new Cell { Name = "unset" });
        await TableRows.RoundTripAsync(_database, CellTable.Instance, new Cell { Name = "empty", Cpu = new CpuController(), Cpuset = new CpusetController { Cpus = "" } });
        await TableRows.RoundTripAsync(_database, CellTable.Instance, new Cell { Name = "zero", Cpu = new CpuController { Weight = 0, Max = long.MinValue, Period = ulong.MaxValue }, IsolateProcess = true });
        Assert.Equal("empty|{}\nunset|NULL\nzero|{\"weight\":0,\"max\":-9223372036854775808,\"period\":18446744073709551615}", await TableRows.TextAsync(_database, "SELECT id, cpu FROM cell ORDER BY id"));
        await TableRows.RoundTripAsync(_database, VirtualMachineTable.Instance, new VirtualMachine { Id = "bare" });
        await TableRows.RoundTripAsync(_database, VirtualMachineTable.Instance, new VirtualMachine { Id = "drive", RootDrive = new RootDrive() });
    }

    [Fact]
    public async Task Unknown_fields_survive_at_every_depth()
    {
        // Field 999, "newer", in the record, in a child, in a list of children, and in a message that lies in JSON.
        byte[] unknown = [0xBA, 0x3E, 5, .. "newer"u8];
        var machine = Merge(new VirtualMachine { Id = "vm", RootDrive = Merge(new RootDrive(), unknown), DriveMounts = { Merge(new DriveMount { VmPath = "/a" }, unknown), new DriveMount() } }, unknown);
        await TableRows.RoundTripAsync(_database, VirtualMachineTable.Instance, machine);
        await TableRows.RoundTripAsync(_database, CellTable.Instance, Merge(new Cell { Name = "c", Cpu = Merge(new CpuController { Weight = 3 }, unknown) }, unknown));
        var run = new SopRun { Id = "r", Results = { Merge(new SopStepResult { Note = "n" }, unknown), Merge(new SopStepResult(), unknown) } };
        await TableRows.RoundTripAsync(_database, SopRunTable.Instance, run);
        Assert.Equal("NULL", await TableRows.TextAsync(_database, "SELECT unknown_fields FROM sop_run"));
    }

    [Fact]
    public async Task Numbers_of_enums_that_nobody_has_named_are_kept()
    {
        await TableRows.RoundTripAsync(_database, VirtualMachineTable.Instance, new VirtualMachine { Id = "vm" });
        await TableRows.RoundTripAsync(_database, MachineStateTable.Instance, new MachineState { Machine = "vm", Observed = (MachineStatus)77, Desired = (MachineStatus)(-1) });
    }

    [Fact]
    public async Task Documents_are_json_that_sql_reads()
    {
        var body = Struct.Parser.ParseJson("""{"a": [1, "x", null, true, {"b": 0.5}], "": "\"quoted\" ☃"}""");
        await TableRows.RoundTripAsync(_database, DocumentTable.Instance, new Document { Id = "d", Body = body, Title = "Ångström" });
        Assert.Equal("0.5", await TableRows.TextAsync(_database, "SELECT body ->> '$.a[4].b' FROM document"));
        Assert.Equal("d", await TableRows.TextAsync(_database, "SELECT id FROM document JOIN document_fts ON document_fts.rowid = row_id WHERE document_fts MATCH 'angstrom'"));
    }

    [Theory]
    [InlineData('\0')]
    [InlineData('\uD800')]
    [InlineData('\uDC00')]
    public void Text_that_no_column_holds_is_refused_by_its_field(char letter)
    {
        var writer = new Discard();
        var text = $"ü\uE000\U0001F600{letter}b";
        var refused = Assert.Throws<FieldValueException>(() => VirtualMachineTable.Instance.Bind(new VirtualMachine { KernelImgPath = text }, writer, 0));
        Assert.Equal("kernel_img_path", refused.Field);
        refused = Assert.Throws<FieldValueException>(() => VirtualMachineTable.Instance.Children.First(static c => c.FieldPath == "root_drive").Bind(new VirtualMachine { RootDrive = new RootDrive { ImagePath = text } }, 0, writer, 0));
        Assert.Equal("root_drive.image_path", refused.Field);
        Assert.Equal("kernel_args", Assert.Throws<FieldValueException>(() => VirtualMachineTable.Instance.Bind(new VirtualMachine { KernelArgs = { "a", text } }, writer, 0)).Field);
    }

    [Fact]
    public void Wire_bytes_that_are_no_text_are_refused_at_every_depth()
    {
        ReadOnlySpan<byte> drive = [0x0A, 2, 0xC3, 0x28];
        var refused = Refused(ByteString.CopyFrom([0x32, 4, .. drive]));
        Assert.Equal("root_drive.image_path", refused.Field);
        Assert.Equal("id", Refused(ByteString.CopyFrom(0x0A, 1, 0xFF)).Field);
        Assert.Throws<InvalidProtocolBufferException>(() => VirtualMachineTable.Instance.Parse(ByteString.CopyFrom(0x0A, 5, 0x41)));
        Assert.Equal(new VirtualMachine { Id = "ü" }, VirtualMachineTable.Instance.Parse(new VirtualMachine { Id = "ü" }.ToByteString()));

        static FieldValueException Refused(ByteString bytes) => Assert.Throws<FieldValueException>(() => VirtualMachineTable.Instance.Parse(bytes));
    }

    [Fact]
    public void Times_out_of_range_are_refused()
    {
        var late = new MachineState { ObservedTime = new Timestamp { Seconds = 253402300799 } };
        Assert.Equal("observed_time", Assert.Throws<FieldValueException>(() => MachineStateTable.Instance.Bind(late, new Discard(), 0)).Field);
        late.ObservedTime = new Timestamp { Nanos = -1 };
        Assert.Throws<FieldValueException>(() => MachineStateTable.Instance.Bind(late, new Discard(), 0));
    }

    [Fact]
    public void Binding_a_row_of_scalars_allocates_nothing()
    {
        var machine = new VirtualMachine { Id = "vm", MemSizeMb = 512, VcpuCount = 2, KernelImgPath = "/var/lib/aurae/vm/kernel/vmlinux.bin", AuraedAddress = "[fe80::1]:8080" };
        var writer = new Discard();

        // The first call makes what is made once; quick code, which boxes, is switched off for the tests (Tests.csproj).
        VirtualMachineTable.Instance.Bind(machine, writer, 0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            VirtualMachineTable.Instance.Bind(machine, writer, 0);
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(0, allocated);
    }

    private static T Merge<T>(T message, byte[] unknown)
        where T : IMessage<T>
    {
        message.MergeFrom(unknown);
        return message;
    }

    private sealed class Discard : IColumnWriter
    {
        public void Integer(int index, long value)
        {
        }

        public void Real(int index, double value)
        {
        }

        public void Text(int index, string value)
        {
        }

        public void Text(int index, ReadOnlySpan<byte> utf8)
        {
        }

        public void Blob(int index, ReadOnlySpan<byte> value)
        {
        }

        public void Null(int index)
        {
        }
    }
}
