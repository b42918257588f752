using System.Collections.Concurrent;
using Auraed.Base;
using Auraed.Store;
using Auraed.Supervise;
using Microsoft.Extensions.Logging;

namespace Auraed.Domain.Services;

/// <summary>
/// Carries out the orders of machines, and tells them what comes of it. Invariants: a program is executed only after its process is on record;
/// every instance ends with one Exited or LaunchFailed, told after nothing of it is left in its cgroup.
/// </summary>
internal sealed class InstanceRunner(ServiceSupervisor supervisor, InstanceLauncher launcher, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly SemaphoreSlim _places = new(Limits.LaunchesCountMax);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Task, bool> _tasks = [];
    private readonly InstanceProbe _probe = new(launcher, time);

    public InstanceLauncher Launcher => launcher;

    /// <summary>On the supervisor's loop.</summary>
    public void Launch(ManagedSlot slot, long number)
    {
        slot.Launch = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        Own(LaunchAsync(slot, number, slot.Launch));
    }

    public void Signal(ManagedSlot slot, int signal)
    {
        slot.Launch?.Cancel();
        _ = slot.Process?.Signal(signal);
    }

    public void Kill(ManagedSlot slot)
    {
        slot.Launch?.Cancel();
        slot.Process?.KillGroup();
        if (slot.Process is not null)
        {
            Own(CleanAsync(slot, isRemoved: false));
        }
    }

    /// <summary>Finds the process on record; true when it lives. Otherwise its end is told later.</summary>
    public bool Adopt(ManagedSlot slot, long number)
    {
        if (SlotRecords.Process(slot.Record) is { } identity && launcher.Processes.TryAdopt(identity) is { } process)
        {
            slot.Process = process;
            OpenLogs(slot);
            Own(WatchAsync(slot, number, process));
            return true;
        }

        Own(EndAsync(slot, ServiceInput.Exited(number, ExitStatus.Unknown)));
        return false;
    }

    public void Probe(ManagedSlot slot, Instance instance)
    {
        slot.IsProbing = true;
        Own(ProbeAsync(slot, instance));
    }

    /// <summary>Waits for what is under way; processes run on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_tasks.Keys).ConfigureAwait(false);
        _probe.Dispose();
        _places.Dispose();
        _stopping.Dispose();
    }

    /// <summary>It goes on writing, so somebody has to keep its logs within their bounds; that this is not possible now is no reason to let go of it.</summary>
    private void OpenLogs(ManagedSlot slot)
    {
        try
        {
            _ = launcher.OpenLogs(slot.Service.Tenant, slot.Spec);
        }
        catch (Fault fault)
        {
            Log.ServiceLogNotKept(logger, slot.Record.Id, fault.Message);
        }
    }

    private async Task LaunchAsync(ManagedSlot slot, long number, CancellationTokenSource launch)
    {
        string why;
        try
        {
            await _places.WaitAsync(launch.Token).ConfigureAwait(false);
            try
            {
                string address = InstanceLauncher.ChooseAddress(slot.Spec);
                var instance = new Instance(slot.Service.Tenant, slot.Spec, slot.Cgroup, slot.Record.Version, number, address);
                await using PreparedProcess prepared = await launcher.PrepareAsync(instance, launch.Token).ConfigureAwait(false);
                CrashPoint.Reach("service.prepared");
                await supervisor.RunAsync(() => supervisor.Record(slot, number, prepared.Identity, address), launch.Token).ConfigureAwait(false);
                CrashPoint.Reach("service.recorded");
                SupervisedProcess process = await prepared.GoAsync(launch.Token).ConfigureAwait(false);
                CrashPoint.Reach("service.launched");
                await supervisor.PostAsync(() => supervisor.Launched(slot, number, process)).ConfigureAwait(false);
                Own(WatchAsync(slot, number, process));
                return;
            }
            finally
            {
                _places.Release();
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        catch (OperationCanceledException)
        {
            why = "it was stopped while it was being launched";
        }
        catch (Exception failure) when (failure is Fault or IOException or UnauthorizedAccessException)
        {
            why = failure.Message;
        }

        await EndAsync(slot, ServiceInput.LaunchFailed(number, why)).ConfigureAwait(false);
    }

    private async Task WatchAsync(ManagedSlot slot, long number, SupervisedProcess process)
    {
        try
        {
            ExitStatus exit = await process.Ended.WaitAsync(_stopping.Token).ConfigureAwait(false);
            process.Dispose();
            await EndAsync(slot, ServiceInput.Exited(number, exit)).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The daemon stops; the process lives on.
            process.Dispose();
        }
    }

    /// <summary>Children that outlived the main process go before its end is told, so that the next instance is alone.</summary>
    private async Task EndAsync(ManagedSlot slot, ServiceInput end)
    {
        end = end.Because(launcher.MemoryKills(slot.Cgroup));
        await CleanAsync(slot, isRemoved: true).ConfigureAwait(false);
        CrashPoint.Reach("service.cleaned");
        await supervisor.PostAsync(() => supervisor.Ended(slot, end)).ConfigureAwait(false);
    }

    private async Task CleanAsync(ManagedSlot slot, bool isRemoved)
    {
        try
        {
            if (isRemoved)
            {
                await launcher.CleanAsync(slot.Cgroup, _stopping.Token).ConfigureAwait(false);
            }
            else if (launcher.Cgroups is { } cgroups && cgroups.Exists(InstanceLauncher.NodeOf(slot.Cgroup)))
            {
                await cgroups.KillAsync(InstanceLauncher.NodeOf(slot.Cgroup), time, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (Exception failure) when (failure is Fault or IOException or UnauthorizedAccessException)
        {
            Log.ServiceNotCleaned(logger, slot.Record.Id, failure.Message);
        }
        catch (OperationCanceledException)
        {
            // The next start of the daemon cleans.
        }
    }

    private async Task ProbeAsync(ManagedSlot slot, Instance instance)
    {
        try
        {
            string? why = await _probe.AskAsync(instance, _stopping.Token).ConfigureAwait(false);
            await supervisor.PostAsync(() => supervisor.Probed(slot, instance.Number, why)).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
    }

    private void Own(Task task)
    {
        _tasks[task] = true;
        _ = task.ContinueWith(done => _tasks.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}
