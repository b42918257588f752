using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Cli;
using Auraed.Cli.Output;
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

    private static int ExitCodeOf(Auraed.Base.FaultKind kind) => ExitCode.Of(kind);

    private Task<Support.Cli> RunAsync(params string[] words) => Support.Cli.RunAsync(["events", .. words, "--client-config", _directory["client"]]);
}
