using Auraed.Supervise;

namespace Auraed.Domain.Services;

/// <summary>
/// Stops services that others require: each once those that require it are down. What is asked for is on record by then, so that a restart of the daemon in
/// between stops the rest as well. On the supervisor's loop.
/// </summary>
internal sealed class StopOrder(ServiceSupervisor supervisor)
{
    /// <summary>The service and all that require it, directly and through others.</summary>
    public List<ManagedService> With(ManagedService service)
    {
        var found = new List<ManagedService> { service };
        for (int index = 0; index < found.Count; index++)
        {
            found.AddRange(RequiredBy(found[index]).Except(found).ToArray());
        }

        return found;
    }

    public void Turn()
    {
        // A service that is down already ends nothing, so no later turn comes of it: this goes on until each that is left waits for an end.
        while (supervisor.Services.FirstOrDefault(IsNext) is { } service)
        {
            service.IsStopDue = false;
            supervisor.Tell(service.Active!, ServiceInput.Stop);
        }
    }

    private bool IsNext(ManagedService service) => service.IsStopDue && RequiredBy(service).All(needer => needer.Wanted.Wanted || (needer.IsDown && !needer.IsStopDue));

    private IEnumerable<ManagedService> RequiredBy(ManagedService service) => supervisor.Services.Where(other => other.Tenant == service.Tenant && other.Requires(service.Name));
}
