using System.Globalization;
using Aurae.Services.V0;

namespace Auraed.Domain.Services;

/// <summary>What an instance is told of itself, in its environment and where the specification names it.</summary>
internal static class InstanceVariables
{
    /// <param name="address">Empty without a registration.</param>
    public static string Replace(string text, string address) => text.Contains("${AURAE_", StringComparison.Ordinal)
        ? text.Replace("${AURAE_ADDRESS}", address, StringComparison.Ordinal).Replace("${AURAE_PORT}", Port(address), StringComparison.Ordinal)
        : text;

    public static IEnumerable<KeyValuePair<string, string>> Of(string tenant, ServiceSpec spec, long version, long instance, string address)
    {
        yield return new("AURAE_TENANT", tenant);
        yield return new("AURAE_SERVICE", spec.Name);
        yield return new("AURAE_VERSION", version.ToString(CultureInfo.InvariantCulture));
        yield return new("AURAE_INSTANCE", instance.ToString(CultureInfo.InvariantCulture));
        if (address.Length > 0)
        {
            yield return new("AURAE_ADDRESS", address);
            yield return new("AURAE_PORT", Port(address));
        }
    }

    private static string Port(string address) => address[(address.LastIndexOf(':') + 1)..];
}
