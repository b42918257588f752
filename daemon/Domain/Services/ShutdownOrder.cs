using Auraed.Supervise;

namespace Auraed.Domain.Services;

/// <summary>
/// Stops everything for a shutdown of the host: a service once all that wait for it at a start are down. What is asked for stays as it is, so that the next
/// start of the daemon starts what is wanted. On the supervisor's loop.
/// </summary>
internal sealed class ShutdownOrder(ServiceSupervisor supervisor)
{
    private TaskCompletionSource<int>? _done;
    private int _count;

    /// <summary>Nothing is started any more.</summary>
    public bool HasBegun => _done is not null;

    /// <summary>The number of services that ran; completes when all are down.</summary>
    public Task<int> Begin()
    {
        if (_done is null)
        {
            _done = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
            _count = supervisor.Services.Count(service => !service.IsDown);
        }

        return _done.Task;
    }

    public void Turn()
    {
        if (_done is null || _done.Task.IsCompleted)
        {
            return;
        }

        // What is down already is out at once and nothing happens that would bring the next turn, so this goes on until each that is left waits for an end.
        while (Due() is { Length: > 0 } due)
        {
            foreach (ManagedSlot slot in due)
            {
                slot.IsShutDown = true;
                slot.TurnAt = null;
                supervisor.Tell(slot, ServiceInput.Stop);
            }
        }

        if (supervisor.Services.All(IsOut))
        {
            _ = _done.TrySetResult(_count);
        }
    }

    /// <summary>What nobody waits for any more, and has not been told.</summary>
    private ManagedSlot[] Due()
    {
        var awaited = supervisor.Services.Where(service => !IsOut(service))
            .SelectMany(service => ServiceGraph.Needs(service.Spec).Select(need => (service.Tenant, need))).ToHashSet();
        return [.. supervisor.Services.Where(service => !awaited.Contains((service.Tenant, service.Name))).SelectMany(service => service.Slots).Where(slot => !slot.IsShutDown)];
    }

    private static bool IsOut(ManagedService service) => service.IsDown && service.Slots.All(slot => slot.IsShutDown);
}
