using Auraed.Native;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Store;

/// <summary>
/// Has the kernel begin to write the engine's log to the disk as it grows. Without it the pages of many commits that are not synced wait in memory until a
/// checkpoint syncs them all at once, and whoever syncs the journal meanwhile waits behind them. It makes nothing durable, and is nobody's to wait for:
/// the pool does it.
/// </summary>
/// <param name="path">The log. It may not be there yet; it is not replaced while the database is open.</param>
internal sealed class LogWriteBack(string path) : IDisposable
{
    private readonly Lock _turn = new();
    private SafeFileHandle? _file;
    private bool _isEnded;

    public void Start() => ThreadPool.UnsafeQueueUserWorkItem(static self => self.Run(), this, preferLocal: false);

    public void Dispose()
    {
        lock (_turn)
        {
            _isEnded = true;
            _file?.Dispose();
        }
    }

    internal void Run()
    {
        // Whoever has the turn does it for this one too, or nearly all of it.
        if (!_turn.TryEnter())
        {
            return;
        }

        try
        {
            if (!_isEnded && (_file ??= TryOpen()) is { } file)
            {
                FileRanges.StartWriteBack(file, 0, 0);
            }
        }
        finally
        {
            _turn.Exit();
        }
    }

    /// <summary>Null when it is not there, or there is no descriptor left: then the next commit tries again.</summary>
    private SafeFileHandle? TryOpen()
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
