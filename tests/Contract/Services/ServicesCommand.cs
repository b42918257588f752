using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Cli;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Services;

/// <summary>`auraed services`, against a daemon.</summary>
public sealed class ServicesCommand : IAsyncLifetime
{
    private ServiceHost _host = null!;

    public async Task InitializeAsync() => _host = await ServiceHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_service_out_of_a_toml_file_runs_and_tells_how_it_is()
    {
        await File.WriteAllTextAsync(_host["web.toml"], """
            # As people write it.
            name = "web"
            description = "says hello"
            command = "sh"
            arguments = ["-c", "echo hello $WHOM; exec sleep 1000"]
            start_timeout = "5s"
            log_bytes_max = 1048576

            [environment]
            WHOM = "world"

            [restart]
            policy = "always"
            back_off_min = "0.1s"

            [limits]
            bounds = [{ name = "nofile", soft = 64, hard = 64 }]

            [stop]
            signal = "SIGTERM"
            grace = "2s"
            """);
        Assert.Contains("running", (await RunAsync("deploy", _host["web.toml"], "--wait")).Succeeded(), StringComparison.Ordinal);
        var spec = (await _host.GetAsync("web")).Spec;
        Assert.Equal((Restart.Types.Policy.Always, 100_000_000, 1048576L, "WHOM"), (spec.Restart.Policy, spec.Restart.BackOffMin.Nanos, spec.LogBytesMax, spec.Environment.Single().Name));
        await Eventually.HoldsAsync(async () => (await RunAsync("logs", "web", "--tail", "1")).Succeeded() == "hello world\n", "its line");
        Assert.Equal("hello world\n", (await RunAsync("logs", "web", "--since", "1h")).Succeeded());
        Assert.Contains("it runs", (await RunAsync("status", "web")).Succeeded(), StringComparison.Ordinal);
        Assert.Contains("\"name\":\"web\"", (await RunAsync("ls", "--output", "json")).Succeeded(), StringComparison.Ordinal);
        (await RunAsync("stop", "web", "--wait")).Succeeded();
        Assert.Contains("it is stopped, as asked", (await RunAsync("status", "web")).Succeeded(), StringComparison.Ordinal);
        (await RunAsync("rm", "web")).Succeeded();
    }

    [Fact]
    public async Task A_variable_may_name_its_source()
    {
        await File.WriteAllTextAsync(_host["a.toml"], """
            name = "a"
            command = "sleep"
            arguments = ["1000"]
            [environment]
            PLAIN = 5
            HOST = { config = { document = "settings", path = "db.host" } }
            """);
        (await RunAsync("deploy", _host["a.toml"], "--hold")).Succeeded();
        var variables = (await _host.GetAsync("a")).Spec.Environment;
        Assert.Equal(("5", "settings", "db.host"), (variables[0].Value, variables[1].Config.Document, variables[1].Config.Path));
    }

    [Fact]
    public async Task An_asset_is_deployed_by_its_tag_and_old_versions_are_pruned()
    {
        await ServiceAssets.PutAsync(_host.Channel, ServiceAssets.Script("hello"), "app");
        (await RunAsync("deploy", "--image", "app", "--argument=--port", "-a", "8080", "--wait")).Succeeded();
        Assert.Equal(["--port", "8080"], (await _host.GetAsync("app")).Spec.Arguments);
        Assert.Contains("asset ", (await RunAsync("status", "app")).Succeeded(), StringComparison.Ordinal);
        for (var number = 0; number < 3; number++)
        {
            (await RunAsync("deploy", "--image", "app", "-a", $"{number}", "--hold")).Succeeded();
        }

        Assert.Contains("removed", (await RunAsync("prune", "app", "--keep", "1")).Succeeded(), StringComparison.Ordinal);
        // The one that is asked for, the one before it, and what still runs.
        Assert.Equal([4L, 3L, 1L], (await _host.Services.ListVersionsAsync(new ListVersionsRequest { Name = "app" })).Versions.Select(version => version.Version.Number));
    }

    [Theory]
    [InlineData("deploy")]
    [InlineData("deploy", "x.json", "--image", "app")]
    [InlineData("deploy", "/does/not/exist.toml")]
    [InlineData("deploy", "--image", "none")]
    [InlineData("logs", "none")]
    [InlineData("prune", "none", "--keep", "0")]
    public async Task What_is_wrong_is_said(params string[] words)
    {
        var failed = await RunAsync(words);
        Assert.NotEqual(0, failed.Code);
        Assert.NotEmpty(failed.Error);
    }

    [Theory]
    [InlineData("name = \"a\"\ncommand = ", "bad.toml:2:")]
    [InlineData("name = \"a\"\ncomand = \"sleep\"", "comand")]
    [InlineData("name = \"a\"\ncommand = \"sleep\"\nstart_timeout = \"soon\"", "soon")]
    public async Task What_is_wrong_in_a_file_is_named(string text, string named)
    {
        await File.WriteAllTextAsync(_host["bad.toml"], text);
        var failed = await RunAsync("deploy", _host["bad.toml"]);
        Assert.Equal(ExitCode.Of(FaultKind.Invalid), failed.Code);
        Assert.Contains(named, failed.Error, StringComparison.Ordinal);
    }

    private Task<Support.Cli> RunAsync(params string[] words) => Support.Cli.RunAsync(["services", .. words, "--client-config", _host.ClientFile()]);
}
