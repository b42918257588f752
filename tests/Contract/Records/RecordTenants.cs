using Aurae.Hosts.V0;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Tests.Support;
using Grpc.Core;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Contract.Records;

/// <summary>What a tenant's record allows to the tenant's records.</summary>
public sealed class RecordTenants : IAsyncLifetime
{
    private RecordServer _server = null!;

    public async Task InitializeAsync() => _server = await RecordServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_read_only_tenant_refuses_every_change_until_its_record_says_otherwise()
    {
        await _server.CreateAsync(RecordLife.Machine("vm-1"), "acme");
        await _server.CreateAsync(new Tenant { Name = "acme", ReadOnly = true });
        await RefusedAsync("acme", () => _server.CreateAsync(RecordLife.Machine("vm-2"), "acme"));
        await RefusedAsync("acme", () => _server.Records.UpdateAsync(new UpdateRecordRequest { Tenant = "acme", Record = RecordServer.Draft(RecordLife.Machine("vm-1", 7)) }).ResponseAsync);
        await RefusedAsync("acme", () => _server.Records.DeleteAsync(new DeleteRecordRequest { Tenant = "acme", Type = "virtual_machine", Name = "vm-1" }).ResponseAsync);
        await RefusedAsync("acme", () => _server.Records.CommitAsync(new CommitRequest { Tenant = "acme", Operations = { Create(RecordLife.Machine("vm-2")) } }).ResponseAsync);
        await RefusedAsync("acme", () => _server.CreateAsync(new Tenant { Name = "acme" }, "acme"));

        // Others are not touched by it, reads go on, and so does a delete of nothing.
        await _server.CreateAsync(RecordLife.Machine("vm-1"));
        await _server.CreateAsync(RecordLife.Machine("vm-1"), "other");
        Assert.Single((await _server.Records.ListAsync(new ListRecordsRequest { Tenant = "acme", Type = "virtual_machine" })).Records);
        await _server.Records.DeleteAsync(new DeleteRecordRequest { Tenant = "acme", Type = "virtual_machine", Name = "none", AllowMissing = true });

        _server = await _server.RestartAsync();
        await RefusedAsync("acme", () => _server.CreateAsync(RecordLife.Machine("vm-2"), "acme"));
        await _server.Records.UpdateAsync(new UpdateRecordRequest { Record = RecordServer.Draft(new Tenant { Name = "acme" }) });
        await _server.CreateAsync(RecordLife.Machine("vm-2"), "acme");
    }

    [Fact]
    public async Task The_default_tenant_can_be_freed_again_in_the_commit_that_needs_it()
    {
        await _server.CreateAsync(new Tenant { Name = "default", ReadOnly = true });
        await RefusedAsync("default", () => _server.CreateAsync(RecordLife.Machine("vm-1")));
        await RefusedAsync("default", () => _server.Vms.AllocateAsync(new VmServiceAllocateRequest { Machine = RecordLife.Machine("vm-1") }).ResponseAsync);
        var free = new Operation { Update = new UpdateOperation { Record = RecordServer.Draft(new Tenant { Name = "default" }) } };
        await _server.Records.CommitAsync(new CommitRequest { Operations = { free, Create(RecordLife.Machine("vm-1")) } });
        await _server.CreateAsync(RecordLife.Machine("vm-2"));
    }

