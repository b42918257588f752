using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Tests.Support;
using Grpc.Core;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Contract.Records;

/// <summary>The machine service with upstream's codes and texts, over records.</summary>
public class MachineService
{
    [Fact]
    public async Task A_machine_is_allocated_listed_and_freed_with_its_interfaces()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        VirtualMachine machine = RecordLife.Machine("vm-1", 4096);
        Assert.Equal("vm-1", (await server.Vms.AllocateAsync(new VmServiceAllocateRequest { Machine = machine })).VmId);
        await server.CreateAsync(RecordLife.Nic("eth0", "vm-1"));
        VirtualMachineSummary summary = Assert.Single((await server.Vms.ListAsync(new VmServiceListRequest())).Machines);
        Assert.Equal(
            new VirtualMachineSummary { Id = "vm-1", Status = "Created", MemSizeMb = 4096, VcpuCount = 2, KernelImgPath = machine.KernelImgPath, RootDirPath = "/images/root.raw" },
            summary);
        Assert.Equal(machine, (await server.Records.GetAsync(new GetRecordRequest { Type = "virtual_machine", Name = "vm-1" })).Body.Unpack<VirtualMachine>());
        await server.Vms.FreeAsync(new VmServiceFreeRequest { VmId = "vm-1" });
        Assert.Empty((await server.Vms.ListAsync(new VmServiceListRequest())).Machines);
        Assert.Empty((await server.Records.ListAsync(new ListRecordsRequest { Type = "network_interface" })).Records);
    }

    [Fact]
    public async Task What_fails_upstream_fails_with_upstreams_words()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await Fails(StatusCode.FailedPrecondition, "vm config has no machine specified", () => server.Vms.AllocateAsync(new VmServiceAllocateRequest()).ResponseAsync);
        await Fails(
            StatusCode.FailedPrecondition,
            "vm 'vm-1' config has no root drive specified",
            () => server.Vms.AllocateAsync(new VmServiceAllocateRequest { Machine = new VirtualMachine { Id = "vm-1" } }).ResponseAsync);
        var request = new VmServiceAllocateRequest { Machine = RecordLife.Machine("vm-1") };
        await server.Vms.AllocateAsync(request);
        await Fails(StatusCode.Internal, "vm 'vm-1' could not be allocated: Virtual machine with ID 'VmID(\"vm-1\")' already exists", () => server.Vms.AllocateAsync(request).ResponseAsync);
        await Fails(StatusCode.Internal, "vm 'x' could not be started: Virtual machine with ID 'VmID(\"x\")' not found", () => server.Vms.StartAsync(new VmServiceStartRequest { VmId = "x" }).ResponseAsync);
        await Fails(StatusCode.Internal, "vm 'x' could not be stopped: Virtual machine with ID 'VmID(\"x\")' not found", () => server.Vms.StopAsync(new VmServiceStopRequest { VmId = "x" }).ResponseAsync);
        await Fails(StatusCode.Internal, "vm 'x' could not be freed: Virtual machine with ID 'VmID(\"x\")' not found", () => server.Vms.FreeAsync(new VmServiceFreeRequest { VmId = "x" }).ResponseAsync);
        await Fails(StatusCode.Internal, "vm 'vm-1' could not be stopped: Virtual machine with ID 'VmID(\"vm-1\")' already stopped", () => server.Vms.StopAsync(new VmServiceStopRequest { VmId = "vm-1" }).ResponseAsync);
    }

    [Fact]
    public async Task Start_records_what_is_wanted_and_never_claims_that_it_runs()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.Vms.AllocateAsync(new VmServiceAllocateRequest { Machine = RecordLife.Machine("vm-1") });
        RpcException failure = await RecordServer.FailsAsync(StatusCode.Internal, null, () => server.Vms.StartAsync(new VmServiceStartRequest { VmId = "vm-1" }).ResponseAsync);
        Assert.StartsWith("vm 'vm-1' could not be started: no hypervisor", failure.Status.Detail, StringComparison.Ordinal);
        MachineState state = await StateAsync(server);
        Assert.Equal((MachineStatus.Created, MachineStatus.Running), (state.Observed, state.Desired));
        Assert.Equal("Created", Assert.Single((await server.Vms.ListAsync(new VmServiceListRequest())).Machines).Status);

        await server.Vms.StopAsync(new VmServiceStopRequest { VmId = "vm-1" });
        Assert.Equal(MachineStatus.Shutdown, (await StateAsync(server)).Desired);

        // Whoever runs it reports so, and the service tells it on.
        state.Observed = MachineStatus.Running;
        await server.Records.UpdateAsync(new UpdateRecordRequest { Record = RecordServer.Draft(state) });
        Assert.Equal("Running", Assert.Single((await server.Vms.ListAsync(new VmServiceListRequest())).Machines).Status);
        await Fails(StatusCode.Internal, "vm 'vm-1' could not be started: Virtual machine with ID 'VmID(\"vm-1\")' already running", () => server.Vms.StartAsync(new VmServiceStartRequest { VmId = "vm-1" }).ResponseAsync);
    }

    [Fact]
    public async Task A_machine_without_an_id_gets_one()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        string id = (await server.Vms.AllocateAsync(new VmServiceAllocateRequest { Machine = RecordLife.Machine(string.Empty) })).VmId;
        Assert.Equal(id, Assert.Single((await server.Vms.ListAsync(new VmServiceListRequest())).Machines).Id);
    }

    private static async Task Fails(StatusCode code, string text, Func<Task> call)
    {
        RpcException failure = await RecordServer.FailsAsync(code, null, call);
        Assert.Equal(text, failure.Status.Detail);
    }

    private static async Task<MachineState> StateAsync(RecordServer server)
    {
        Record record = await server.Records.GetAsync(new GetRecordRequest { Type = "machine_state", Name = "vm-1" });
        return record.Body.Unpack<MachineState>();
    }
}
