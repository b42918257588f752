using System.Collections.Concurrent;
using Aurae.Cells.V0;
using Aurae.Hosts.V0;
using Auraed.Base;
using Auraed.Supervise;
using Microsoft.Extensions.Logging;

namespace Auraed.Domain.Cells;

/// <summary>
/// What a daemon does that comes back: nodes are made where they are missing, what lives is adopted, what ended is noted, what ran when the host went
/// down runs again, what nobody owns goes. A cell that fails is logged and stays on record; the others go on.
/// </summary>
internal sealed class CellReturn(CellProcesses host, CellRecords records, Action<CellEntry, ExecutableEntry, SupervisedProcess> watch, ILogger logger)
{
    private readonly CellReconciliationReport _report = new() { BootId = BootClock.BootId };

    public async Task<CellReconciliationReport> ReturnAsync(ConcurrentDictionary<string, CellEntry> cells, CellEntry bare, CancellationToken cancel)
    {
        (List<Cell> specs, Dictionary<string, CellState> states, List<CellExecutable> executables) = await records.ReadAsync(cancel).ConfigureAwait(false);
        foreach (Cell spec in specs)
        {
            var cell = cells[spec.Name] = new CellEntry(spec);
            await TryAsync(spec.Name, () => ReturnAsync(cell, states.GetValueOrDefault(spec.Name), cancel)).ConfigureAwait(false);
        }

        _report.Cells = specs.Count;
        foreach (CellExecutable executable in executables)
        {
            var entry = new ExecutableEntry(executable);
            CellEntry? cell = executable.Cell.Length == 0 ? bare : cells.GetValueOrDefault(executable.Cell);
            if (cell is null || executable.Name.Length == 0)
            {
                continue;
            }

            cell.Executables[executable.Name] = entry;
            if (!executable.Running)
            {
                continue;
            }

            ProcessIdentity identity = CellRecords.IdentityOf(executable);
            if (host.TryAdopt(identity) is { } process)
            {
                watch(cell, entry, process);
                await TryAsync(executable.Id, () => OpenLogs(entry)).ConfigureAwait(false);
                _report.Adopted++;
            }
            else if (identity.BootId == BootClock.BootId)
            {
                await EndAsync(entry, cancel).ConfigureAwait(false);
                _report.Ended++;
            }
            else
            {
                _report.Restarted += await TryAsync(executable.Id, () => RestartAsync(cell, entry, cancel)).ConfigureAwait(false) ? 1 : 0;
            }
        }

        await TryAsync("leftovers", async () => _report.Cleaned = await host.CleanAsync(cells, bare, cancel).ConfigureAwait(false)).ConfigureAwait(false);
        return _report;
    }

    private async Task ReturnAsync(CellEntry cell, CellState? state, CancellationToken cancel)
    {
        host.Make(cell.Name, CellRequests.Bounds(cell.Spec));
        cell.OutOfMemoryKills = host.OutOfMemoryKills(cell.Name);
        if (!cell.IsIsolated)
        {
            return;
        }

        cell.Holder = state is null ? null : host.TryAdopt(new ProcessIdentity(state.HolderPid, state.HolderStartTicks, state.HolderBootId));
        if (cell.Holder is null)
        {
            await using PreparedProcess holder = await host.PrepareHolderAsync(cell, cancel).ConfigureAwait(false);
            await records.SetHolderAsync(cell.Name, holder.Identity, cancel).ConfigureAwait(false);
            cell.Holder = await holder.GoAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private Task OpenLogs(ExecutableEntry entry)
    {
        host.OpenLogs(entry);
        return Task.CompletedTask;
    }

    private async Task EndAsync(ExecutableEntry entry, CancellationToken cancel)
    {
        CellExecutable ended = records.Ended(entry.Record, ExitStatus.Unknown);
        _ = await records.ReplaceAsync(ended, entry.Record, cancel).ConfigureAwait(false);
        entry.Record = ended;
    }

    private async Task RestartAsync(CellEntry cell, ExecutableEntry entry, CancellationToken cancel)
    {
        CellExecutable before = entry.Record;
        try
        {
            await using PreparedProcess prepared = await host.PrepareAsync(cell, entry, cancel).ConfigureAwait(false);
            CellExecutable again = CellRecords.With(before, prepared.Identity, records.Now);
            _ = await records.ReplaceAsync(again, before, cancel).ConfigureAwait(false);
            entry.Record = again;
            watch(cell, entry, await prepared.GoAsync(CancellationToken.None).ConfigureAwait(false));
        }
        catch (Fault)
        {
            await EndAsync(entry, cancel).ConfigureAwait(false);
            throw;
        }
    }

    private async Task<bool> TryAsync(string what, Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
            return true;
        }
        catch (Fault fault)
        {
            Log.CellNotRecovered(logger, what, fault.Message);
            if (_report.Notes.Count < Limits.ReconciliationNotesCountMax)
            {
                _report.Notes.Add($"{what}: {fault.Message}");
            }

            return false;
        }
    }
}
