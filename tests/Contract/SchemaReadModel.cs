using Aurae.Network.V0;
using Aurae.Schema;
using Aurae.Vms.V0;
using Auraed.Migrations;
using Auraed.Migrations.ReadModel;
using Auraed.Store;
using Auraed.Tests.Support;
using Google.Protobuf;

namespace Auraed.Tests.Contract;

/// <summary>The EF Core read model opens the daemon's file with its key, and reads in every field what the store wrote.</summary>
public sealed class SchemaReadModel
{
    [Fact]
    public async Task Every_column_of_every_table_reads_as_the_store_bound_it()
    {
        using var store = new StoreFixture();
        await using (var database = store.Open())
        {
            foreach (var message in Samples())
            {
                await TableRows.InsertAsync(database, Tables.ByTypeName[message.Descriptor.FullName], message);
            }
        }

        using var context = new RecordContext(RecordContext.Current, store.DatabasePath, Key(store));
        foreach (var message in Samples())
        {
            var table = Tables.ByTypeName[message.Descriptor.FullName];
            var row = context.Records(table.Name).Single(r => (string)r["id"] == table.KeyOf(message));
            Hold(table.Name, [.. table.Columns.Select(static c => c.Name), "unknown_fields"], row, Bound(table.ValueCount, writer => table.Bind(message, writer, 0)));
            var parent = (long)row["row_id"];
            foreach (var child in table.Children)
            {
                var rows = context.Records(child.Name).Where(r => (long)r["parent"] == parent).OrderBy(r => (long)r["ordinal"]).ToList();
                Assert.Equal(child.Count(message), rows.Count);
                for (var ordinal = 0; ordinal < rows.Count; ordinal++)
                {
                    Hold(child.Name, [.. child.Columns.Select(static c => c.Name), "unknown_fields"], rows[ordinal], Bound(child.ValueCount, writer => child.Bind(message, ordinal, writer, 0)));
                }
            }
        }
    }

    [Fact]
    public async Task A_machine_joins_with_its_interfaces()
    {
        using var store = new StoreFixture();
        await using (var database = store.Open())
        {
            foreach (var message in Samples())
            {
                await TableRows.InsertAsync(database, Tables.ByTypeName[message.Descriptor.FullName], message);
            }
        }

        using var context = new RecordContext(RecordContext.Current, store.DatabasePath, Key(store));
        var joined = from machine in context.Records("virtual_machine")
                     join nic in context.Records("network_interface") on (string)machine["id"] equals (string)nic["machine"]
                     orderby (string)nic["id"]
                     select new { Machine = (string)machine["id"], Nic = (string)nic["id"] };
        Assert.Equal([new { Machine = "vm", Nic = "eth0" }, new { Machine = "vm", Nic = "eth1" }], joined.ToList());
    }

    [Fact]
    public async Task Without_the_right_key_nothing_opens()
    {
        using var store = new StoreFixture();
        await store.Open().DisposeAsync();
        using var context = new RecordContext(RecordContext.Current, store.DatabasePath, new byte[32]);
        Assert.ThrowsAny<Exception>(() => context.Records("node").ToList());
    }

    [Fact]
    public void The_model_that_tools_read_with_is_that_of_the_messages_in_the_binary()
    {
        var files = Tables.All.Select(static t => t.Message.File).Distinct().SelectMany(static f => f.Dependencies.Append(f)).Distinct().Select(static f => f.SerializedData);
        var compiled = ModelReader.Read(Descriptors.Parse(files));
        Assert.Equal(
            RecordContext.Current.Tables.Select(static t => Snapshots.Write(new SchemaModel([t]))).Order(StringComparer.Ordinal),
            compiled.Tables.Select(static t => Snapshots.Write(new SchemaModel([t]))).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<IMessage> Samples()
    {
        yield return new VirtualMachine { Id = "vm", MemSizeMb = 512, VcpuCount = 2, KernelArgs = { "a", "b" }, RootDrive = new RootDrive { ImagePath = "/r" }, DriveMounts = { new DriveMount { VmPath = "/1" }, new DriveMount { VmPath = "/2", ReadOnly = true } } };
        yield return new VirtualMachine { Id = "bare" };
        yield return new NetworkInterface { Id = "eth0", Machine = "vm", MacAddress = "06:00:ac:10:00:02", HostDevName = "auraed-0", Ipconfig = new IPConfiguration { PrimaryAddr = "192.168.249.2/24", Nameservers = { "9.9.9.9" } } };
        yield return new NetworkInterface { Id = "eth1", Machine = "vm" };
        yield return new Aurae.Hosts.V0.Tenant { Name = "t", DisplayName = "Tenant", RecordCountMax = 0 };
        yield return new Aurae.Hosts.V0.Node { Name = "n", MemoryBytes = ulong.MaxValue, BootTime = new() { Seconds = 1, Nanos = 2 } };
    }

    private static byte[] Key(StoreFixture store)
    {
        using var server = ServerKey.Load(store.KeyPath);
        var key = new byte[32];
        server.Derive(KeyPurpose.Database, key);
        return key;
    }

    private static object?[] Bound(int count, Action<IColumnWriter> bind)
    {
        var writer = new Recorder(count);
        bind(writer);
        return writer.Values;
    }

    private static void Hold(string table, string[] columns, Dictionary<string, object> row, object?[] bound)
    {
        for (var i = 0; i < columns.Length; i++)
        {
            Assert.True(Equals(bound[i], row[columns[i]]), $"{table}.{columns[i]}: the store bound {bound[i]}, the read model reads {row[columns[i]]}");
        }
    }

    private sealed class Recorder(int count) : IColumnWriter
    {
        public object?[] Values { get; } = new object?[count];

        public void Integer(int index, long value) => Values[index] = value;

        public void Real(int index, double value) => Values[index] = value;

        public void Text(int index, string value) => Values[index] = value;

        public void Text(int index, ReadOnlySpan<byte> utf8) => Values[index] = System.Text.Encoding.UTF8.GetString(utf8);

        public void Blob(int index, ReadOnlySpan<byte> value) => Values[index] = value.ToArray();

        public void Null(int index) => Values[index] = null;
    }
}
