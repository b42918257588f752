using System.Net.Sockets;
using System.Reflection;
using Auraed.Base;
using Auraed.Config;
using Auraed.Host.Origin;
using Auraed.Rpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Auraed.Host;

/// <summary>
/// The running daemon, without a process around it: listeners, services, health. What signals and the service manager add is in <see cref="Daemon"/>.
/// Invariants: nothing listens before everything is composed; nothing is composed before the sockets are this daemon's own; every service that is mapped
/// really answers.
/// </summary>
internal sealed class DaemonHost : IAsyncDisposable
{
    private readonly Logs _logs;
    private readonly ILoggerFactory _loggers;
    private WebApplication? _app;
    private Listeners? _listeners;
    private OriginServer? _origin;
    private Composition? _composition;
    private TlsIdentity _identity;

    private DaemonHost(Settings settings, Logs logs)
    {
        _logs = logs;
        _loggers = LoggerFactory.Create(logs.AddTo);
        Settings = settings;
        Logger = _loggers.CreateLogger("Auraed.Host");
        _identity = TlsIdentity.Load(settings, Logger);
    }

    public static string Version { get; } =
        typeof(DaemonHost).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";

    public ILogger Logger { get; }

    /// <summary>What is in force; a reload changes the reloadable ones.</summary>
    public Settings Settings { get; private set; }

    public Composition Parts => _composition!;

    /// <summary>For the log.</summary>
    public string Sockets => _listeners!.Names;

    /// <summary>Composes and opens everything; on a fault nothing stays open.</summary>
    public static async Task<DaemonHost> StartAsync(
        Settings settings, IReadOnlyDictionary<string, string> environment, Stream log, TimeProvider time, CancellationToken cancel)
    {
        var host = new DaemonHost(settings, new Logs(settings, log, Logs.IsJournal(environment)));
        try
        {
            await host.OpenAsync(environment, time, cancel);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Health turns NOT_SERVING, clients are told to go elsewhere (GOAWAY), running calls finish until <paramref name="cut"/>, watches end now.
    /// </summary>
    public async Task StopAsync(CancellationToken cut)
    {
        Parts.Board.Drain();
        Parts.Drain.Begin();
        await _app!.StopAsync(cut);
    }

    /// <summary>Puts the reloadable settings and the certificates, read again, to work for new connections. On a fault nothing has changed.</summary>
    public void Reload(Settings settings)
    {
        var identity = TlsIdentity.Load(settings, Logger);
        Volatile.Write(ref _identity, identity);
        _logs.SetLevel(settings);
        foreach (var setting in SettingsCatalog.All.Where(setting => !setting.IsReloadable && setting.Show(settings) != setting.Show(Settings)))
        {
            Log.RestartNeeded(Logger, setting.Key);
        }

        var edge = _app!.Services.GetRequiredService<Edge>();
        edge.Bounds = edge.Bounds with { SlowCall = settings.SlowCall };
        Settings = Settings with
        {
            LogLevel = settings.LogLevel,
            Verbose = settings.Verbose,
            SlowCall = settings.SlowCall,
            ServerCertificatePath = settings.ServerCertificatePath,
            ServerKeyPath = settings.ServerKeyPath,
            AuthorityPath = settings.AuthorityPath,
        };
        Log.Reloaded(Logger, settings.ConfigPath ?? "no file");
    }

    public async ValueTask DisposeAsync()
    {
        if (_origin is not null)
        {
            await _origin.DisposeAsync();
        }

        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        _listeners?.Dispose();
        if (_composition is not null)
        {
            await _composition.DisposeAsync();
        }

        _loggers.Dispose();
        _logs.Dispose();
    }

    private async Task OpenAsync(IReadOnlyDictionary<string, string> environment, TimeProvider time, CancellationToken cancel)
    {
        var policy = new AccessPolicy(Native.ProcessGuards.UserId);
        _listeners = new Listeners(Settings, new ConnectionGate(Settings, time, Logger), policy, () => Volatile.Read(ref _identity), Logger);
        _listeners.Claim(InheritedSockets.Take(environment));
        _composition = await Composition.OpenAsync(Settings, time, _logs.Feed, Logger, cancel);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "auraed", ContentRootPath = "/", EnvironmentName = "Production" });
        _logs.AddTo(builder.Logging);
        builder.Services.AddSingleton<IHostLifetime, OwnLifetime>();
        // The drain's end is decided by whoever stops the host.
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = Timeout.InfiniteTimeSpan);
        _composition.Register(builder.Services, Settings, Version);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        _listeners.Open(builder.WebHost);
        _app = builder.Build();
        Composition.Map(_app);
        var edge = _app.Services.GetRequiredService<Edge>();
        edge.Broken = bug => Environment.FailFast(bug.Message, bug);
        edge.Start();
        _composition.Serve();
        try
        {
            if (!KestrelScheduling.TryInstall(_app.Services.GetRequiredService<IServer>()))
            {
                Log.FramesAreHandedOver(Logger);
            }

            await _app.StartAsync(cancel);
            _origin = await OriginServer.StartAsync(Settings, _composition.Origin, logging => _logs.AddTo(logging), Logger, cancel);
            _composition.Work(Settings, Logger);
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            throw new Fault(FaultKind.Precondition, $"cannot listen: {error.Message}", "socket", "give another address", error);
        }
    }

    /// <summary>Signals and the end of the process are Daemon's; the framework's own lifetime would take them first.</summary>
    private sealed class OwnLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
