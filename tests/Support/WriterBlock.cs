using Auraed.Store;

namespace Auraed.Tests.Support;

/// <summary>Holds a database's writer in the middle of a unit of work, as a disk that hangs does, until disposed.</summary>
internal sealed class WriterBlock : IDisposable
{
    private readonly ManualResetEventSlim _gate = new();
    private Task<int> _held = Task.FromResult(0);

    private WriterBlock()
    {
    }

    public static async Task<WriterBlock> HoldAsync(Database database)
    {
        var block = new WriterBlock();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // On a thread of its own: a caller who is alone runs his unit himself, and this one goes on.
        block._held = Task.Run(() => database.WriteAsync(
            _ =>
            {
                begun.SetResult();
                block._gate.Wait();
                return 0;
            },
            CancellationToken.None));
        await begun.Task;
        return block;
    }

    public void Dispose()
    {
        _gate.Set();
        _held.GetAwaiter().GetResult();
        _gate.Dispose();
    }
}