    [Fact]
    public async Task A_tenant_holds_as_many_records_as_it_may_and_not_one_more()
    {
        await _server.CreateAsync(RecordLife.Machine("vm-0"), "acme");
        await LimitAsync(3);
        await _server.CreateAsync(RecordLife.Machine("vm-1"), "acme");

        // A commit that fails at its second record takes the first back with its place.
        for (int round = 0; round < 3; round++)
        {
            await FullAsync(() => _server.Records.CommitAsync(new CommitRequest { Tenant = "acme", Operations = { Create(RecordLife.Machine("a")), Create(RecordLife.Machine("b")) } }).ResponseAsync);
        }

        _server = await _server.RestartAsync();
        await _server.CreateAsync(RecordLife.Nic("eth0", "vm-1"), "acme");
        await FullAsync(() => _server.CreateAsync(RecordLife.Machine("vm-2"), "acme"));
        await RecordServer.FailsAsync(StatusCode.AlreadyExists, null, () => _server.CreateAsync(RecordLife.Machine("vm-1"), "acme"));
        await _server.CreateAsync(RecordLife.Machine("vm-2"), "other");

        // The machine takes its interface along: two places.
        await _server.Records.DeleteAsync(new DeleteRecordRequest { Tenant = "acme", Type = "virtual_machine", Name = "vm-1" });
        await _server.CreateAsync(RecordLife.Machine("vm-2"), "acme");
        await _server.CreateAsync(RecordLife.Machine("vm-3"), "acme");
        await FullAsync(() => _server.CreateAsync(RecordLife.Machine("vm-4"), "acme"));
    }

    [Fact]
    public async Task What_is_made_while_there_is_no_limit_counts_when_there_is_one_again()
    {
        await LimitAsync(2);
        await _server.CreateAsync(RecordLife.Machine("vm-0"), "acme");
        await LimitAsync(null);
        for (int number = 1; number < 5; number++)
        {
            await _server.CreateAsync(RecordLife.Machine($"vm-{number}"), "acme");
        }

        await LimitAsync(6);
        await _server.CreateAsync(RecordLife.Machine("vm-5"), "acme");
        await FullAsync(() => _server.CreateAsync(RecordLife.Machine("vm-6"), "acme"));
        await LimitAsync(1);
        await _server.Records.UpdateAsync(new UpdateRecordRequest { Tenant = "acme", Record = RecordServer.Draft(RecordLife.Machine("vm-1", 7)) });
        await FullAsync(() => _server.CreateAsync(RecordLife.Machine("vm-6"), "acme"));
        await LimitAsync(ulong.MaxValue);
        await _server.CreateAsync(RecordLife.Machine("vm-6"), "acme");
    }

    [Fact]
    public async Task Many_callers_at_once_fill_a_tenant_exactly()
    {
        await LimitAsync(25);
        int made = 0;
        await Task.WhenAll(Enumerable.Range(0, 80).Select(async number =>
        {
            try
            {
                await _server.CreateAsync(RecordLife.Machine($"vm-{number}"), "acme");
                Interlocked.Increment(ref made);
            }
            catch (RpcException full) when (full.StatusCode == StatusCode.ResourceExhausted)
            {
            }
        }));
        Assert.Equal(25, made);
        Assert.Equal(25, (await _server.Records.ListAsync(new ListRecordsRequest { Tenant = "acme", Type = "virtual_machine", PageSize = 100 })).Records.Count);
    }

    private static Operation Create(Google.Protobuf.IMessage body) => new() { Create = new CreateOperation { Record = RecordServer.Draft(body) } };

    private async Task LimitAsync(ulong? countMax)
    {
        var tenant = new Tenant { Name = "acme" };
        if (countMax is { } max)
        {
            tenant.RecordCountMax = max;
        }

        await _server.Records.UpdateAsync(new UpdateRecordRequest { AllowMissing = true, Record = RecordServer.Draft(tenant) });
    }

    private static async Task RefusedAsync(string tenant, Func<Task> call)
    {
        RpcException failure = await RecordServer.FailsAsync(StatusCode.FailedPrecondition, null, call);
        Assert.Contains($"tenant '{tenant}' is read-only", failure.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task FullAsync(Func<Task> call)
    {
        RpcException failure = await RecordServer.FailsAsync(StatusCode.ResourceExhausted, null, call);
        Assert.Contains("tenant 'acme' may hold", failure.Status.Detail, StringComparison.Ordinal);
    }
}
