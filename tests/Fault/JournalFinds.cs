using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Journal;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Faults;

/// <summary>A record that is asked for by its name is answered as it was acknowledged last, whatever of it is committed, and no commit is waited for.</summary>
public sealed class JournalFinds : IDisposable
{
    private static readonly RecordCall Call = new("default", "tester");
    private readonly StoreFixture _fixture = new(Durability.Journal);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task What_is_committed_and_what_is_not_are_both_found_without_a_commit()
    {
        await using var database = Database.Open(LiveDirectory.Uncommitting(_fixture));
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        foreach (var name in (string[])["same", "changed", "left", "made-again"])
        {
            await CreateAsync(records, name, 512, "/dev/a", "/dev/b");
        }

        await database.SettleAsync(CancellationToken.None);
        var commits = database.Writes.Commits;
        await UpdateAsync(records, "changed", 1024, "/dev/c");
        await DeleteAsync(records, "left");
        await DeleteAsync(records, "made-again");
        await CreateAsync(records, "made-again", 4096);
        await CreateAsync(records, "new", 2048, "/dev/d", "/dev/e");

        await IsAsync(records, "same", 512, "/dev/a", "/dev/b");
        await IsAsync(records, "changed", 1024, "/dev/c");
        await IsAsync(records, "made-again", 4096);
        await IsAsync(records, "new", 2048, "/dev/d", "/dev/e");
        foreach (var name in (string[])["left", "never"])
        {
            Assert.Equal("RECORD_NOT_FOUND", (await Assert.ThrowsAsync<Fault>(() => FindAsync(records, name))).Reason);
        }

        Assert.Equal(commits, database.Writes.Commits);
        var list = await records.ListAsync(RecordRequests.List(new ListRecordsRequest { Type = HistoryChild.Type }), CancellationToken.None);
        Assert.Equal(["changed", "made-again", "new", "same"], list.Records.Select(record => record.Name).Order());
        Assert.Equal(commits + 1, database.Writes.Commits);
    }

    [Fact]
    public async Task A_list_of_what_was_not_touched_waits_for_no_commit_and_bears_the_last_event_that_was_acknowledged()
    {
        await using var database = Database.Open(LiveDirectory.Uncommitting(_fixture));
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        await CreateAsync(records, "same", 512);
        await database.SettleAsync(CancellationToken.None);
        _ = await StoreChild.AppendAsync(database, "another", 100);
        var commits = database.Writes.Commits;
        var list = await records.ListAsync(RecordRequests.List(new ListRecordsRequest { Type = HistoryChild.Type }), CancellationToken.None);
        Assert.Equal(["same"], list.Records.Select(record => record.Name));
        Assert.Equal(database.Durable, list.Revision);
        Assert.Equal(commits, database.Writes.Commits);
    }

    [Fact]
    public async Task A_row_beside_those_that_are_not_committed_is_read_from_the_snapshot_while_the_writer_is_held_up()
    {
        await using var database = Database.Open(LiveDirectory.Uncommitting(_fixture));
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        await CreateAsync(records, "same", 512);
        await database.SettleAsync(CancellationToken.None);
        await CreateAsync(records, "new", 512);
        using var block = await WriterBlock.HoldAsync(database);
        await IsAsync(records, "same", 512);
        var waits = FindAsync(records, "new");
        Assert.False(waits.IsCompleted);
        block.Dispose();
        Assert.Equal("new", (await waits).Name);
    }

    [Fact]
    public async Task A_change_on_its_way_is_not_told_before_it_is_kept_and_not_at_all_when_it_is_lost()
    {
        using var files = new StalledFiles();
        await using var database = Database.Open(files.Under(LiveDirectory.Uncommitting(_fixture)));
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        await CreateAsync(records, "vm", 512);
        await database.SettleAsync(CancellationToken.None);
        await UpdateAsync(records, "vm", 1024);
        files.Stall();
        var change = UpdateAsync(records, "vm", 2048);
        await files.IsStalled;
        var found = FindAsync(records, "vm");
        Assert.False(found.IsCompleted);
        files.Release(StalledFiles.Full());
        Assert.Equal("DISK_FULL", (await Assert.ThrowsAsync<Fault>(() => change)).Reason);
        Assert.Equal(1024u, (await found).Body.Unpack<VirtualMachine>().MemSizeMb);
        await IsAsync(records, "vm", 1024);
    }

    [Fact]
    public void Rows_that_follow_each_other_have_marks_of_their_own()
    {
        var marks = Enumerable.Range(0, 3).SelectMany(table => Enumerable.Range(1, 4000).Select(row => PendingGroups.MarkOf(table, row))).ToArray();
        Assert.All(marks, mark => Assert.InRange(mark, 0, (1 << Limits.StoreRowMarkBits) - 1));
        Assert.InRange(marks.Distinct().Count(), marks.Length * 9 / 10, marks.Length);
    }

    private static async Task IsAsync(RecordStore records, string name, uint megabytes, params string[] drives)
    {
        var machine = (await FindAsync(records, name)).Body.Unpack<VirtualMachine>();
        Assert.Equal(megabytes, machine.MemSizeMb);
        Assert.Equal(drives, machine.DriveMounts.Select(drive => drive.VmPath));
    }

    private static Task<Record> FindAsync(RecordStore records, string name) =>
        records.GetAsync("default", RecordNames.Table(HistoryChild.Type), name, null, null, CancellationToken.None);

    private static Task CreateAsync(RecordStore records, string name, uint megabytes, params string[] drives) =>
        records.CreateAsync(Call, new RecordRequests(records.Ids).Create(new CreateRecordRequest { Record = Draft(name, megabytes, drives) }, "default"), CancellationToken.None);

    private static Task UpdateAsync(RecordStore records, string name, uint megabytes, params string[] drives) =>
        records.UpdateAsync(Call, new RecordRequests(records.Ids).Update(new UpdateRecordRequest { Record = Draft(name, megabytes, drives) }, "default"), CancellationToken.None);

    private static Task DeleteAsync(RecordStore records, string name) =>
        records.DeleteAsync(Call, new RecordRequests(records.Ids).Delete(new DeleteRecordRequest { Type = HistoryChild.Type, Name = name }), CancellationToken.None);

    private static Record Draft(string name, uint megabytes, string[] drives) => new()
    {
        Body = Any.Pack(new VirtualMachine { Id = name, MemSizeMb = megabytes, DriveMounts = { drives.Select(drive => new DriveMount { VmPath = drive }) } }),
    };
}
