using Aurae.Services.V0;
using Auraed.Base;

namespace Auraed.Domain.Services;

/// <summary>Who waits for whom, of one tenant's services.</summary>
internal static class ServiceGraph
{
    /// <summary>Both kinds, each once.</summary>
    public static IEnumerable<string> Needs(ServiceSpec spec) =>
        spec.Dependencies is { } dependencies ? dependencies.Requires.Concat(dependencies.After).Distinct(StringComparer.Ordinal) : [];

    /// <summary>Fault(Precondition) when the service would wait for itself, with the way round: a -> b -> a.</summary>
    public static void RefuseCycle(ServiceSpec spec, Func<string, ServiceSpec?> others)
    {
        var cameFrom = new Dictionary<string, string>(StringComparer.Ordinal);
        var open = new Stack<string>([spec.Name]);
        while (open.TryPop(out string? name))
        {
            foreach (string next in Needs(name == spec.Name ? spec : others(name) ?? new ServiceSpec()))
            {
                if (next == spec.Name)
                {
                    var way = new List<string> { spec.Name };
                    for (string step = name; step != spec.Name; step = cameFrom[step])
                    {
                        way.Insert(0, step);
                    }

                    way.Insert(0, spec.Name);
                    throw new Fault(
                        FaultKind.Precondition, $"service '{spec.Name}' would wait for itself: {string.Join(" -> ", way)}", "spec.dependencies", "take one of these dependencies away")
                    { Reason = "DEPENDENCY_CYCLE" };
                }

                if (cameFrom.TryAdd(next, name))
                {
                    open.Push(next);
                }
            }
        }
    }

    /// <summary>The service and all that it requires, directly and through others; the farthest first.</summary>
    public static List<string> Required(string name, Func<string, IEnumerable<string>> requires)
    {
        var found = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        Visit(name);
        return found;

        void Visit(string visited)
        {
            if (seen.Add(visited))
            {
                foreach (string next in requires(visited))
                {
                    Visit(next);
                }

                found.Add(visited);
            }
        }
    }
}
