using Aurae.Cells.V0;
using Aurae.Hosts.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store.Records;
using Auraed.Supervise;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Cells;

/// <summary>Cells and executables on record, in the default tenant. Each call is one unit.</summary>
internal sealed class CellRecords(RecordStore records, TimeProvider time)
{
    /// <summary>Whom the events name that no caller caused: the end of a process, a recovery.</summary>
    public const string Daemon = "auraed:cells";

    /// <summary>The event that <see cref="TellAsync"/> appends.</summary>
    public const string ReconciledKind = "cells.reconciled";

    private static readonly RecordTable Cells = Tables.ByTypeName[Cell.Descriptor.FullName];
    private static readonly RecordTable States = Tables.ByTypeName[CellState.Descriptor.FullName];
    private static readonly RecordTable Executables = Tables.ByTypeName[CellExecutable.Descriptor.FullName];

    public Timestamp Now => Timestamp.FromDateTimeOffset(time.GetUtcNow());

    public Task AddAsync(Cell cell, ProcessIdentity? holder, string principal, CancellationToken cancel) => WriteAsync(
        principal,
        writer =>
        {
            if (writer.Find(Cells, cell.Name) is not null)
            {
                throw CellFaults.CellExists(cell.Name);
            }

            _ = writer.Create(Draft(Cells, cell.Name, cell));
            return writer.Create(Draft(States, cell.Name, State(cell.Name, holder)));
        },
        cancel);

    public Task SetHolderAsync(string cell, ProcessIdentity? holder, CancellationToken cancel) =>
        WriteAsync(Daemon, writer => writer.Update(new RecordUpdate(Draft(States, cell, State(cell, holder)), null, AllowMissing: true)), cancel);

    /// <summary>Removes the cells, in this order, with all that is in them.</summary>
    public Task RemoveAsync(IReadOnlyList<string> cells, string principal, CancellationToken cancel) => WriteAsync(
        principal,
        writer =>
        {
            foreach (string cell in cells)
            {
                _ = writer.Delete(new RecordDelete(Cells, cell, 0, AllowMissing: true));
            }

            return 0;
        },
        cancel);

    public Task AddAsync(CellExecutable executable, string principal, CancellationToken cancel) =>
        WriteAsync(principal, writer => writer.Create(Draft(Executables, executable.Id, executable)), cancel);

    public Task RemoveAsync(CellExecutable executable, string principal, CancellationToken cancel) =>
        WriteAsync(principal, writer => writer.Delete(new RecordDelete(Executables, executable.Id, 0, AllowMissing: true)), cancel);

    /// <summary>Replaces what is kept, if that still tells of the same process; false when it was removed or started again meanwhile.</summary>
    public Task<bool> ReplaceAsync(CellExecutable executable, CellExecutable before, CancellationToken cancel) => WriteAsync(
        Daemon,
        writer =>
        {
            bool isSame = writer.Find(Executables, executable.Id)?.Body is CellExecutable kept && kept.Pid == before.Pid && kept.StartTicks == before.StartTicks;
            if (isSame)
            {
                _ = writer.Update(new RecordUpdate(Draft(Executables, executable.Id, executable), null, AllowMissing: false));
            }

            return isSame;
        },
        cancel);

    /// <summary>Everything, parents before children, executables in the order of their starts.</summary>
    public async Task<(List<Cell> Cells, Dictionary<string, CellState> States, List<CellExecutable> Executables)> ReadAsync(CancellationToken cancel)
    {
        List<Cell> cells = await ReadAsync<Cell>(Cells, cancel).ConfigureAwait(false);
        List<CellState> states = await ReadAsync<CellState>(States, cancel).ConfigureAwait(false);
        List<CellExecutable> executables = await ReadAsync<CellExecutable>(Executables, cancel).ConfigureAwait(false);
        executables.Sort((left, right) => Comparer<Timestamp>.Default.Compare(left.StartTime ?? new Timestamp(), right.StartTime ?? new Timestamp()));
        return (cells, states.ToDictionary(state => state.Cell), executables);
    }

    public static CellExecutable With(CellExecutable executable, ProcessIdentity process, Timestamp start)
    {
        executable = executable.Clone();
        (executable.Pid, executable.StartTicks, executable.BootId) = (process.Id, process.StartTicks, process.BootId);
        (executable.Running, executable.StartTime, executable.EndTime) = (true, start, null);
        executable.ClearExitCode();
        executable.ClearExitSignal();
        return executable;
    }

    public CellExecutable Ended(CellExecutable executable, ExitStatus status)
    {
        executable = executable.Clone();
        (executable.Running, executable.EndTime) = (false, Now);
        if (status.Kind == ExitKind.Exited)
        {
            executable.ExitCode = status.Value;
        }
        else if (status.Kind == ExitKind.Signalled)
        {
            executable.ExitSignal = status.Value;
        }

        return executable;
    }

    public static ProcessIdentity IdentityOf(CellExecutable executable) => new(executable.Pid, executable.StartTicks, executable.BootId);

    /// <summary>Puts on record what a start of the daemon found and did.</summary>
    public Task TellAsync(CellReconciliationReport report, CancellationToken cancel) => WriteAsync(
        Daemon,
        writer =>
        {
            writer.Tell(ReconciledKind, "host", report);
            return 0;
        },
        cancel);

    private static CellState State(string cell, ProcessIdentity? holder) => new()
    {
        Cell = cell,
        HolderPid = holder?.Id ?? 0,
        HolderStartTicks = holder?.StartTicks ?? 0,
        HolderBootId = holder?.BootId ?? string.Empty,
    };

    private static RecordDraft Draft(RecordTable table, string id, IMessage body) => new() { Table = table, Name = id, Body = body };

    private Task<T> WriteAsync<T>(string principal, Func<RecordWriter, T> work, CancellationToken cancel) =>
        records.WriteAsync(new RecordCall(RecordNames.DefaultTenant, principal) { IsDaemon = principal == Daemon }, work, cancel);

    private Task<List<T>> ReadAsync<T>(RecordTable table, CancellationToken cancel) => records.ReadAsync(
        (_, unit) =>
        {
            var query = new RecordQuery
            {
                Table = table,
                Tenant = RecordNames.DefaultTenant,
                Order = RecordOrder.Parse(table, string.Empty),
                CountMax = int.MaxValue - 1,
                BytesMax = int.MaxValue,
            };
            return query.Read(unit).Records.ConvertAll(stored => (T)stored.Body);
        },
        cancel);
}
