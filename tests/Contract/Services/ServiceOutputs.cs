using Aurae.Services.V0;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Auraed.Tests.Contract.Services;

/// <summary>What services write, as it is asked for: followed, since a time, from the end, and bounded.</summary>
public sealed class ServiceOutputs : IAsyncLifetime
{
    private const int LogBytesMax = 64 * 1024;
    private ServiceHost _host = null!;

    public async Task InitializeAsync() => _host = await ServiceHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_follower_is_told_what_was_and_what_comes_over_restarts_of_the_service_until_it_leaves()
    {
        await _host.DeployAsync(Echo());
        await SayAsync("one");
        using var call = _host.Services.Logs(new LogsRequest { Name = "echo", Follow = true });
        Assert.Equal("one", await NextAsync(call));
        await SayAsync("two");
        Assert.Equal("two", await NextAsync(call));
        await _host.Services.RestartAsync(new OperateRequest { Name = "echo", Wait = true });
        await SayAsync("three");
        Assert.Equal("three", await NextAsync(call));
    }

    [Fact]
    public async Task Only_the_last_lines_or_those_since_a_time_or_of_one_stream_are_told()
    {
        await _host.DeployAsync(Echo());
        await SayAsync("early");
        await Eventually.HoldsAsync(async () => (await _host.LinesAsync("echo")).Count == 1, "it said one line");
        var between = DateTimeOffset.UtcNow;
        // Times are kept to the second.
        await Eventually.HoldsAsync(() => DateTimeOffset.UtcNow > between.AddSeconds(1.1), "a second later");
        await SayAsync("late");
        await SayAsync("later");
        await SayAsync("!wrong");
        await Eventually.HoldsAsync(async () => (await _host.LinesAsync("echo")).Count == 4, "it said all");
        Assert.Equal(["late", "later", "wrong"], (await _host.LinesAsync("echo", request => request.Since = Timestamp.FromDateTimeOffset(between.AddSeconds(0.5)))).Order());
        Assert.Equal(["later", "wrong"], (await _host.LinesAsync("echo", request => request.Tail = 1)).Order());
        Assert.Equal(["early", "late", "later"], await _host.LinesAsync("echo", request => request.Stream = Aurae.Services.V0.LogStream.Output));
        Assert.Equal(["wrong"], await _host.LinesAsync("echo", request => request.Stream = Aurae.Services.V0.LogStream.Error));
        Assert.Empty(await _host.LinesAsync("echo", request => request.Tail = 0));
        await RecordServer.FailsAsync(StatusCode.InvalidArgument, "tail", () => _host.LinesAsync("echo", request => request.Tail = -1));
        await RecordServer.FailsAsync(StatusCode.NotFound, "name", () => _host.LinesAsync("none"));
    }

    [Fact]
    public async Task A_log_is_kept_within_its_services_bound_by_the_next_daemon_too()
    {
        var spec = ServiceHost.Shell("big", $"i=0; while true; do i=$((i+1)); echo \"line $i ...............................................................................\"; [ $((i % 500)) -ne 0 ] || until mv {_host["go"]} {_host["went"]} 2>/dev/null; do sleep 0.02; done; done");
        spec.LogBytesMax = LogBytesMax;
        await _host.DeployAsync(spec);
        for (var round = 1; round <= 6; round++)
        {
            await SaidAsync(round * 500);
            if (round == 3)
            {
                await _host.StopDaemonAsync();
                await _host.StartDaemonAsync();
            }

            await File.WriteAllTextAsync(_host["go"], "");
        }

        await SaidAsync(3500);
        var lines = await _host.LinesAsync("big");
        Assert.InRange(lines.Sum(line => line.Length + 1), 10_000, LogBytesMax + 50_000);

        spec.Log = LogPolicy.Discard;
        await _host.DeployAsync(spec);
        var count = (await _host.LinesAsync("big")).Count;
        await _host.Services.StopAsync(new OperateRequest { Name = "big", Wait = true });
        Assert.Equal(count, (await _host.LinesAsync("big")).Count);

        async Task SaidAsync(int number) => await Eventually.HoldsAsync(
            async () => (await _host.LinesAsync("big", request => request.Tail = 1)).LastOrDefault()?.StartsWith($"line {number} ", StringComparison.Ordinal) == true, $"it said line {number}");
    }

    /// <summary>Says what stands in a file as it comes; on standard error after a '!'.</summary>
    private ServiceSpec Echo() => ServiceHost.Shell("echo", $"while true; do if mv {_host["say"]} {_host["said"]} 2>/dev/null; then read line < {_host["said"]}; case $line in !*) echo ${{line#!}} >&2;; *) echo $line;; esac; rm {_host["said"]}; else sleep 0.02; fi; done");

    private async Task SayAsync(string line)
    {
        await File.WriteAllTextAsync(_host["say.new"], line + "\n");
        File.Move(_host["say.new"], _host["say"]);
        await Eventually.HoldsAsync(() => !File.Exists(_host["say"]) && !File.Exists(_host["said"]), "it is said");
    }

    private static async Task<string> NextAsync(AsyncServerStreamingCall<LogsResponse> call)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Assert.True(await call.ResponseStream.MoveNext(patience.Token));
        return call.ResponseStream.Current.Lines.Single().Text;
    }
}
