using System.Diagnostics;
using System.Globalization;
using Aurae.Discovery.V0;
using Auraed.Tests.Support;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Reflection.V1;

namespace Auraed.Tests.EndToEnd;

/// <summary>The shipped binary as a process: signals, the service manager, sockets that somebody else opened, users of the host.</summary>
public sealed class ProcessTests : IDisposable
{
    /// <summary>Listens on a socket and becomes the program with it as descriptor 3, as a service manager does.</summary>
    private const string Activate =
        """
        import os, socket, sys
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(sys.argv[1])
        listener.listen()
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="aurae")
        os.execv(sys.argv[2], sys.argv[2:])
        """;

    private const uint Nobody = 65534;

    private readonly DaemonFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_socket_that_the_service_manager_opened_is_served()
    {
        Directory.CreateDirectory(_fixture["run"]);
        await using var daemon = ChildProcess.Start(
            _fixture.Root, "python3", ["-c", Activate, _fixture.SocketPath, .. PublishedBinary.Daemon(_fixture.Root)]);
        await LogsAsync(daemon, "is ready: socket descriptor 3,");
        await DiscoverAsync();
        Assert.False(File.Exists(_fixture.SocketPath + ".lock"), "the daemon has opened a socket of its own");
        Signal(daemon, "TERM");
        Assert.Equal(0, await daemon.WaitForExitAsync());
        Assert.True(File.Exists(_fixture.SocketPath), "the socket is the service manager's to remove");
    }

    [Fact]
    public async Task SIGHUP_tells_the_service_manager_and_changes_the_log_level_and_a_broken_file_changes_nothing()
    {
        using var manager = new NotifySocket(_fixture["notify"]);
        var file = _fixture["auraed.toml"];
        File.WriteAllText(file, "[log]\nlevel = \"info\"\n");
        await using var daemon = ChildProcess.Start(_fixture.Root, "env", ["--default-signal=HUP", $"NOTIFY_SOCKET={manager.Path}", .. PublishedBinary.Daemon(_fixture.Root)]);
        await manager.HearAsync("READY=1");
        await DiscoverAsync();
        Assert.DoesNotContain("DiscoveryService", daemon.Output, StringComparison.Ordinal);

        File.WriteAllText(file, "[log]\nlevel = \"debug\"\n");
        var before = MonotonicMicroseconds();
        Signal(daemon, "HUP");
        var told = (await manager.HearAsync("RELOADING=1")).Split('\n').Single(line => line.StartsWith("MONOTONIC_USEC=", StringComparison.Ordinal));
        Assert.InRange(long.Parse(told.Split('=')[1], CultureInfo.InvariantCulture), before, MonotonicMicroseconds());
        await manager.HearAsync("READY=1");
        await DiscoverAsync();
        await LogsAsync(daemon, "DiscoveryService/Discover OK in");

        File.WriteAllText(file, "[log]\nlevel = \"loud\"\n");
        Signal(daemon, "HUP");
        await manager.HearAsync("RELOADING=1");
        await manager.HearAsync("READY=1");
        await LogsAsync(daemon, "the reload failed and nothing has changed");
        var length = daemon.Output.Length;
        await DiscoverAsync();
        await Eventually.HoldsAsync(() => daemon.Output[length..].Contains("DiscoveryService/Discover OK in", StringComparison.Ordinal), "debug goes on");
    }

    [Fact]
    public async Task A_second_SIGTERM_during_a_drain_ends_the_daemon_at_once()
    {
        await using var daemon = Start();
        using var channel = await OpenAsync(daemon);
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "*" });
        Assert.True(await call.ResponseStream.MoveNext(default));
        Signal(daemon, "TERM");
        await LogsAsync(daemon, "running calls have 25s to finish");
        var drain = Stopwatch.StartNew();
        Signal(daemon, "TERM");
        Assert.Equal(1, await daemon.WaitForExitAsync());
        Assert.True(drain.Elapsed < TimeSpan.FromSeconds(20), $"it took {drain.Elapsed}");
        Assert.Contains("again: stopping at once", daemon.Output, StringComparison.Ordinal);
    }

    /// <summary>The socket's mode keeps others out already; here it is opened wide, so that the daemon's own look at the caller is what refuses.</summary>
    [Fact]
    public async Task The_plaintext_socket_serves_the_own_user_and_refuses_any_other()
    {
        var path = _fixture["plain.sock"];
        await using var daemon = Start("--plaintext-socket", path);
        (await OpenAsync(daemon)).Dispose();
        File.WriteAllText(_fixture["plain.toml"], $"[system]\nsocket = \"{path}\"\n");
        string[] client = ["discover", "--client-config", _fixture["plain.toml"]];
        PublishedBinary.Run(client).Succeeded();
        if (Environment.IsPrivilegedProcess)
        {
            Open(_fixture.Root, path, _fixture["plain.toml"]);
            // Where the checkout lies, another user may not go.
            File.Copy(PublishedBinary.Path, _fixture["auraed"]);
            var stranger = Tool.Run("setpriv", [$"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", _fixture["auraed"], .. client]);
            Assert.NotEqual(0, stranger.Code);
            await LogsAsync(daemon, $"is refused: user {Nobody} (process ");
        }
    }

    [Fact]
    public async Task Status_has_the_daemons_own_facts_and_leaves_no_line_in_its_log()
    {
        await using var daemon = Start();
        (await OpenAsync(daemon)).Dispose();
        PublishedBinary.Run("init", "--root", _fixture.Root).Succeeded();
        await LogsAsync(daemon, "published ");
        var length = daemon.Output.Length;
        var status = PublishedBinary.Run("status", "--root", _fixture.Root, "--output", "json").Succeeded();
        string[] fields = ["running", $"{daemon.Id}", "resident_memory", "database_log", "last_sequence", "schema_version", "published_copy", "RecordService"];
        Assert.All(fields, field => Assert.Contains(field, status, StringComparison.Ordinal));
        Assert.Equal("", daemon.Output[length..]);
    }

    private static void Open(params string[] paths)
    {
        foreach (var path in paths)
        {
            File.SetUnixFileMode(path, (UnixFileMode)0b111_111_111);
        }
    }

    private ChildProcess Start(params string[] flags) => PublishedBinary.Start(_fixture.Root, flags);

    private async Task<GrpcChannel> OpenAsync(ChildProcess daemon)
    {
        await LogsAsync(daemon, " is ready: ");
        return _fixture.Open();
    }

    private async Task DiscoverAsync()
    {
        using var channel = _fixture.Open();
        Assert.True((await new DiscoveryService.DiscoveryServiceClient(channel).DiscoverAsync(new DiscoverRequest())).Healthy);
    }

    private static Task LogsAsync(ChildProcess daemon, string text) =>
        Eventually.HoldsAsync(() => daemon.Output.Contains(text, StringComparison.Ordinal), $"the daemon logs '{text}'");

    private static void Signal(ChildProcess daemon, string signal) =>
        Tool.Run("sh", "-c", string.Create(CultureInfo.InvariantCulture, $"kill -{signal} {daemon.Id}")).Succeeded();

    private static long MonotonicMicroseconds() => Stopwatch.GetElapsedTime(0).Ticks / TimeSpan.TicksPerMicrosecond;
}
