using Aurae.Records.V0;
using Aurae.Schema;
using Aurae.Vms.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store.Records;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Vms;

/// <summary>
/// Virtual machines, as records of the default tenant: VirtualMachine is what was asked for, MachineState what it does and is meant to do. They are
/// the same records that the record service shows, so that network interfaces join with them and a Free takes those along.
/// This host runs no hypervisor: Start records that the machine is meant to run and then fails, as upstream does where it cannot start one, so that
/// no caller takes a machine for running that is not; who provides a hypervisor watches the states and reports in them what it sees.
/// </summary>
public sealed class VirtualMachines(RecordStore records, TimeProvider time)
{
    private const string NoHypervisor = "no hypervisor is present on this host";
    private static readonly RecordTable Machines = Tables.ByTypeName[VirtualMachine.Descriptor.FullName];
    private static readonly RecordTable States = Tables.ByTypeName[MachineState.Descriptor.FullName];

    /// <summary>The id: the caller's, or one made where the caller left it empty.</summary>
    public async Task<string> AllocateAsync(VirtualMachine? machine, string principal, CancellationToken cancel)
    {
        if (machine is null)
        {
            throw new Fault(FaultKind.Precondition, "vm config has no machine specified", "machine");
        }

        if (machine.RootDrive is null)
        {
            throw new Fault(FaultKind.Precondition, $"vm '{machine.Id}' config has no root drive specified", "machine.root_drive");
        }

        machine = machine.Clone();
        machine.Id = machine.Id.Length > 0 ? Id(machine.Id, "machine.id") : records.Ids.Next();
        return await ChangeAsync(
            principal,
            machine.Id,
            "allocated",
            writer =>
            {
                if (writer.Find(Machines, machine.Id) is not null)
                {
                    throw Failed(machine.Id, "allocated", "already exists");
                }

                _ = writer.Create(Draft(Machines, machine.Id, machine));
                _ = writer.Create(Draft(States, machine.Id, NewState(machine.Id)));
                return machine.Id;
            },
            cancel).ConfigureAwait(false);
    }

    /// <summary>Removes the machine, its state and its network interfaces.</summary>
    public Task FreeAsync(string id, string principal, CancellationToken cancel) => ChangeAsync(
        principal,
        id,
        "freed",
        writer => writer.Find(Machines, id) is null ? throw Failed(id, "freed", "not found") : writer.Delete(new RecordDelete(Machines, id, 0, false)),
        cancel);

    /// <summary>Records that the machine is meant to run; then Fault(Internal), for nothing here can run it.</summary>
    public async Task StartAsync(string id, string principal, CancellationToken cancel)
    {
        await ChangeAsync(
            principal,
            id,
            "started",
            writer =>
            {
                MachineState state = StateOf(writer, id, "started");
                if (state.Observed == MachineStatus.Running)
                {
                    throw Failed(id, "started", "already running");
                }

                return Want(writer, state, MachineStatus.Running, NoHypervisor);
            },
            cancel).ConfigureAwait(false);
        throw new Fault(FaultKind.Internal, $"vm '{id}' could not be started: {NoHypervisor}; that it is meant to run is recorded", hint: $"auraed records get machine_state {id}")
        {
            Reason = "NO_HYPERVISOR",
        };
    }

    /// <summary>Records that the machine is meant to be stopped.</summary>
    public Task StopAsync(string id, string principal, CancellationToken cancel) => ChangeAsync(
        principal,
        id,
        "stopped",
        writer =>
        {
            MachineState state = StateOf(writer, id, "stopped");
            bool isUp = state.Observed == MachineStatus.Running || state.Desired == MachineStatus.Running;
            return isUp ? Want(writer, state, MachineStatus.Shutdown, string.Empty) : throw Failed(id, "stopped", "already stopped");
        },
        cancel);

    public Task<List<VirtualMachineSummary>> ListAsync(CancellationToken cancel) => records.ReadAsync(
        (rows, unit) =>
        {
            var query = new RecordQuery
            {
                Table = Machines,
                Tenant = RecordNames.DefaultTenant,
                Order = RecordOrder.Parse(Machines, string.Empty),
                CountMax = Limits.MachinesListedCountMax,
                BytesMax = Limits.MessageBytesMax,
            };
            RecordPage page = query.Read(unit);
            if (page.Next is not null)
            {
                throw new Fault(FaultKind.Exhausted, "there are more machines than one answer holds", hint: "auraed records ls virtual_machine, which answers in pages") { Reason = "ANSWER_TOO_LARGE" };
            }

            return page.Records.ConvertAll(stored => Summary((VirtualMachine)stored.Body, rows.Find(States, stored.Tenant, stored.Name)?.Body as MachineState));
        },
        cancel);

    private static VirtualMachineSummary Summary(VirtualMachine machine, MachineState? state) => new()
    {
        Id = machine.Id,
        Status = state?.Observed switch
        {
            MachineStatus.Running => "Running",
            MachineStatus.Shutdown => "Shutdown",
            _ => "Created",
        },
        MemSizeMb = machine.MemSizeMb,
        VcpuCount = machine.VcpuCount,
        KernelImgPath = machine.KernelImgPath,
        RootDirPath = machine.RootDrive?.ImagePath ?? string.Empty,
    };

    /// <summary>A machine that was made as a bare record has no state yet: it is as one just allocated.</summary>
    private MachineState StateOf(RecordWriter writer, string id, string verb)
    {
        if (writer.Find(Machines, id) is null)
        {
            throw Failed(id, verb, "not found");
        }

        return writer.Find(States, id)?.Body as MachineState ?? NewState(id);
    }

    private static Record Want(RecordWriter writer, MachineState state, MachineStatus desired, string reason)
    {
        state.Desired = desired;
        state.Reason = reason;
        return writer.Update(new RecordUpdate(Draft(States, state.Machine, state), null, AllowMissing: true));
    }

    private MachineState NewState(string id) => new()
    {
        Machine = id,
        Observed = MachineStatus.Created,
        Desired = MachineStatus.Created,
        ObservedTime = Timestamp.FromDateTimeOffset(time.GetUtcNow()),
    };

    private static RecordDraft Draft(RecordTable table, string id, IMessage body) => new() { Table = table, Name = id, Body = body };

    private async Task<T> ChangeAsync<T>(string principal, string id, string verb, Func<RecordWriter, T> work, CancellationToken cancel)
    {
        try
        {
            return await records.WriteAsync(new RecordCall(RecordNames.DefaultTenant, principal), work, cancel).ConfigureAwait(false);
        }
        catch (Fault fault) when (fault.Kind is FaultKind.Internal && fault.Reason != "VM")
        {
            throw new Fault(FaultKind.Internal, $"vm '{id}' could not be {verb}: {fault.Message}", hint: fault.Hint, cause: fault);
        }
    }

    private static string Id(string id, string field)
    {
        try
        {
            return RecordNames.Name(id, field);
        }
        catch (Fault fault)
        {
            throw new Fault(FaultKind.Precondition, $"Field = {field}; Invalid", field, fault.Message);
        }
    }

    /// <summary>Upstream's words: it answers INTERNAL for a machine that is not there, too.</summary>
    private static Fault Failed(string id, string verb, string why) =>
        new(FaultKind.Internal, $"vm '{id}' could not be {verb}: Virtual machine with ID 'VmID(\"{id}\")' {why}") { Reason = "VM" };
}
