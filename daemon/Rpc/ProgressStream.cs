using System.Threading.Channels;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>Long work whose stream tells how far it is; the last message has the result.</summary>
internal static class ProgressStream
{
    /// <summary>Runs the work beside the stream: progress that the client does not take in time is replaced by newer progress, never kept.</summary>
    public static async Task TellAsync<TProgress, TResult, TResponse>(
        Func<Action<TProgress>, Task<TResult>> work, Func<TProgress, TResponse> tell, Func<TResult, TResponse> end, IServerStreamWriter<TResponse> stream)
    {
        var latest = Channel.CreateBounded<TProgress>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
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
