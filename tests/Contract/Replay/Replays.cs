using Aurae.Network.V0;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Replay;
using Auraed.Tests.Support;
using Auraed.Tests.Upgrade;
using Google.Protobuf.WellKnownTypes;
using Xunit.Abstractions;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Contract.Replay;

/// <summary>The state out of the log alone.</summary>
public sealed class Replays(ITestOutputHelper said) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> Versions => [.. UpgradeFile.Versions];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_type_of_record_with_every_field_folds_to_its_rows(string version)
    {
        using var store = new StoreFixture();
        File.WriteAllText(store.KeyPath, UpgradeFile.KeyPem);
        File.Copy(UpgradeFile.DatabaseOf(version), store.DatabasePath);
        await using (Database database = store.Open())
        {
            ReplayReport report = await database.ReplayCheckAsync(null, null, CancellationToken.None);
            Assert.True(report.DifferenceCount == 0, string.Join('\n', report.Differences));
            Assert.Equal(database.Durable, report.Sequence);
            Assert.True(report.Applied >= Aurae.Schema.Tables.All.Count(table => table.Name is not "registry_entry"));
        }

        Assert.Empty(Maintenance.ReplayCheck(store.DatabasePath, store.KeyPath, null, null, CancellationToken.None).Differences);
        Assert.Empty(Directory.GetFiles(Path.Combine(store.Library, "replay")));
    }

    [Fact]
    public async Task What_is_changed_behind_the_logs_back_is_named_by_type_id_and_field()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(Machine("vm-1"));
        await server.CreateAsync(Machine("vm-2"));
        await server.CreateAsync(new NetworkInterface { Id = "eth0", Machine = "vm-1" });
        Assert.Empty((await server.Database.ReplayCheckAsync(null, null, CancellationToken.None)).Differences);
        (string Change, string Difference)[] cases =
        [
            ("UPDATE virtual_machine SET mem_size_mb = 1 WHERE id = 'vm-1'", "virtual_machine 'vm-1' of tenant 'default' differs in mem_size_mb: the table has '1', the log '512'"),
            ("UPDATE virtual_machine SET labels = '{\"a\":\"b\"}' WHERE id = 'vm-1'", "virtual_machine 'vm-1' of tenant 'default' differs in labels: the table has '{\"a\":\"b\"}', the log nothing"),
            ("UPDATE virtual_machine SET revision = 99 WHERE id = 'vm-2'", "virtual_machine 'vm-2' of tenant 'default' differs in revision: the table has '99', the log '2'"),
            ("UPDATE virtual_machine_root_drive SET read_only = 0 WHERE parent = 1", "virtual_machine_root_drive 0 of virtual_machine 'vm-1' of tenant 'default' differs in read_only: the table has '0', the log '1'"),
            ("DELETE FROM virtual_machine_drive_mounts WHERE parent = 2 AND ordinal = 1", "virtual_machine_drive_mounts 1 of virtual_machine 'vm-2' of tenant 'default' is not in the table, and the log has it"),
            ("DELETE FROM network_interface", "network_interface 'eth0' of tenant 'default' is not in the table, and the log has it"),
            ("INSERT INTO event_stream VALUES ('acme', 's', 7)", "event_stream 's' of tenant 'acme' is in the table, and the log has no such record"),
        ];
        foreach ((string change, _) in cases)
        {
            await server.Database.WriteAsync(unit => unit.Prepare(change).Execute(), CancellationToken.None);
        }

        ReplayReport report = await server.Database.ReplayCheckAsync(null, null, CancellationToken.None);
        Assert.All(cases, pair => Assert.Contains(pair.Difference, report.Differences));
        Assert.Equal(cases.Length, report.DifferenceCount);
    }

    [Fact]
    public async Task Any_moment_of_a_random_history_is_the_state_that_was_then()
    {
        Random random = Faults.Seeds.Random(said);
        await using RecordServer server = await RecordServer.StartAsync();
        var moments = new List<(long Sequence, string Copy)>();
        for (int step = 0; step < 300; step++)
        {
            await StepAsync(server, random);
            if (step % 50 == 49)
            {
                string copy = _directory[$"copy-{step}.db"];
                moments.Add(((await server.Database.BackupAsync(copy, null, CancellationToken.None)).Sequence, copy));
            }
        }

        Assert.Empty((await server.Database.ReplayCheckAsync(null, null, CancellationToken.None)).Differences);
        foreach ((long sequence, string copy) in moments)
        {
            string then = _directory[$"then-{sequence}.db"];
            ReplayReport report = await server.Database.ReplayAsync(new ReplayMoment(sequence, null), then, null, null, CancellationToken.None);
            Assert.Equal((sequence, then), (report.Sequence, report.Output));
            Assert.Empty(Differences(server.KeyPath, copy, then));
            Assert.True(Maintenance.Verify(then, server.KeyPath, null, CancellationToken.None).IsSound);
        }
    }

    [Fact]
    public async Task A_state_of_the_past_is_a_database_that_a_daemon_goes_on_with()
    {
        // The second server owns it.
        var store = new StoreFixture();
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(Machine("vm-1"));
        Timestamp time = (await server.CreateAsync(Machine("vm-2"))).CreateTime;
        await server.Records.DeleteAsync(new DeleteRecordRequest { Type = "virtual_machine", Name = "vm-1" });
        string then = _directory["then.db"];
        await server.Database.ReplayAsync(new ReplayMoment(null, (time.Seconds * 1_000_000_000) + time.Nanos), then, null, null, CancellationToken.None);
        Maintenance.Restore(store.Options, then, null, CancellationToken.None);
        await using RecordServer again = await RecordServer.StartAsync(store);
        Assert.Equal(["vm-1", "vm-2"], (await again.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine" })).Records.Select(record => record.Name));
        Assert.Equal(3, (await again.CreateAsync(Machine("vm-3"))).Revision);
        Assert.Empty((await again.Database.ReplayCheckAsync(null, null, CancellationToken.None)).Differences);
    }

    [Fact]
    public async Task A_moment_that_never_was_is_refused()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.Records.CommitAsync(new CommitRequest { Operations = { Create("vm-1"), Create("vm-2"), Create("vm-3") } });
        string then = _directory["then.db"];
        Task<ReplayReport> At(long sequence) => server.Database.ReplayAsync(new ReplayMoment(sequence, null), then, null, null, CancellationToken.None);
        Fault middle = await Assert.ThrowsAsync<Fault>(() => At(2));
        Assert.Equal((FaultKind.Invalid, "at"), (middle.Kind, middle.Field));
        Assert.Equal(FaultKind.OutOfRange, (await Assert.ThrowsAsync<Fault>(() => At(4))).Kind);
        Fault early = await Assert.ThrowsAsync<Fault>(() => server.Database.ReplayAsync(new ReplayMoment(null, 1_000_000_000), then, null, null, CancellationToken.None));
        Assert.Equal((FaultKind.OutOfRange, "at"), (early.Kind, early.Field));
        Assert.StartsWith("there was no state at that time: the log begins with event 1 at 20", early.Message, StringComparison.Ordinal);
        DateTimeOffset first = DateTimeOffset.Parse(early.Hint![5..^", or later".Length], System.Globalization.CultureInfo.InvariantCulture);
        Fault nowhere = await Assert.ThrowsAsync<Fault>(() => server.Database.ReplayAsync(new ReplayMoment(3, null), _directory["none/then.db"], null, null, CancellationToken.None));
        Assert.Equal((FaultKind.NotFound, "output"), (nowhere.Kind, nowhere.Field));
        Assert.Empty(Directory.GetFileSystemEntries(_directory.Path));
        string begun = _directory["begun.db"];
        Assert.Equal(3, (await server.Database.ReplayAsync(new ReplayMoment(null, (first - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick), begun, null, null, CancellationToken.None)).Applied);
        Assert.Equal(3, (await At(3)).Applied);
        Assert.Equal(FaultKind.AlreadyExists, (await Assert.ThrowsAsync<Fault>(() => At(3))).Kind);
    }

    [Fact]
    public async Task The_verb_compares_and_writes_a_file_that_nobody_has_open()
    {
        string copy = _directory["copy.db"];
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(Machine("vm-1"));
        await server.CreateAsync(Machine("vm-2"));
        await server.Database.BackupAsync(copy, null, CancellationToken.None);
        Task<Support.Cli> RunAsync(params string[] words) => Support.Cli.RunAsync(["replay", .. words, "--key", server.KeyPath]);
        Assert.Matches(@"same +yes", (await RunAsync("--check", copy)).Succeeded());
        string then = _directory["then.db"];
        (await RunAsync("--at", "1", "--output-database", then, copy)).Succeeded();
        Assert.Equal(1, Maintenance.Verify(then, server.KeyPath, null, CancellationToken.None).Events);
        Assert.Equal(6, (await RunAsync("--output-database", then, copy)).Code);
        Assert.Equal(4, (await RunAsync(copy)).Code);
        Assert.Equal(4, (await RunAsync("--check", "--at", "1", copy)).Code);
        Assert.Equal(2, (await RunAsync("--at", "yesterday", copy)).Code);
    }

    private static async Task StepAsync(RecordServer server, Random random)
    {
        string name = $"vm-{random.Next(12)}";
        bool isThere = (await server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine", Filter = $"id = '{name}'" })).Records.Count > 0;
        switch (random.Next(5))
        {
            case 0 when isThere:
                // Takes the interfaces along.
                await server.Records.DeleteAsync(new DeleteRecordRequest { Type = "virtual_machine", Name = name });
                break;
            case 1 when isThere:
                await server.CreateAsync(new NetworkInterface { Machine = name });
                break;
            case 2 when isThere:
                await server.Records.CommitAsync(new CommitRequest { Operations = { Create($"new-{Guid.NewGuid():N}"), Update(name, random) } });
                break;
            case 3 when isThere:
                Record labelled = RecordServer.Draft(Machine(name), ("tier", $"{random.Next(3)}"), ("x", "ü"));
                await server.Records.UpdateAsync(new UpdateRecordRequest { Record = labelled });
                break;
            default:
                if (!isThere)
                {
                    await server.CreateAsync(Machine(name), random.Next(2) == 0 ? "" : "default", ("made", $"{random.Next(9)}"));
                }

                break;
        }
    }

    private static IReadOnlyList<string> Differences(string keyPath, string left, string right)
    {
        using ServerKey server = ServerKey.Load(keyPath);
        using var key = new StoreKey(server);
        using Connection kept = Connection.Open(left, ConnectionMode.Still, key, new TableVersions(), null);
        using Connection folded = Connection.Open(right, ConnectionMode.Still, key, new TableVersions(), null);
        return new StateComparison(kept, folded, null, CancellationToken.None).Run();
    }

    private static Operation Create(string name) => new() { Create = new CreateOperation { Record = RecordServer.Draft(Machine(name)) } };

    private static Operation Update(string name, Random random) => new()
    {
        Update = new UpdateOperation
        {
            Record = RecordServer.Draft(new VirtualMachine { Id = name, MemSizeMb = (uint)random.Next(4096), DriveMounts = { new DriveMount { VmPath = $"/{random.Next(9)}" } } }),
            UpdateMask = new FieldMask { Paths = { "body.mem_size_mb", "body.drive_mounts" } },
        },
    };

    private static VirtualMachine Machine(string name) => new()
    {
        Id = name,
        MemSizeMb = 512,
        RootDrive = new RootDrive { ImagePath = "/root.raw", ReadOnly = true },
        DriveMounts = { new DriveMount { ImagePath = "/a", VmPath = "/mnt" }, new DriveMount { ImagePath = "/b" } },
    };
}
