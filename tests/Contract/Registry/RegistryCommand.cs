using Aurae.Registry.V0;
using Auraed.Base;
using Auraed.Cli;
using Auraed.Cli.Output;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Registry;

/// <summary>`auraed registry`, against the service on a plain socket.</summary>
public sealed class RegistryCommand : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private RecordServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await RecordServer.StartAsync();
        File.WriteAllText(_directory["client"], $"[system]\nsocket = \"{_server.SocketPath}\"\n");
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_service_is_registered_resolved_and_gone()
    {
        (await RunAsync("register", "db", "192.0.2.7:5432")).Succeeded();
        (await RunAsync("register", "web", "127.0.0.1:8080", "--id", "web-1", "--tag", "canary", "--ttl", "5m", "--needs", "db", "--weight", "3")).Succeeded();
        Assert.Equal("127.0.0.1:8080\n", (await RunAsync("resolve", "web", "--weighted", "--tag", "canary")).Succeeded());
        Assert.Contains("db <- web", (await RunAsync("dependents", "db")).Succeeded(), StringComparison.Ordinal);
        var rows = (await RunAsync("ls", "--output", "json")).Succeeded().TrimEnd().Split('\n');
        Assert.Contains("\"id\":\"web-1\",\"service\":\"web\",\"address\":\"127.0.0.1:8080\"", rows[1], StringComparison.Ordinal);
        Assert.Contains("\"weight\":3", rows[1], StringComparison.Ordinal);

        (await RunAsync("heartbeat", "web-1", "--health", "draining", "--note", "goes at noon")).Succeeded();
        var failed = await RunAsync("resolve", "web");
        Assert.Equal(ExitCode.Of(FaultKind.NotFound), failed.Code);
        Assert.Contains("goes at noon", failed.Error, StringComparison.Ordinal);
        (await RunAsync("deregister", "web-1")).Succeeded();
        Assert.Equal(ExitCode.Of(FaultKind.NotFound), (await RunAsync("heartbeat", "web-1")).Code);
    }

    [Theory]
    [InlineData("register", "web")]
    [InlineData("register", "web", "h:1", "--ttl", "soon")]
    [InlineData("heartbeat", "w", "--health", "fine")]
    [InlineData("register", "Web", "h:1")]
    [InlineData("resolve", "web")]
    public async Task What_is_wrong_is_said(params string[] words)
    {
        var failed = await RunAsync(words);
        Assert.NotEqual(0, failed.Code);
        Assert.NotEmpty(failed.Error);
    }

    [Fact]
    public async Task Watch_prints_what_is_and_what_comes()
    {
        await _server.Registry.RegisterAsync(new RegisterRequest { Entry = new RegistryEntry { Id = "w1", Service = "web", Address = "h:1" } });
        using var output = new StringWriter { NewLine = "\n" };
        var safe = TextWriter.Synchronized(output);
        using var stop = new CancellationTokenSource();
        var root = CommandTree.Build(Support.Cli.Environment(new Terminal(safe, TextWriter.Null, isInteractive: false, 120)));
        var watching = root.Parse(["registry", "watch", "--client-config", _directory["client"]]).InvokeAsync(cancellationToken: stop.Token);
        await Eventually.HoldsAsync(() => Text().Contains("existing", StringComparison.Ordinal), "what is there is printed");
        await _server.Registry.DeregisterAsync(new DeregisterRequest { Id = "w1" });
        await Eventually.HoldsAsync(() => Text().Contains("deregistered", StringComparison.Ordinal), "the change is printed");
        await stop.CancelAsync();
        await watching.WaitAsync(TimeSpan.FromSeconds(10));

        string Text()
        {
            lock (safe)
            {
                return output.ToString();
            }
        }
    }

    private Task<Support.Cli> RunAsync(params string[] words) => Support.Cli.RunAsync(["registry", .. words, "--client-config", _directory["client"]]);
}
