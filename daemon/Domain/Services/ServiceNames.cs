using System.Globalization;
using Aurae.Schema;
using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Domain.Registry;

namespace Auraed.Domain.Services;

/// <summary>What services, their versions and slots are called, and the tables that they stand in.</summary>
public static class ServiceNames
{
    public const string FirstSlot = "a";

    public const string SecondSlot = "b";

    /// <summary>The cgroup above those of all slots.</summary>
    public const string Branch = "services";

    public static RecordTable Services { get; } = Tables.ByTypeName[Service.Descriptor.FullName];

    public static RecordTable Versions { get; } = Tables.ByTypeName[ServiceVersion.Descriptor.FullName];

    public static RecordTable Slots { get; } = Tables.ByTypeName[ServiceSlot.Descriptor.FullName];

    /// <summary>A DNS label, so that it may be a directory's, a cgroup's and a log's.</summary>
    public static string Parse(string name, string field = "name") => name.Contains('.') || name.Length > Limits.ServiceLabelCharactersMax
        ? throw Fault.Invalid(field, $"{field} is not 1 to {Limits.ServiceLabelCharactersMax} of a-z, 0-9 and '-'")
        : RegistryRequests.Service(name, field);

    public static string Version(string service, long number) => string.Create(CultureInfo.InvariantCulture, $"{service}@{number}");

    public static string Slot(string service, string slot) => $"{service}/{slot}";

    public static string OtherSlot(string slot) => slot == FirstSlot ? SecondSlot : FirstSlot;

    /// <summary>The cgroup of a slot, below the daemon's. A tenant has no '.', so no two of them meet.</summary>
    public static string Cgroup(string tenant, string service, string slot) => $"{Branch}/{tenant}.{service}.{slot}";

    /// <summary>The log of one stream; both slots of a service write to it.</summary>
    public static string Log(string tenant, string service, LogStream stream) => $"service.{tenant}.{service}.{(stream == LogStream.Error ? "err" : "out")}";
}
