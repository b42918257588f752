using Aurae.Events.V0;
using Auraed.Domain.Events;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.events.v0.RetentionService: parse, call, answer.</summary>
public sealed class RetentionService(Retention retention) : Aurae.Events.V0.RetentionService.RetentionServiceBase
{
    public override Task Archive(ArchiveEventsRequest request, IServerStreamWriter<ArchiveEventsResponse> responseStream, ServerCallContext context) => ProgressStream.TellAsync(
        (Action<RetentionProgress> progress) => retention.ArchiveAsync(request, progress, context.CancellationToken),
        progress => new ArchiveEventsResponse { Progress = progress },
        result => new ArchiveEventsResponse { Result = result },
        responseStream);

    public override Task Prune(PruneEventsRequest request, IServerStreamWriter<PruneEventsResponse> responseStream, ServerCallContext context) => ProgressStream.TellAsync(
        (Action<RetentionProgress> progress) => retention.PruneAsync(request, progress, context.CancellationToken),
        progress => new PruneEventsResponse { Progress = progress },
        result => new PruneEventsResponse { Result = result },
        responseStream);

    public override Task<ListArchivesResponse> ListArchives(ListArchivesRequest request, ServerCallContext context) => retention.ListAsync(context.CancellationToken);
}
