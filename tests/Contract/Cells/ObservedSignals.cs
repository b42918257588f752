using System.Diagnostics;
using Aurae.Cells.V0;
using Aurae.Observe.V0;
using Auraed.Host;
using Auraed.Tests.Support;
using Grpc.Core;
using Grpc.Net.Client;

namespace Auraed.Tests.Contract.Cells;

/// <summary>Signals as a client is told them, sent by real processes to real processes.</summary>
public sealed class ObservedSignals : IAsyncLifetime
{
    private const int Kill = 9;
    private const int User1 = 10;
    private readonly string _root = $"t{Guid.NewGuid():N}"[..12];
    private readonly DaemonFixture _fixture = new();
    private DaemonHost _daemon = null!;
    private GrpcChannel _channel = null!;
    private CellService.CellServiceClient _cells = null!;
    private ObserveService.ObserveServiceClient _observe = null!;

    [Fact]
    public async Task The_host_and_a_cell_are_told_apart()
    {
        await AllocateAsync(_root);
        await AllocateAsync($"{_root}/below");
        int before = await StartAsync(_root, "before", "trap : USR1; while :; do sleep 0.05; done");
        using var host = _observe.GetPosixSignalsStream(new GetPosixSignalsStreamRequest());
        if (!await IsToldAsync(host))
        {
            return;
        }

        using var cell = _observe.GetPosixSignalsStream(new GetPosixSignalsStreamRequest { Workload = new Workload { WorkloadType = WorkloadType.Cell, Id = _root } });
        Assert.True(await IsToldAsync(cell));
        int after = await StartAsync(_root, "after", "sleep 1000 & wait");
        int below = await StartAsync($"{_root}/below", "deep", "sleep 1000");
        using var other = Process.Start("sleep", "1000");
        Send(other.Id);
        Send(below);
        Send(before);
        await _cells.StopAsync(new CellServiceStopRequest { CellName = _root, ExecutableName = "after" });
        await _cells.FreeAsync(new CellServiceFreeRequest { CellName = _root });

        var all = await ReadAsync(host, seen => Has(seen, Kill, after) && Has(seen, Kill, before));
        Assert.Contains((User1, other.Id), all);
        Assert.Contains((User1, below), all);
        var own = await ReadAsync(cell, seen => Has(seen, Kill, after) && Has(seen, Kill, before));
        Assert.Contains((User1, before), own);
        Assert.DoesNotContain(own, sent => sent.Process == other.Id || sent.Process == below);
        // The child that the shell had made: it was a member, though it was never moved to the cell.
        Assert.True(own.Count(sent => sent.Signal == Kill) >= 3, string.Join(", ", own));
    }

    [Fact]
    public async Task A_stream_ends_with_the_daemon_and_one_that_left_disturbs_no_other()
    {
        using var first = _observe.GetPosixSignalsStream(new GetPosixSignalsStreamRequest());
        if (!await IsToldAsync(first))
        {
            return;
        }

        using (var second = _observe.GetPosixSignalsStream(new GetPosixSignalsStreamRequest()))
        {
            Assert.True(await IsToldAsync(second));
        }

        using var child = Process.Start("sleep", "1000");
        child.Kill();
        await ReadAsync(first, seen => Has(seen, Kill, child.Id));
        var rest = ReadAsync(first, _ => false);
        await _daemon.StopAsync(default);
        await rest;
    }

    public async Task InitializeAsync()
    {
        _daemon = await _fixture.StartAsync();
        _channel = _fixture.Open();
        _cells = new CellService.CellServiceClient(_channel);
        _observe = new ObserveService.ObserveServiceClient(_channel);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _daemon.DisposeAsync();
        _fixture.Dispose();
    }

    /// <summary>False, with the status that upstream answers, where the kernel does not let the daemon.</summary>
    private static async Task<bool> IsToldAsync(AsyncServerStreamingCall<GetPosixSignalsStreamResponse> call)
    {
        try
        {
            await call.ResponseHeadersAsync;
            return true;
        }
        catch (RpcException failure)
        {
            Assert.Equal((StatusCode.Unimplemented, "GetPosixSignalStream is not implemented for nested Aurae daemons"), (failure.StatusCode, failure.Status.Detail));
            return false;
        }
    }

    private static async Task<List<(int Signal, int Process)>> ReadAsync(AsyncServerStreamingCall<GetPosixSignalsStreamResponse> call, Predicate<List<(int Signal, int Process)>> isEnough)
    {
        var seen = new List<(int Signal, int Process)>();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!isEnough(seen) && await call.ResponseStream.MoveNext(patience.Token))
        {
            seen.Add((call.ResponseStream.Current.Signal.Signal_, call.ResponseStream.Current.Signal.ProcessId));
        }

        return seen;
    }

    private static bool Has(List<(int Signal, int Process)> seen, int signal, int process) => seen.Contains((signal, process));

    private static void Send(int process) => Tool.Run("/bin/kill", "-USR1", $"{process}").Succeeded();

    private async Task AllocateAsync(string name) => await _cells.AllocateAsync(new CellServiceAllocateRequest { Cell = new Cell { Name = name } });

    private async Task<int> StartAsync(string cell, string name, string command) =>
        (await _cells.StartAsync(new CellServiceStartRequest { CellName = cell, Executable = new Executable { Name = name, Command = command } })).Pid;
}
