using Auraed.Native;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Supervise;

/// <summary>
/// A process that lives, or has just ended, held by descriptor: signals reach it or nothing. Disposing lets go of it; it lives on.
/// </summary>
public sealed class SupervisedProcess : IDisposable
{
    private readonly TaskCompletionSource<ExitStatus> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly DescriptorWatch _watch;
    private readonly SafeFileHandle _descriptor;
    private readonly TimeProvider _time;

    internal SupervisedProcess(DescriptorWatch watch, SafeFileHandle descriptor, ProcessIdentity identity, bool isChild, TimeProvider time)
    {
        (_watch, _descriptor, _time) = (watch, descriptor, time);
        Identity = identity;
        IsChild = isChild;
        if (!watch.Watch(descriptor, OnEnded))
        {
            _ = _ended.TrySetResult(ExitStatus.Unknown);
        }
    }

    public ProcessIdentity Identity { get; }

    /// <summary>False for an adopted one: its status is told by Linux from 6.15 on, and is Unknown before.</summary>
    public bool IsChild { get; }

    /// <summary>Completes with its status once it has ended; a child has been reaped then. Never faults.</summary>
    public Task<ExitStatus> Ended => _ended.Task;

    internal SafeFileHandle Descriptor => _descriptor;

    /// <summary>False when it has ended.</summary>
    public bool Signal(int signal)
    {
        try
        {
            return !_ended.Task.IsCompleted && ProcessDescriptor.Signal(_descriptor, signal);
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Every process of its session's first group; those that left the group are reached through a cgroup alone.</summary>
    public void KillGroup()
    {
        if (Signal(SignalNames.Kill))
        {
            _ = ProcessDescriptor.SignalGroup(Identity.Id, SignalNames.Kill);
        }
    }

    public void Dispose()
    {
        _watch.Forget(_descriptor);
        _descriptor.Dispose();
        _ = _ended.TrySetResult(ExitStatus.Unknown);
    }

    private void OnEnded()
    {
        try
        {
            // Asked of an adopted one, too: it may be a child of this process all the same, and a zombie would hold up what waits for its end.
            if (ProcessDescriptor.TryReap(_descriptor) is { } status)
            {
                _ = _ended.TrySetResult(ExitStatus.OfWait(status));
            }
            else
            {
                _ = LearnAsync();
            }
        }
        catch (ObjectDisposedException)
        {
            // Let go of at this moment, and told as Unknown by that.
        }
    }

    /// <summary>Its own parent reaps it, a moment after its end; only then the kernel tells how it ended.</summary>
    private async Task LearnAsync()
    {
        TimeSpan step = TimeSpan.FromMilliseconds(1);
        for (TimeSpan waited = TimeSpan.Zero; waited < Base.Limits.ReapTimeMax && !_descriptor.IsClosed; waited += step, step *= 2)
        {
            try
            {
                if (ProcessDescriptor.ExitOfOther(_descriptor) is { } status)
                {
                    _ = _ended.TrySetResult(ExitStatus.OfWait(status));
                    return;
                }
            }
            catch (ObjectDisposedException)
            {
                break;
            }

            await Task.Delay(step, _time).ConfigureAwait(false);
        }

        _ = _ended.TrySetResult(ExitStatus.Unknown);
    }
}
