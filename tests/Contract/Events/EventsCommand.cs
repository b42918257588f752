using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Cli;
using Auraed.Cli.Output;
using Auraed.Native;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Events;

/// <summary>`auraed events`, against the service on a plain socket.</summary>
public sealed class EventsCommand : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private RecordServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await RecordServer.StartAsync();
        File.WriteAllText(_directory["client"], $"[system]\nsocket = \"{_server.SocketPath}\"\n");
        for (int number = 1; number <= 30; number++)
        {
            await _server.CreateAsync(new VirtualMachine { Id = $"vm-{number}", MemSizeMb = 128 });
        }

        await _server.Records.DeleteAsync(new DeleteRecordRequest { Type = "virtual_machine", Name = "vm-7" });
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Tail_prints_the_newest_in_order_and_from_a_place_all()
    {
        string[] lines = (await RunAsync("tail")).Succeeded().TrimEnd().Split('\n');
        Assert.Equal(21, lines.Length);
        Assert.Contains("SEQUENCE", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("       12  ", lines[1], StringComparison.Ordinal);
        Assert.Contains("virtual_machine.deleted", lines[20], StringComparison.Ordinal);
        Assert.Equal(4, (await RunAsync("tail", "-n", "3")).Succeeded().TrimEnd().Split('\n').Length);
        Assert.Equal(32, (await RunAsync("tail", "--from", "1")).Succeeded().TrimEnd().Split('\n').Length);
        Assert.Equal(32, (await RunAsync("tail", "--since", "1h")).Succeeded().TrimEnd().Split('\n').Length);
        Assert.Equal(3, (await RunAsync("tail", "--subject", "vm-7")).Succeeded().TrimEnd().Split('\n').Length);
        Assert.Single((await RunAsync("tail", "--kind", "virtual_machine.deleted", "--output", "json")).Succeeded().TrimEnd().Split('\n'));
        Assert.Empty((await RunAsync("tail", "--tenant", "other")).Succeeded());
        Assert.StartsWith("sequence,revision,time,", (await RunAsync("tail", "--output", "csv")).Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_prints_what_the_event_holds()
    {
        string text = (await RunAsync("get", "3")).Succeeded();
        Assert.Contains("\"kind\": \"virtual_machine.created\"", text, StringComparison.Ordinal);
        Assert.Contains("\"mem_size_mb\": 128", text, StringComparison.Ordinal);
        var missing = await RunAsync("get", "99");
        Assert.Equal(ExitCodeOf(Auraed.Base.FaultKind.NotFound), missing.Code);
        Assert.Contains("there is no event 99", missing.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tail", "--from", "0")]
    [InlineData("tail", "--since", "soon")]
    [InlineData("tail", "-n", "-1")]
    [InlineData("tail", "--from", "1", "--since", "1h")]
    [InlineData("tail", "--kind", "*")]
    [InlineData("get", "x")]
    public async Task What_is_wrong_is_said(params string[] words)
    {
        var failed = await RunAsync(words);
        Assert.NotEqual(0, failed.Code);
        Assert.NotEmpty(failed.Error);
    }

    [Fact]
    public async Task Follow_goes_on_with_what_comes_and_a_terminal_gets_colours()
    {
        using var output = new StringWriter { NewLine = "\n" };
        var safe = TextWriter.Synchronized(output);
        var terminal = new Terminal(safe, TextWriter.Null, isInteractive: true, 120) { HasColours = true };
        using var stop = new CancellationTokenSource();
        var root = CommandTree.Build(Support.Cli.Environment(terminal));
        var following = root.Parse(["events", "tail", "-n", "2", "--follow", "--client-config", _directory["client"]]).InvokeAsync(cancellationToken: stop.Token);
        await Eventually.HoldsAsync(() => Text().Contains("virtual_machine.deleted", StringComparison.Ordinal), "the newest are printed");
        await _server.CreateAsync(new VirtualMachine { Id = "vm-new" });
        await Eventually.HoldsAsync(() => Text().Contains("vm-new", StringComparison.Ordinal), "the next is printed");
        await stop.CancelAsync();
        await following.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Contains("\e[31m       31  ", Text(), StringComparison.Ordinal);
        Assert.Contains("\e[32m       32  ", Text(), StringComparison.Ordinal);

        string Text()
        {
            lock (safe)
            {
                return output.ToString();
            }
        }
    }

    [Fact]
    public async Task An_application_appends_and_a_consumer_prints_and_acknowledges()
    {
        Assert.Contains("name            work", (await RunAsync("cursors", "create", "work", "--kind", "app.orders.*", "--lease", "5m", "--from", "1")).Succeeded(), StringComparison.Ordinal);
        Assert.Equal("sequence  33\n", (await RunAsync("append", "app.orders.placed", "order-1", "--json", """{"total": 12.5}""", "--expect", "0")).Succeeded());
        Assert.Equal(ExitCodeOf(Auraed.Base.FaultKind.Precondition), (await RunAsync("append", "app.orders.paid", "order-1", "--expect", "0")).Code);
        (await RunAsync("append", "app.orders.paid", "order-1", "--expect", "33")).Succeeded();
        (await RunAsync("append", "app.other", "order-1")).Succeeded();

        string kept = (await RunAsync("consume", "work", "--no-ack", "-n", "1", "--output", "json")).Succeeded();
        Assert.Contains("\"total\": 12.5", kept, StringComparison.Ordinal);
        string[] lines = (await RunAsync("consume", "work", "--drain")).Succeeded().TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Contains("app.orders.paid", lines[1], StringComparison.Ordinal);
        string[] listed = (await RunAsync("cursors", "ls")).Succeeded().TrimEnd().Split('\n');
        Assert.Equal(["work", "32", "3", "1", "0", "0", "app.orders.*"], listed[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));

        (await RunAsync("cursors", "seek", "work", "--from", "34")).Succeeded();
        Assert.Contains("\"sequence\": \"34\"", (await RunAsync("consume", "work", "--drain", "--output", "json")).Succeeded(), StringComparison.Ordinal);
        Assert.DoesNotContain("app.", (await RunAsync("cursors", "parked", "work")).Succeeded(), StringComparison.Ordinal);
        Assert.Equal("unparked  0\n", (await RunAsync("cursors", "unpark", "work")).Succeeded());
        (await RunAsync("cursors", "rm", "work")).Succeeded();
        Assert.Equal(ExitCodeOf(Auraed.Base.FaultKind.NotFound), (await RunAsync("cursors", "show", "work")).Code);
        Assert.Equal(ExitCodeOf(Auraed.Base.FaultKind.Invalid), (await RunAsync("append", "orders.placed", "order-1")).Code);
    }

    [Fact]
    public async Task Follow_goes_on_after_the_daemon_was_away_without_gap_or_duplicate()
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter();
        var safe = TextWriter.Synchronized(output);
        using var stop = new CancellationTokenSource();
        var environment = Support.Cli.Environment(new Terminal(safe, TextWriter.Synchronized(errors), isInteractive: false, 120));
        var following = CommandLine.RunAsync(["events", "tail", "-n", "1", "--follow", "--output", "csv", "--client-config", _directory["client"]], environment, stop.Token);
        await Eventually.HoldsAsync(() => Lines().Length == 2, "the newest is printed");
        for (int restart = 1; restart <= 3; restart++)
        {
            await _server.CreateAsync(new VirtualMachine { Id = $"before-{restart}" });
            _server = await _server.RestartAsync();
            await _server.CreateAsync(new VirtualMachine { Id = $"after-{restart}" });
            int expected = 2 + (2 * restart);
            await Eventually.HoldsAsync(() => !following.IsCompleted ? Lines().Length >= expected : throw new InvalidOperationException(errors.ToString()), $"{expected} lines are printed");
        }

        await stop.CancelAsync();
        await following.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(Enumerable.Range(31, 7).Select(number => $"{number}"), Lines().Skip(1).Select(line => line.Split(',')[0]));

        string[] Lines()
        {
            lock (safe)
            {
                return output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
            }
        }
    }

    [Fact]
    public async Task A_consumer_acknowledges_nothing_that_could_not_be_written()
    {
        (await RunAsync("cursors", "create", "work", "--lease", "5m", "--from", "1")).Succeeded();
        Assert.Equal(ExitCode.BrokenPipe, await ConsumeAsync(new Terminal(new GoneWriter(), TextWriter.Null, isInteractive: false, 120)));
        Assert.Equal(("0", true), await PlaceAsync());

        // The reader went away when the lines were in the pipe.
        (await RunAsync("cursors", "seek", "work", "--from", "1")).Succeeded();
        using var output = new StringWriter();
        Assert.Equal(ExitCode.BrokenPipe, await ConsumeAsync(new Terminal(output, TextWriter.Null, isInteractive: false, 120) { IsReaderGone = () => output.GetStringBuilder().Length > 0 }));
        Assert.Equal(("0", true), await PlaceAsync());

        (await RunAsync("cursors", "seek", "work", "--from", "1")).Succeeded();
        (await RunAsync("consume", "work", "--drain")).Succeeded();
        (string frontier, bool isLeased) = await PlaceAsync();
        Assert.True(int.Parse(frontier, null) > 30);
        Assert.False(isLeased);

        Task<int> ConsumeAsync(Terminal terminal) => CommandLine.RunAsync(["events", "consume", "work", "--drain", "--client-config", _directory["client"]], Support.Cli.Environment(terminal));

        async Task<(string Frontier, bool IsLeased)> PlaceAsync()
        {
            string[] words = (await RunAsync("cursors", "ls")).Succeeded().TrimEnd().Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return (words[1], words[3] != "0");
        }
    }

    [Fact]
    public async Task A_follower_without_a_reader_ends()
    {
        string[] words = ["events", "tail", "--follow", "-n", "1", "--client-config", _directory["client"]];
        Assert.Equal(ExitCode.BrokenPipe, await CommandLine.RunAsync(words, Support.Cli.Environment(new Terminal(new GoneWriter(), TextWriter.Null, isInteractive: false, 120))));
    }

    private static int ExitCodeOf(Auraed.Base.FaultKind kind) => ExitCode.Of(kind);

    /// <summary>A pipe that nobody reads.</summary>
    private sealed class GoneWriter : StringWriter
    {
        public override void Flush() => throw StandardOutputException.ReaderGone();
    }

    private Task<Support.Cli> RunAsync(params string[] words) => Support.Cli.RunAsync(["events", .. words, "--client-config", _directory["client"]]);
}
