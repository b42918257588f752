using Aurae.Records.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.records.v0.RecordService: parse, call, answer.</summary>
public sealed class RecordService(RecordStore records, DrainSignal drain) : Aurae.Records.V0.RecordService.RecordServiceBase
{
    private readonly RecordRequests _requests = new(records.Ids, new KeptTables());

    public override Task<Record> Create(CreateRecordRequest request, ServerCallContext context)
    {
        RecordCall call = RecordCalls.Of(context, request.Tenant, request.RequestId, request);
        return records.CreateAsync(call, _requests.Create(request, call.Tenant), context.CancellationToken);
    }

    public override Task<Record> Get(GetRecordRequest request, ServerCallContext context)
    {
        var table = RecordNames.Table(request.Type);
        RecordMask? mask = RecordMask.Parse(request.ReadMask?.Paths, table, "read_mask", isUpdate: false);
        RecordIncludes? includes = RecordIncludes.Parse(request.Include, table);
        return records.GetAsync(RecordNames.Tenant(request.Tenant), table, RecordNames.Name(request.Name), mask, includes, context.CancellationToken);
    }

    public override Task<BatchGetRecordsResponse> BatchGet(BatchGetRecordsRequest request, ServerCallContext context)
    {
        var keys = RecordRequests.Keys(request);
        var masks = keys.Select(key => key.Table).Distinct()
            .ToDictionary(table => table, table => RecordMask.Parse(request.ReadMask?.Paths, table, "read_mask", isUpdate: false));
        RecordIncludes? includes = RecordIncludes.Parse(request.Include, null);
        return records.BatchGetAsync(RecordNames.Tenant(request.Tenant), keys, table => masks[table], includes, context.CancellationToken);
    }

    public override Task<Record> Update(UpdateRecordRequest request, ServerCallContext context)
    {
        RecordCall call = RecordCalls.Of(context, request.Tenant, request.RequestId, request);
        return records.UpdateAsync(call, _requests.Update(request, call.Tenant), context.CancellationToken);
    }

    public override Task<DeleteRecordResponse> Delete(DeleteRecordRequest request, ServerCallContext context) =>
        records.DeleteAsync(RecordCalls.Of(context, request.Tenant, request.RequestId, request), _requests.Delete(request), context.CancellationToken);

    public override Task<ListRecordsResponse> List(ListRecordsRequest request, ServerCallContext context) =>
        records.ListAsync(RecordRequests.List(request), context.CancellationToken);

    public override async Task Watch(WatchRecordsRequest request, IServerStreamWriter<WatchRecordsResponse> responseStream, ServerCallContext context)
    {
        // A watch has no end of its own: it ends when the daemon does.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Token);
        try
        {
            await foreach (WatchRecordsResponse message in records.Watches.WatchAsync(RecordRequests.Watch(request), end.Token).ConfigureAwait(false))
            {
                await responseStream.WriteAsync(message, end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (drain.Token.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            throw new Fault(FaultKind.Unavailable, "the daemon stops", hint: "watch again, after the last sequence seen") { Reason = "STOPPING" };
        }
    }

    public override Task<CommitResponse> Commit(CommitRequest request, ServerCallContext context)
    {
        RecordCall call = RecordCalls.Of(context, request.Tenant, request.RequestId, request);
        return records.CommitAsync(call, _requests.Commit(request, call.Tenant), context.CancellationToken);
    }
}
