using Auraed.Tests.Support;

namespace Auraed.Tests.EndToEnd;

/// <summary>The shipped binary where standard output and standard error are not what they should be.</summary>
public sealed class OutputBinaryTests : IDisposable
{
    private const int Internal = 1;
    private const int Usage = 2;
    private const int NotFound = 5;
    private const int Exhausted = 12;
    private const int BrokenPipe = 141;

    /// <summary>Opens descriptor 3, which nobody reads.</summary>
    private const string Gone = "exec 3> >(:); wait $!; ";

    private readonly BinaryHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Whatever_is_printed_to_nobody_ends_with_141()
    {
        await using var daemon = await _host.StartAsync();
        _host.Apply("vm-1", "vm-2");
        string[] verbs =
        [
            "--help", "--version", "records ls --help", "config explain", "config show -o json", "completion bash", "docs man", "'[suggest:11]' 'auraed pki '", "status", "status -o csv",
            "records ls vm --limit 0", "records ls vm --limit 0 -o json", "records get vm vm-1", "query 'SELECT id FROM virtual_machine'", "query 'SELECT id FROM virtual_machine' -o csv",
            "events tail", "events tail --follow", "records watch vm --after 0", "health --watch",
        ];
        var run = Shell(Gone + string.Concat(verbs.Select(verb => $"{Auraed} {verb} >&3; echo $?; ")));

        Assert.Equal(verbs.Select(verb => (verb, $"{BrokenPipe}")), verbs.Zip(run.Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task A_follower_ends_with_the_first_event_after_its_reader()
    {
        await using var daemon = await _host.StartAsync();
        _host.Apply("vm-1");
        await using var follower = ChildProcess.Start(_host.Root, "/bin/bash", "-c", $"{Auraed} events tail -f -n 1 --root {_host.Root} | head -n 2; echo ${{PIPESTATUS[0]}}");
        var exit = follower.WaitForExitAsync();
        for (var number = 2; !exit.IsCompleted; number++)
        {
            _host.Apply($"vm-{number}");
        }

        Assert.Equal(0, await exit);
        Assert.EndsWith($"\n{BrokenPipe}\n", follower.Output, StringComparison.Ordinal);
    }

    /// <summary>Reading them is most of what a short command would take. A pipe that nobody writes to would hold up whoever opens it.</summary>
    [Fact]
    public async Task A_client_asks_no_authority_of_the_system()
    {
        await using var daemon = await _host.StartAsync();
        var pipe = System.IO.Path.Combine(_host.Root, "authorities");
        Tool.Run("mkfifo", pipe).Succeeded();
        Assert.StartsWith("daemon", Shell($"SSL_CERT_FILE={pipe} timeout 20 {Auraed} status").Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_behind_standard_output_is_named()
    {
        foreach (var verb in new[] { "config explain", "--help", "version" })
        {
            var run = Shell($"{Auraed} {verb} >/dev/full");

            Assert.Equal(Exhausted, run.Code);
            Assert.StartsWith("error: what was asked for cannot be written to standard output: No space left on device\n", run.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("2>/dev/full")]
    [InlineData("2>&-")]
    [InlineData("<&- >&- 2>&-")]
    public async Task Standard_error_that_cannot_be_written_changes_no_exit_code(string redirection)
    {
        await using var daemon = await _host.StartAsync();

        Assert.Equal(NotFound, Shell($"{Auraed} records get vm nope {redirection}").Code);
        Assert.Equal(Usage, Shell($"{Auraed} bogus {redirection}").Code);
        Assert.Equal(0, Shell($"{Auraed} events tail -n 1 {redirection} >/dev/null").Code);
    }

    [Fact]
    public void A_closed_standard_output_is_an_error_that_is_told() =>
        Assert.Equal((Internal, "error: what was asked for cannot be written to standard output: Bad file descriptor\nhint: check the disk: dmesg\n"), Of(Shell($"{Auraed} version >&-")));

    [Fact]
    public async Task What_was_printed_comes_before_what_is_told_of_it()
    {
        await using var daemon = await _host.StartAsync();
        _host.Apply("vm-1", "vm-2");

        var lines = Shell($"{Auraed} records ls vm --limit 1 2>&1").Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(3, lines.Length);
        Assert.StartsWith("warning: there are more than 1", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_daemon_without_standard_descriptors_keeps_its_files_out_of_their_numbers()
    {
        await using var daemon = ChildProcess.Start(_host.Root, "/bin/bash", "-c", $"exec {string.Join(' ', PublishedBinary.Daemon(_host.Root))} <&- >&- 2>&-");
        await Eventually.HoldsAsync(() => _host.Run("health").Code == 0, "the daemon is healthy");

        Assert.All(Enumerable.Range(0, 3), number => Assert.Equal("/dev/null", File.ResolveLinkTarget($"/proc/{daemon.Id}/fd/{number}", returnFinalTarget: false)?.FullName));
        _host.Apply("vm-1");
        Assert.True(_host.Has("vm-1"));
        await BinaryHost.StopAsync(daemon);
    }

    [Fact]
    public async Task A_certificate_of_another_authority_is_refused_as_one_whatever_finds_it_first()
    {
        await using var daemon = await _host.StartAsync();
        using var other = new TemporaryDirectory();
        PublishedBinary.Run("init", "--root", other.Path, "--algorithm", "ec").Succeeded();
        var foreign = other["foreign"];
        var pki = other["pki"];
        File.WriteAllText(foreign, $"""
            [auth]
            ca_crt = "{_host.Fixture.Pki.CaCertificate}"
            client_crt = "{pki}/_signed.client.nova.crt"
            client_key = "{pki}/client.nova.key"
            [system]
            socket = "{_host.Fixture.SocketPath}"
            """);
        const int unauthenticated = 10;
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var run = _host.Run("discover", "--client-config", foreign);

            Assert.True(run.Code == unauthenticated, $"{run.Code}: {run.Error}");
            Assert.Contains($"most likely it does not accept the certificate {pki}/_signed.client.nova.crt", run.Error, StringComparison.Ordinal);
            Assert.Contains("auraed pki client NAME", run.Error, StringComparison.Ordinal);
        }
    }

    private static (int Code, string Error) Of(Tool run) => (run.Code, run.Error);

    private static string Auraed => PublishedBinary.Path;

    private Tool Shell(string line) => Tool.Run("/bin/bash", ["-c", line], new Dictionary<string, string?> { ["AURAE_ROOT"] = _host.Root });
}
