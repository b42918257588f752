using Aurae.Admin.V0;
using Auraed.Base;
using Auraed.Domain.Upkeep;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.admin.v0: the daemon's state, copies, checks. Long work streams how far it is; the last message has the result.</summary>
public sealed class AdminServer(Upkeep upkeep, DrainSignal drain, TimeProvider time, string version, string supervisionRefused) : AdminService.AdminServiceBase
{
    private readonly DateTimeOffset _start = time.GetUtcNow();
    private readonly long _startTick = time.GetTimestamp();

    public override async Task<StatusResponse> Status(StatusRequest request, ServerCallContext context) => new()
    {
        Version = version,
        ProcessId = Environment.ProcessId,
        StartTime = Timestamp.FromDateTimeOffset(_start),
        Uptime = Duration.FromTimeSpan(time.GetElapsedTime(_startTick)),
        ResidentBytes = Environment.WorkingSet,
        Draining = drain.IsDraining,
        SupervisionRefused = supervisionRefused,
        Database = await upkeep.StatusAsync(context.CancellationToken).ConfigureAwait(false),
    };

    public override Task Backup(BackupRequest request, IServerStreamWriter<BackupResponse> responseStream, ServerCallContext context) => ProgressStream.TellAsync(
        (Action<Progress> progress) => upkeep.BackupAsync(request.Path, progress, context.CancellationToken),
        progress => new BackupResponse { Progress = progress },
        result => new BackupResponse { Result = result },
        responseStream);

    public override Task Publish(PublishRequest request, IServerStreamWriter<BackupResponse> responseStream, ServerCallContext context) => ProgressStream.TellAsync(
        (Action<Progress> progress) => upkeep.PublishAsync(progress, context.CancellationToken),
        progress => new BackupResponse { Progress = progress },
        result => new BackupResponse { Result = result },
        responseStream);

    public override Task Verify(VerifyRequest request, IServerStreamWriter<VerifyResponse> responseStream, ServerCallContext context) => ProgressStream.TellAsync(
        (Action<Progress> progress) => upkeep.VerifyAsync(request.Path, progress, context.CancellationToken),
        progress => new VerifyResponse { Progress = progress },
        result => new VerifyResponse { Result = result },
        responseStream);

    public override Task Replay(ReplayRequest request, IServerStreamWriter<ReplayResponse> responseStream, ServerCallContext context) => ProgressStream.TellAsync(
        (Action<Progress> progress) => upkeep.ReplayAsync(request, progress, context.CancellationToken),
        progress => new ReplayResponse { Progress = progress },
        result => new ReplayResponse { Result = result },
        responseStream);

    public override async Task<CheckpointResponse> Checkpoint(CheckpointRequest request, ServerCallContext context) =>
        new() { LogBytes = await upkeep.CheckpointAsync(context.CancellationToken).ConfigureAwait(false) };

    public override Task<ListMigrationsResponse> ListMigrations(ListMigrationsRequest request, ServerCallContext context) =>
        upkeep.MigrationsAsync(context.CancellationToken);
}
