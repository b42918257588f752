using System.Diagnostics;
using Aurae.Events.V0;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Domain.Events;
using Auraed.Domain.Records;
using Auraed.Store;
using Google.Protobuf.WellKnownTypes;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Faults;

/// <summary>
/// The process that is killed while applications append and a consumer works: it appends to one stream with an expectation, pulls, gives every third
/// event back once, and settles each in the commit that makes its record.
/// </summary>
internal static class CursorChild
{
    public const string CursorName = "work";
    public const string Subject = "stream";
    private const int Rounds = 60;

    /// <param name="arguments">library directory, key file, crash point, which time.</param>
    public static int Run(string[] arguments)
    {
        var (point, times, reached) = (arguments[2], int.Parse(arguments[3], null), 0);
        CrashPoint.Hook = name =>
        {
            if (name == point && Interlocked.Increment(ref reached) == times)
            {
                Process.GetCurrentProcess().Kill();
                Thread.CurrentThread.Join();
            }
        };
        WorkAsync(new DatabaseOptions { Directory = arguments[0], KeyPath = arguments[1], Durability = Support.StoreFixture.Named }).GetAwaiter().GetResult();
        return 0;
    }

    private static async Task WorkAsync(DatabaseOptions options)
    {
        await using var database = Database.Open(options);
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, default);
        var cursors = new Cursors(database, new Events(database, TimeProvider.System).Tail, records.CursorGates, TimeProvider.System);
        var cursor = new Cursor { Name = CursorName, Filter = new EventFilter { Subject = Subject } };
        await cursors.CreateAsync("tester", CursorRequests.Create(new CreateCursorRequest { Cursor = cursor, Start = new CursorStart { After = 0 } }), default);
        var call = new RecordCall(RecordNames.DefaultTenant, "tester");
        var requests = new RecordRequests(records.Ids);
        long last = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var added = new AppendEventsRequest { Events = { new NewEvent { Kind = "app.made", Subject = Subject, ExpectedSequence = last } } };
            last = (await records.AppendAsync(call, ApplicationEventRequests.Parse(added), default)).Sequence;
            var pulled = await PullAsync(cursors);
            if (round % 3 == 0)
            {
                await cursors.ReleaseAsync(RecordNames.DefaultTenant, CursorRequests.Leased(new Leased { Cursor = CursorName, Lease = pulled.Lease }, "events"), TimeSpan.Zero, default);
                pulled = await PullAsync(cursors);
            }

            var machine = new VirtualMachine { Id = $"done-{last}" };
            var commit = new CommitRequest
            {
                Operations =
                {
                    new Operation { Create = new CreateOperation { Record = new Record { Body = Any.Pack(machine) } } },
                    new Operation { Acknowledge = new Leased { Cursor = CursorName, Lease = pulled.Lease, Sequences = { pulled.Deliveries.Single().Event.Sequence } } },
                },
            };
            await records.CommitAsync(call, requests.Commit(commit, RecordNames.DefaultTenant), default);
        }
    }

    private static Task<PullResponse> PullAsync(Cursors cursors) => cursors.Pulls.PullAsync(CursorRequests.Pull(new PullRequest { Name = CursorName, EventsMax = 1 }, "tester"), default);
}
