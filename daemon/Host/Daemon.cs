using System.Diagnostics;
using Auraed.Base;
using Auraed.Config;
using Auraed.Native;

namespace Auraed.Host;

/// <summary>
/// The daemon as a process: guards, signals, the service manager, and the order in which it stops. SIGTERM and SIGINT drain, a second one stops at once;
/// SIGHUP reloads.
/// </summary>
public static class Daemon
{
    private const int Done = 0;
    private const int Failed = 1;

    /// <summary>Runs until told to stop. Faults when it cannot start; returns 0 after a drain, 1 when it had to give up or calls were cut.</summary>
    public static Task<int> RunAsync(Settings settings, CancellationToken cancel)
    {
        ProcessGuards.Apply();
        ProcessGuards.RaiseOpenFiles();
        return RunAsync(settings, SettingsLoader.ProcessEnvironment(), Console.OpenStandardError(), cancel);
    }

    internal static async Task<int> RunAsync(Settings settings, IReadOnlyDictionary<string, string> environment, Stream log, CancellationToken cancel)
    {
        // Taken before anything is opened: a signal during the start is a clean stop, too.
        using var signals = new DaemonSignals(cancel);
        await using var host = await DaemonHost.StartAsync(settings, environment, log, TimeProvider.System, cancel);
        using var manager = new ServiceManager(environment, host.Logger);
        await using var watchdog = new Watchdog(manager, host.Parts, TimeProvider.System, host.Logger);
        using var failure = host.Parts.Failed.Register(() => signals.Post(DaemonSignal.Failure));
        Log.Ready(host.Logger, DaemonHost.Version, host.Sockets, host.Parts.Database.Path, settings.ConfigPath ?? "none", Environment.ProcessId, AgeOfProcess());
        manager.Ready(Status(host));
        // What only the start needed goes back to the system, after whoever waited for the start has been told.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

        DaemonSignal signal;
        while ((signal = await signals.NextAsync()) == DaemonSignal.Reload)
        {
            Reload(host, manager);
        }

        manager.Stopping();
        var isClean = await DrainAsync(host, signals, signal);
        Log.Stopped(host.Logger);
        return isClean && signal == DaemonSignal.Stop ? Done : Failed;
    }

    private static string Status(DaemonHost host) =>
        $"serving on {host.Sockets}" + (host.Parts.SupervisionRefused is { Length: > 0 } refusal ? $", without supervision: {refusal}" : string.Empty);

    private static void Reload(DaemonHost host, ServiceManager manager)
    {
        manager.Reloading();
        try
        {
            host.Reload(host.Settings.Source?.Load() ?? host.Settings);
        }
        catch (Fault fault)
        {
            Log.ReloadFailed(host.Logger, fault.Message);
        }

        manager.Ready(Status(host));
    }

    /// <summary>False when calls were cut because the time was up or a second signal came.</summary>
    private static async Task<bool> DrainAsync(DaemonHost host, DaemonSignals signals, DaemonSignal signal)
    {
        var timeout = host.Settings.DrainTimeout;
        Log.Draining(host.Logger, signal.ToString(), SettingsCatalog.Shown(timeout));
        using var cut = new CancellationTokenSource();
        cut.CancelAfter(timeout);
        var stop = host.StopAsync(cut.Token);
        while (!stop.IsCompleted)
        {
            var next = signals.NextAsync();
            if (await Task.WhenAny(stop, next) == next && await next != DaemonSignal.Reload)
            {
                Log.StoppingAtOnce(host.Logger, (await next).ToString());
                await cut.CancelAsync();
                break;
            }
        }

        try
        {
            await stop;
        }
        catch (OperationCanceledException)
        {
            // The host stops its services and then says that it was hurried; they are stopped all the same.
        }

        return !cut.IsCancellationRequested;
    }

    private static long AgeOfProcess()
    {
        using var self = Process.GetCurrentProcess();
        return (long)(TimeProvider.System.GetUtcNow() - self.StartTime).TotalMilliseconds;
    }
}
