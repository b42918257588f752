using System.Threading.Channels;
using Aurae.Admin.V0;
using Auraed.Base;
using Auraed.Domain.Upkeep;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.admin.v0: the daemon's state, copies, checks. Long work streams how far it is; the last message has the result.</summary>
public sealed class AdminServer(Upkeep upkeep, DrainSignal drain, TimeProvider time, string version) : AdminService.AdminServiceBase
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
        Database = await upkeep.StatusAsync(context.CancellationToken).ConfigureAwait(false),
    };

    public override Task Backup(BackupRequest request, IServerStreamWriter<BackupResponse> responseStream, ServerCallContext context) => TellAsync(
        progress => upkeep.BackupAsync(request.Path, progress, context.CancellationToken),
        progress => new BackupResponse { Progress = progress },
        result => new BackupResponse { Result = result },
        responseStream);

    public override Task Publish(PublishRequest request, IServerStreamWriter<BackupResponse> responseStream, ServerCallContext context) => TellAsync(
        progress => upkeep.PublishAsync(progress, context.CancellationToken),
        progress => new BackupResponse { Progress = progress },
        result => new BackupResponse { Result = result },
        responseStream);

    public override Task Verify(VerifyRequest request, IServerStreamWriter<VerifyResponse> responseStream, ServerCallContext context) => TellAsync(
        progress => upkeep.VerifyAsync(request.Path, progress, context.CancellationToken),
        progress => new VerifyResponse { Progress = progress },
        result => new VerifyResponse { Result = result },
        responseStream);

    public override async Task<CheckpointResponse> Checkpoint(CheckpointRequest request, ServerCallContext context) =>
        new() { LogBytes = await upkeep.CheckpointAsync(context.CancellationToken).ConfigureAwait(false) };

    public override Task<ListMigrationsResponse> ListMigrations(ListMigrationsRequest request, ServerCallContext context) =>
        upkeep.MigrationsAsync(context.CancellationToken);

    /// <summary>Runs the work beside the stream: progress that the client does not take in time is replaced by newer progress, never kept.</summary>
    private static async Task TellAsync<TResult, TResponse>(
        Func<Action<Progress>, Task<TResult>> work, Func<Progress, TResponse> tell, Func<TResult, TResponse> end, IServerStreamWriter<TResponse> stream)
    {
        var latest = Channel.CreateBounded<Progress>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        var result = RunAsync();
        await foreach (var progress in latest.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            await stream.WriteAsync(tell(progress)).ConfigureAwait(false);
        }

        await stream.WriteAsync(end(await result.ConfigureAwait(false))).ConfigureAwait(false);

        async Task<TResult> RunAsync()
        {
            try
            {
                return await work(progress => latest.Writer.TryWrite(progress)).ConfigureAwait(false);
            }
            finally
            {
                latest.Writer.Complete();
            }
        }
    }
}
