using Aurae.Cells.V0;
using Aurae.Events.V0;
using Aurae.Hosts.V0;
using Aurae.Records.V0;
using Auraed.Tests.Support;
using Grpc.Core;

namespace Auraed.Tests.Faults;

/// <summary>A daemon killed at each step of its cells: what is on record runs once, nothing else does, and nothing is left over.</summary>
public sealed class CellCrashes
{
    [Theory]
    [InlineData("cells.made", 1)]
    [InlineData("cells.made", 2)]
    [InlineData("cells.allocated", 1)]
    [InlineData("cells.allocated", 2)]
    [InlineData("cells.started", 1)]
    [InlineData("cells.started", 2)]
    [InlineData("cells.stopped", 1)]
    [InlineData("cells.ended", 1)]
    [InlineData("cells.freed", 1)]
    public async Task A_kill_leaves_cells_as_they_are_on_record(string point, int times)
    {
        await using var daemon = await DoomedDaemon.StartAsync(point, times);
        var root = "c" + daemon.Mark[..8];
        daemon.Arm();
        var cells = new CellService.CellServiceClient(daemon.Channel);
        var answered = await daemon.CallAsync(
        [
            () => cells.AllocateAsync(new CellServiceAllocateRequest { Cell = new Cell { Name = root } }).ResponseAsync,
            () => cells.AllocateAsync(new CellServiceAllocateRequest { Cell = new Cell { Name = root + "/b" } }).ResponseAsync,
            () => StartAsync("one"),
            () => StartAsync("two"),
            () => cells.StopAsync(new CellServiceStopRequest { CellName = root + "/b", ExecutableName = "one" }).ResponseAsync,
            () => cells.FreeAsync(new CellServiceFreeRequest { CellName = root }).ResponseAsync,
        ]);
        await daemon.ReturnAsync();
        cells = new CellService.CellServiceClient(daemon.Channel);
        var records = new RecordService.RecordServiceClient(daemon.Channel);
        string[] running = [.. await NamesAsync("cell_executable", "running = true")];
        await Eventually.HoldsAsync(
            () => daemon.Running("WHO") is var found && found.All(group => group.Count() == 1) && found.Select(group => $"{root}/b/{group.Key}").Order().SequenceEqual(running.Order()),
            $"{string.Join(", ", running)} run once, and nothing else does");
        string[] known = [.. await NamesAsync("cell", "")];
        // The call that was cut off may have been done or not.
        Assert.True(answered is < 1 or > 4 || known.Contains(root), "the first cell was acknowledged");
        Assert.True(answered is < 2 or > 4 || known.Contains(root + "/b"), "the second cell was acknowledged");
        Assert.True(answered != 3 || running.Contains($"{root}/b/one"), "the first executable was acknowledged");
        Assert.True(answered != 4 || running.Contains($"{root}/b/two"), "the second executable was acknowledged");
        Assert.Equal(known.Order(StringComparer.Ordinal), Flat((await cells.ListAsync(new CellServiceListRequest())).Cells).Order(StringComparer.Ordinal));
        Assert.True((await ReportAsync(daemon.Channel)).Adopted == running.Length, "what lived was adopted");

        // What was cut off can be done again.
        if (!known.Contains(root))
        {
            await cells.AllocateAsync(new CellServiceAllocateRequest { Cell = new Cell { Name = root } });
        }

        await cells.FreeAsync(new CellServiceFreeRequest { CellName = root });
        Assert.Empty(daemon.Running("WHO"));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(daemon.Library, "logs", "cells")));
        Assert.Empty(Nodes("/sys/fs/cgroup", root));

        Task StartAsync(string name) => cells.StartAsync(new CellServiceStartRequest
        {
            CellName = root + "/b",
            Executable = new Executable { Name = name, Command = $"exec env MARK={daemon.Mark} WHO={name} sleep 1000" },
        }).ResponseAsync;

        async Task<List<string>> NamesAsync(string type, string filter) =>
            [.. (await records.ListAsync(new ListRecordsRequest { Type = type, Filter = filter })).Records.Select(record => record.Name)];
    }

    private static IEnumerable<string> Flat(IEnumerable<CellGraphNode> nodes) => nodes.SelectMany(node => Flat(node.Children).Prepend(node.Cell.Name));

    private static IEnumerable<string> Nodes(string directory, string name) =>
        Directory.Exists(directory) ? Directory.EnumerateDirectories(directory, name, new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }) : [];

    private static async Task<CellReconciliationReport> ReportAsync(Grpc.Net.Client.GrpcChannel channel)
    {
        using var call = new EventService.EventServiceClient(channel).Read(new ReadEventsRequest { Filter = new EventFilter { Kinds = { "cells.reconciled" } }, NewestFirst = true, Limit = 1 });
        Assert.True(await call.ResponseStream.MoveNext(default));
        return call.ResponseStream.Current.Events[0].Payload.Unpack<CellReconciliationReport>();
    }
}
