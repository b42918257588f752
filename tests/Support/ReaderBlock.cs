using Auraed.Store;

namespace Auraed.Tests.Support;

/// <summary>Holds a reader inside its snapshot, as a long query does, until disposed.</summary>
internal sealed class ReaderBlock : IDisposable
{
    private readonly ManualResetEventSlim _gate = new();
    private Task<int> _held = Task.FromResult(0);

    private ReaderBlock()
    {
    }

    public static async Task<ReaderBlock> HoldAsync(Database database)
    {
        var block = new ReaderBlock();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // A read runs on its caller's thread.
        block._held = Task.Factory.StartNew(
            () => database.ReadAsync(
                unit =>
                {
                    unit.Prepare("SELECT count(*) FROM event").Step();
                    begun.SetResult();
                    block._gate.Wait();
                    return 0;
                },
                CancellationToken.None),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).Unwrap();
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
