using System.Collections.Concurrent;
using Aurae.Cells.V0;
using Aurae.Hosts.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Supervise;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;

namespace Auraed.Domain.Cells;

/// <summary>
/// The cells of this host. What stands in memory stands on record first, so a daemon that crashes, is upgraded or wakes up after a reboot finds
/// its cells again and leaves them until they are freed.
/// Invariants: a process runs only when its identity is on record; operations on one tree of cells take turns; a record is removed only after what it
/// stood for is gone.
/// </summary>
public sealed class CellHost : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, CellEntry> _cells = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Task, byte> _watching = new();
    private readonly CellEntry _bare = new(new Cell());
    private readonly KeyedLocks _locks = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly CellProcesses _host;
    private readonly CellRecords _records;
    private readonly SupervisorSeat _seat;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <param name="cgroups">Null when the host has no tree, for the reason <paramref name="cgroupsMissing"/>.</param>
    public CellHost(RecordStore records, Processes processes, Cgroups? cgroups, string cgroupsMissing, ProcessLogs logs, SupervisorSeat seat, TimeProvider time, ILogger logger)
    {
        _seat = seat;
        _host = new CellProcesses(processes, cgroups, cgroupsMissing, logs, time);
        _records = new CellRecords(records, time);
        _time = time;
        _logger = logger;
    }

    /// <summary>Finds again what there was before; to be called once, before anything else. Without the seat, only what is on record.</summary>
    public async Task RecoverAsync(CancellationToken cancel)
    {
        if (!_seat.IsOurs)
        {
            await ShowAsync(cancel).ConfigureAwait(false);
            return;
        }

        long started = _time.GetTimestamp();
        CellReconciliationReport report = await new CellReturn(_host, _records, Watch, _logger).ReturnAsync(_cells, _bare, cancel).ConfigureAwait(false);
        report.Duration = Duration.FromTimeSpan(_time.GetElapsedTime(started));
        await _records.TellAsync(report, cancel).ConfigureAwait(false);
        Log.CellsRecovered(_logger, _cells.Count, report.Adopted, report.Ended, report.Restarted, report.Cleaned);
    }

    /// <summary>Whether it runs in a cgroup v2 tree.</summary>
    public async Task<bool> AllocateAsync(AllocateCell command, string principal, CancellationToken cancel)
    {
        _seat.Require();
        using IDisposable turn = await _locks.TakeAsync(command.Name.Root, cancel).ConfigureAwait(false);
        if (command.Name.Ancestors.FirstOrDefault(ancestor => !_cells.ContainsKey(ancestor)) is { } missing)
        {
            throw CellFaults.CellMissing(missing);
        }

        var cell = new CellEntry(command.Spec);
        if (_cells.ContainsKey(cell.Name))
        {
            throw CellFaults.CellExists(cell.Name);
        }

        bool isKept = false;
        try
        {
            _host.Make(cell.Name, command.Bounds);
            CrashPoint.Reach("cells.made");
            await using PreparedProcess? holder = cell.IsIsolated ? await _host.PrepareHolderAsync(cell, cancel).ConfigureAwait(false) : null;
            await _records.AddAsync(cell.Spec, holder?.Identity, principal, cancel).ConfigureAwait(false);
            isKept = true;
            CrashPoint.Reach("cells.allocated");
            cell.Holder = holder is null ? null : await holder.GoAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            await _host.UnmakeAsync(cell.Name, CancellationToken.None).ConfigureAwait(false);
            await (isKept ? _records.RemoveAsync([cell.Name], principal, CancellationToken.None) : Task.CompletedTask).ConfigureAwait(false);
            throw error is Fault fault ? CellFaults.CellFailed(cell.Name, "allocated", fault) : error;
        }

        _cells[cell.Name] = cell;
        return _host.HasCgroups;
    }

    public async Task FreeAsync(CellName name, string principal, CancellationToken cancel)
    {
        _seat.Require();
        using IDisposable turn = await _locks.TakeAsync(name.Root, cancel).ConfigureAwait(false);
        _ = Find(name);
        // Children stand behind their parents in the order of names.
        string[] freed = [.. _cells.Keys.Where(cell => cell == name.Text || cell.StartsWith(name.Text + "/", StringComparison.Ordinal)).OrderDescending(StringComparer.Ordinal)];
        try
        {
            foreach (CellEntry cell in freed.Select(cell => _cells[cell]))
            {
                await EndAsync(cell, cancel).ConfigureAwait(false);
            }

            CrashPoint.Reach("cells.ended");
            await _records.RemoveAsync(freed, principal, cancel).ConfigureAwait(false);
            CrashPoint.Reach("cells.freed");
            foreach (CellEntry cell in freed.Select(cell => _cells[cell]))
            {
                _ = _cells.TryRemove(cell.Name, out _);
                cell.Executables.Values.ToList().ForEach(_host.RemoveLogs);
                await _host.UnmakeAsync(cell.Name, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (Fault fault)
        {
            throw CellFaults.CellFailed(name.Text, "freed", fault);
        }
    }

    /// <summary>The process' number on the host, and whom it runs as.</summary>
    public async Task<(int Pid, uint UserId, uint GroupId)> StartAsync(StartExecutable command, string principal, CancellationToken cancel)
    {
        _seat.Require();
        using IDisposable turn = await _locks.TakeAsync(Turn(command.Cell, command.Name), cancel).ConfigureAwait(false);
        CellEntry cell = Find(command.Cell);
        if (cell.Executables.ContainsKey(command.Name))
        {
            throw CellFaults.ExecutableExists(command.Name);
        }

        var record = new CellExecutable
        {
            Id = ExecutableEntry.IdOf(cell.Name, command.Name),
            Cell = cell.Name,
            Name = command.Name,
            Command = command.Command,
            Description = command.Description,
        };
        if (command.UserId is { } user)
        {
            record.Uid = user;
        }

        if (command.GroupId is { } group)
        {
            record.Gid = group;
        }

        var entry = new ExecutableEntry(record);
        try
        {
            await LaunchAsync(cell, entry, principal, cancel).ConfigureAwait(false);
        }
        catch (Fault fault)
        {
            await _host.KillAsync(cell, entry, CancellationToken.None).ConfigureAwait(false);
            _host.RemoveLogs(entry);
            throw CellFaults.ExecutableFailed(command.Name, "start", fault);
        }

        (uint ownUser, uint ownGroup) = Processes.Own;
        return (entry.Record.Pid, command.UserId ?? ownUser, command.GroupId ?? ownGroup);
    }

    /// <summary>Ends it, at once and with all it started, and forgets it; one that has exited is forgotten.</summary>
    public async Task StopAsync(StopExecutable command, string principal, CancellationToken cancel)
    {
        _seat.Require();
        using IDisposable turn = await _locks.TakeAsync(Turn(command.Cell, command.Name), cancel).ConfigureAwait(false);
        CellEntry cell = Find(command.Cell);
        ExecutableEntry entry = cell.Executables.GetValueOrDefault(command.Name) ?? throw CellFaults.ExecutableMissing(command.Name);
        try
        {
            await _host.KillAsync(cell, entry, cancel).ConfigureAwait(false);
            CrashPoint.Reach("cells.stopped");
            await _records.RemoveAsync(entry.Record, principal, cancel).ConfigureAwait(false);
            _ = cell.Executables.TryRemove(command.Name, out _);
            _host.RemoveLogs(entry);
        }
        catch (Fault fault)
        {
            throw CellFaults.ExecutableFailed(command.Name, "stop", fault);
        }
    }

    /// <summary>Every cell with its children, by name, each as it was allocated.</summary>
    public List<CellGraphNode> List()
    {
        var roots = new List<CellGraphNode>();
        var nodes = new Dictionary<string, CellGraphNode>(StringComparer.Ordinal);
        foreach (CellEntry cell in _cells.Values.OrderBy(cell => cell.Name, StringComparer.Ordinal))
        {
            var node = new CellGraphNode { Cell = cell.Spec };
            nodes.Add(cell.Name, node);
            int slash = cell.Name.LastIndexOf('/');
            if (slash < 0)
            {
                roots.Add(node);
            }
            else if (nodes.TryGetValue(cell.Name[..slash], out CellGraphNode? parent))
            {
                parent.Children.Add(node);
            }
        }

        return roots;
    }

    /// <summary>What an executable writes. Fault(NotFound) when there is none.</summary>
    public ExecutableOutput OutputOf(CellName? cell, string name, LogChannel channel) =>
        Find(cell).Executables.GetValueOrDefault(name) is { } entry ? Output(entry, channel) : throw CellFaults.ExecutableMissing(name);

    /// <summary>As <see cref="OutputOf"/>, by the process' number on the host; null when no executable has it.</summary>
    public ExecutableOutput? OutputOf(int pid, LogChannel channel) => _cells.Values.Append(_bare).SelectMany(cell => cell.Executables.Values)
        .FirstOrDefault(entry => entry.Record.Pid == pid) is { } found ? Output(found, channel) : null;

    /// <summary>Lets go of every process; all live on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_watching.Keys).ConfigureAwait(false);
        foreach (CellEntry cell in _cells.Values)
        {
            cell.Holder?.Dispose();
        }

        _stopping.Dispose();
    }

    private async Task ShowAsync(CancellationToken cancel)
    {
        (List<Cell> specs, _, List<CellExecutable> executables) = await _records.ReadAsync(cancel).ConfigureAwait(false);
        foreach (Cell spec in specs)
        {
            _cells[spec.Name] = new CellEntry(spec);
        }

        foreach (CellExecutable executable in executables.Where(executable => executable.Name.Length > 0))
        {
            if ((executable.Cell.Length == 0 ? _bare : _cells.GetValueOrDefault(executable.Cell)) is { } cell)
            {
                cell.Executables[executable.Name] = new ExecutableEntry(executable);
            }
        }
    }

    private ExecutableOutput Output(ExecutableEntry entry, LogChannel channel) =>
        new(entry.Record.Name, _host.Logs, _host.LogOf(entry, channel), entry.Process?.Ended ?? Task.CompletedTask);

    private static string Turn(CellName? cell, string executable) => cell?.Root ?? "/" + executable;

    private CellEntry Find(CellName? name) => name is null ? _bare : _cells.GetValueOrDefault(name.Value.Text) ?? throw CellFaults.CellMissing(name.Value.Text);

    private async Task LaunchAsync(CellEntry cell, ExecutableEntry entry, string principal, CancellationToken cancel)
    {
        await using PreparedProcess prepared = await _host.PrepareAsync(cell, entry, cancel).ConfigureAwait(false);
        entry.Record = CellRecords.With(entry.Record, prepared.Identity, _records.Now);
        await _records.AddAsync(entry.Record, principal, cancel).ConfigureAwait(false);
        CrashPoint.Reach("cells.started");
        try
        {
            // On record: from here on the caller's patience ends nothing.
            Watch(cell, entry, await prepared.GoAsync(CancellationToken.None).ConfigureAwait(false));
        }
        catch (Fault)
        {
            await _records.RemoveAsync(entry.Record, principal, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    private async Task EndAsync(CellEntry cell, CancellationToken cancel)
    {
        foreach (ExecutableEntry entry in cell.Executables.Values)
        {
            await _host.KillAsync(cell, entry, cancel).ConfigureAwait(false);
        }

        if (cell.Holder is { } holder)
        {
            await _host.KillAsync(holder, cancel).ConfigureAwait(false);
            holder.Dispose();
            cell.Holder = null;
        }
    }

    private void Watch(CellEntry cell, ExecutableEntry entry, SupervisedProcess process)
    {
        entry.Process = process;
        cell.Executables[entry.Record.Name] = entry;
        Task watching = WatchAsync(cell, entry, process);
        _watching[watching] = 0;
        _ = watching.ContinueWith(done => _watching.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task WatchAsync(CellEntry cell, ExecutableEntry entry, SupervisedProcess process)
    {
        try
        {
            ExitStatus status = await process.Ended.WaitAsync(_stopping.Token).ConfigureAwait(false);
            TellMemory(cell, entry, status);
            CellExecutable ended = _records.Ended(entry.Record, status);
            if (await _records.ReplaceAsync(ended, entry.Record, _stopping.Token).ConfigureAwait(false))
            {
                entry.Record = ended;
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops; the next one finds out.
        }
        catch (Fault fault)
        {
            Log.ExecutableEndNotKept(_logger, entry.Record.Id, fault.Message);
        }
        finally
        {
            process.Dispose();
        }
    }

    private void TellMemory(CellEntry cell, ExecutableEntry entry, ExitStatus status)
    {
        long kills = cell.Name.Length == 0 ? 0 : _host.OutOfMemoryKills(cell.Name);
        if (kills > cell.OutOfMemoryKills)
        {
            Log.ExecutableOutOfMemory(_logger, entry.Record.Id, status.ToString(), kills - cell.OutOfMemoryKills);
            cell.OutOfMemoryKills = kills;
        }
    }
}
