using System.Collections.Concurrent;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Contract.Records;

public class RecordWatches
{
    [Fact]
    public async Task A_watch_tells_every_change_in_order_and_goes_on_where_it_was_cut()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(RecordLife.Machine("vm-1"));
        await server.CreateAsync(RecordLife.Nic("eth0", "vm-1"));
        await server.Records.UpdateAsync(new UpdateRecordRequest { Record = RecordServer.Draft(RecordLife.Machine("vm-1", 99)) });
        await server.Records.DeleteAsync(new DeleteRecordRequest { Type = "virtual_machine", Name = "vm-1" });

        List<RecordChange> all = await TakeAsync(server, new WatchRecordsRequest { After = 0 }, 5);
        Assert.Equal([1L, 2, 3, 4, 5], all.Select(change => change.Sequence));
        Assert.Equal(["Created vm-1", "Created eth0", "Updated vm-1", "Deleted eth0", "Deleted vm-1"], all.Select(change => $"{change.Kind} {change.Record.Name}"));
        Assert.Equal(99u, all[4].Record.Body.Unpack<VirtualMachine>().MemSizeMb);

        // The deletes share one revision: resuming between them by sequence repeats and loses neither.
        List<RecordChange> rest = await TakeAsync(server, new WatchRecordsRequest { After = all[3].Sequence, Types_ = { "virtual_machine" } }, 1);
        Assert.Equal(all[4], rest[0]);
        Assert.Equal(all[2], (await TakeAsync(server, new WatchRecordsRequest { After = 1, Types_ = { "virtual_machine" }, Name = "vm-1" }, 1))[0]);
    }

    [Fact]
    public async Task A_record_that_loses_the_label_leaves_the_watch()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(RecordLife.Machine("vm-1"), "", ("tier", "web"));
        await server.CreateAsync(RecordLife.Machine("vm-2"), "", ("tier", "db"));
        foreach ((string tier, uint memory) in new[] { ("web", 1u), ("db", 2u), ("db", 3u), ("web", 4u) })
        {
            Record draft = RecordServer.Draft(RecordLife.Machine("vm-1", memory), ("tier", tier));
            await server.Records.UpdateAsync(new UpdateRecordRequest { Record = draft });
        }

        List<RecordChange> changes = await TakeAsync(server, new WatchRecordsRequest { After = 0, Labels = { ["tier"] = "web" } }, 4);
        Assert.Equal([ChangeKind.Created, ChangeKind.Updated, ChangeKind.Left, ChangeKind.Updated], changes.Select(change => change.Kind));
    }

    [Fact]
    public async Task The_initial_state_and_the_changes_since_join_without_gap_or_duplicate_under_load()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        for (int number = 0; number < 300; number++)
        {
            await server.CreateAsync(new VirtualMachine { Id = $"vm-{number:000}" });
        }

        using var stop = new CancellationTokenSource();
        Task load = LoadAsync(server, stop.Token);
        var state = new Dictionary<string, Record>();
        long last = 0;
        using (var call = server.Records.Watch(new WatchRecordsRequest { Types_ = { "virtual_machine" }, InitialState = true }))
        {
            bool isCaughtUp = false;
            int changes = 0;
            while (changes < 500 && await call.ResponseStream.MoveNext(CancellationToken.None))
            {
                WatchRecordsResponse message = call.ResponseStream.Current;
                if (message.Change is not { } change)
                {
                    isCaughtUp |= message.Progress.InitialStateSent;
                    continue;
                }

                Assert.Equal(change.Kind == ChangeKind.Existing, !isCaughtUp);
                if (state.TryGetValue(change.Record.Name, out Record? known))
                {
                    Assert.True(change.Kind != ChangeKind.Created && (change.Record.Revision > known.Revision || change.Kind == ChangeKind.Deleted));
                }

                changes += isCaughtUp ? 1 : 0;
                last = Math.Max(last, change.Sequence);
                if (change.Kind == ChangeKind.Deleted)
                {
                    state.Remove(change.Record.Name);
                }
                else
                {
                    state[change.Record.Name] = change.Record;
                }
            }
        }

        await stop.CancelAsync();
        await load;
        await foreach (RecordChange change in AfterAsync(server, last))
        {
            if (change.Kind == ChangeKind.Deleted)
            {
                state.Remove(change.Record.Name);
            }
            else
            {
                state[change.Record.Name] = change.Record;
            }
        }

        var listed = new List<Record>();
        var request = new ListRecordsRequest { Type = "virtual_machine", PageSize = 1000 };
        listed.AddRange((await server.Records.ListAsync(request)).Records);
        Assert.Equal(listed, state.Values.OrderBy(record => record.Name, StringComparer.Ordinal));
    }

    [Fact]
    public async Task Signs_of_life_come_while_nothing_happens_and_a_watch_from_now_sees_the_next_change()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(RecordLife.Machine("vm-1"));
        using var call = server.Records.Watch(new WatchRecordsRequest { ProgressInterval = new Duration { Seconds = 1 } });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(1, call.ResponseStream.Current.Progress.Sequence);
        await server.CreateAsync(RecordLife.Machine("vm-2"));
        while (await call.ResponseStream.MoveNext(CancellationToken.None) && call.ResponseStream.Current.Change is null)
        {
        }

        Assert.Equal("vm-2", call.ResponseStream.Current.Change?.Record.Name);
    }

    [Fact]
    public async Task Another_tenants_changes_are_never_told()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(RecordLife.Machine("secret"), "other");
        await server.CreateAsync(RecordLife.Machine("vm-1"));
        Assert.Equal("vm-1", (await TakeAsync(server, new WatchRecordsRequest { After = 0 }, 1))[0].Record.Name);
    }

    private static async Task LoadAsync(RecordServer server, CancellationToken stop)
    {
        var random = new Random(7);
        var made = new ConcurrentQueue<string>();
        while (!stop.IsCancellationRequested)
        {
            string name = $"vm-{random.Next(300):000}";
            switch (random.Next(4))
            {
                case 0:
                    Record record = await server.CreateAsync(new VirtualMachine { Id = string.Empty });
                    made.Enqueue(record.Name);
                    break;
                case 1 when made.TryDequeue(out string? old):
                    await server.Records.DeleteAsync(new DeleteRecordRequest { Type = "virtual_machine", Name = old }, cancellationToken: CancellationToken.None);
                    break;
                default:
                    await server.Records.UpdateAsync(new UpdateRecordRequest { Record = RecordServer.Draft(new VirtualMachine { Id = name, MemSizeMb = (uint)random.Next(1, 9000) }) }, cancellationToken: CancellationToken.None);
                    break;
            }
        }
    }

    private static async Task<List<RecordChange>> TakeAsync(RecordServer server, WatchRecordsRequest request, int count)
    {
        using var call = server.Records.Watch(request);
        var changes = new List<RecordChange>();
        while (changes.Count < count && await call.ResponseStream.MoveNext(CancellationToken.None))
        {
            if (call.ResponseStream.Current.Change is { } change)
            {
                changes.Add(change);
            }
        }

        return changes;
    }

    /// <summary>All changes after a place, up to the end of the log.</summary>
    private static async IAsyncEnumerable<RecordChange> AfterAsync(RecordServer server, long after)
    {
        long end = server.Database.Durable;
        using var call = server.Records.Watch(new WatchRecordsRequest { Types_ = { "virtual_machine" }, After = after, ProgressInterval = new Duration { Seconds = 1 } });
        while (after < end && await call.ResponseStream.MoveNext(CancellationToken.None))
        {
            after = call.ResponseStream.Current.Change?.Sequence ?? call.ResponseStream.Current.Progress.Sequence;
            if (call.ResponseStream.Current.Change is { } change)
            {
                yield return change;
            }
        }
    }
}
