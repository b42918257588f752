using Aurae.Registry.V0;
using Aurae.Services.V0;
using Auraed.Host;
using Auraed.Store;
using Grpc.Net.Client;

namespace Auraed.Tests.Support;

/// <summary>A daemon inside this process whose services are real processes; they outlive its stop and are ended with the host.</summary>
internal sealed class ServiceHost : IAsyncDisposable
{
    private readonly DaemonFixture _fixture = new();
    private DaemonHost? _daemon;

    public GrpcChannel Channel { get; private set; } = null!;

    public ServiceService.ServiceServiceClient Services { get; private set; } = null!;

    public RegistryService.RegistryServiceClient Registry { get; private set; } = null!;

    public string this[string name] => _fixture[name];

    public string Library => _fixture.Settings().LibraryDirectory;

    public static async Task<ServiceHost> StartAsync()
    {
        var host = new ServiceHost();
        await host.StartDaemonAsync();
        return host;
    }

    public async Task StartDaemonAsync()
    {
        _daemon = await _fixture.StartAsync();
        Channel = _fixture.Open();
        Services = new ServiceService.ServiceServiceClient(Channel);
        Registry = new RegistryService.RegistryServiceClient(Channel);
    }

    public async Task StopDaemonAsync()
    {
        Channel.Dispose();
        if (_daemon is { } daemon)
        {
            _daemon = null;
            await daemon.StopAsync(default);
            await daemon.DisposeAsync();
        }
    }

    /// <summary>A client's file, for the command line.</summary>
    public string ClientFile()
    {
        var path = _fixture["client"];
        File.WriteAllText(path, Aurae.Pki.ClientConfig.For(_fixture.Pki, Aurae.Pki.ClientName.Default, _fixture.SocketPath).ToToml());
        return path;
    }

    /// <summary>The daemon's file while it is stopped.</summary>
    public Database OpenDatabase() => Database.Open(new DatabaseOptions { Directory = _fixture.Settings().LibraryDirectory, KeyPath = _fixture.Settings().ServerKeyPath });

    public static ServiceSpec Shell(string name, string script) => new() { Name = name, Command = "/bin/sh", Arguments = { "-c", script } };

    public static ServiceSpec Sleeper(string name, params string[] requires) => new()
    {
        Name = name,
        Command = "sleep",
        Arguments = { "1000" },
        Stop = new Stop { Grace = new() { Seconds = 2 } },
        Dependencies = new Dependencies { Requires = { requires } },
    };

    public async Task<ServiceStatus> DeployAsync(ServiceSpec spec, bool isAwaited = true) =>
        await Services.DeployAsync(new DeployRequest { Spec = spec, Wait = isAwaited });

    public async Task<ServiceStatus> GetAsync(string name) => await Services.GetAsync(new GetServiceRequest { Name = name });

    /// <summary>What it wrote, both streams.</summary>
    public async Task<List<string>> LinesAsync(string name, Action<LogsRequest>? change = null)
    {
        var request = new LogsRequest { Name = name };
        change?.Invoke(request);
        using var call = Services.Logs(request);
        var lines = new List<string>();
        while (await call.ResponseStream.MoveNext(default))
        {
            lines.AddRange(call.ResponseStream.Current.Lines.Select(line => line.Text));
        }

        return lines;
    }

    public Task BecomesAsync(string name, SlotPhase phase) => Eventually.HoldsAsync(async () => (await GetAsync(name)).Slot?.Phase == phase, $"{name} is {phase}");

    public async Task<List<ServiceStatus>> ListAsync() => [.. (await Services.ListAsync(new ListServicesRequest())).Services];

    public static bool IsAlive(int pid) => Auraed.Supervise.ProcessFiles.StartTicks(pid) is not null;

    public async ValueTask DisposeAsync()
    {
        if (_daemon is null)
        {
            await StartDaemonAsync();
        }

        await Services.ShutdownAsync(new ShutdownRequest());
        await StopDaemonAsync();
        _fixture.Dispose();
    }
}
