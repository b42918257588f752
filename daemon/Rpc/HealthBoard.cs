using Grpc.Health.V1;
using ServingStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Auraed.Rpc;

/// <summary>The health of each service by its full name; the empty name is the daemon as a whole. Once draining, all are NOT_SERVING for good.</summary>
public sealed class HealthBoard
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ServingStatus> _statuses = new(StringComparer.Ordinal) { [""] = ServingStatus.NotServing };
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isDraining;

    public bool IsServing => StatusOf("") == ServingStatus.Serving;

    public bool IsDraining
    {
        get
        {
            lock (_lock)
            {
                return _isDraining;
            }
        }
    }

    /// <summary>Null for a name that is not registered.</summary>
    public ServingStatus? StatusOf(string service)
    {
        lock (_lock)
        {
            return _statuses.TryGetValue(service, out var status) ? status : null;
        }
    }

    /// <summary>Completes at the next change of any status. Taken before the status is read, no change is missed.</summary>
    public Task NextChange()
    {
        lock (_lock)
        {
            return _changed.Task;
        }
    }

    public void Set(string service, bool isServing) => Change(() => _statuses[service] = isServing && !_isDraining ? ServingStatus.Serving : ServingStatus.NotServing);

    /// <summary>Turns every service NOT_SERVING, for good.</summary>
    public void Drain() => Change(() =>
    {
        _isDraining = true;
        foreach (var service in _statuses.Keys.ToArray())
        {
            _statuses[service] = ServingStatus.NotServing;
        }
    });

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            change();
            (changed, _changed) = (_changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        changed.SetResult();
    }
}
