using Auraed.Base;
using Auraed.Domain.Assets;
using Auraed.Domain.Cells;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Supervise;
using Microsoft.Extensions.Logging;

namespace Auraed.Host;

/// <summary>
/// What runs processes, found again before anything is served; of a daemon that does not have the seat, what is on record of them. Disposing lets go of every process; all live on.
/// </summary>
internal sealed class Workloads : IAsyncDisposable
{
    private readonly Processes _processes;
    private readonly ProcessLogs _logs;
    private readonly SignalTrace _trace;
    private readonly SupervisorSeat _seat;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _reaping;
    private SupervisedServices? _services;

    private Workloads(SupervisorSeat seat, CellHost cells, Processes processes, ProcessLogs logs, SignalTrace trace, TimeProvider time)
    {
        (_seat, Cells, Signals, _processes, _logs, _trace) = (seat, cells, new HostSignals(trace, seat), processes, logs, trace);
        _reaping = OrphanReaper.IsNeeded ? new OrphanReaper(time).RunAsync(_stopping.Token) : Task.CompletedTask;
    }

    public CellHost Cells { get; }

    public HostSignals Signals { get; }

    public SupervisedServices Services => _services!;

    /// <summary>Why nothing is supervised, and what changes that; empty when it is.</summary>
    public string SupervisionRefused => _seat.Refusal;

    public static async Task<Workloads> OpenAsync(
        Database database, RecordStore records, ContentReader contents, string library, TimeProvider time, Pulses pulses, ILogger logger, CancellationToken cancel)
    {
        SupervisorSeat seat = await SupervisorSeat.TakeAsync(database.Id, time, cancel);
        Tell(seat, logger);
        string missing = seat.Refusal;
        var cgroups = seat.IsOurs ? Cgroups.Find(database.Id, out missing) : null;
        if (seat.IsOurs && cgroups is null)
        {
            Log.CgroupsMissing(logger, missing);
        }

        var processes = new Processes(time);
        var logs = new ProcessLogs(Path.Combine(library, "logs", "cells"), time);
        var workloads = new Workloads(seat, new CellHost(records, processes, cgroups, missing, logs, seat, time, logger), processes, logs, new SignalTrace(database.Id, cgroups), time);
        try
        {
            if (seat.IsOurs)
            {
                workloads._trace.Sweep();
            }

            await workloads.Cells.RecoverAsync(cancel);
            workloads._services = await SupervisedServices.OpenAsync(database, records, contents, processes, cgroups, seat, library, time, pulses, logger, cancel);
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
        // Last: whoever takes it next finds processes that nobody holds.
        await _seat.DisposeAsync();
    }

    private static void Tell(SupervisorSeat seat, ILogger logger)
    {
        if (!seat.IsOurs)
        {
            Log.SupervisionRefused(logger, seat.Refusal);
        }
        else if (!seat.IsKnown)
        {
            Log.SeatNotTaken(logger);
        }
    }
}
