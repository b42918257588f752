using Aurae.Events.V0;
using Auraed.Domain.Events;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.events.v0.ProofService: parse, call, answer.</summary>
public sealed class ProofService(Proofs proofs) : Aurae.Events.V0.ProofService.ProofServiceBase
{
    public override Task<Checkpoint> GetCheckpoint(GetCheckpointRequest request, ServerCallContext context) => proofs.CheckpointAsync(request, context.CancellationToken);

    public override Task<ListCheckpointsResponse> ListCheckpoints(ListCheckpointsRequest request, ServerCallContext context) => proofs.ListAsync(request, context.CancellationToken);

    public override Task<InclusionProof> GetInclusionProof(GetInclusionProofRequest request, ServerCallContext context) => proofs.InclusionAsync(request, context.CancellationToken);

    public override Task<ConsistencyProof> GetConsistencyProof(GetConsistencyProofRequest request, ServerCallContext context) => proofs.ConsistencyAsync(request, context.CancellationToken);

    public override async Task Export(ExportEventsRequest request, IServerStreamWriter<ExportEventsResponse> responseStream, ServerCallContext context)
    {
        await foreach (ExportEventsResponse part in proofs.ExportAsync(request, context.CancellationToken).ConfigureAwait(false))
        {
            await responseStream.WriteAsync(part, context.CancellationToken).ConfigureAwait(false);
        }
    }
}
