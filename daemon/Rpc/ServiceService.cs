using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Domain.Services;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.services.v0.ServiceService: parse, call, answer.</summary>
public sealed class ServiceService(ServiceOperations operations, ServiceReader reader, ServiceLogs logs, DrainSignal drain) : Aurae.Services.V0.ServiceService.ServiceServiceBase
{
    public override Task<ServiceStatus> Deploy(DeployRequest request, ServerCallContext context) => DeployAsync(request, isUpdate: false, context);

    public override Task<ServiceStatus> Update(DeployRequest request, ServerCallContext context) => DeployAsync(request, isUpdate: true, context);

    public override Task<ServiceStatus> Get(GetServiceRequest request, ServerCallContext context) =>
        reader.GetAsync(RecordNames.Tenant(request.Tenant), ServiceNames.Parse(request.Name), context.CancellationToken);

    public override Task<ListServicesResponse> List(ListServicesRequest request, ServerCallContext context)
    {
        int count = request.PageSize switch
        {
            < 0 => throw Fault.Invalid("page_size", "page_size is less than 0"),
            0 => Limits.ServicesListedCountMax,
            _ => Math.Min(request.PageSize, Limits.ServicesListedCountMax),
        };
        return reader.ListAsync(RecordNames.Tenant(request.Tenant), request.After.Length == 0 ? string.Empty : ServiceNames.Parse(request.After, "after"), count, context.CancellationToken);
    }

    public override Task<ListVersionsResponse> ListVersions(ListVersionsRequest request, ServerCallContext context) =>
        reader.VersionsAsync(RecordNames.Tenant(request.Tenant), ServiceNames.Parse(request.Name), context.CancellationToken);

    public override async Task<ServiceStatus> Rollback(RollbackRequest request, ServerCallContext context)
    {
        (string tenant, string name) = (RecordNames.Tenant(request.Tenant), ServiceNames.Parse(request.Name));
        long version = request.Version >= 0 ? request.Version : throw Fault.Invalid("version", "version is less than 0");
        _ = await operations.RollbackAsync(tenant, name, version, Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return await AnswerAsync(tenant, name, request.Wait, context).ConfigureAwait(false);
    }

    public override async Task<ServiceStatus> HotSwap(HotSwapRequest request, ServerCallContext context)
    {
        (string tenant, string name) = (RecordNames.Tenant(request.Tenant), ServiceNames.Parse(request.Name));
        if (request.Version < 0)
        {
            throw Fault.Invalid("version", "version is less than 0");
        }

        await operations.HotSwapAsync(tenant, request, Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return await AnswerAsync(tenant, name, isAwaited: false, context).ConfigureAwait(false);
    }

    public override Task<ServiceStatus> Start(OperateRequest request, ServerCallContext context) => OperateAsync(request, operations.StartAsync, context);

    public override Task<ServiceStatus> Stop(OperateRequest request, ServerCallContext context) => OperateAsync(request, operations.StopAsync, context);

    public override Task<ServiceStatus> Restart(OperateRequest request, ServerCallContext context) => OperateAsync(request, operations.RestartAsync, context);

    public override Task<ServiceStatus> Enable(OperateRequest request, ServerCallContext context) =>
        OperateAsync(request, (tenant, name, principal, cancel) => operations.EnableAsync(tenant, name, isEnabled: true, principal, cancel), context);

    public override Task<ServiceStatus> Disable(OperateRequest request, ServerCallContext context) =>
        OperateAsync(request, (tenant, name, principal, cancel) => operations.EnableAsync(tenant, name, isEnabled: false, principal, cancel), context);

    public override async Task<PruneVersionsResponse> PruneVersions(PruneVersionsRequest request, ServerCallContext context)
    {
        (string tenant, string name) = (RecordNames.Tenant(request.Tenant), ServiceNames.Parse(request.Name));
        int keep = request.Keep >= 1 ? request.Keep : throw Fault.Invalid("keep", "keep is less than 1");
        return new PruneVersionsResponse { Removed = { await operations.PruneAsync(tenant, name, keep, Principals.Of(context), context.CancellationToken).ConfigureAwait(false) } };
    }

    public override async Task<DeleteServiceResponse> Delete(DeleteServiceRequest request, ServerCallContext context)
    {
        await operations.DeleteAsync(RecordNames.Tenant(request.Tenant), ServiceNames.Parse(request.Name), Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return new DeleteServiceResponse();
    }

    public override Task Watch(WatchServicesRequest request, IServerStreamWriter<WatchServicesResponse> responseStream, ServerCallContext context)
    {
        string? name = request.Name.Length == 0 ? null : ServiceNames.Parse(request.Name);
        return StreamAsync(cancel => reader.WatchAsync(RecordNames.Tenant(request.Tenant), name, cancel), responseStream, context);
    }

    public override Task Logs(LogsRequest request, IServerStreamWriter<LogsResponse> responseStream, ServerCallContext context)
    {
        LogsCommand command = ServiceLogs.Parse(request, RecordNames.Tenant(request.Tenant));
        return StreamAsync(cancel => logs.ReadAsync(command, cancel), responseStream, context);
    }

    public override async Task<ShutdownResponse> Shutdown(ShutdownRequest request, ServerCallContext context) =>
        new() { Stopped = await operations.ShutdownAsync(context.CancellationToken).ConfigureAwait(false) };

    private async Task<ServiceStatus> DeployAsync(DeployRequest request, bool isUpdate, ServerCallContext context)
    {
        string tenant = RecordNames.Tenant(request.Tenant);
        _ = await operations.DeployAsync(tenant, request, isUpdate, Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return await AnswerAsync(tenant, request.Spec.Name, request.Wait && !request.Hold, context).ConfigureAwait(false);
    }

    private async Task<ServiceStatus> OperateAsync(OperateRequest request, Func<string, string, string, CancellationToken, Task> operate, ServerCallContext context)
    {
        (string tenant, string name) = (RecordNames.Tenant(request.Tenant), ServiceNames.Parse(request.Name));
        await operate(tenant, name, Principals.Of(context), context.CancellationToken).ConfigureAwait(false);
        return await AnswerAsync(tenant, name, request.Wait, context).ConfigureAwait(false);
    }

    private Task<ServiceStatus> AnswerAsync(string tenant, string name, bool isAwaited, ServerCallContext context) =>
        isAwaited ? reader.WaitAsync(tenant, name, context.CancellationToken) : reader.GetAsync(tenant, name, context.CancellationToken);

    private async Task StreamAsync<T>(Func<CancellationToken, IAsyncEnumerable<T>> messages, IServerStreamWriter<T> stream, ServerCallContext context)
    {
        // A stream has no end of its own: it ends when the daemon does.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Token);
        try
        {
            await foreach (T message in messages(end.Token).ConfigureAwait(false))
            {
                await stream.WriteAsync(message, end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (drain.Token.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            throw new Fault(FaultKind.Unavailable, "the daemon stops", hint: "ask again") { Reason = "STOPPING" };
        }
    }
}
