using Auraed.Base;
using Auraed.Domain.Assets;
using Auraed.Domain.Cells;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Supervise;
using Microsoft.Extensions.Logging;

namespace Auraed.Host;

/// <summary>What runs processes, found again before anything is served. Disposing lets go of every process; all live on.</summary>
internal sealed class Workloads : IAsyncDisposable
{
    private readonly Processes _processes;
    private readonly ProcessLogs _logs;
    private readonly SignalTrace _trace;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _reaping;
    private SupervisedServices? _services;

    private Workloads(CellHost cells, Processes processes, ProcessLogs logs, SignalTrace trace, TimeProvider time)
    {
        (Cells, Signals, _processes, _logs, _trace) = (cells, new HostSignals(trace), processes, logs, trace);
        _reaping = OrphanReaper.IsNeeded ? new OrphanReaper(time).RunAsync(_stopping.Token) : Task.CompletedTask;
    }

    public CellHost Cells { get; }

    public HostSignals Signals { get; }

    public SupervisedServices Services => _services!;

    public static async Task<Workloads> OpenAsync(
        Database database, RecordStore records, ContentReader contents, string library, TimeProvider time, Pulses pulses, ILogger logger, CancellationToken cancel)
    {
        var cgroups = Cgroups.Find(database.Id, out string missing);
        if (cgroups is null)
        {
            Log.CgroupsMissing(logger, missing);
        }

        var processes = new Processes(time);
        var logs = new ProcessLogs(Path.Combine(library, "logs", "cells"), time);
        var workloads = new Workloads(new CellHost(records, processes, cgroups, missing, logs, time, logger), processes, logs, new SignalTrace(database.Id, cgroups), time);
        try
        {
            workloads._trace.Sweep();
            await workloads.Cells.RecoverAsync(cancel);
            workloads._services = await SupervisedServices.OpenAsync(database, records, contents, processes, cgroups, library, time, pulses, logger, cancel);
            return workloads;
        }
        catch
        {
            await workloads.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _reaping;
        _trace.Dispose();
        await (_services?.DisposeAsync() ?? ValueTask.CompletedTask);
        await Cells.DisposeAsync();
        _logs.Dispose();
        _processes.Dispose();
        _stopping.Dispose();
    }
}
