using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Journal;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Tests.Faults;

/// <summary>Holds back the next record, and then writes it or refuses it.</summary>
internal sealed class StalledFiles : JournalFiles, IDisposable
{
    private readonly SemaphoreSlim _released = new(0);
    private TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isOn;
    private Fault? _fault;

    public Task IsStalled => _stalled.Task;

    public static Fault Full() => DiskFull(null);

    /// <summary>The options with these files, and nobody counts as alone: each group is synced beside the writer, and whoever writes goes on.</summary>
    public DatabaseOptions Under(DatabaseOptions options) => options with { JournalFiles = this, LoneGroupsMin = int.MaxValue };

    public void Stall()
    {
        _stalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _isOn = true;
    }

    public void Release(Fault? fault)
    {
        _fault = fault;
        _ = _released.Release();
    }

    public override void Write(SafeFileHandle file, string path, ReadOnlySpan<byte> bytes, long offset)
    {
        if (_isOn)
        {
            _isOn = false;
            _stalled.SetResult();
            _released.Wait();
            if (_fault is { } fault)
            {
                base.Write(file, path, bytes[..(bytes.Length / 2)], offset);
                throw fault;
            }
        }

        base.Write(file, path, bytes, offset);
    }

    public void Dispose() => _released.Dispose();
}
