using Auraed.Native;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Store;

/// <summary>
/// Has the kernel begin to write the engine's log to the disk as it grows. Without it the pages of many commits that are not synced wait in memory until a
/// checkpoint syncs them all at once, and whoever syncs the journal meanwhile waits behind them. It makes nothing durable.
/// </summary>
/// <param name="path">The log. It may not be there yet; it is not replaced while the database is open.</param>
internal sealed class LogWriteBack(string path) : IDisposable
{
    private SafeFileHandle? _file;

    public void Start()
    {
        _file ??= TryOpen();
        if (_file is { } file)
        {
            FileRanges.StartWriteBack(file, 0, 0);
        }
    }

    public void Dispose() => _file?.Dispose();

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
