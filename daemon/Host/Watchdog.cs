using Auraed.Base;
using Microsoft.Extensions.Logging;

namespace Auraed.Host;

/// <summary>Feeds the service manager's watchdog while every loop of the daemon is alive. The timer runs on the thread pool, so a starved pool feeds nothing either; one look at a time, so that a manager that does not listen holds one thread at most.</summary>
internal sealed class Watchdog : IAsyncDisposable
{
    private readonly ITimer? _timer;
    private int _isLooking;

    public Watchdog(ServiceManager manager, Composition parts, TimeProvider time, ILogger logger)
    {
        if (manager.WatchdogInterval > TimeSpan.Zero)
        {
            _timer = time.CreateTimer(_ => Look(manager, parts, logger), null, TimeSpan.Zero, manager.WatchdogInterval);
        }
    }

    /// <summary>Completes when no look is under way any more.</summary>
    public ValueTask DisposeAsync() => _timer?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void Look(ServiceManager manager, Composition parts, ILogger logger)
    {
        if (Interlocked.Exchange(ref _isLooking, 1) != 0)
        {
            return;
        }

        try
        {
            parts.Writing.Ask();
            if (parts.Pulses.FindStalled() is { } loop)
            {
                Log.LoopStalled(logger, loop);
            }
            else
            {
                manager.Alive();
            }
        }
        finally
        {
            Volatile.Write(ref _isLooking, 0);
        }
    }
}
