using System.Net.Sockets;
using Aurae.Discovery.V0;
using Auraed.Base;
using Auraed.Host;
using Auraed.Tests.Support;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1;

namespace Auraed.Tests.EndToEnd;

/// <summary>The daemon's edge over real sockets: who is let in, what answers, how it starts beside another and how it stops.</summary>
public sealed class DaemonTests : IDisposable
{
    private readonly DaemonFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_client_of_the_authority_discovers_the_daemon()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        var answer = await new DiscoveryService.DiscoveryServiceClient(channel).DiscoverAsync(new DiscoverRequest());
        Assert.True(answer.Healthy);
        Assert.Equal(DaemonHost.Version, answer.Version);
    }

    [Fact]
    public async Task Plaintext_on_the_socket_with_TLS_fails()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = UnixSocketChannel.Open(_fixture.SocketPath);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await new DiscoveryService.DiscoveryServiceClient(channel).DiscoverAsync(new DiscoverRequest()));
        Assert.Contains(error.StatusCode, new[] { StatusCode.Unavailable, StatusCode.Unknown, StatusCode.Internal });
        await Eventually.HoldsAsync(() => _fixture.Log.Text.Contains("failed its TLS handshake", StringComparison.Ordinal), "the log line");
    }

    [Fact]
    public async Task Only_the_unix_socket_is_bound_by_default()
    {
        await using var host = await _fixture.StartAsync();
        Assert.Equal(_fixture.SocketPath, host.Sockets);
        Assert.Equal((UnixFileMode)0b111_110_110, File.GetUnixFileMode(_fixture.SocketPath));
    }

    [Fact]
    public async Task A_tcp_listener_is_opened_when_asked_for()
    {
        await using var host = await _fixture.StartAsync(("listen.tcp", "127.0.0.1:0"));
        Assert.Contains("127.0.0.1", host.Sockets, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Root_is_served_on_the_plaintext_socket_and_the_scheme_does_not_matter()
    {
        var path = _fixture["run/plain.sock"];
        await using var host = await _fixture.StartAsync(("listen.plaintext_socket", path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        using var channel = UnixSocketChannel.Open(path);
        Assert.True((await new DiscoveryService.DiscoveryServiceClient(channel).DiscoverAsync(new DiscoverRequest())).Healthy);
    }

    [Fact]
    public async Task Health_is_known_by_service_and_unknown_services_are_not_found()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        var health = new Health.HealthClient(channel);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(new HealthCheckRequest())).Status);
        Assert.Equal(
            HealthCheckResponse.Types.ServingStatus.Serving,
            (await health.CheckAsync(new HealthCheckRequest { Service = "aurae.discovery.v0.DiscoveryService" })).Status);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await health.CheckAsync(new HealthCheckRequest { Service = "aurae.runtime.v0.CellService" }));
        Assert.Equal((StatusCode.NotFound, "service not registered"), (error.StatusCode, error.Status.Detail));
        Assert.NotNull(error.GetRpcStatus());
    }

    [Fact]
    public async Task A_health_watch_hears_of_the_drain_and_does_not_hold_it_up()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        using var watch = new Health.HealthClient(channel).Watch(new HealthCheckRequest());
        Assert.True(await watch.ResponseStream.MoveNext(default));
        var stop = host.StopAsync(new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token);
        Assert.True(await watch.ResponseStream.MoveNext(default));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, watch.ResponseStream.Current.Status);
        var end = await Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext(default));
        Assert.Equal(StatusCode.Unavailable, end.StatusCode);
        await stop;
    }

    [Fact]
    public async Task Reflection_lists_the_services_and_hands_out_their_files()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "*" });
        Assert.True(await call.ResponseStream.MoveNext(default));
        Assert.Contains(call.ResponseStream.Current.ListServicesResponse.Service, service => service.Name == "grpc.health.v1.Health");
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { FileContainingSymbol = "aurae.discovery.v0.DiscoverRequest" });
        Assert.True(await call.ResponseStream.MoveNext(default));
        Assert.NotEmpty(call.ResponseStream.Current.FileDescriptorResponse.FileDescriptorProto);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { FileByFilename = "none.proto" });
        Assert.True(await call.ResponseStream.MoveNext(default));
        Assert.Equal((int)StatusCode.NotFound, call.ResponseStream.Current.ErrorResponse.ErrorCode);
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(default));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_caller_that_goes_after_its_first_answer_leaves_no_word_in_the_log(bool isComplete)
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        var client = new ServerReflection.ServerReflectionClient(channel);
        var length = _fixture.Log.Text.Length;
        for (var round = 0; round < 300; round++)
        {
            using var call = client.ServerReflectionInfo();
            await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "*" });
            if (isComplete)
            {
                await call.RequestStream.CompleteAsync();
            }

            Assert.True(await call.ResponseStream.MoveNext(default));
        }

        await host.StopAsync(default);
        Assert.Equal("", string.Join(Environment.NewLine, _fixture.Log.Text[length..].Split(Environment.NewLine).Where(line => line.Contains(" error ", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task A_service_that_is_not_served_is_unimplemented()
    {
        await using var host = await _fixture.StartAsync();
        using var channel = _fixture.Open();
        var empty = Marshallers.Create(_ => Array.Empty<byte>(), bytes => bytes);
        var method = new Method<byte[], byte[]>(MethodType.Unary, "aurae.none.v0.NoneService", "Get", empty, empty);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, []);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await call.ResponseAsync);
        Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
    }

    [Fact]
    public async Task A_second_daemon_is_refused_and_told_who_holds_the_library()
    {
        await using var host = await _fixture.StartAsync();
        var fault = await Assert.ThrowsAsync<Fault>(() => _fixture.StartAsync(("runtime_dir", _fixture["other"])));
        Assert.Contains($"pid {Environment.ProcessId}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_live_socket_is_not_taken_and_goes_on_to_serve()
    {
        await using var host = await _fixture.StartAsync();
        var fault = await Assert.ThrowsAsync<Fault>(() => _fixture.StartAsync(("library_dir", _fixture["other"])));
        Assert.Equal("SOCKET_IN_USE", fault.Reason);
        Assert.False(Directory.Exists(_fixture["other"]), "the refused daemon has touched its library directory");
        using var channel = _fixture.Open();
        Assert.True((await new DiscoveryService.DiscoveryServiceClient(channel).DiscoverAsync(new DiscoverRequest())).Healthy);
    }

    [Fact]
    public async Task A_socket_that_a_stranger_serves_is_not_taken_either()
    {
        Directory.CreateDirectory(_fixture["run"]);
        using var stranger = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        stranger.Bind(new UnixDomainSocketEndPoint(_fixture.SocketPath));
        stranger.Listen();
        await Assert.ThrowsAsync<Fault>(() => _fixture.StartAsync());
        Assert.True(File.Exists(_fixture.SocketPath));
    }

    [Fact]
    public async Task A_stale_socket_is_replaced_and_a_stopped_daemon_leaves_none()
    {
        Directory.CreateDirectory(_fixture["run"]);
        File.WriteAllText(_fixture.SocketPath, "");
        await using (var host = await _fixture.StartAsync())
        {
            using var channel = _fixture.Open();
            Assert.True((await new DiscoveryService.DiscoveryServiceClient(channel).DiscoverAsync(new DiscoverRequest())).Healthy);
        }

        Assert.False(File.Exists(_fixture.SocketPath));
    }

    [Fact]
    public async Task The_service_manager_hears_of_start_and_stop()
    {
        using var manager = new NotifySocket(_fixture["notify"]);
        var environment = new Dictionary<string, string> { ["NOTIFY_SOCKET"] = manager.Path, ["WATCHDOG_USEC"] = "20000" };
        using var stop = new CancellationTokenSource();
        var run = Daemon.RunAsync(_fixture.Settings(), environment, _fixture.Log, stop.Token);
        await manager.HearAsync("READY=1");
        await manager.HearAsync("WATCHDOG=1");
        await stop.CancelAsync();
        await manager.HearAsync("STOPPING=1");
        Assert.Equal(0, await run);
    }

    [Fact]
    public async Task A_reload_puts_new_certificates_to_work_for_new_connections()
    {
        await using var host = await _fixture.StartAsync();
        var other = PkiFixture.Make(_fixture["other"]);
        host.Reload(_fixture.Settings(("ca_crt", other.CaCertificate)));
        using var channel = _fixture.Open();
        await Assert.ThrowsAsync<RpcException>(async () => await new DiscoveryService.DiscoveryServiceClient(channel).DiscoverAsync(new DiscoverRequest()));
        await Eventually.HoldsAsync(() => _fixture.Log.Text.Contains("signed by another authority", StringComparison.Ordinal), "the log line");
    }
}
