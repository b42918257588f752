using System.Diagnostics;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Domain.Records;
using Auraed.Store;
using Google.Protobuf.WellKnownTypes;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Faults;

/// <summary>
/// Clients of the record store that say, with the machine's one clock, when each call began and ended and what it answered. Every write writes a value of
/// its own. Lines: <c>begun NAME VALUE START</c>, <c>wrote NAME VALUE REVISION START END</c>, <c>read NAME VALUE REVISION START END</c>,
/// <c>listed REVISION START END NAME=VALUE@REVISION...</c>, <c>told SEQUENCE NAME VALUE REVISION</c>; <c>end</c> when all were told. Each ends in <see cref="Whole"/>, without which a kill cut it off.
/// </summary>
internal sealed class HistoryChild(Database database, RecordStore records, int seed, Action<string> say)
{
    public const string Type = "virtual_machine";
    public const string Whole = ".";
    private const int Names = 5;
    private readonly RecordRequests _requests = new(records.Ids);
    private readonly RecordCall _call = new("default", "tester");
    private uint _value = (uint)seed << 16;

    public static async Task RunAsync(DatabaseOptions options, int seed, bool isLast, Action<string> say)
    {
        await using var database = Database.Open(options);
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        var child = new HistoryChild(database, records, seed, line => say($"{line} {Whole}"));
        using var stop = new CancellationTokenSource();
        var watch = child.WatchAsync(database.Durable, isLast, stop.Token);
        if (!isLast)
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(number => child.WorkAsync(new Random((seed * 100) + number))));
        }

        await watch;
        say("end");
    }

    private async Task WorkAsync(Random random)
    {
        for (var count = 0; count < 100_000; count++)
        {
            var name = $"vm-{random.Next(Names)}";
            switch (random.Next(10))
            {
                case < 3:
                    await WriteAsync([name]);
                    break;
                case < 5:
                    await WriteAsync([name, $"vm-{random.Next(Names)}"]);
                    break;
                case < 9:
                    await GetAsync(name);
                    break;
                default:
                    await ListAsync();
                    break;
            }
        }
    }

    /// <summary>One record by Update or Create, two by Commit.</summary>
    private async Task WriteAsync(string[] names)
    {
        names = [.. names.Distinct()];
        var drafts = names.Select(name => (Name: name, Value: Interlocked.Increment(ref _value))).ToArray();
        foreach (var (name, value) in drafts)
        {
            say($"begun {name} {value} {Stopwatch.GetTimestamp()}");
        }

        var start = Stopwatch.GetTimestamp();
        long revision;
        try
        {
            revision = drafts.Length == 1
                ? (await records.UpdateAsync(_call, _requests.Update(new UpdateRecordRequest { Record = Draft(drafts[0].Name, drafts[0].Value) }, "default"), CancellationToken.None)).Revision
                : await CommitAsync(drafts);
        }
        catch (Auraed.Base.Fault missing) when (missing.Kind == Auraed.Base.FaultKind.NotFound)
        {
            try
            {
                var (name, value) = drafts[0];
                revision = (await records.CreateAsync(_call, _requests.Create(new CreateRecordRequest { Record = Draft(name, value) }, "default"), CancellationToken.None)).Revision;
                drafts = [(name, value)];
            }
            catch (Auraed.Base.Fault taken) when (taken.Kind == Auraed.Base.FaultKind.AlreadyExists)
            {
                return;
            }
        }

        var end = Stopwatch.GetTimestamp();
        foreach (var (name, value) in drafts)
        {
            say($"wrote {name} {value} {revision} {start} {end}");
        }
    }

    private async Task<long> CommitAsync((string Name, uint Value)[] drafts)
    {
        var request = new CommitRequest();
        request.Operations.AddRange(drafts.Select(draft => new Operation { Update = new UpdateOperation { Record = Draft(draft.Name, draft.Value) } }));
        return (await records.CommitAsync(_call, _requests.Commit(request, "default"), CancellationToken.None)).Revision;
    }

    private async Task GetAsync(string name)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            var record = await records.GetAsync("default", RecordNames.Table(Type), name, null, null, CancellationToken.None);
            say($"read {name} {ValueOf(record)} {record.Revision} {start} {Stopwatch.GetTimestamp()}");
        }
        catch (Auraed.Base.Fault missing) when (missing.Kind == Auraed.Base.FaultKind.NotFound)
        {
            say($"read {name} 0 0 {start} {Stopwatch.GetTimestamp()}");
        }
    }

    private async Task ListAsync()
    {
        var start = Stopwatch.GetTimestamp();
        var page = await records.ListAsync(RecordRequests.List(new ListRecordsRequest { Type = Type }), CancellationToken.None);
        var end = Stopwatch.GetTimestamp();
        say($"listed {page.Revision} {start} {end} {string.Join(' ', page.Records.Select(record => $"{record.Name}={ValueOf(record)}@{record.Revision}"))}");
    }

    private async Task WatchAsync(long last, bool isLast, CancellationToken cancel)
    {
        if (isLast && last == 0)
        {
            return;
        }

        await foreach (var message in records.Watches.WatchAsync(RecordRequests.Watch(new WatchRecordsRequest { After = 0 }), cancel))
        {
            if (message.Change is { } change)
            {
                say($"told {change.Sequence} {change.Record.Name} {ValueOf(change.Record)} {change.Record.Revision}");
                if (isLast && change.Sequence == database.Durable)
                {
                    return;
                }
            }
        }
    }

    private static Record Draft(string name, uint value) => new() { Body = Any.Pack(new VirtualMachine { Id = name, MemSizeMb = value }) };

    private static uint ValueOf(Record record) => record.Body.Unpack<VirtualMachine>().MemSizeMb;
}
